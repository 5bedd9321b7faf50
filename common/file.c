// SPDX-License-Identifier: LGPL-2.1-or-later
#include "common/file.h"

#include "common/error.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define COPY_CHUNK (256 * 1024)
#define READ_CHUNK_MIN 4096

gboolean suture_file_name_is_safe(const gchar *name)
{
	gsize length = strlen(name);

	if (length == 0 || length > 255 || name[0] == '.')
		return FALSE;
	for (gsize i = 0; i < length; i++)
		if (!g_ascii_isgraph(name[i]) || name[i] == '/')
			return FALSE;
	return TRUE;
}

int suture_file_open_beneath(int dirfd, const gchar *path, int flags, mode_t mode, GError **error)
{
	struct open_how how = {
		.flags = (guint64)(unsigned)flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
		.mode = (flags & O_CREAT) ? mode : 0,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
	};
	SUTURE_AUTO_FD fd = -1;
	struct stat st;

	fd = (int)syscall(SYS_openat2, dirfd, path, &how, sizeof how);
	if (fd < 0 && (errno == ELOOP || errno == EXDEV)) {
		g_set_error(error, SUTURE_COMMON_ERROR, SUTURE_COMMON_ERROR_PATH,
			    "%s: leads through a symbolic link or out of its folder; remove it", path);
		return -1;
	}
	if (fd < 0 || fstat(fd, &st) < 0) {
		suture_error_set_errno(error, errno, "%s", path);
		return -1;
	}
	if (!(flags & O_DIRECTORY) && !S_ISREG(st.st_mode)) {
		g_set_error(error, SUTURE_COMMON_ERROR, SUTURE_COMMON_ERROR_PATH,
			    "%s: not a regular file; remove it", path);
		return -1;
	}
	return suture_fd_steal(&fd);
}

int suture_file_open(const gchar *path, int flags, GError **error)
{
	int fd = open(path, flags | O_CLOEXEC, 0644);

	if (fd < 0)
		suture_error_set_errno(error, errno, "%s", path);
	return fd;
}

/* How much to read at once: small files, which are the most, fit in one of their size. */
static guint chunk_for(int fd)
{
	struct stat st;

	return fstat(fd, &st) < 0 ? COPY_CHUNK : (guint)CLAMP(st.st_size + 1, READ_CHUNK_MIN, COPY_CHUNK);
}

GBytes *suture_file_read_fd(int fd, guint64 limit, const gchar *what, GError **error)
{
	g_autoptr(GByteArray) data = g_byte_array_new();
	guint chunk = chunk_for(fd);
	guint64 size = 0;

	for (;;) {
		gssize got;

		if (size > limit || size > G_MAXUINT - chunk) {
			g_set_error(error, SUTURE_COMMON_ERROR, SUTURE_COMMON_ERROR_TOO_LARGE,
				    "%s: larger than the limit of %" G_GUINT64_FORMAT " bytes", what, limit);
			return NULL;
		}
		g_byte_array_set_size(data, (guint)size + chunk);
		got = TEMP_FAILURE_RETRY(pread(fd, data->data + size, chunk, (off_t)size));
		if (got < 0) {
			suture_error_set_errno(error, errno, "%s", what);
			return NULL;
		}
		if (got == 0)
			break;
		size += (guint64)got;
	}
	g_byte_array_set_size(data, (guint)size);
	return g_byte_array_free_to_bytes(g_steal_pointer(&data));
}

GBytes *suture_file_read(const gchar *path, guint64 limit, GError **error)
{
	SUTURE_AUTO_FD fd = suture_file_open(path, O_RDONLY, error);

	return fd < 0 ? NULL : suture_file_read_fd(fd, limit, path, error);
}

GBytes *suture_file_read_at(int dirfd, const gchar *path, guint64 limit, GError **error)
{
	SUTURE_AUTO_FD fd = suture_file_open_beneath(dirfd, path, O_RDONLY, 0, error);

	return fd < 0 ? NULL : suture_file_read_fd(fd, limit, path, error);
}

gboolean suture_file_write_fd(int fd, gconstpointer data, gsize size, GError **error)
{
	const guint8 *at = data;

	while (size > 0) {
		gssize put = TEMP_FAILURE_RETRY(write(fd, at, size));

		if (put < 0)
			return suture_error_set_errno(error, errno, "write");
		at += put;
		size -= (gsize)put;
	}
	return TRUE;
}

static gboolean write_synced(int fd, GBytes *data, mode_t mode, GError **error)
{
	gsize size;
	gconstpointer bytes = g_bytes_get_data(data, &size);

	if (!suture_file_write_fd(fd, bytes, size, error))
		return FALSE;
	if (fchmod(fd, mode) < 0 || fsync(fd) < 0)
		return suture_error_set_errno(error, errno, "fsync");
	return TRUE;
}

