// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/read/archive-file.h"

#include "packager/read/error.h"

#include <errno.h>
#include <unistd.h>

#define BLOCK (128 * 1024)

typedef struct {
	int fd;
	guint64 offset, left;
	guint8 block[BLOCK];
} Source;

static la_ssize_t source_read(struct archive *archive, void *data, const void **ret_block)
{
	Source *source = data;
	ssize_t got;

	do
		got = pread(source->fd, source->block, MIN(source->left, sizeof(source->block)),
			    (off_t)source->offset);
	while (got < 0 && errno == EINTR);
	if (got < 0) {
		archive_set_error(archive, errno, "read");
		return -1;
	}
	source->offset += (guint64)got;
	source->left -= (guint64)got;
	*ret_block = source->block;
	return got;
}

static int source_close(struct archive *archive, void *data)
{
	(void)archive;
	g_free(data);
	return ARCHIVE_OK;
}

/* Opens @archive over the part; the source belongs to the archive from here on, also on failure. */
static int open_part(struct archive *archive, int fd, guint64 offset, guint64 length)
{
	Source *source = g_new(Source, 1);

	source->fd = fd;
	source->offset = offset;
	source->left = length;
	return archive_read_open(archive, source, NULL, source_read, source_close);
}

/* Filters: ARCHIVE_WARN would mean that libarchive starts a program from PATH for it. */
struct archive *suture_archive_open_raw(int fd, guint64 offset, guint64 length)
{
	SUTURE_AUTO_ARCHIVE *archive = archive_read_new();
	struct archive_entry *entry;
	struct archive *result;

	if (archive_read_support_filter_gzip(archive) != ARCHIVE_OK ||
	    archive_read_support_filter_xz(archive) != ARCHIVE_OK ||
	    archive_read_support_filter_lzma(archive) != ARCHIVE_OK ||
	    archive_read_support_filter_bzip2(archive) != ARCHIVE_OK ||
	    archive_read_support_filter_lz4(archive) != ARCHIVE_OK ||
	    archive_read_support_filter_zstd(archive) != ARCHIVE_OK ||
	    archive_read_support_format_raw(archive) != ARCHIVE_OK ||
	    open_part(archive, fd, offset, length) != ARCHIVE_OK ||
	    archive_read_next_header(archive, &entry) != ARCHIVE_OK)
		return NULL;
	/* Stored bytes are not a compressed stream. */
	if (archive_filter_count(archive) < 2)
		return NULL;
	result = archive;
	archive = NULL;
	return result;
}

struct archive *suture_archive_open_cpio(int fd, guint64 offset, guint64 length, const gchar *what,
					 GError **error)
{
	SUTURE_AUTO_ARCHIVE *archive = archive_read_new();
	struct archive *result;

	if (archive_read_support_filter_gzip(archive) != ARCHIVE_OK ||
	    archive_read_support_filter_xz(archive) != ARCHIVE_OK ||
	    archive_read_support_filter_lzma(archive) != ARCHIVE_OK ||
	    archive_read_support_filter_bzip2(archive) != ARCHIVE_OK ||
	    archive_read_support_filter_zstd(archive) != ARCHIVE_OK ||
	    archive_read_support_format_cpio(archive) != ARCHIVE_OK ||
	    open_part(archive, fd, offset, length) != ARCHIVE_OK) {
		g_set_error(error, SUTURE_BUNDLE_ERROR, SUTURE_BUNDLE_ERROR_RPM_MALFORMED,
			    "%s: its payload cannot be unpacked: %s", what, archive_error_string(archive));
		return NULL;
	}
	result = archive;
	archive = NULL;
	return result;
}
