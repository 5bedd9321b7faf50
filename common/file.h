/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <sys/types.h>
#include <unistd.h>

/* A descriptor that closes itself: SUTURE_AUTO_FD fd = -1; */
static inline void suture_fd_clear(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}
static inline int suture_fd_steal(int *fd)
{
	int stolen = *fd;

	*fd = -1;
	return stolen;
}
#define SUTURE_AUTO_FD __attribute__((cleanup(suture_fd_clear))) int

/*
 * Whether @name is one safe path component for use in our own folders: 1 to 255 bytes of printable ASCII
 * without '/', not starting with '.'.
 */
gboolean suture_file_name_is_safe(const gchar *name);

/*
 * Opens @path below @dirfd (AT_FDCWD allowed) with openat2(2), RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
 * O_CLOEXEC added, so neither "..", nor an absolute path, nor a symlink leads out. Returns a descriptor, or
 * -1 with UNSAFE-PATH (symlink, escape, or not a regular file when @flags lacks O_DIRECTORY) or IO.
 */
int suture_file_open_beneath(int dirfd, const gchar *path, int flags, mode_t mode,
			     GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Opens a file or folder that the user or the configuration named; symlinks are followed. -1 with IO. */
int suture_file_open(const gchar *path, int flags, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Reads all of @fd from offset 0 by pread(2). More than @limit bytes: TOO-LARGE, naming @what. */
GBytes *suture_file_read_fd(int fd, guint64 limit, const gchar *what,
			    GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* suture_file_read_fd() of a file named by user or configuration. */
GBytes *suture_file_read(const gchar *path, guint64 limit, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* suture_file_read_fd() of a file below @dirfd, opened as suture_file_open_beneath() does. */
GBytes *suture_file_read_at(int dirfd, const gchar *path, guint64 limit,
			    GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Writes all @size bytes at the descriptor's position, through short writes and EINTR. */
gboolean suture_file_write_fd(int fd, gconstpointer data, gsize size,
			      GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Makes @name in @dirfd hold exactly @data with @mode: written to a temporary file beside it, fsync, rename,
 * fsync of the folder. Readers see the old content or the new, also across a crash.
 */
gboolean suture_file_write_atomic(int dirfd, const gchar *name, GBytes *data, mode_t mode,
				  GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The same for a path named by the user; the folder must exist. */
gboolean suture_file_write_atomic_path(const gchar *path, GBytes *data, mode_t mode,
				       GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Removes from @dirfd what suture_file_write_atomic() calls that were killed left, and nothing else. Call it
 * under the lock that all writers into @dirfd take.
 */
gboolean suture_file_sweep(int dirfd, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Makes @path with its parents (mode 0755) and opens it as a folder. -1 with IO. */
int suture_file_open_folder(const gchar *path, gboolean create, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Removes @name in @dirfd, a file or a folder with all that is in it, never following symlinks. Absent is
 * success. */
gboolean suture_file_remove_tree(int dirfd, const gchar *name, GError **error);

/* Copies @size bytes of @from (by pread at @offset) to the position of @to. */
gboolean suture_file_copy_range(int from, guint64 offset, guint64 size, int to,
				GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * A sealed copy in memory (memfd, F_SEAL_WRITE | GROW | SHRINK) of all of @fd, at most @limit bytes: what was
 * checked can no longer change before it is used. Returns the descriptor, or -1.
 */
int suture_file_seal_copy(int fd, guint64 limit, const gchar *name, GError **error) G_GNUC_WARN_UNUSED_RESULT;
