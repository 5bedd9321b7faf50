// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fetcher/mirror/media.h"

#include "common/cancel.h"
#include "common/file.h"
#include "common/mutation.h"
#include "packager/read/archive-file.h"
#include "signer/verify/digest.h"

#include <string.h>

#define BLOCK (256 * 1024)

struct _SutureMirrorMedia {
	struct archive *archive;
	SutureMirrorContents *contents;
	guint next; /* index of the next entry */
};

void suture_mirror_media_free(SutureMirrorMedia *media)
{
	suture_archive_clear(&media->archive);
	g_clear_pointer(&media->contents, suture_mirror_contents_free);
	g_free(media);
}

const SutureMirrorContents *suture_mirror_media_contents(const SutureMirrorMedia *media)
{
	return media->contents;
}

/* What libarchive could not read. */
static gboolean broken(const SutureMirrorMedia *media, int result, GError **error)
{
	const gchar *said = result == ARCHIVE_EOF ? "it ends early" : archive_error_string(media->archive);
	gboolean ended = result == ARCHIVE_EOF || (said && strstr(said, "runcated"));

	return suture_mirror_refuse(
		error, ended ? SUTURE_MIRROR_ERROR_MEDIA_TRUNCATED : SUTURE_MIRROR_ERROR_MEDIA_FORMAT,
		"the media cannot be read: %s; make it anew, or try another copy",
		said ? said : "it is damaged");
}

/* Nothing but a plain file that is all there: no second name, no holes. */
static gboolean check_header(struct archive_entry *header, const gchar *path, guint64 size, GError **error)
{
	const gchar *name = archive_entry_pathname(header);

	if (archive_entry_filetype(header) != AE_IFREG || archive_entry_hardlink(header) ||
	    archive_entry_symlink(header) || archive_entry_sparse_count(header) > 0)
		return suture_mirror_refuse(
			error, SUTURE_MIRROR_ERROR_MEDIA_TYPE,
			"the media has an entry in the place of %s that is no regular file", path);
	if (g_strcmp0(name, path) != 0)
		return suture_mirror_refuse(error, SUTURE_MIRROR_ERROR_MEDIA_ORDER,
					    "the media has \"%.200s\" where its list has %s",
					    name ? name : "", path);
	if (!archive_entry_size_is_set(header) || archive_entry_size(header) != (la_int64_t)size)
		return suture_mirror_refuse(error, SUTURE_MIRROR_ERROR_MEDIA_SIZE,
					    "%s on the media has another size than its list says", path);
	return TRUE;
}

/* The next chunk of the entry's bytes; *@ret_size 0: no more. */
static gboolean read_chunk(const SutureMirrorMedia *media, gpointer chunk, gsize *ret_size, GError **error)
{
	la_ssize_t got = archive_read_data(media->archive, chunk, BLOCK);

	if (got < 0)
		return broken(media, (int)got, error);
	*ret_size = (gsize)got;
	return suture_cancel_check(error);
}

static GBytes *read_whole(const SutureMirrorMedia *media, guint64 limit, GError **error)
{
	g_autoptr(GByteArray) bytes = g_byte_array_new();
	g_autofree guint8 *chunk = g_malloc(BLOCK);
	gsize size = 0;

	for (;;) {
		if (!read_chunk(media, chunk, &size, error))
			return NULL;
		if (size == 0)
			return g_byte_array_free_to_bytes(g_steal_pointer(&bytes));
		if (size > limit - bytes->len) {
			suture_mirror_refuse(
				error, SUTURE_MIRROR_ERROR_MEDIA_SIZE,
				"an entry of the media has more than %" G_GUINT64_FORMAT " bytes", limit);
			return NULL;
		}
		g_byte_array_append(bytes, chunk, (guint)size);
	}
}

/* ARCHIVE_WARN would mean that libarchive starts a program from PATH for it. */
static gboolean open_archive(SutureMirrorMedia *media, int fd, GError **error)
{
	media->archive = archive_read_new();
	return (archive_read_support_filter_zstd(media->archive) == ARCHIVE_OK &&
		archive_read_support_format_tar(media->archive) == ARCHIVE_OK &&
		archive_read_open_fd(media->archive, fd, BLOCK) == ARCHIVE_OK) ||
	       broken(media, ARCHIVE_FATAL, error);
}

