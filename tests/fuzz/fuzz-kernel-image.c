// SPDX-License-Identifier: LGPL-2.1-or-later
/* Kernel images, packed and not, and the content of /sys/kernel/notes. */
#include "common/file.h"
#include "packager/read/kernel.h"

#include <stdint.h>
#include <sys/mman.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	SUTURE_AUTO_FD fd = memfd_create("input", MFD_CLOEXEC);
	g_autofree gchar *path = g_strdup_printf("/proc/self/fd/%d", fd);
	g_autoptr(GBytes) notes = g_bytes_new(data, size);
	g_autoptr(GError) error = NULL;
	g_autoptr(GError) notes_error = NULL;
	g_autofree gchar *build_id = NULL;
	g_autofree gchar *notes_build_id = NULL;

	g_assert(suture_file_write_fd(fd, data, size, NULL));
	build_id = suture_kernel_image_build_id(path, &error);
	g_assert((build_id == NULL) == (error != NULL));
	notes_build_id = suture_kernel_notes_build_id(notes, &notes_error);
	g_assert((notes_build_id == NULL) == (notes_error != NULL));
	return 0;
}
