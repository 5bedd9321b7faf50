// SPDX-License-Identifier: LGPL-2.1-or-later
/* The release in the first bytes of a kernel image. */
#include "packager/build/target.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree gchar *release = suture_image_release(data, size);

	if (release)
		g_assert_true(*release && strlen(release) <= 64 && !strpbrk(release, " \t\n"));
	return 0;
}
