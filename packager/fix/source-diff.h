/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/fix/error.h"

/* A unified diff against a kernel's source, read and applied by git-apply(1): strictly, in the paths' first
 * folder stripped ("a/", "b/"), hunks at other lines allowed, changed context not. */
typedef struct {
	gchar *name; /* as the author gave it, for errors */
	GBytes *text;
} SutureSourceDiff;
SutureSourceDiff *suture_source_diff_read(const gchar *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void suture_source_diff_free(SutureSourceDiff *diff);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureSourceDiff, suture_source_diff_free)

/* The files that it touches, each once, sorted, relative to the source (gchar*). DIFF when it is no diff. */
GPtrArray *suture_source_diff_paths(const SutureSourceDiff *diff, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Applies it to the files below @folder, all or none. REJECTED names the file and line. */
gboolean suture_source_diff_apply(const SutureSourceDiff *diff, const gchar *folder,
				  GError **error) G_GNUC_WARN_UNUSED_RESULT;
