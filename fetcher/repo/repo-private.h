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
	int rpm_md;   /* state/rpm-md: the newest repodata of each kernel, */
	int public;   /* and <folder>/public */
	SutureRepoSettings *settings;
	SutureRepoDocument *root;
};

/* Makes the folder @name (a path of components that exist but for the last) in @dirfd, mode 0755 whatever the
 * umask, and opens it. */
int suture_repo_folder(int dirfd, const gchar *name, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The newest document of @role but root; *@ret NULL, successfully, when none was ever signed. */
gboolean suture_repo_master_load(const SutureRepo *repo, SutureRepoRole role, SutureRepoDocument **ret,
				 GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean suture_repo_master_save(const SutureRepo *repo, SutureRepoRole role, GBytes *bytes,
				 GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Whether the signed documents offer exactly @bundles, each leading to the one below. */
gboolean suture_repo_signed_up(const SutureRepo *repo, GPtrArray *bundles, gboolean *ret,
			       GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The names of what is in the folder @dirfd, sorted (gchar*): either the hidden ones, which are under
 * construction, or the others. */
GPtrArray *suture_repo_names(int dirfd, gboolean hidden, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Removes what a process that died left under construction in @dirfd; adds their number to *@removed. */
gboolean suture_repo_sweep(int dirfd, guint *removed, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Brings state/rpm-md up to date with @bundles, all of the shelf: repodata is written again for those kernels
 * alone whose bundles or RPM key changed. A kernel whose last bundle went keeps an empty one, so that dnf
 * does not fail on it.
 */
gboolean suture_repo_repodata_update(SutureRepo *repo, GPtrArray *bundles, gint64 time,
				     GError **error) G_GNUC_WARN_UNUSED_RESULT;
#define SUTURE_REPODATA_INPUTS_FILE "inputs"

/* Makes the public folder show packages of @bundles, state/rpm-md and state/metadata. Nothing that is right
 * is touched. */
gboolean suture_repo_deploy(SutureRepo *repo, GPtrArray *bundles, gboolean *ret_changed,
			    GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Whether @name in @dirfd and @other in @otherfd are one file: what deploying makes of them. */
gboolean suture_repo_same_file(int dirfd, const gchar *name, int otherfd, const gchar *other);
