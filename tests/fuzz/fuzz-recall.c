// SPDX-License-Identifier: LGPL-2.1-or-later
/* Recalls that are accepted are written, and what is written is accepted and says the same. */
#include "spec/recall.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(GBytes) bytes = g_bytes_new_static(data, size);
	SUTURE_AUTO_JSON *document = suture_json_parse(bytes, 1024 * 1024, "recalls", NULL);
	SUTURE_AUTO_JSON *written = NULL;
	g_autoptr(GPtrArray) recalls = NULL, again = NULL;

	recalls = document ? suture_recalls_read(json_object_get(document, "withdrawn"), NULL) : NULL;
	if (!recalls)
		return 0;
	written = suture_recalls_write(recalls);
	again = suture_recalls_read(written, NULL);
	g_assert_nonnull(again);
	g_assert_cmpuint(again->len, ==, recalls->len);
	return 0;
}
