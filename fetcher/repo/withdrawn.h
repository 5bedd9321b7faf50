/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "fetcher/repo/repo-private.h"

/* Recalls: what was offered for a kernel once and must not be applied any more. state/withdrawn/<kernel>.json
 * has them as the kernel's role says them (spec/target.md). */

/* The array of @kernel's recalls; empty when it has none. New reference. */
json_t *suture_repo_withdrawn_load(const SutureRepo *repo, const gchar *kernel,
				   GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Adds one, unless it is there. */
gboolean suture_repo_withdrawn_add(const SutureRepo *repo, const SutureRepoBundle *bundle,
				   const gchar *reason, gint64 now, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Whether the bundle with @manifest_sha256, or of the name @id, is in @withdrawn. */
gboolean suture_repo_withdrawn_has(json_t *withdrawn, const gchar *id, const gchar *manifest_sha256);
