// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/build/target.h"

#include "common/file.h"
#include "packager/read/error.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>

#define IMAGE_BYTES 4096
#define VERSION_AT 0x600

/* The part of a bzImage that says its release. */
static guint8 *bzimage(const gchar *version, gsize offset)
{
	guint8 *image = g_malloc0(IMAGE_BYTES);

	memcpy(image + 0x202, "HdrS", 4);
	image[0x1f1] = 5;
	image[0x20e] = (offset - 0x200) & 0xff;
	image[0x20f] = (guint8)((offset - 0x200) >> 8);
	memcpy(image + VERSION_AT, version, strlen(version));
	return image;
}

static void test_bzimage(void)
{
	g_autofree guint8 *image = bzimage("6.1.0-9-amd64 (builder@host) #1 SMP", VERSION_AT);
	g_autofree gchar *release = suture_image_release(image, IMAGE_BYTES);

	g_assert_cmpstr(release, ==, "6.1.0-9-amd64");
}

static void test_bzimage_offset_outside_setup(void)
{
	g_autofree guint8 *image = bzimage("6.1.0-9-amd64 ", VERSION_AT);

	image[0x20f] = 0x0c; /* in the sixth sector and beyond */
	g_assert_null(suture_image_release(image, IMAGE_BYTES));
	image[0x20e] = image[0x20f] = 0;
	g_assert_null(suture_image_release(image, IMAGE_BYTES));
}

static void test_bzimage_cut_short(void)
{
	g_autofree guint8 *image = bzimage("6.1.0-9-amd64 ", VERSION_AT);

	g_assert_null(suture_image_release(image, VERSION_AT + 5));
	g_assert_null(suture_image_release(image, 0x20f));
}

static void test_release_too_long(void)
{
	g_autofree gchar *version = g_strnfill(65, '1');
	g_autofree guint8 *image = bzimage(version, VERSION_AT);

	g_assert_null(suture_image_release(image, IMAGE_BYTES));
}

static void test_vmlinux_banner(void)
{
	const gchar text[] = "\177ELF....Linux version 6.12.9-rt (x@y)";
	g_autofree gchar *release = suture_image_release((const guint8 *)text, strlen(text));

	g_assert_cmpstr(release, ==, "6.12.9-rt");
	g_assert_null(
		suture_image_release((const guint8 *)text, strlen("\177ELF....Linux version 6.12.9-rt")));
	g_assert_null(suture_image_release((const guint8 *)"", 0));
}

static void test_headers(void)
{
	g_autoptr(GError) error = NULL;
	g_autofree gchar *folder = g_dir_make_tmp("suture-test-XXXXXX", &error);
	g_autofree gchar *generated = g_build_filename(folder, "include/generated", NULL);
	g_autofree gchar *path = g_build_filename(generated, "utsrelease.h", NULL);
	g_autofree gchar *release = NULL;

	g_assert_no_error(error);
	g_assert_cmpint(g_mkdir_with_parents(generated, 0700), ==, 0);
	g_assert_null(suture_headers_release(folder, &error));
	g_assert_error(error, SUTURE_BUILD_ERROR, SUTURE_BUILD_ERROR_HEADERS);
	g_clear_error(&error);

	g_file_set_contents(path, "#define UTS_RELEASE 6.1\n", -1, &error);
	g_assert_null(suture_headers_release(folder, &error));
	g_assert_error(error, SUTURE_BUILD_ERROR, SUTURE_BUILD_ERROR_HEADERS);
	g_clear_error(&error);

	g_file_set_contents(path, "#define UTS_RELEASE \"6.1.0-9-amd64\"\n", -1, &error);
	release = suture_headers_release(folder, &error);
	g_assert_no_error(error);
	g_assert_cmpstr(release, ==, "6.1.0-9-amd64");
	g_assert_true(suture_file_remove_tree(AT_FDCWD, folder, &error));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/packager/build-target/bzimage-names-its-release", test_bzimage);
	g_test_add_func("/packager/build-target/offset-outside-the-setup-is-no-release",
			test_bzimage_offset_outside_setup);
	g_test_add_func("/packager/build-target/cut-image-is-no-release", test_bzimage_cut_short);
	g_test_add_func("/packager/build-target/overlong-release-is-none", test_release_too_long);
	g_test_add_func("/packager/build-target/vmlinux-names-its-release", test_vmlinux_banner);
	g_test_add_func("/packager/build-target/headers-name-their-release", test_headers);
	return g_test_run();
}
