// SPDX-License-Identifier: LGPL-2.1-or-later
/* Kernel modules as given to `suture build`, or found in a bundle. */
#include "packager/read/module-info.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(GBytes) module = g_bytes_new(data, size);
	g_autoptr(GError) error = NULL;
	g_autoptr(SutureModuleInfo) info = suture_module_info_read(module, "input", &error);

	g_assert((info == NULL) == (error != NULL));
	g_assert(!info || info->functions->len > 0);
	return 0;
}
