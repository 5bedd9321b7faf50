// SPDX-License-Identifier: LGPL-2.1-or-later
/* Module.symvers of a vendor's kernel. */
#include "packager/image/symvers.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(GBytes) text = g_bytes_new(data, size);
	g_autoptr(GError) error = NULL;
	g_autoptr(SutureSymvers) symvers = suture_symvers_parse(text, "input", &error);

	g_assert((symvers == NULL) == (error != NULL));
	for (guint i = 0; symvers && i < suture_symvers_count(symvers); i++) {
		const SutureExport *export = suture_symvers_at(symvers, i);

		g_assert(suture_symvers_find(symvers, export->name) == export);
		g_assert(*export->object);
	}
	return 0;
}
