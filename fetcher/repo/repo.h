/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "fetcher/repo/bundles.h"
#include "fetcher/repo/settings.h"

/*
 * The publishing end of a repository: a folder of plain files (layout in README.md). <folder>/public is what
 * a web server serves, as it is; <folder>/state and <folder>/repository.conf are private. The state is the
 * authority: the public folder is written, never believed, and publishing makes it again where it was lost.
 */
typedef struct _SutureRepo SutureRepo;

/*
 * Makes a repository in @folder (made if absent) and signs version 1 of its root metadata with @settings'
 * keys of the role root; each role's keys and threshold become part of it. Loads @settings->trust to see that
 * it is there. INITIALISED, THRESHOLD, COMMON-CONFIG.
 */
gboolean suture_repo_init(const gchar *folder, const SutureRepoSettings *settings, gint64 now,
			  GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Opens the repository and waits for its lock, which is held until the free. NOT-INITIALISED, DAMAGED,
 * COMMON-CONFIG. */
SutureRepo *suture_repo_open(const gchar *folder, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void suture_repo_free(SutureRepo *repo);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureRepo, suture_repo_free)

/*
 * Takes the RPM file at @path in, if a host with the repository's trust would accept it: its refusals come
 * through. The next publish offers it. *@ret_added is FALSE when the same file is there already. EXISTS.
 */
SutureRepoBundle *suture_repo_add(SutureRepo *repo, const gchar *path, gint64 now, gboolean *ret_added,
				  GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Takes out the bundle @id of @kernel; the next publish no longer offers it. UNKNOWN. */
gboolean suture_repo_remove(SutureRepo *repo, const gchar *kernel, const gchar *id,
			    GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* What the repository is to offer (SutureRepoBundle*), sorted by kernel and id; their member offered is
 * filled in. */
GPtrArray *suture_repo_list(SutureRepo *repo, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The newest root metadata, for hosts to start from; borrowed. */
GBytes *suture_repo_root(const SutureRepo *repo);

/*
 * Signs the next version of root metadata. Each role of @changes with keys gets these and its threshold; the
 * others keep theirs; an expiry of 0 days keeps what repository.conf says. It is signed by @signers (private
 * key URIs) and the new root keys, which must reach the thresholds of the old root and of the new. Goes out
 * with the next publish. KEY, THRESHOLD.
 */
gboolean suture_repo_rotate(SutureRepo *repo, const SutureRepoSettings *changes, const gchar *const *signers,
			    gint64 now, GError **error) G_GNUC_WARN_UNUSED_RESULT;

typedef struct {
	gboolean refresh;     /* sign snapshot and timestamp anew, even when nothing changed */
	gint64 now;           /* seconds since the epoch: what expiry is counted from */
	gint64 metadata_time; /* what rpm-md says of its time: SOURCE_DATE_EPOCH where that is set */
} SutureRepoPublish;

typedef struct {
	gint64 version; /* 0: never signed */
	gint64 expires;
} SutureRepoRoleState;

typedef struct {
	SutureRepoRoleState roles[SUTURE_REPO_N_ROLES];
	guint bundles;        /* that the repository is to offer */
	guint added, removed; /* of these not yet offered; still offered, but taken out */
	gboolean settled;     /* nothing waits for a publish, and the last one came to its end */
} SutureRepoStatus;

/*
 * Makes the public folder offer what the repository holds: packages, then rpm-md of each changed kernel, then
 * targets, snapshot and, last, timestamp, by whose rename TUF readers see the new state. Metadata is signed
 * anew where its content or the role's keys changed, or half of its life is over; else it stays. A publish
 * that was cut short is completed by the next. *@ret_changed: whether any public file was put in place.
 * EXPIRY, KEY, THRESHOLD, RPM-MD.
 */
gboolean suture_repo_publish(SutureRepo *repo, const SutureRepoPublish *options, gboolean *ret_changed,
			     GError **error) G_GNUC_WARN_UNUSED_RESULT;

gboolean suture_repo_status(SutureRepo *repo, SutureRepoStatus *ret,
			    GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Deletes what no reader who starts now needs: packages, rpm-md files and snapshot and targets metadata that
 * the public timestamp no longer leads to. *@ret_removed: how many files. Root metadata stays: clients walk
 * through every version. UNPUBLISHED when something waits to be published, for then what readers see is not
 * what the state says.
 */
gboolean suture_repo_prune(SutureRepo *repo, guint *ret_removed, GError **error) G_GNUC_WARN_UNUSED_RESULT;
