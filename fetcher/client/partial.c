// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fetcher/client/partial.h"

#include "common/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

int suture_partial_folder(const gchar *path, GError **error)
{
	SUTURE_AUTO_FD folder = suture_file_open_folder(path, TRUE, error);

	if (folder >= 0 && fchmod(folder, 0700) < 0) {
		suture_error_set_errno(error, errno, "%s", path);
		return -1;
	}
	return suture_fd_steal(&folder);
}

static int open_at(int folder, const gchar *sha256, GError **error)
{
	return suture_file_open_beneath(folder, sha256, O_RDWR | O_CREAT, 0600, error);
}

/* Nobody else has the file under another name, or may write to it. */
static gboolean is_ours(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_nlink == 1 && st.st_uid == geteuid() && !(st.st_mode & 077);
}

int suture_partial_open(int folder, const gchar *sha256, GError **error)
{
	SUTURE_AUTO_FD fd = open_at(folder, sha256, error);

	if (fd < 0 || is_ours(fd))
		return suture_fd_steal(&fd);
	if (!suture_partial_unlink(folder, sha256, error))
		return -1;
	return open_at(folder, sha256, error);
}

gboolean suture_partial_unlink(int folder, const gchar *sha256, GError **error)
{
	return suture_file_remove_tree(folder, sha256, error);
}

gboolean suture_partial_sweep(int folder, GHashTable *wanted, GError **error)
{
	g_autofree gchar *path = g_strdup_printf("/proc/self/fd/%d", folder);
	g_autoptr(GDir) listing = g_dir_open(path, 0, error);
	const gchar *name;

	while (listing && (name = g_dir_read_name(listing)))
		if (!g_hash_table_contains(wanted, name) && !suture_partial_unlink(folder, name, error))
			return FALSE;
	return listing != NULL;
}
