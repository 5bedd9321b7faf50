/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/file.h"
#include "fetcher/repo/metadata.h"
#include "fetcher/repo/repo.h"

/* Shared by the files of this folder that work on an open repository. */
struct _SutureRepo {
	gchar *folder;
	int lock;
	int state;    /* descriptors of <folder>/state, */
	int shelf;    /* state/bundles, */
	int metadata; /* state/metadata: the newest signed documents, under unversioned names but for root, */
	int kernels;  /* state/kernels: the newest signed document of each kernel's role, */
	int changed;  /* state/changed: an empty file for each kernel that waits for a publish, */
	int anchors;  /* state/anchors: trust anchors as they were signed, */
	int withdrawn; /* state/withdrawn: recalls, */
	int rpm_md;    /* state/rpm-md: the newest repodata of each kernel, */
	int staged;    /* <folder>/staged */
	int public;    /* and <folder>/public */
	SutureRepoSettings *settings;
	GHashTable *opened;       /* keys that were asked for, by their URIs */
	SutureRepoDocument *root; /* the first one may still wait for signatures: */
	gboolean root_is_staged;
};

/* Makes the folder @name (a path of components that exist but for the last) in @dirfd, mode 0755 whatever the
 * umask, and opens it. */
int suture_repo_folder(int dirfd, const gchar *name, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* "<role>.json": the file name of its document. Readers ask for it percent-encoded, which servers undo; the
 * names of our roles are safe as they are. */
gchar *suture_repo_file_name(const gchar *role);

/* The newest document in @folder (state/metadata or state/kernels) of the role @name; *@ret NULL,
 * successfully, when none was ever signed. */
gboolean suture_repo_master_load(int folder, const gchar *name, SutureRepoRole type, SutureRepoDocument **ret,
				 GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean suture_repo_master_save(int folder, const gchar *name, GBytes *bytes,
				 GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The keys of @uris (NULL for none), opened once as long as the repository is open: a token takes its time.
 * Borrowed. */
const SutureRepoKeys *suture_repo_keys_at_hand(const SutureRepo *repo, const gchar *const *uris,
					       GError **error) G_GNUC_WARN_UNUSED_RESULT;

gboolean suture_repo_settings_save(const SutureRepo *repo, const SutureRepoSettings *settings,
				   GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The names of what is in the folder @dirfd, sorted (gchar*): either the hidden ones, which are under
 * construction, or the others. */
GPtrArray *suture_repo_names(int dirfd, gboolean hidden, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Removes what a process that died left under construction in @dirfd; adds their number to *@removed. */
gboolean suture_repo_sweep(int dirfd, guint *removed, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* A target's entry in targets metadata. New reference. @custom may be NULL. */
json_t *suture_repo_target(guint64 length, const gchar *sha256, json_t *custom);
