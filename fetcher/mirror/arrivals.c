// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fetcher/mirror/arrivals.h"

#include "common/mutation.h"
#include "fetcher/client/partial.h"
#include "fetcher/client/tuf-target.h"

#include <errno.h>
#include <sys/stat.h>

#define BATCH_FILES 1024
#define BATCH_BYTES (1024ULL * 1024 * 1024)

struct _SutureMirrorArrivals {
	const SutureMirrorFolder *folder;
	GPtrArray *files; /* const SutureMirrorFile* */
	guint64 bytes;
};

SutureMirrorArrivals *suture_mirror_arrivals_new(const SutureMirrorFolder *folder)
{
	SutureMirrorArrivals *arrivals = g_new0(SutureMirrorArrivals, 1);

	arrivals->folder = folder;
	arrivals->files = g_ptr_array_new();
	return arrivals;
}

void suture_mirror_arrivals_free(SutureMirrorArrivals *arrivals)
{
	g_ptr_array_unref(arrivals->files);
	g_free(arrivals);
}

GPtrArray *suture_mirror_missing(const SutureMirrorFolder *folder, const GPtrArray *files, guint64 *ret_bytes)
{
	g_autoptr(GHashTable) by_digest = g_hash_table_new(g_str_hash, g_str_equal);
	GPtrArray *missing = g_ptr_array_new();

	*ret_bytes = 0;
	for (guint i = 0; i < files->len; i++) {
		SutureMirrorFile *file = files->pdata[i], *first;

		file->same = NULL;
		if (suture_mirror_size(folder->targets, file->path) == (gint64)file->length)
			continue;
		first = g_hash_table_lookup(by_digest, file->sha256);
		if (first && first->length == file->length) {
			file->same = first->same;
			first->same = file;
			continue;
		}
		g_hash_table_insert(by_digest, file->sha256, file);
		g_ptr_array_add(missing, file);
		*ret_bytes += file->length;
	}
	return missing;
}

gboolean suture_mirror_file_check(const SutureMirrorFile *file, int fd, GError **error)
{
	g_autoptr(GHashTable) hashes = g_hash_table_new(g_str_hash, g_str_equal);
	const SutureTufTarget target = {.name = file->path,
					.file = {.length = (gint64)file->length, .hashes = hashes}};

	g_hash_table_insert(hashes, (gpointer) "sha256", file->sha256);
	return suture_tuf_target_check(&target, fd, error);
}

static gboolean show(const SutureMirrorFolder *folder, const SutureMirrorFile *file, const gchar *path,
		     GError **error)
{
	SUTURE_AUTO_FD to = suture_mirror_parent(folder->targets, path, TRUE, error);

	return to >= 0 &&
	       suture_mirror_link(folder->partial, file->sha256, to, suture_mirror_base(path), error);
}

static gboolean give_names(const SutureMirrorFolder *folder, const SutureMirrorFile *file, GError **error)
{
	/* A partial file that somebody may read is not gone on with: the mode comes late. */
	if (fchmodat(folder->partial, file->sha256, 0644, 0) < 0)
		return suture_error_set_errno(error, errno, "%s", file->path);
	for (const SutureMirrorFile *at = file; at; at = at->same)
		if (!show(folder, file, at->path, error))
			return FALSE;
	return suture_partial_unlink(folder->partial, file->sha256, error);
}

gboolean suture_mirror_arrivals_flush(SutureMirrorArrivals *arrivals, GError **error)
{
	if (arrivals->files->len == 0)
		return TRUE;
	if (!suture_mirror_folder_sync(arrivals->folder, error))
		return FALSE;
	for (guint i = 0; i < arrivals->files->len; i++)
		if (!give_names(arrivals->folder, arrivals->files->pdata[i], error))
			return FALSE;
	g_ptr_array_set_size(arrivals->files, 0);
	arrivals->bytes = 0;
	return TRUE;
}

gboolean suture_mirror_arrivals_add(SutureMirrorArrivals *arrivals, const SutureMirrorFile *file,
				    GError **error)
{
	g_ptr_array_add(arrivals->files, (gpointer)file);
	arrivals->bytes += file->length;
	return (arrivals->files->len < BATCH_FILES && arrivals->bytes < BATCH_BYTES) ||
	       suture_mirror_arrivals_flush(arrivals, error);
}
