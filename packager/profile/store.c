// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/profile/store.h"

#include "common/cancel.h"
#include "common/file.h"
#include "common/lock.h"
#include "common/staging.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#define ID_DIGITS 64
#define POLL_MICROSECONDS 200000

gboolean suture_store_is_id(const gchar *name)
{
	return strlen(name) == ID_DIGITS && strspn(name, "0123456789abcdef") == ID_DIGITS;
}

static gint compare_text(gconstpointer left, gconstpointer right)
{
	return strcmp(*(const gchar *const *)left, *(const gchar *const *)right);
}

GPtrArray *suture_store_ids(const gchar *store, GError **error)
{
	g_autoptr(GError) cause = NULL;
	g_autoptr(GDir) folder = g_dir_open(store, 0, &cause);
	g_autoptr(GPtrArray) ids = g_ptr_array_new_with_free_func(g_free);
	const gchar *name;

	if (!folder && !g_error_matches(cause, G_FILE_ERROR, G_FILE_ERROR_NOENT)) {
		g_propagate_error(error, g_steal_pointer(&cause));
		return NULL;
	}
	while (folder && (name = g_dir_read_name(folder)))
		if (suture_store_is_id(name))
			g_ptr_array_add(ids, g_strdup(name));
	g_ptr_array_sort(ids, compare_text);
	return g_steal_pointer(&ids);
}

/* The name may have gone, and the folder with it, between open and lock. */
static gboolean is_still_there(const gchar *path, int fd)
{
	struct stat named, held;

	return stat(path, &named) == 0 && fstat(fd, &held) == 0 && named.st_ino == held.st_ino &&
	       named.st_dev == held.st_dev;
}

static int unknown(const gchar *store, const gchar *id, GError **error)
{
	g_set_error(error, SUTURE_PROFILE_ERROR, SUTURE_PROFILE_ERROR_UNKNOWN,
		    "%s: no profile %s; suture kernel list shows what there is", store, id);
	return -1;
}

int suture_store_lock_profile(const gchar *store, const gchar *id, gboolean exclusive, GError **error)
{
	g_autofree gchar *path = g_build_filename(store, id, NULL);
	SUTURE_AUTO_FD fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		return unknown(store, id, error);
	if (fd < 0) {
		suture_error_set_errno(error, errno, "%s", path);
		return -1;
	}
	/* A remover holds it for no longer than a rename takes. */
	if (TEMP_FAILURE_RETRY(flock(fd, exclusive ? LOCK_EX | LOCK_NB : LOCK_SH)) < 0) {
		if (errno == EWOULDBLOCK)
			g_set_error(error, SUTURE_COMMON_ERROR, SUTURE_COMMON_ERROR_BUSY,
				    "%s: is in use by a build; wait for it and try again", path);
		else
			suture_error_set_errno(error, errno, "%s", path);
		return -1;
	}
	return is_still_there(path, fd) ? suture_fd_steal(&fd) : unknown(store, id, error);
}

static int wait_for_lock(const gchar *path, GError **error)
{
	for (;;) {
		g_autoptr(GError) cause = NULL;
		int fd = suture_lock_take(path, FALSE, &cause);

		if (fd >= 0)
			return fd;
		if (!g_error_matches(cause, SUTURE_COMMON_ERROR, SUTURE_COMMON_ERROR_BUSY)) {
			g_propagate_error(error, g_steal_pointer(&cause));
			return -1;
		}
		if (!suture_cancel_check(error))
			return -1;
		g_usleep(POLL_MICROSECONDS);
	}
}

int suture_store_lock(const gchar *store, int *ret_dirfd, GError **error)
{
	g_autofree gchar *path = g_build_filename(store, ".lock", NULL);
	SUTURE_AUTO_FD dirfd = suture_file_open_folder(store, TRUE, error);
	SUTURE_AUTO_FD lock = dirfd < 0 ? -1 : wait_for_lock(path, error);

	if (lock < 0 || !suture_staging_sweep(dirfd, error))
		return -1;
	*ret_dirfd = suture_fd_steal(&dirfd);
	return suture_fd_steal(&lock);
}
