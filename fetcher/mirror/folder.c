// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fetcher/mirror/folder.h"

#include "common/lock.h"
#include "fetcher/client/partial.h"
#include "fetcher/mirror/record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define STATE_FOLDER ".state"
#define MAX_DEPTH 8

void suture_mirror_folder_free(SutureMirrorFolder *folder)
{
	int *const fds[] = {&folder->lock,  &folder->top,     &folder->metadata, &folder->targets,
			    &folder->state, &folder->partial, &folder->spool};

	for (gsize i = 0; i < G_N_ELEMENTS(fds); i++)
		suture_fd_clear(fds[i]);
	g_clear_pointer(&folder->record, json_decref);
	g_free(folder->trusted);
	g_free(folder->path);
	g_free(folder);
}

static SutureMirrorFolder *folder_new(const gchar *path)
{
	SutureMirrorFolder *folder = g_new0(SutureMirrorFolder, 1);

	folder->path = g_strdup(path);
	folder->trusted = g_build_filename(path, STATE_FOLDER, "metadata", NULL);
	folder->lock = folder->top = folder->metadata = folder->targets = -1;
	folder->state = folder->partial = folder->spool = -1;
	return folder;
}

static int open_inner(int dirfd, const gchar *name, mode_t mode, gboolean create, GError **error)
{
	if (create && mkdirat(dirfd, name, mode) < 0 && errno != EEXIST) {
		suture_error_set_errno(error, errno, "%s", name);
		return -1;
	}
	return suture_file_open_beneath(dirfd, name, O_RDONLY | O_DIRECTORY, 0, error);
}

static gboolean open_state(SutureMirrorFolder *folder, GError **error)
{
	g_autofree gchar *lock = g_build_filename(folder->path, STATE_FOLDER, "lock", NULL);
	g_autofree gchar *partial = g_build_filename(folder->path, STATE_FOLDER, "partial", NULL);

	folder->state = open_inner(folder->top, STATE_FOLDER, 0700, TRUE, error);
	if (folder->state < 0)
		return FALSE;
	folder->lock = suture_lock_take(lock, TRUE, error);
	folder->partial = folder->lock < 0 ? -1 : suture_partial_folder(partial, error);
	folder->spool = folder->partial < 0 ? -1 : open_inner(folder->state, "spool", 0700, TRUE, error);
	return folder->spool >= 0;
}

SutureMirrorFolder *suture_mirror_folder_open(const gchar *path, GError **error)
{
	g_autoptr(SutureMirrorFolder) folder = folder_new(path);

	folder->top = suture_file_open_folder(path, TRUE, error);
	if (folder->top < 0 || !open_state(folder, error))
		return NULL;
	folder->metadata = open_inner(folder->top, "metadata", 0755, TRUE, error);
	folder->targets = folder->metadata < 0 ? -1 : open_inner(folder->top, "targets", 0755, TRUE, error);
	folder->record = folder->targets < 0 ? NULL : suture_mirror_record_load(folder->state);
	return folder->record ? g_steal_pointer(&folder) : NULL;
}

SutureMirrorFolder *suture_mirror_folder_open_served(const gchar *path, GError **error)
{
	g_autoptr(SutureMirrorFolder) folder = folder_new(path);

	folder->top = suture_file_open_folder(path, FALSE, error);
	if (folder->top < 0)
		return NULL;
	folder->state = open_inner(folder->top, STATE_FOLDER, 0, FALSE, error);
	folder->metadata = folder->state < 0 ? -1 : open_inner(folder->top, "metadata", 0, FALSE, error);
	folder->targets = folder->metadata < 0 ? -1 : open_inner(folder->top, "targets", 0, FALSE, error);
	folder->record = folder->targets < 0 ? NULL : suture_mirror_record_load(folder->state);
	if (!folder->record)
		return NULL;
	if (suture_mirror_size(folder->metadata, "timestamp.json") < 0) {
		suture_mirror_refuse(
			error, SUTURE_MIRROR_ERROR_INCOMPLETE,
			"%s: this mirror serves nothing yet; run 'suture mirror sync' or 'import' to its end",
			path);
		return NULL;
	}
	return g_steal_pointer(&folder);
}

gboolean suture_mirror_path_is_safe(const gchar *path)
{
	g_auto(GStrv) names = g_strsplit(path, "/", MAX_DEPTH + 1);
	guint depth = g_strv_length(names);

	if (depth == 0 || depth > MAX_DEPTH)
		return FALSE;
	for (guint i = 0; i < depth; i++)
		if (!suture_file_name_is_safe(names[i]))
			return FALSE;
	return TRUE;
}

const gchar *suture_mirror_base(const gchar *path)
{
	const gchar *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

int suture_mirror_parent(int dirfd, const gchar *path, gboolean create, GError **error)
{
	g_auto(GStrv) names = g_strsplit(path, "/", MAX_DEPTH + 1);
	SUTURE_AUTO_FD folder = fcntl(dirfd, F_DUPFD_CLOEXEC, 0);

	if (folder < 0)
		suture_error_set_errno(error, errno, "%s", path);
	for (guint i = 0; folder >= 0 && names[i + 1]; i++) {
		int inner = open_inner(folder, names[i], 0755, create, error);

		suture_fd_clear(&folder);
		folder = inner;
	}
	return suture_fd_steal(&folder);
}

gint64 suture_mirror_size(int dirfd, const gchar *path)
{
	struct stat st;

	if (fstatat(dirfd, path, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
		return -1;
	return st.st_size;
}

static gboolean is_same(int a_dir, const gchar *a_name, int b_dir, const gchar *b_name)
{
	struct stat a, b;

	return fstatat(a_dir, a_name, &a, AT_SYMLINK_NOFOLLOW) == 0 &&
	       fstatat(b_dir, b_name, &b, AT_SYMLINK_NOFOLLOW) == 0 && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

gboolean suture_mirror_link(int from_dir, const gchar *from, int to_dir, const gchar *to, GError **error)
{
	g_autofree gchar *temporary = g_strdup_printf(".link.%08x", g_random_int());
	int saved = 0;

	if (is_same(from_dir, from, to_dir, to))
		return TRUE;
	if (linkat(from_dir, from, to_dir, temporary, 0) < 0)
		return suture_error_set_errno(error, errno, "%s", to);
	if (renameat(to_dir, temporary, to_dir, to) < 0)
		saved = errno;
	unlinkat(to_dir, temporary, 0);
	return saved == 0 || suture_error_set_errno(error, saved, "%s", to);
}

gboolean suture_mirror_folder_sync(const SutureMirrorFolder *folder, GError **error)
{
	return syncfs(folder->top) == 0 || suture_error_set_errno(error, errno, "%s: sync", folder->path);
}

static gint compare_names(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const gchar *const *)a, *(const gchar *const *)b);
}

GPtrArray *suture_mirror_names(int dirfd, GError **error)
{
	g_autofree gchar *path = g_strdup_printf("/proc/self/fd/%d", dirfd);
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GDir) listing = g_dir_open(path, 0, error);
	const gchar *name;

	if (!listing)
		return NULL;
	while ((name = g_dir_read_name(listing)))
		g_ptr_array_add(names, g_strdup(name));
	g_ptr_array_sort(names, compare_names);
	return g_steal_pointer(&names);
}

gboolean suture_mirror_empty_spool(const SutureMirrorFolder *folder, GError **error)
{
	g_autoptr(GPtrArray) names = suture_mirror_names(folder->spool, error);

	for (guint i = 0; names && i < names->len; i++)
		if (!suture_file_remove_tree(folder->spool, names->pdata[i], error))
			return FALSE;
	return names != NULL;
}
