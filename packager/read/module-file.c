// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/read/module-file.h"

#include "common/file.h"
#include "packager/read/archive-file.h"
#include "packager/read/error.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define MODULE_BYTES (1024 * 1024 * 1024)

static GBytes *uncompress(struct archive *archive, const gchar *path, GError **error)
{
	g_autoptr(GByteArray) bytes = g_byte_array_new();
	la_int64_t position;
	const void *block;
	size_t got;
	int status;

	while ((status = archive_read_data_block(archive, &block, &got, &position)) == ARCHIVE_OK) {
		if (got > MODULE_BYTES - bytes->len)
			break;
		g_byte_array_append(bytes, block, (guint)got);
	}
	if (status == ARCHIVE_EOF)
		return g_byte_array_free_to_bytes(g_steal_pointer(&bytes));
	g_set_error(error, SUTURE_BUNDLE_ERROR, SUTURE_BUNDLE_ERROR_MODULE_MALFORMED,
		    "%s: cannot be uncompressed", path);
	return NULL;
}

GBytes *suture_module_file_read(const gchar *path, GError **error)
{
	SUTURE_AUTO_FD fd = suture_file_open(path, O_RDONLY, error);
	SUTURE_AUTO_ARCHIVE *archive = NULL;
	struct stat status;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &status) < 0) {
		suture_error_set_errno(error, errno, "%s", path);
		return NULL;
	}
	archive = suture_archive_open_raw(fd, 0, (guint64)status.st_size);
	return archive ? uncompress(archive, path, error)
		       : suture_file_read_fd(fd, MODULE_BYTES, path, error);
}

gchar *suture_module_file_name(const gchar *path)
{
	g_autofree gchar *base = g_path_get_basename(path);
	gchar *end = strstr(base, ".ko");

	if (end)
		*end = '\0';
	return g_strdelimit(g_steal_pointer(&base), "-", '_');
}
