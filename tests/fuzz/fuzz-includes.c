// SPDX-License-Identifier: LGPL-2.1-or-later
/* The #include lines of a source, and an index of them in a damaged profile. */
#include "packager/profile/includes.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(GArray) names = suture_includes_scan((const gchar *)data, size);
	g_autoptr(GBytes) bytes = g_bytes_new(data, size);
	g_autoptr(SutureIncludes) includes = suture_includes_new_from_bytes(bytes);
	g_autoptr(GHashTable) numbers = g_hash_table_new(NULL, NULL);
	GHashTableIter iter;
	gpointer number;

	for (guint i = 0; i < names->len; i++)
		g_assert(*g_array_index(names, SutureIncludeName, i).name);
	if (includes)
		suture_includes_find(includes, "a.h", 100, numbers);
	g_hash_table_iter_init(&iter, numbers);
	while (g_hash_table_iter_next(&iter, &number, NULL))
		g_assert(GPOINTER_TO_UINT(number) < 100);
	return 0;
}
