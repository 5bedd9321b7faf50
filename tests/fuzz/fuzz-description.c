// SPDX-License-Identifier: LGPL-2.1-or-later
/* A patch's description file. */
#include "packager/build/description.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(GBytes) bytes = g_bytes_new(data, size);
	g_autoptr(SutureDescription) description = suture_description_parse(bytes, "fuzz", NULL);
	g_autoptr(SutureManifest) manifest =
		description ? suture_description_manifest(description, 0, NULL) : NULL;

	if (manifest)
		g_assert_true(manifest->modules->len == 0 && manifest->patch.name && manifest->summary);
	return 0;
}
