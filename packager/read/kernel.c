// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/read/kernel.h"

#include "common/file.h"
#include "common/mutation.h"
#include "packager/read/elf-file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/utsname.h>

#define NOTES_MAX (1024 * 1024)

gchar *suture_kernel_notes_build_id(GBytes *notes, GError **error)
{
	Elf_Data data = {.d_type = ELF_T_NHDR, .d_align = 4, .d_version = EV_CURRENT};
	/* A copy is aligned, which the content of a GBytes need not be. */
	g_autoptr(GByteArray) copy = g_byte_array_new();
	gchar *build_id;

	g_byte_array_append(copy, g_bytes_get_data(notes, NULL), (guint)g_bytes_get_size(notes));
	data.d_buf = copy->data;
	data.d_size = copy->len;
	build_id = suture_elf_notes_build_id(&data);
	if (!build_id)
		g_set_error_literal(
			error, SUTURE_BUNDLE_ERROR, SUTURE_BUNDLE_ERROR_NOT_KERNEL,
			"the kernel's notes hold no GNU build-id: this kernel cannot be told from "
			"others of its release");
	return build_id;
}

gboolean suture_kernel_running(const gchar *root, SutureKernel *ret, GError **error)
{
	g_autofree gchar *path = g_build_filename(root ? root : "/", "sys/kernel/notes", NULL);
	g_autoptr(GBytes) notes = suture_file_read(path, NOTES_MAX, error);
	g_autofree gchar *build_id = NULL;
	struct utsname names;

	if (!notes)
		return FALSE;
	build_id = suture_kernel_notes_build_id(notes, error);
	if (!build_id) {
		g_prefix_error(error, "%s: ", path);
		return FALSE;
	}
	if (uname(&names) < 0)
		return suture_error_set_errno(error, errno, "uname");
	suture_kernel_clear(ret);
	ret->release = g_strdup(names.release);
	ret->arch = g_strdup(names.machine);
	ret->build_id = g_steal_pointer(&build_id);
	return TRUE;
}

static gboolean mismatch(GError **error, SutureBundleError code, const gchar *what, const gchar *member,
			 const gchar *wanted, const gchar *have)
{
	g_set_error(error, SUTURE_BUNDLE_ERROR, code,
		    "%s: is for kernel %s %s, this host's is %s: take the patch made for this kernel", what,
		    member, wanted, have);
	return FALSE;
}

gboolean suture_kernel_match(const SutureKernel *wanted, const SutureKernel *have, const gchar *what,
			     GError **error)
{
	if (!suture_check_skipped("kernel-arch") && strcmp(wanted->arch, have->arch) != 0)
		return mismatch(error, SUTURE_BUNDLE_ERROR_KERNEL_ARCH, what, "architecture", wanted->arch,
				have->arch);
	if (!suture_check_skipped("kernel-release") && strcmp(wanted->release, have->release) != 0)
		return mismatch(error, SUTURE_BUNDLE_ERROR_KERNEL_RELEASE, what, "release", wanted->release,
				have->release);
	if (!suture_check_skipped("kernel-build-id") && strcmp(wanted->build_id, have->build_id) != 0)
		return mismatch(error, SUTURE_BUNDLE_ERROR_KERNEL_BUILD_ID, what, "build-id",
				wanted->build_id, have->build_id);
	return TRUE;
}
