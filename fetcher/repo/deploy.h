/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "fetcher/repo/repo-private.h"

/*
 * Makes the public folder show what state/ has signed: of @kernels (gchar*) the packages that their roles
 * list, with @repodata also their state/rpm-md, and their roles' documents; then trust anchors, targets,
 * snapshot, roots and, last, timestamp. Nothing that is right is touched.
 */
gboolean suture_repo_deploy(SutureRepo *repo, GPtrArray *kernels, gboolean repodata, gboolean *ret_changed,
			    GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Whether @name in @dirfd and @other in @otherfd are one file: what deploying makes of them. */
gboolean suture_repo_same_file(int dirfd, const gchar *name, int otherfd, const gchar *other);
