// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/profile/includes.h"

#include <string.h>

struct _SutureIncludes {
	GVariant *files;
};

SutureIncludes *suture_includes_new_from_bytes(GBytes *bytes)
{
	SutureIncludes *includes = g_new0(SutureIncludes, 1);

	includes->files = g_variant_ref_sink(
		g_variant_new_from_bytes(G_VARIANT_TYPE(SUTURE_INCLUDES_TYPE), bytes, FALSE));
	if (g_variant_n_children(includes->files) > 0)
		return includes;
	suture_includes_free(includes);
	return NULL;
}

void suture_includes_free(SutureIncludes *includes)
{
	g_variant_unref(includes->files);
	g_free(includes);
}

/* The entry of @path, or NULL. */
static GVariant *find_file(const SutureIncludes *includes, const gchar *path)
{
	gsize low = 0, high = g_variant_n_children(includes->files);

	while (low < high) {
		gsize middle = low + (high - low) / 2;
		g_autoptr(GVariant) entry = g_variant_get_child_value(includes->files, middle);
		const gchar *name;
		gint order;

		g_variant_get_child(entry, 0, "&s", &name);
		order = strcmp(path, name);
		if (order == 0)
			return g_steal_pointer(&entry);
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

static gboolean take_number(const guint8 *bytes, gsize count, gsize *at, guint32 *ret)
{
	guint64 number = 0;

	for (guint shift = 0; *at < count && shift < 35; shift += 7) {
		guint8 byte = bytes[(*at)++];

		number |= (guint64)(byte & 0x7f) << shift;
		if (byte & 0x80)
			continue;
		*ret = (guint32)number;
		return number <= G_MAXUINT32;
	}
	return FALSE;
}

gboolean suture_includes_find(const SutureIncludes *includes, const gchar *path, guint n_units,
			      GHashTable *numbers)
{
	g_autoptr(GVariant) entry = find_file(includes, path);
	g_autoptr(GVariant) units = entry ? g_variant_get_child_value(entry, 1) : NULL;
	gsize count = 0, at = 0;
	const guint8 *bytes = units ? g_variant_get_fixed_array(units, &count, 1) : NULL;
	guint64 unit = 0;

	while (at < count) {
		guint32 step = 0;

		if (!take_number(bytes, count, &at, &step))
			return FALSE;
		unit += step;
		if (unit >= n_units)
			return FALSE;
		g_hash_table_add(numbers, GUINT_TO_POINTER((guint)unit));
	}
	return TRUE;
}
