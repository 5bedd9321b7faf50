/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "fetcher/mirror/download.h"
#include "fetcher/mirror/session.h"

/*
 * Brings rpm-md of those kernels whose role changed since it was taken last: a repository whose rpm-md is
 * changed without its role is not asked again. What is refused stays as it was, and is the report's refusal.
 */
gboolean suture_mirror_sync_rpm_md(SutureMirrorSession *session, const SutureMirrorDownload *download,
				   gint64 now, GError **error) G_GNUC_WARN_UNUSED_RESULT;
