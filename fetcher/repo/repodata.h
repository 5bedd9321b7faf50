/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "fetcher/repo/repo-private.h"

/*
 * Brings state/rpm-md/@kernel up to date with @bundles, all that the kernel has; it is written again only
 * when these or the RPM key changed. A kernel whose last bundle went keeps an empty one, so that dnf does not
 * fail on it.
 */
gboolean suture_repo_repodata_update(SutureRepo *repo, const gchar *kernel, GPtrArray *bundles, gint64 time,
				     GError **error) G_GNUC_WARN_UNUSED_RESULT;
#define SUTURE_REPODATA_INPUTS_FILE "inputs"
