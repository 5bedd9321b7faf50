// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/fix/touched.h"

#include "packager/fix/lines.h"

#include <string.h>

struct _SutureTouched {
	gchar *before, *after;
	GHashTable *files; /* path within the trees -> GArray of SutureLineRange */
};

SutureTouched *suture_touched_new(const gchar *before, const gchar *after)
{
	SutureTouched *touched = g_new0(SutureTouched, 1);

	touched->before = g_canonicalize_filename(before, NULL);
	touched->after = g_canonicalize_filename(after, NULL);
	touched->files =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_array_unref);
	return touched;
}

void suture_touched_free(SutureTouched *touched)
{
	g_free(touched->before);
	g_free(touched->after);
	g_hash_table_unref(touched->files);
	g_free(touched);
}

/* What of it cannot be read is not touched. */
static GArray *compare_file(const SutureTouched *touched, const gchar *path)
{
	g_autofree gchar *before = g_build_filename(touched->before, path, NULL);
	g_autofree gchar *after = g_build_filename(touched->after, path, NULL);
	GArray *ranges = suture_lines_changed(before, after, NULL);

	return ranges ? ranges : g_array_new(FALSE, FALSE, sizeof(SutureLineRange));
}

static const GArray *ranges_of(SutureTouched *touched, const gchar *file)
{
	g_autofree gchar *full = g_canonicalize_filename(file, touched->before);
	const gchar *path = full + strlen(touched->before);
	GArray *ranges;

	if (!g_str_has_prefix(full, touched->before) || *path != G_DIR_SEPARATOR)
		return NULL;
	ranges = g_hash_table_lookup(touched->files, path + 1);
	if (!ranges) {
		ranges = compare_file(touched, path + 1);
		g_hash_table_insert(touched->files, g_strdup(path + 1), ranges);
	}
	return ranges;
}

gboolean suture_touched_lines(SutureTouched *touched, const gchar *file, guint first, guint last)
{
	const GArray *ranges = ranges_of(touched, file);

	for (guint i = 0; ranges && i < ranges->len; i++) {
		const SutureLineRange *range = &g_array_index(ranges, SutureLineRange, i);

		if (range->first <= last && range->last >= first)
			return TRUE;
	}
	return FALSE;
}
