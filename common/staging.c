// SPDX-License-Identifier: LGPL-2.1-or-later
#include "common/staging.h"

#include "common/error.h"
#include "common/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#define STAGING_PREFIX ".staging."

struct _SutureStaging {
	int parent;
	int fd;
	gchar *name; /* NULL once committed */
};

static gchar *staging_name(void)
{
	return g_strdup_printf(STAGING_PREFIX "%08x%08x", g_random_int(), g_random_int());
}

SutureStaging *suture_staging_new(int dirfd, GError **error)
{
	g_autoptr(SutureStaging) staging = g_new0(SutureStaging, 1);
	g_autofree gchar *name = staging_name();

	staging->parent = dirfd;
	staging->fd = -1;
	if (mkdirat(dirfd, name, 0700) < 0) {
		suture_error_set_errno(error, errno, "make a temporary folder");
		return NULL;
	}
	staging->name = g_steal_pointer(&name);
	staging->fd = openat(dirfd, staging->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (staging->fd < 0) {
		suture_error_set_errno(error, errno, "open a temporary folder");
		return NULL;
	}
	return g_steal_pointer(&staging);
}

void suture_staging_free(SutureStaging *staging)
{
	g_autoptr(GError) error = NULL;

	if (staging->name && !suture_file_remove_tree(staging->parent, staging->name, &error))
		g_warning("%s", error->message);
	suture_fd_clear(&staging->fd);
	g_free(staging->name);
	g_free(staging);
}

int suture_staging_fd(const SutureStaging *staging)
{
	return staging->fd;
}

static gboolean put_in_place(SutureStaging *staging, const gchar *name, GError **error)
{
	if (renameat2(staging->parent, staging->name, staging->parent, name, RENAME_NOREPLACE) == 0) {
		g_clear_pointer(&staging->name, g_free);
		return TRUE;
	}
	if (errno != EEXIST)
		return suture_error_set_errno(error, errno, "%s", name);
	/* The staging's name now holds the old folder; freeing the staging removes it. */
	if (renameat2(staging->parent, staging->name, staging->parent, name, RENAME_EXCHANGE) < 0)
		return suture_error_set_errno(error, errno, "%s", name);
	return TRUE;
}

gboolean suture_staging_commit(SutureStaging *staging, const gchar *name, GError **error)
{
	if (fchmod(staging->fd, 0755) < 0 || syncfs(staging->fd) < 0)
		return suture_error_set_errno(error, errno, "%s", name);
	if (!put_in_place(staging, name, error))
		return FALSE;
	if (fsync(staging->parent) < 0)
		return suture_error_set_errno(error, errno, "%s", name);
	return TRUE;
}

gboolean suture_staging_remove(int dirfd, const gchar *name, GError **error)
{
	g_autofree gchar *hidden = staging_name();

	if (renameat2(dirfd, name, dirfd, hidden, RENAME_NOREPLACE) < 0)
		return errno == ENOENT || suture_error_set_errno(error, errno, "%s", name);
	if (fsync(dirfd) < 0)
		return suture_error_set_errno(error, errno, "%s", name);
	return suture_file_remove_tree(dirfd, hidden, error);
}

gboolean suture_staging_sweep(int dirfd, GError **error)
{
	int own = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = own < 0 ? NULL : fdopendir(own);
	struct dirent *entry;
	gboolean ok = TRUE;

	if (!folder)
		return suture_error_set_errno(error, errno, "sweep");
	while (ok && (entry = readdir(folder)))
		if (g_str_has_prefix(entry->d_name, STAGING_PREFIX))
			ok = suture_file_remove_tree(dirfd, entry->d_name, error);
	closedir(folder);
	return ok;
}

struct _SutureScratch {
	gchar *path;
};

SutureScratch *suture_scratch_new(GError **error)
{
	g_autofree gchar *path = g_dir_make_tmp("suture-XXXXXX", error);
	SutureScratch *scratch;

	if (!path)
		return NULL;
	scratch = g_new0(SutureScratch, 1);
	scratch->path = g_steal_pointer(&path);
	return scratch;
}

const gchar *suture_scratch_path(const SutureScratch *scratch)
{
	return scratch->path;
}

void suture_scratch_free(SutureScratch *scratch)
{
	g_autoptr(GError) error = NULL;

	if (!suture_file_remove_tree(AT_FDCWD, scratch->path, &error))
		g_warning("%s", error->message);
	g_free(scratch->path);
	g_free(scratch);
}
