// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/read/kernel.h"

#include "common/file.h"
#include "common/staging.h"
#include "tests/packager/material.h"

#include <elf.h>
#include <string.h>
#include <sys/utsname.h>

static SutureScratch *scratch;

static gchar *write_scratch(const gchar *name, gconstpointer data, gsize size)
{
	gchar *path = g_build_filename(suture_scratch_path(scratch), name, NULL);
	g_autoptr(GError) error = NULL;

	g_file_set_contents(path, data, (gssize)size, &error);
	g_assert_no_error(error);
	return path;
}

static void assert_build_id(const gchar *path, const gchar *wanted)
{
	g_autoptr(GError) error = NULL;
	g_autofree gchar *build_id = suture_kernel_image_build_id(path, &error);

	g_assert_no_error(error);
	g_assert_cmpstr(build_id, ==, wanted);
}

static void assert_not_kernel(const gchar *path)
{
	g_autoptr(GError) error = NULL;

	g_assert_null(suture_kernel_image_build_id(path, &error));
	g_assert_error(error, SUTURE_BUNDLE_ERROR, SUTURE_BUNDLE_ERROR_NOT_KERNEL);
}

/* kernel.txt has what readelf -n says of vmlinux. */
static void test_image(void)
{
	g_auto(GStrv) kernel = material_kernel();

	assert_build_id(kernel[2], kernel[1]);
}

static void test_vmlinux(void)
{
	g_auto(GStrv) kernel = material_kernel();

	assert_build_id(kernel[3], kernel[1]);
}

/* An ELF file that could be a vmlinux, small enough to be packed by each program in turn. */
static gchar *write_vmlinux(void)
{
	g_autoptr(GBytes) module = material_read("meminfo.ko");
	gsize size;
	g_autofree guint8 *data = g_bytes_unref_to_data(g_steal_pointer(&module), &size);

	((Elf64_Ehdr *)data)->e_type = ET_EXEC;
	return write_scratch("vmlinux", data, size);
}

static void put_32(GByteArray *image, gsize offset, guint32 value)
{
	guint32 little = GUINT32_TO_LE(value);

	memcpy(image->data + offset, &little, sizeof(little));
}

/* A bzImage around @payload as arch/x86/boot lays it out. */
static gchar *wrap(const gchar *name, const gchar *payload, gsize size)
{
	g_autoptr(GByteArray) image = g_byte_array_new();

	g_byte_array_set_size(image, 2 * 512 + 0x100);
	memset(image->data, 0, image->len);
	image->data[0x1f1] = 1;
	image->data[0x1fe] = 0x55;
	image->data[0x1ff] = 0xaa;
	memcpy(image->data + 0x202, "HdrS", 4);
	put_32(image, 0x206, 0x20f);
	put_32(image, 0x248, 0x100);
	put_32(image, 0x24c, (guint32)size);
	g_byte_array_append(image, (const guint8 *)payload, (guint)size);
	/* the rest of the compressed kernel's own code */
	g_byte_array_append(image, (const guint8 *)"\x90\x90\x90\x90\x90\x90\x90\x90", 8);
	return write_scratch(name, image->data, image->len);
}

/* The commands with which scripts/Makefile.lib of the kernel packs vmlinux. */
static void test_packed(gconstpointer command)
{
	g_autofree gchar *source = write_vmlinux();
	g_autofree gchar *packed = g_build_filename(suture_scratch_path(scratch), "packed", NULL);
	g_autofree gchar *line =
		g_strdup_printf("(%s) < '%s' > '%s'", (const gchar *)command, source, packed);
	const gchar *const argv[] = {"/bin/sh", "-c", line, NULL};
	g_autoptr(GError) error = NULL;
	g_autofree gchar *wanted = NULL;
	g_autofree gchar *path = NULL;
	g_autofree gchar *data = NULL;
	gsize size;

	g_assert_true(suture_process_run(argv, NULL, NULL, NULL, NULL, &error));
	g_assert_true(g_file_get_contents(packed, &data, &size, &error));
	path = wrap("image", data, size);
	wanted = suture_kernel_image_build_id(source, &error);
	g_assert_no_error(error);
	assert_build_id(path, wanted);
}

static void test_not_kernel(void)
{
	g_autofree gchar *text = write_scratch("text", "just text", 9);
	g_autofree gchar *empty = write_scratch("empty", "", 0);
	g_autofree gchar *stored = wrap("stored", "just text", 9);
	g_autofree gchar *none = wrap("none", "", 0);

	assert_not_kernel(text);
	assert_not_kernel(empty);
	assert_not_kernel(stored);
	assert_not_kernel(none);
}

static void test_module(void)
{
	g_autofree gchar *path = material_path("meminfo.ko");

	assert_not_kernel(path);
}

static void test_truncated(void)
{
	g_auto(GStrv) kernel = material_kernel();
	g_autoptr(GError) error = NULL;
	g_autofree gchar *path = NULL;
	gchar *data;
	gsize size;

	g_assert_true(g_file_get_contents(kernel[2], &data, &size, &error));
	path = write_scratch("cut", data, size / 2);
	g_free(data);
	assert_not_kernel(path);
}

