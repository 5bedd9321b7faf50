// SPDX-License-Identifier: LGPL-2.1-or-later
/* A manifest that is accepted is written, and what is written is accepted and written the same. */
#include "spec/manifest.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(GBytes) bytes = g_bytes_new_static(data, size);
	g_autoptr(SutureManifest) manifest = suture_manifest_parse(bytes, NULL);
	g_autoptr(SutureManifest) again = NULL;
	g_autoptr(GBytes) written = NULL, rewritten = NULL;

	if (!manifest)
		return 0;
	written = suture_manifest_write(manifest, NULL);
	if (!written) /* indentation made it too large */
		return 0;
	again = suture_manifest_parse(written, NULL);
	g_assert_nonnull(again);
	g_assert_null(suture_patch_difference(&manifest->patch, &again->patch));
	rewritten = suture_manifest_write(again, NULL);
	g_assert_true(g_bytes_equal(written, rewritten));
	return 0;
}
