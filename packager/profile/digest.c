// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/profile/digest.h"

#include "common/cancel.h"
#include "common/error.h"
#include "common/file.h"
#include "packager/profile/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define CHUNK (256 * 1024)

gchar *suture_digest_file(const gchar *path, GError **error)
{
	SUTURE_AUTO_FD fd = suture_file_open(path, O_RDONLY, error);
	g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
	g_autofree guint8 *chunk = g_malloc(CHUNK);
	gssize got;

	if (fd < 0)
		return NULL;
	while ((got = TEMP_FAILURE_RETRY(read(fd, chunk, CHUNK))) > 0) {
		g_checksum_update(checksum, chunk, got);
		if (!suture_cancel_check(error))
			return NULL;
	}
	if (got < 0) {
		suture_error_set_errno(error, errno, "%s", path);
		return NULL;
	}
	return g_strdup(g_checksum_get_string(checksum));
}

/* Each entry is a line with the digest of its content, so that no content can pass for another entry. */
static gboolean add_entry(const SutureFolderEntry *entry, gpointer data, GError **error)
{
	GChecksum *all = data;
	g_autofree gchar *content = NULL;
	g_autofree gchar *line = NULL;

	content = entry->target ? g_compute_checksum_for_string(G_CHECKSUM_SHA256, entry->target, -1)
				: suture_digest_file(entry->full, error);
	if (!content)
		return FALSE;
	line = g_strdup_printf("%c%s %s",
			       entry->target       ? 'l'
			       : entry->executable ? 'x'
						   : 'f',
			       content, entry->path);
	/* With its NUL: a name may hold a line break. */
	g_checksum_update(all, (const guchar *)line, (gssize)strlen(line) + 1);
	return TRUE;
}

gchar *suture_digest_folder(const gchar *path, GError **error)
{
	g_autoptr(GChecksum) all = g_checksum_new(G_CHECKSUM_SHA256);

	if (!suture_folder_walk(path, add_entry, all, error))
		return NULL;
	return g_strdup(g_checksum_get_string(all));
}

gchar *suture_digest_path(const gchar *path, GError **error)
{
	return g_file_test(path, G_FILE_TEST_IS_DIR) ? suture_digest_folder(path, error)
						     : suture_digest_file(path, error);
}
