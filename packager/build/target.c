// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/build/target.h"

#include "common/file.h"
#include "packager/read/kernel.h"

#include <string.h>

#define UTSRELEASE "include/generated/utsrelease.h"
#define UTSRELEASE_BYTES 4096
#define AUTO_CONF "include/config/auto.conf"
#define AUTO_CONF_BYTES (4 * 1024 * 1024)
#define RELEASE_BYTES 64 /* __NEW_UTS_LEN */

#define SECTOR 512
#define SETUP_BYTES 0x210
#define SETUP_SECTS 0x1f1
#define HEADER_MAGIC 0x202
#define KERNEL_VERSION 0x20e
#define BANNER "Linux version "

gchar *suture_headers_release(const gchar *headers, GError **error)
{
	g_autofree gchar *path = g_build_filename(headers, UTSRELEASE, NULL);
	g_autoptr(GError) cause = NULL;
	g_autoptr(GBytes) bytes = suture_file_read(path, UTSRELEASE_BYTES, &cause);
	g_autofree gchar *text = NULL;
	g_auto(GStrv) parts = NULL;

	if (bytes)
		text = g_strndup(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
	/* #define UTS_RELEASE "..." */
	parts = g_strsplit(text ? text : "", "\"", 3);
	if (g_strv_length(parts) == 3 && strstr(parts[0], "UTS_RELEASE"))
		return g_strdup(parts[1]);
	g_set_error(error, SUTURE_BUILD_ERROR, SUTURE_BUILD_ERROR_HEADERS,
		    "%s: not a configured kernel build tree (%s); install the kernel's headers and name "
		    "their folder",
		    headers, cause ? cause->message : "no release in " UTSRELEASE);
	return NULL;
}

gboolean suture_headers_has(const gchar *headers, const gchar *option, gboolean *ret, GError **error)
{
	g_autofree gchar *path = g_build_filename(headers, AUTO_CONF, NULL);
	g_autofree gchar *line = g_strdup_printf("%s=y", option);
	g_autoptr(GError) cause = NULL;
	g_autoptr(GBytes) bytes = suture_file_read(path, AUTO_CONF_BYTES, &cause);
	g_autofree gchar *text = NULL;
	g_auto(GStrv) lines = NULL;

	if (!bytes) {
		g_set_error(
			error, SUTURE_BUILD_ERROR, SUTURE_BUILD_ERROR_HEADERS,
			"%s: not a configured kernel build tree (%s); install the kernel's headers and name "
			"their folder",
			headers, cause->message);
		return FALSE;
	}
	text = g_strndup(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
	lines = g_strsplit(text, "\n", -1);
	*ret = g_strv_contains((const gchar *const *)lines, line);
	return TRUE;
}

/* The word at @offset, up to white space; NULL unless it ends within @image and is a possible release. */
static gchar *word_at(const guint8 *image, gsize size, gsize offset)
{
	gsize length = 0;

	if (offset >= size)
		return NULL;
	while (offset + length < size && length <= RELEASE_BYTES && g_ascii_isgraph(image[offset + length]))
		length++;
	if (length == 0 || length > RELEASE_BYTES || offset + length == size)
		return NULL;
	return g_strndup((const gchar *)image + offset, length);
}

static gchar *bzimage_release(const guint8 *image, gsize size)
{
	gsize sectors = image[SETUP_SECTS] ? image[SETUP_SECTS] : 4;
	gsize offset = image[KERNEL_VERSION] | (gsize)image[KERNEL_VERSION + 1] << 8;

	if (offset == 0 || offset >= sectors * SECTOR)
		return NULL;
	return word_at(image, MIN(size, (sectors + 1) * SECTOR), offset + SECTOR);
}

gchar *suture_image_release(const guint8 *image, gsize size)
{
	const guint8 *banner;

	if (size >= SETUP_BYTES && memcmp(image + HEADER_MAGIC, "HdrS", 4) == 0)
		return bzimage_release(image, size);
	banner = memmem(image, size, BANNER, strlen(BANNER));
	return banner ? word_at(image, size, (gsize)(banner - image) + strlen(BANNER)) : NULL;
}

static gchar *image_release(const gchar *image, GError **error)
{
	g_autoptr(GError) cause = NULL;
	g_autoptr(GMappedFile) map = g_mapped_file_new(image, FALSE, &cause);
	gchar *release = NULL;

	if (!map) {
		g_set_error(error, SUTURE_COMMON_ERROR, SUTURE_COMMON_ERROR_IO, "%s: %s", image,
			    cause->message);
		return NULL;
	}
	if (g_mapped_file_get_length(map) > 0)
		release = suture_image_release((const guint8 *)g_mapped_file_get_contents(map),
					       g_mapped_file_get_length(map));
	if (!release)
		g_set_error(error, SUTURE_BUNDLE_ERROR, SUTURE_BUNDLE_ERROR_NOT_KERNEL,
			    "%s: does not say which release it is; give the vmlinuz or vmlinux of the kernel "
			    "to patch",
			    image);
	return release;
}

gboolean suture_target_kernel(const gchar *image, const gchar *headers, SutureKernel *ret, GError **error)
{
	g_auto(SutureKernel) kernel = {0};
	g_autofree gchar *release = NULL;

	kernel.build_id = suture_kernel_image_build_id(image, error);
	kernel.release = kernel.build_id ? image_release(image, error) : NULL;
	if (!kernel.release)
		return FALSE;
	release = headers ? suture_headers_release(headers, error) : g_strdup(kernel.release);
	if (!release)
		return FALSE;
	if (strcmp(release, kernel.release) != 0) {
		g_set_error(error, SUTURE_BUILD_ERROR, SUTURE_BUILD_ERROR_IMAGE,
			    "%s is the image of %s, but %s are the headers of %s; give those of one kernel",
			    image, kernel.release, headers, release);
		return FALSE;
	}
	kernel.arch = g_strdup("x86_64");
	suture_kernel_copy(ret, &kernel);
	return TRUE;
}