static gboolean read_contents(SutureMirrorMedia *media, GError **error)
{
	struct archive_entry *header;
	int result = archive_read_next_header(media->archive, &header);
	g_autoptr(GBytes) text = NULL;

	if (result != ARCHIVE_OK)
		return broken(media, result, error);
	if (!check_header(header, SUTURE_MIRROR_CONTENTS_FILE, (guint64)archive_entry_size(header), error))
		return FALSE;
	text = read_whole(media, SUTURE_MIRROR_MAX_CONTENTS_BYTES, error);
	media->contents = text ? suture_mirror_contents_read(text, error) : NULL;
	return media->contents != NULL;
}

SutureMirrorMedia *suture_mirror_media_open(int fd, GError **error)
{
	g_autoptr(SutureMirrorMedia) media = g_new0(SutureMirrorMedia, 1);

	if (!open_archive(media, fd, error) || !read_contents(media, error))
		return NULL;
	return g_steal_pointer(&media);
}

static gboolean check_end(const SutureMirrorMedia *media, GError **error)
{
	struct archive_entry *header;
	int result = archive_read_next_header(media->archive, &header);

	if (result == ARCHIVE_EOF)
		return TRUE;
	if (result != ARCHIVE_OK)
		return broken(media, result, error);
	return suture_mirror_refuse(error, SUTURE_MIRROR_ERROR_MEDIA_ORDER,
				    "the media has more than its list says");
}

const SutureMirrorEntry *suture_mirror_media_next(SutureMirrorMedia *media, GError **error)
{
	const GPtrArray *entries = media->contents->entries;
	const SutureMirrorEntry *entry;
	struct archive_entry *header;
	int result;

	if (!suture_cancel_check(error))
		return NULL;
	if (media->next == entries->len) {
		check_end(media, error);
		return NULL;
	}
	entry = entries->pdata[media->next];
	result = archive_read_next_header(media->archive, &header);
	if (result != ARCHIVE_OK) {
		broken(media, result, error);
		return NULL;
	}
	if (!check_header(header, entry->path, entry->size, error))
		return NULL;
	media->next++;
	return entry;
}

static gboolean check_digest(const SutureMirrorMedia *media, SutureDigest *digest, guint64 size,
			     GError **error)
{
	const SutureMirrorEntry *entry = media->contents->entries->pdata[media->next - 1];
	g_autofree gchar *sha256 = suture_digest_finish(digest);

	if (suture_check_skipped("media-digest") ||
	    (size == entry->size && strcmp(sha256, entry->sha256) == 0))
		return TRUE;
	return suture_mirror_refuse(error, SUTURE_MIRROR_ERROR_MEDIA_DIGEST,
				    "%s on the media differs from its list: it is damaged; try another copy",
				    entry->path);
}

gboolean suture_mirror_media_take(SutureMirrorMedia *media, int fd, GError **error)
{
	g_autoptr(SutureDigest) digest = suture_digest_new();
	g_autofree guint8 *chunk = g_malloc(BLOCK);
	guint64 total = 0;
	gsize size = 0;

	for (;;) {
		if (!read_chunk(media, chunk, &size, error))
			return FALSE;
		if (size == 0)
			return check_digest(media, g_steal_pointer(&digest), total, error);
		total += size;
		suture_digest_update(digest, chunk, size);
		if (!suture_file_write_fd(fd, chunk, size, error))
			return FALSE;
	}
}

GBytes *suture_mirror_media_take_bytes(SutureMirrorMedia *media, guint64 limit, GError **error)
{
	g_autoptr(SutureDigest) digest = suture_digest_new();
	g_autoptr(GBytes) bytes = read_whole(media, limit, error);
	gsize size;
	gconstpointer data = bytes ? g_bytes_get_data(bytes, &size) : NULL;

	if (!bytes)
		return NULL;
	suture_digest_update(digest, data, size);
	return check_digest(media, g_steal_pointer(&digest), size, error) ? g_steal_pointer(&bytes) : NULL;
}
