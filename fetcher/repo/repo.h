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

/* Whether it is there. */
gboolean suture_repo_has(const SutureRepo *repo, const gchar *kernel, const gchar *id);

#define SUTURE_REPO_REASON_MAX 512 /* bytes */
/* Takes it out and recalls it: from the next publish on hosts are told, with @reason, and do not apply it any
 * more. It cannot be added again. UNKNOWN. */
gboolean suture_repo_withdraw(SutureRepo *repo, const gchar *kernel, const gchar *id, const gchar *reason,
			      gint64 now, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The kernels that the repository has bundles for (gchar*), sorted. */
GPtrArray *suture_repo_kernel_list(SutureRepo *repo, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* What the repository is to offer for @kernel (SutureRepoBundle*), sorted by id; their member offered is
 * filled in. */
GPtrArray *suture_repo_list(SutureRepo *repo, const gchar *kernel, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The newest root metadata, for hosts to start from; borrowed. THRESHOLD while the first one waits for
 * signatures. */
GBytes *suture_repo_root(const SutureRepo *repo, GError **error);

/*
 * Makes the next version of root metadata. Each role of @changes with keys gets these and its threshold; the
 * others keep theirs; an expiry of 0 days keeps what repository.conf says. It is signed by @signers (private
 * key URIs) and the private ones of the new root keys, which must reach the thresholds of the old root and of
 * the new, and goes out with the next publish. With @signers NULL it is staged instead and is in force once
 * it has these signatures. KEY, THRESHOLD.
 */
gboolean suture_repo_rotate(SutureRepo *repo, const SutureRepoSettings *changes, const gchar *const *signers,
			    gint64 now, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Gives the role of @kernel, or with NULL those of all kernels that have none of their own, the keys and
 * threshold of @role; without keys they follow the targets role of root again. Goes out with the next
 * publish. THRESHOLD.
 */
gboolean suture_repo_delegate(SutureRepo *repo, const gchar *kernel, const SutureRoleSettings *role,
			      GError **error) G_GNUC_WARN_UNUSED_RESULT;

typedef struct {
	gboolean refresh;            /* sign snapshot and timestamp anew, even when nothing changed */
	gboolean all;                /* look at every kernel, not only at those that changed */
	const gchar *const *kernels; /* look at these alone; NULL: at those that changed */
	gint64 now;                  /* seconds since the epoch: what expiry is counted from */
	gint64 metadata_time;        /* what rpm-md says of its time: SOURCE_DATE_EPOCH where that is set */
} SutureRepoPublish;

typedef struct {
	gint64 version; /* 0: never signed */
	gint64 expires;
} SutureRepoRoleState;

/* Prepares the next version of all that changed, and leaves in <folder>/staged (staged.h) what keys that are
 * not here have to sign. */
gboolean suture_repo_stage(SutureRepo *repo, const SutureRepoPublish *options,
			   GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Takes signatures on what is staged over from copies of it in @path, a folder or a file. *@ret_taken: how
 * many were new. STAGED when it is not what is staged now. */
gboolean suture_repo_collect(SutureRepo *repo, const gchar *path, guint *ret_taken,
			     GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* "<folder>/staged". Newly allocated. */
gchar *suture_repo_staged_path(const SutureRepo *repo);

typedef struct {
	SutureRepoRoleState roles[SUTURE_REPO_N_ROLES];
	guint kernels, bundles; /* that the repository is to offer */
	guint added, removed;   /* of these not yet offered; still offered, but taken out */
	guint staged;           /* documents that wait for signatures */
	gint64 kernels_expire;  /* the first of the kernels' roles; 0 without any */
	gboolean settled;       /* nothing waits for a publish, and the last one came to its end */
} SutureRepoStatus;

/*
 * Makes the public folder offer what the repository holds: packages, then rpm-md and role of each changed
 * kernel, then targets, snapshot and, last, timestamp, by whose rename TUF readers see the new state.
 * Metadata is signed anew where its content or the role's keys changed, or half of its life is over; else it
 * stays. Nothing is in force or public before every role that changed has the signatures it needs, from keys
 * at hand or on what is staged: THRESHOLD. A publish that was cut short is completed by the next.
 * *@ret_changed: whether any public file was put in place. EXPIRY, KEY, RPM-MD.
 */
gboolean suture_repo_publish(SutureRepo *repo, const SutureRepoPublish *options, gboolean *ret_changed,
			     GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Signs timestamp anew, and snapshot when half of its life is over, over what is published; what waits goes
 * on waiting. Needs no other role's key, and is done below the newest root that is public. EXPIRY, KEY;
 * UNPUBLISHED before the first publish; EXPIRING, once it is done, when another role ends soon. */
gboolean suture_repo_refresh(SutureRepo *repo, gint64 now, GError **error) G_GNUC_WARN_UNUSED_RESULT;

gboolean suture_repo_status(SutureRepo *repo, SutureRepoStatus *ret,
			    GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* EXPIRING, naming the first role of @status that has less than a third of its life left at @now. */
gboolean suture_repo_status_check(const SutureRepo *repo, const SutureRepoStatus *status, gint64 now,
				  GError **error);

/*
 * Deletes what no reader who starts now needs: packages, rpm-md files and metadata that
 * the public timestamp no longer leads to. *@ret_removed: how many files. Root metadata stays: clients walk
 * through every version. UNPUBLISHED when something waits to be published, for then what readers see is not
 * what the state says.
 */
gboolean suture_repo_prune(SutureRepo *repo, guint *ret_removed, GError **error) G_GNUC_WARN_UNUSED_RESULT;
