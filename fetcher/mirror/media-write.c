// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fetcher/mirror/media-write.h"

#include "common/cancel.h"
#include "common/file.h"
#include "signer/verify/digest.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define BLOCK (256 * 1024)

struct _SutureMirrorMediaWriter {
	gchar *path, *name, *temporary;
	int folder, fd;
	struct archive *archive;
};

void suture_mirror_media_writer_free(SutureMirrorMediaWriter *writer)
{
	if (writer->archive)
		archive_write_free(writer->archive);
	suture_fd_clear(&writer->fd);
	if (writer->temporary)
		unlinkat(writer->folder, writer->temporary, 0);
	suture_fd_clear(&writer->folder);
	g_free(writer->temporary);
	g_free(writer->name);
	g_free(writer->path);
	g_free(writer);
}

static gboolean failed(const SutureMirrorMediaWriter *writer, GError **error)
{
	int saved = archive_errno(writer->archive);
	const gchar *said = archive_error_string(writer->archive);

	if (saved > 0)
		return suture_error_set_errno(error, saved, "%s", writer->path);
	g_set_error(error, SUTURE_COMMON_ERROR, SUTURE_COMMON_ERROR_IO, "%s: %s", writer->path,
		    said ? said : "libarchive failed");
	return FALSE;
}

/* Packages are compressed already: the fastest level finds that out at little cost. */
static gboolean open_archive(SutureMirrorMediaWriter *writer, GError **error)
{
	writer->archive = archive_write_new();
	return (archive_write_set_format_pax_restricted(writer->archive) == ARCHIVE_OK &&
		archive_write_add_filter_zstd(writer->archive) == ARCHIVE_OK &&
		archive_write_set_filter_option(writer->archive, "zstd", "compression-level", "1") ==
			ARCHIVE_OK &&
		archive_write_set_bytes_in_last_block(writer->archive, 1) == ARCHIVE_OK &&
		archive_write_open_fd(writer->archive, writer->fd) == ARCHIVE_OK) ||
	       failed(writer, error);
}

SutureMirrorMediaWriter *suture_mirror_media_writer_new(const gchar *path, GError **error)
{
	g_autoptr(SutureMirrorMediaWriter) writer = g_new0(SutureMirrorMediaWriter, 1);
	g_autofree gchar *folder = g_path_get_dirname(path);
	g_autofree gchar *temporary = NULL;

	writer->fd = -1;
	writer->path = g_strdup(path);
	writer->name = g_path_get_basename(path);
	writer->folder = suture_file_open(folder, O_RDONLY | O_DIRECTORY, error);
	if (writer->folder < 0)
		return NULL;
	temporary = g_strdup_printf(".%s.%08x", writer->name, g_random_int());
	writer->fd =
		openat(writer->folder, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (writer->fd < 0) {
		suture_error_set_errno(error, errno, "%s", path);
		return NULL;
	}
	writer->temporary = g_steal_pointer(&temporary);
	return open_archive(writer, error) ? g_steal_pointer(&writer) : NULL;
}

/* The same bytes for the same content: no times, no owners. */
static gboolean write_header(const SutureMirrorMediaWriter *writer, const gchar *path, guint64 size,
			     GError **error)
{
	struct archive_entry *header = archive_entry_new();
	int result;

	archive_entry_set_pathname(header, path);
	archive_entry_set_size(header, (la_int64_t)size);
	archive_entry_set_filetype(header, AE_IFREG);
	archive_entry_set_perm(header, 0644);
	archive_entry_set_mtime(header, 0, 0);
	result = archive_write_header(writer->archive, header);
	archive_entry_free(header);
	return result == ARCHIVE_OK || failed(writer, error);
}

static gboolean write_data(const SutureMirrorMediaWriter *writer, gconstpointer data, gsize size,
			   GError **error)
{
	return archive_write_data(writer->archive, data, size) == (la_ssize_t)size || failed(writer, error);
}

gboolean suture_mirror_media_writer_begin(SutureMirrorMediaWriter *writer,
					  const SutureMirrorContents *contents, GError **error)
{
	g_autoptr(GBytes) text = suture_mirror_contents_write(contents);
	gsize size;
	gconstpointer data = g_bytes_get_data(text, &size);

	return write_header(writer, SUTURE_MIRROR_CONTENTS_FILE, size, error) &&
	       write_data(writer, data, size, error);
}

static gboolean damaged(const SutureMirrorEntry *entry, GError **error)
{
	return suture_mirror_refuse(
		error, SUTURE_MIRROR_ERROR_DAMAGED,
		"%s differs from what was signed; run 'suture mirror verify --repair' first", entry->path);
}

gboolean suture_mirror_media_writer_add(SutureMirrorMediaWriter *writer, const SutureMirrorEntry *entry,
					int fd, GError **error)
{
	g_autoptr(SutureDigest) digest = suture_digest_new();
	g_autofree guint8 *chunk = g_malloc(BLOCK);
	g_autofree gchar *sha256 = NULL;
	guint64 left = entry->size;

	if (!write_header(writer, entry->path, entry->size, error))
		return FALSE;
	while (left > 0) {
		gssize got = TEMP_FAILURE_RETRY(read(fd, chunk, MIN(left, BLOCK)));

		if (got < 0)
			return suture_error_set_errno(error, errno, "%s", entry->path);
		if (got == 0)
			return damaged(entry, error);
		suture_digest_update(digest, chunk, (gsize)got);
		if (!write_data(writer, chunk, (gsize)got, error) || !suture_cancel_check(error))
			return FALSE;
		left -= (guint64)got;
	}
	sha256 = suture_digest_finish(g_steal_pointer(&digest));
	return strcmp(sha256, entry->sha256) == 0 || damaged(entry, error);
}

gboolean suture_mirror_media_writer_finish(SutureMirrorMediaWriter *writer, GError **error)
{
	if (archive_write_close(writer->archive) != ARCHIVE_OK)
		return failed(writer, error);
	if (fsync(writer->fd) < 0 ||
	    renameat(writer->folder, writer->temporary, writer->folder, writer->name) < 0)
		return suture_error_set_errno(error, errno, "%s", writer->path);
	g_clear_pointer(&writer->temporary, g_free);
	return fsync(writer->folder) == 0 || suture_error_set_errno(error, errno, "%s", writer->path);
}
