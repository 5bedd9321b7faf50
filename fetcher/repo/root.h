/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "fetcher/repo/repo-private.h"

/* Root metadata and its ceremonies: signed at once where enough of its keys are here, else staged. */

/* Signs or stages version 1 by @settings, and writes repository.conf. THRESHOLD. */
gboolean suture_repo_root_init(SutureRepo *repo, const SutureRepoSettings *settings, gint64 now,
			       GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Puts a staged root in force that has its signatures by now, with the settings that go with it, and loads
 * the newest. */
gboolean suture_repo_root_load(SutureRepo *repo, GError **error) G_GNUC_WARN_UNUSED_RESULT;
