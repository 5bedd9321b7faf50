/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "fetcher/client/http-many.h"
#include "fetcher/mirror/arrivals.h"

typedef struct {
	const SutureMirrorFolder *folder;
	SutureMirrorArrivals *arrivals; /* gets what came and was checked; NULL: it stays in partial/ */
	SutureHttpPool *pool;
	const gchar *targets_url;
	const gchar *step;  /* for progress */
	GHashTable *failed; /* gets path (borrowed) -> GError* of files that cannot be had; NULL: not */
} SutureMirrorDownload;

/*
 * Downloads those of @files (SutureMirrorFile*) that are not there, many at a time, and checks each one
 * (TARGET-LENGTH, TARGET-HASH). One that fails does not stop the others; the first failure that
 * is not among the failed is the error at the end. What broke off stays in partial/ for the next run.
 */
gboolean suture_mirror_download(const SutureMirrorDownload *download, const GPtrArray *files,
				guint64 *ret_files, guint64 *ret_bytes,
				GError **error) G_GNUC_WARN_UNUSED_RESULT;