gboolean suture_file_write_atomic(int dirfd, const gchar *name, GBytes *data, mode_t mode, GError **error)
{
	g_autofree gchar *temporary = g_strdup_printf(".%s.%08x", name, g_random_int());
	SUTURE_AUTO_FD fd =
		openat(dirfd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return suture_error_set_errno(error, errno, "%s", name);
	if (!write_synced(fd, data, mode, error)) {
		g_prefix_error(error, "%s: ", name);
		unlinkat(dirfd, temporary, 0);
		return FALSE;
	}
	if (renameat(dirfd, temporary, dirfd, name) < 0) {
		int saved = errno;

		unlinkat(dirfd, temporary, 0);
		return suture_error_set_errno(error, saved, "%s", name);
	}
	if (fsync(dirfd) < 0)
		return suture_error_set_errno(error, errno, "%s", name);
	return TRUE;
}

gboolean suture_file_write_atomic_path(const gchar *path, GBytes *data, mode_t mode, GError **error)
{
	g_autofree gchar *folder = g_path_get_dirname(path);
	g_autofree gchar *name = g_path_get_basename(path);
	SUTURE_AUTO_FD dirfd = suture_file_open(folder, O_RDONLY | O_DIRECTORY, error);

	return dirfd >= 0 && suture_file_write_atomic(dirfd, name, data, mode, error);
}

/* What write_atomic() calls its temporary files: a dot, the name, a dot, eight digits. */
static gboolean is_temporary(const gchar *name)
{
	const gchar *digits = strrchr(name, '.');

	return name[0] == '.' && digits > name + 1 && strlen(digits) == 9 &&
	       strspn(digits + 1, "0123456789abcdef") == 8;
}

gboolean suture_file_sweep(int dirfd, GError **error)
{
	int own = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = own < 0 ? NULL : fdopendir(own);
	struct dirent *entry;
	gboolean ok = TRUE;

	if (!folder) {
		suture_error_set_errno(error, errno, "sweep");
		suture_fd_clear(&own);
		return FALSE;
	}
	while (ok && (entry = readdir(folder)))
		if (is_temporary(entry->d_name) && unlinkat(dirfd, entry->d_name, 0) < 0 && errno != ENOENT)
			ok = suture_error_set_errno(error, errno, "remove %s", entry->d_name);
	closedir(folder);
	return ok;
}

int suture_file_open_folder(const gchar *path, gboolean create, GError **error)
{
	if (create && g_mkdir_with_parents(path, 0755) < 0) {
		suture_error_set_errno(error, errno, "%s", path);
		return -1;
	}
	return suture_file_open(path, O_RDONLY | O_DIRECTORY, error);
}

static gboolean remove_children(int dirfd, GError **error)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	DIR *folder = fdopendir(dirfd);
	struct dirent *entry;

	if (!folder) {
		close(dirfd);
		return suture_error_set_errno(error, errno, "fdopendir");
	}
	while ((entry = readdir(folder)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			g_ptr_array_add(names, g_strdup(entry->d_name));
	for (guint i = 0; i < names->len; i++)
		if (!suture_file_remove_tree(dirfd, names->pdata[i], error)) {
			closedir(folder);
			return FALSE;
		}
	closedir(folder);
	return TRUE;
}

gboolean suture_file_remove_tree(int dirfd, const gchar *name, GError **error)
{
	int child;

	if (unlinkat(dirfd, name, 0) == 0 || errno == ENOENT)
		return TRUE;
	if (errno != EISDIR && errno != EPERM)
		return suture_error_set_errno(error, errno, "remove %s", name);
	child = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (child < 0)
		return suture_error_set_errno(error, errno, "remove %s", name);
	if (!remove_children(child, error))
		return FALSE;
	if (unlinkat(dirfd, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		return suture_error_set_errno(error, errno, "remove %s", name);
	return TRUE;
}

gboolean suture_file_copy_range(int from, guint64 offset, guint64 size, int to, GError **error)
{
	g_autofree guint8 *chunk = g_malloc(COPY_CHUNK);

	while (size > 0) {
		gssize got = TEMP_FAILURE_RETRY(pread(from, chunk, MIN(size, COPY_CHUNK), (off_t)offset));

		if (got < 0)
			return suture_error_set_errno(error, errno, "read");
		if (got == 0)
			return suture_error_set_errno(error, EPIPE, "file ended early");
		if (!suture_file_write_fd(to, chunk, (gsize)got, error))
			return FALSE;
		offset += (guint64)got;
		size -= (guint64)got;
	}
	return TRUE;
}

int suture_file_seal_copy(int fd, guint64 limit, const gchar *name, GError **error)
{
	SUTURE_AUTO_FD copy = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct stat st;

	if (copy < 0 || fstat(fd, &st) < 0) {
		suture_error_set_errno(error, errno, "%s", name);
		return -1;
	}
	if ((guint64)st.st_size > limit) {
		g_set_error(error, SUTURE_COMMON_ERROR, SUTURE_COMMON_ERROR_TOO_LARGE,
			    "%s: larger than the limit of %" G_GUINT64_FORMAT " bytes", name, limit);
		return -1;
	}
	if (!suture_file_copy_range(fd, 0, (guint64)st.st_size, copy, error)) {
		g_prefix_error(error, "%s: ", name);
		return -1;
	}
	if (fcntl(copy, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0) {
		suture_error_set_errno(error, errno, "%s: seal", name);
		return -1;
	}
	return suture_fd_steal(&copy);
}
