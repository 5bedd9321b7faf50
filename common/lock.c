// SPDX-License-Identifier: LGPL-2.1-or-later
#include "common/lock.h"

#include "common/error.h"
#include "common/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>

int suture_lock_take(const gchar *path, gboolean wait, GError **error)
{
	g_autofree gchar *folder = g_path_get_dirname(path);
	SUTURE_AUTO_FD fd = -1;

	if (g_mkdir_with_parents(folder, 0755) < 0) {
		suture_error_set_errno(error, errno, "%s", folder);
		return -1;
	}
	fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0) {
		suture_error_set_errno(error, errno, "%s", path);
		return -1;
	}
	if (TEMP_FAILURE_RETRY(flock(fd, LOCK_EX | (wait ? 0 : LOCK_NB))) == 0)
		return suture_fd_steal(&fd);
	if (errno == EWOULDBLOCK)
		g_set_error(error, SUTURE_COMMON_ERROR, SUTURE_COMMON_ERROR_BUSY,
			    "%s: another suture process is at work; wait for it and try again", path);
	else
		suture_error_set_errno(error, errno, "%s", path);
	return -1;
}
