// SPDX-License-Identifier: LGPL-2.1-or-later
/* The canonical form of a document says the same as the document, and is its own canonical form. */
#include "spec/json.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Canonical JSON leaves control characters as they are, and then it is not JSON any more. */
static gboolean has_control_characters(GBytes *bytes)
{
	gsize size;
	const guint8 *data = g_bytes_get_data(bytes, &size);

	for (gsize i = 0; i < size; i++)
		if (data[i] < 0x20)
			return TRUE;
	return FALSE;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(GBytes) bytes = g_bytes_new_static(data, size);
	SUTURE_AUTO_JSON *json = suture_json_parse(bytes, 1024 * 1024, "document", NULL);
	SUTURE_AUTO_JSON *again = NULL;
	g_autoptr(GBytes) canonical = NULL, twice = NULL;

	canonical = json ? suture_json_canonical(json, NULL) : NULL;
	if (!canonical || has_control_characters(canonical))
		return 0;
	again = suture_json_parse(canonical, G_MAXSIZE, "canonical", NULL);
	g_assert_nonnull(again);
	g_assert_true(json_equal(json, again));
	twice = suture_json_canonical(again, NULL);
	g_assert_true(g_bytes_equal(canonical, twice));
	return 0;
}