static const guint8 notes[] = {
	4, 0, 0, 0, 4, 0, 0, 0, 6, 0, 0,   0,   'X', 'e', 'n',  0,    1,    2,    3,   4,   4,   0,
	0, 0, 8, 0, 0, 0, 3, 0, 0, 0, 'G', 'N', 'U', 0,   0xde, 0xad, 0xbe, 0xef, 0x0, 0x1, 0x2, 0x3,
};

static void test_notes(void)
{
	g_autoptr(GBytes) bytes = g_bytes_new_static(notes, sizeof(notes));
	g_autoptr(GBytes) first = g_bytes_new_static(notes, 20);
	g_autoptr(GBytes) none = g_bytes_new_static("", 0);
	g_autoptr(GError) error = NULL;
	g_autofree gchar *build_id = suture_kernel_notes_build_id(bytes, &error);

	g_assert_cmpstr(build_id, ==, "deadbeef00010203");
	g_assert_null(suture_kernel_notes_build_id(first, NULL));
	g_assert_null(suture_kernel_notes_build_id(none, &error));
	g_assert_error(error, SUTURE_BUNDLE_ERROR, SUTURE_BUNDLE_ERROR_NOT_KERNEL);
	for (gsize size = 0; size < sizeof(notes); size++) {
		g_autoptr(GBytes) cut = g_bytes_new(notes, size);

		g_assert_null(suture_kernel_notes_build_id(cut, NULL));
	}
}

static void test_running(void)
{
	g_autofree gchar *folder = g_build_filename(suture_scratch_path(scratch), "sys", "kernel", NULL);
	g_autofree gchar *path = NULL;
	g_auto(SutureKernel) kernel = {NULL, NULL, NULL, NULL};
	g_autoptr(GError) error = NULL;
	struct utsname names;

	g_mkdir_with_parents(folder, 0755);
	path = write_scratch("sys/kernel/notes", notes, sizeof(notes));
	g_assert_true(suture_kernel_running(suture_scratch_path(scratch), &kernel, &error));
	uname(&names);
	g_assert_cmpstr(kernel.release, ==, names.release);
	g_assert_cmpstr(kernel.arch, ==, names.machine);
	g_assert_cmpstr(kernel.build_id, ==, "deadbeef00010203");
}

static void test_match(void)
{
	SutureKernel wanted = {(gchar *)"6.1", (gchar *)"x86_64", (gchar *)"aa", NULL};
	SutureKernel other = {(gchar *)"6.1", (gchar *)"x86_64", (gchar *)"bb", NULL};
	SutureKernel release = {(gchar *)"6.12", (gchar *)"x86_64", (gchar *)"aa", NULL};
	SutureKernel arch = {(gchar *)"6.1", (gchar *)"aarch64", (gchar *)"aa", NULL};
	g_autoptr(GError) error = NULL;

	g_assert_true(suture_kernel_match(&wanted, &wanted, "test", &error));
	g_assert_false(suture_kernel_match(&wanted, &other, "test", &error));
	g_assert_error(error, SUTURE_BUNDLE_ERROR, SUTURE_BUNDLE_ERROR_KERNEL_BUILD_ID);
	g_clear_error(&error);
	g_assert_false(suture_kernel_match(&wanted, &release, "test", &error));
	g_assert_error(error, SUTURE_BUNDLE_ERROR, SUTURE_BUNDLE_ERROR_KERNEL_RELEASE);
	g_clear_error(&error);
	g_assert_false(suture_kernel_match(&wanted, &arch, "test", &error));
	g_assert_error(error, SUTURE_BUNDLE_ERROR, SUTURE_BUNDLE_ERROR_KERNEL_ARCH);
}

int main(int argc, char **argv)
{
	g_autoptr(GError) error = NULL;
	int status;

	g_test_init(&argc, &argv, NULL);
	material_ensure();
	scratch = suture_scratch_new(&error);
	g_assert_no_error(error);
	g_test_add_func("/bundle/kernel/image", test_image);
	g_test_add_func("/bundle/kernel/vmlinux", test_vmlinux);
	g_test_add_data_func("/bundle/kernel/gzip", "gzip -n -9", test_packed);
	g_test_add_data_func("/bundle/kernel/xz", "xz --check=crc32 --x86 --lzma2=dict=1MiB; printf SIZE",
			     test_packed);
	g_test_add_data_func("/bundle/kernel/lzma", "xz --format=lzma; printf SIZE", test_packed);
	g_test_add_data_func("/bundle/kernel/bzip2", "bzip2 -9; printf SIZE", test_packed);
	g_test_add_data_func("/bundle/kernel/lz4", "lz4 -l -9 -c -q; printf SIZE", test_packed);
	g_test_add_data_func("/bundle/kernel/zstd", "zstd -19 -q -c; printf SIZE", test_packed);
	g_test_add_func("/bundle/kernel/not-a-kernel", test_not_kernel);
	g_test_add_func("/bundle/kernel/module", test_module);
	g_test_add_func("/bundle/kernel/truncated", test_truncated);
	g_test_add_func("/bundle/kernel/notes", test_notes);
	g_test_add_func("/bundle/kernel/running", test_running);
	g_test_add_func("/bundle/kernel/match", test_match);
	status = g_test_run();
	suture_scratch_free(scratch);
	return status;
}
