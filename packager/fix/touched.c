// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/fix/touched.h"

#include "packager/fix/lines.h"

#include <string.h>

struct _SutureTouched {
	gchar *before;     /* tree */
	GHashTable *files; /* path within it -> GArray of SutureLineRange */
};

/* What only one of the trees has was no line before. */
static void compare_file(SutureTouched *touched, const gchar *after_tree, const gchar *path)
{
	g_autofree gchar *before = g_build_filename(touched->before, path, NULL);
	g_autofree gchar *after = g_build_filename(after_tree, path, NULL);
	GArray *ranges = suture_lines_changed(before, after, NULL);

	if (ranges)
		g_hash_table_insert(touched->files, g_strdup(path), ranges);
}

SutureTouched *suture_touched_new(const gchar *before, const gchar *after, const GPtrArray *paths)
{
	SutureTouched *touched = g_new0(SutureTouched, 1);

	touched->before = g_canonicalize_filename(before, NULL);
	touched->files =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_array_unref);
	for (guint i = 0; i < paths->len; i++)
		compare_file(touched, after, paths->pdata[i]);
	return touched;
}

void suture_touched_free(SutureTouched *touched)
{
	g_free(touched->before);
	g_hash_table_unref(touched->files);
	g_free(touched);
}

static const GArray *ranges_of(const SutureTouched *touched, const gchar *file)
{
	g_autofree gchar *full = g_canonicalize_filename(file, touched->before);
	const gchar *path = full + strlen(touched->before);

	if (!g_str_has_prefix(full, touched->before) || *path != G_DIR_SEPARATOR)
		return NULL;
	return g_hash_table_lookup(touched->files, path + 1);
}

gboolean suture_touched_lines(const SutureTouched *touched, const gchar *file, guint first, guint last)
{
	const GArray *ranges = ranges_of(touched, file);

	for (guint i = 0; ranges && i < ranges->len; i++) {
		const SutureLineRange *range = &g_array_index(ranges, SutureLineRange, i);

		if (range->first <= last && range->last >= first)
			return TRUE;
	}
	return FALSE;
}
