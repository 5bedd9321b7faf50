// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/profile/folder.h"

#include "common/cancel.h"
#include "common/file.h"
#include "packager/profile/error.h"
#include "packager/profile/unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

static int compare(const FTSENT **left, const FTSENT **right)
{
	return strcmp((*left)->fts_name, (*right)->fts_name);
}

static void close_walk(FTS **walk)
{
	if (*walk)
		fts_close(*walk);
}

static gboolean visit_link(SutureFolderEntry *entry, SutureFolderVisit visit, gpointer data, GError **error)
{
	g_autofree gchar *target = g_file_read_link(entry->full, error);

	entry->target = target;
	return target && visit(entry, data, error);
}

static gboolean visit_one(const FTSENT *at, gsize skip, SutureFolderVisit visit, gpointer data,
			  GError **error)
{
	SutureFolderEntry entry = {.full = at->fts_path, .path = at->fts_path + skip};

	switch (at->fts_info) {
	case FTS_F:
		entry.executable = (at->fts_statp->st_mode & 0111) != 0;
		entry.size = (guint64)at->fts_statp->st_blocks * 512;
		return visit(&entry, data, error);
	case FTS_SL:
	case FTS_SLNONE:
		return visit_link(&entry, visit, data, error);
	case FTS_DNR:
	case FTS_ERR:
	case FTS_NS:
		return suture_error_set_errno(error, at->fts_errno, "%s", at->fts_path);
	default:
		return TRUE;
	}
}

gboolean suture_folder_walk(const gchar *path, SutureFolderVisit visit, gpointer data, GError **error)
{
	g_autofree gchar *root = g_canonicalize_filename(path, NULL);
	gchar *roots[] = {root, NULL};
	__attribute__((cleanup(close_walk))) FTS *walk =
		fts_open(roots, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, compare);
	gsize skip = strcmp(root, "/") == 0 ? 1 : strlen(root) + 1;
	FTSENT *at;

	if (!walk)
		return suture_error_set_errno(error, errno, "%s", path);
	while ((errno = 0, at = fts_read(walk))) {
		if (at->fts_level == 0 && at->fts_info != FTS_D && at->fts_info != FTS_DP)
			return suture_error_set_errno(error, at->fts_errno ? at->fts_errno : ENOTDIR, "%s",
						      path);
		if (!suture_cancel_check(error) || !visit_one(at, skip, visit, data, error))
			return FALSE;
	}
	return errno == 0 || suture_error_set_errno(error, errno, "%s", path);
}

static gboolean copy_link(const SutureFolderEntry *entry, int parent, const gchar *base, const gchar *name,
			  GError **error)
{
	if (!suture_unpack_link_is_safe(name, entry->target)) {
		g_set_error(error, SUTURE_PROFILE_ERROR, SUTURE_PROFILE_ERROR_ARCHIVE,
			    "%s: is a symlink that leads out of its folder", entry->full);
		return FALSE;
	}
	return symlinkat(entry->target, parent, base) == 0 ||
	       suture_error_set_errno(error, errno, "%s", name);
}

gboolean suture_folder_copy(const SutureFolderEntry *entry, int dirfd, const gchar *name, GError **error)
{
	SUTURE_AUTO_FD parent = suture_unpack_parent(dirfd, name, error);
	g_autofree gchar *base = g_path_get_basename(name);
	SUTURE_AUTO_FD from = -1;
	SUTURE_AUTO_FD to = -1;
	struct stat status;

	if (parent < 0)
		return FALSE;
	if (entry->target)
		return copy_link(entry, parent, base, name, error);
	from = suture_file_open(entry->full, O_RDONLY | O_NOFOLLOW, error);
	if (from < 0)
		return FALSE;
	to = openat(parent, base, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		    entry->executable ? 0755 : 0644);
	if (to < 0 || fstat(from, &status) < 0)
		return suture_error_set_errno(error, errno, "%s", name);
	return suture_file_copy_range(from, 0, (guint64)status.st_size, to, error);
}
