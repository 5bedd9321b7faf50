/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "fetcher/repo/repo-private.h"

/*
 * Trust anchors as targets of the top-level role: the files of the repository's trust folder that hosts take
 * over from there, under "trust/<file>". state/anchors keeps them as they were signed, "<sha256>.<file>".
 */

/* Takes the trust folder's files into state/anchors, and adds "trust/<file>" -> entry to the object @targets
 * for each. */
gboolean suture_repo_anchors_add(const SutureRepo *repo, json_t *targets,
				 GError **error) G_GNUC_WARN_UNUSED_RESULT;

#define SUTURE_REPO_ANCHORS_PREFIX "trust/"
/* "<sha256>.<file>" of the target @path with @entry: its name on disk. */
gchar *suture_repo_anchor_disk_name(const gchar *path, json_t *entry);
