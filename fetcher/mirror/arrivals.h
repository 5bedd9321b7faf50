/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "fetcher/mirror/folder.h"
#include "fetcher/mirror/plan.h"

/*
 * From DIR/.state/partial to a name that readers see: verified bytes are on disk before they get it, many at
 * a time, since that takes a sync of the file system.
 */
typedef struct _SutureMirrorArrivals SutureMirrorArrivals;
SutureMirrorArrivals *suture_mirror_arrivals_new(const SutureMirrorFolder *folder);
void suture_mirror_arrivals_free(SutureMirrorArrivals *arrivals);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureMirrorArrivals, suture_mirror_arrivals_free)

/*
 * Those of @files (SutureMirrorFile*) that are not there with their length; borrowed, those with the same
 * bytes once, chained by @same. *@ret_bytes: their length.
 */
GPtrArray *suture_mirror_missing(const SutureMirrorFolder *folder, const GPtrArray *files,
				 guint64 *ret_bytes);

/* Whether @fd is @file: TARGET-LENGTH, TARGET-HASH. */
gboolean suture_mirror_file_check(const SutureMirrorFile *file, int fd,
				  GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* @file is in partial/, checked. Gives it, and those chained to it, their names: now or before the next
 * _flush() ends. */
gboolean suture_mirror_arrivals_add(SutureMirrorArrivals *arrivals, const SutureMirrorFile *file,
				    GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean suture_mirror_arrivals_flush(SutureMirrorArrivals *arrivals,
				      GError **error) G_GNUC_WARN_UNUSED_RESULT;
