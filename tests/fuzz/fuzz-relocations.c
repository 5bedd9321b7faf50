// SPDX-License-Identifier: LGPL-2.1-or-later
/* The table of relocations of a module that `suture build` linked or was given, and the module that comes of
 * it. */
#include "packager/build/relocations.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const SutureRelocationMeans means = {.framework = TRUE, .loader = TRUE};
	g_autoptr(GBytes) module = g_bytes_new(data, size);
	g_autoptr(GError) error = NULL;
	g_autoptr(GBytes) once = suture_relocations_settle(module, &means, "input", &error);

	g_assert((once == NULL) == (error != NULL));
	if (once) {
		g_autoptr(GBytes) twice = suture_relocations_settle(once, &means, "output", &error);

		g_assert(twice && g_bytes_equal(once, twice));
	}
	return 0;
}
