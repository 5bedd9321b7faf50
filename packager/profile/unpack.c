// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/profile/unpack.h"

#include "common/cancel.h"
#include "common/file.h"
#include "packager/profile/error.h"
#include "packager/read/archive-file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define BLOCK (128 * 1024)
#define DEPTH_MAX 3 /* a tarball within the data of a package */
#define ENTRIES_MAX (4 * 1000 * 1000)
#define FILE_MAX (16LL * 1024 * 1024 * 1024)
#define PATH_BYTES 4000

struct _SutureEntry {
	struct archive *archive;
	struct archive_entry *entry;
	const gchar *what; /* the file that the user named */
	SuturePackageKind kind;
	guint depth;
};

/* Bytes that an archive within an archive reads from the outer one. */
typedef struct {
	struct archive *outer;
	la_int64_t at;
} Inner;

static gboolean broken(const gchar *what, const gchar *problem, GError **error)
{
	g_set_error(error, SUTURE_PROFILE_ERROR, SUTURE_PROFILE_ERROR_ARCHIVE, "%s: %s", what,
		    problem ? problem : "is damaged");
	return FALSE;
}

static la_ssize_t inner_read(struct archive *archive, void *data, const void **ret_block)
{
	Inner *inner = data;
	la_int64_t offset;
	size_t size;
	int status = archive_read_data_block(inner->outer, ret_block, &size, &offset);

	if (status == ARCHIVE_EOF)
		return 0;
	if (status != ARCHIVE_OK || offset != inner->at) {
		archive_set_error(archive, EINVAL, "damaged: %s", archive_error_string(inner->outer));
		return -1;
	}
	inner->at += (la_int64_t)size;
	return (la_ssize_t)size;
}

/* ARCHIVE_WARN would mean that libarchive starts a program from PATH for a filter. */
static gboolean support(struct archive *archive)
{
	return archive_read_support_filter_gzip(archive) == ARCHIVE_OK &&
	       archive_read_support_filter_xz(archive) == ARCHIVE_OK &&
	       archive_read_support_filter_bzip2(archive) == ARCHIVE_OK &&
	       archive_read_support_filter_lzma(archive) == ARCHIVE_OK &&
	       archive_read_support_filter_zstd(archive) == ARCHIVE_OK &&
	       archive_read_support_filter_rpm(archive) == ARCHIVE_OK &&
	       archive_read_support_format_ar(archive) == ARCHIVE_OK &&
	       archive_read_support_format_cpio(archive) == ARCHIVE_OK &&
	       archive_read_support_format_tar(archive) == ARCHIVE_OK;
}

/* Cleaned of "./", "//" and a leading "/"; NULL when it is not safe. */
static gchar *clean_path(const gchar *path)
{
	g_auto(GStrv) parts = path && strlen(path) <= PATH_BYTES ? g_strsplit(path, "/", -1) : NULL;
	g_autoptr(GString) clean = g_string_new(NULL);

	for (gchar **part = parts; part && *part; part++) {
		if (!strcmp(*part, "..") || strpbrk(*part, "\n\r"))
			return NULL;
		if (!**part || !strcmp(*part, "."))
			continue;
		if (clean->len)
			g_string_append_c(clean, '/');
		g_string_append(clean, *part);
	}
	return clean->len ? g_string_free(g_steal_pointer(&clean), FALSE) : NULL;
}

gboolean suture_unpack_link_is_safe(const gchar *path, const gchar *target)
{
	g_auto(GStrv) parts = g_strsplit(target, "/", -1);
	gint depth = 0;
	gboolean down = FALSE;

	for (const gchar *at = path; *at; at++)
		depth += *at == '/';
	if (!*target || *target == '/')
		return FALSE;
	for (gchar **part = parts; *part; part++) {
		if (!**part || !strcmp(*part, "."))
			continue;
		if (strcmp(*part, "..") != 0)
			down = TRUE;
		else if (down || --depth < 0)
			return FALSE;
	}
	return TRUE;
}

static gboolean walk(struct archive *archive, SutureEntry *entry, SutureVisit visit, gpointer data,
		     GError **error);

/* The parts of a .deb that are looked at are tarballs themselves. */
static gboolean visit_ar(SutureEntry *entry, const gchar *name, SutureVisit visit, gpointer data,
			 GError **error)
{
	if (!g_str_has_prefix(name, "data.tar") && !g_str_has_prefix(name, "control.tar"))
		return TRUE;
	return suture_entry_walk(entry, visit, data, error);
}

static gboolean visit_entry(SutureEntry *entry, SutureVisit visit, gpointer data, GError **error)
{
	const gchar *name = archive_entry_pathname(entry->entry);
	mode_t type = archive_entry_filetype(entry->entry);
	g_autofree gchar *path = NULL;

	if (type == AE_IFDIR)
		return TRUE;
	if ((archive_format(entry->archive) & ARCHIVE_FORMAT_BASE_MASK) == ARCHIVE_FORMAT_AR)
		return visit_ar(entry, name ? name : "", visit, data, error);
	path = clean_path(name);
	if (!path)
		return broken(entry->what, "holds a path that leads out of it", error);
	/* Devices, and names for other entries: nothing that a kernel is made of. */
	if ((type != AE_IFREG && type != AE_IFLNK) || archive_entry_hardlink(entry->entry))
		return TRUE;
	return visit(entry, path, data, error);
}

static void learn_kind(SutureEntry *entry)
{
	if (entry->depth > 0)
		return;
	entry->kind = SUTURE_PACKAGE_TAR;
	if ((archive_format(entry->archive) & ARCHIVE_FORMAT_BASE_MASK) == ARCHIVE_FORMAT_AR)
		entry->kind = SUTURE_PACKAGE_DEB;
	for (int i = 0; i < archive_filter_count(entry->archive); i++)
		if (archive_filter_code(entry->archive, i) == ARCHIVE_FILTER_RPM)
			entry->kind = SUTURE_PACKAGE_RPM;
}

static gboolean walk(struct archive *archive, SutureEntry *entry, SutureVisit visit, gpointer data,
		     GError **error)
{
	int status = ARCHIVE_OK;

	entry->archive = archive;
	for (guint count = 0; (status = archive_read_next_header(archive, &entry->entry)) == ARCHIVE_OK ||
			      status == ARCHIVE_WARN;
	     count++) {
		if (count == 0)
			learn_kind(entry);
		if (count > ENTRIES_MAX)
			return broken(entry->what, "holds more files than a kernel has", error);
		if (!suture_cancel_check(error) || !visit_entry(entry, visit, data, error))
			return FALSE;
	}
	return status == ARCHIVE_EOF || broken(entry->what, archive_error_string(archive), error);
}

gboolean suture_entry_walk(SutureEntry *outer, SutureVisit visit, gpointer data, GError **error)
{
	SUTURE_AUTO_ARCHIVE *archive = archive_read_new();
	Inner inner = {.outer = outer->archive};
	SutureEntry entry = {.what = outer->what, .kind = outer->kind, .depth = outer->depth + 1};

	if (entry.depth > DEPTH_MAX)
		return broken(outer->what, "holds archives within archives", error);
	if (!support(archive) || archive_read_open(archive, &inner, NULL, inner_read, NULL) != ARCHIVE_OK)
		return broken(outer->what, archive_error_string(archive), error);
	return walk(archive, &entry, visit, data, error);
}

gboolean suture_unpack_walk(const gchar *path, SutureVisit visit, gpointer data, SuturePackageKind *ret_kind,
			    GError **error)
{
	SUTURE_AUTO_FD fd = suture_file_open(path, O_RDONLY, error);
	SUTURE_AUTO_ARCHIVE *archive = archive_read_new();
	SutureEntry entry = {.what = path};

	if (fd < 0)
		return FALSE;
	if (!support(archive) || archive_read_open_fd(archive, fd, BLOCK) != ARCHIVE_OK) {
		g_set_error(error, SUTURE_PROFILE_ERROR, SUTURE_PROFILE_ERROR_ARCHIVE,
			    "%s: is neither a package (.deb, .rpm) nor a tarball", path);
		return FALSE;
	}
	if (!walk(archive, &entry, visit, data, error))
		return FALSE;
	if (ret_kind)
		*ret_kind = entry.kind;
	return TRUE;
}

SuturePackageKind suture_entry_kind(const SutureEntry *entry)
{
	return entry->kind;
}

gboolean suture_entry_is_link(const SutureEntry *entry)
{
	return archive_entry_filetype(entry->entry) == AE_IFLNK;
}

guint64 suture_entry_size(const SutureEntry *entry)
{
	return (guint64)MAX(archive_entry_size(entry->entry), 0);
}

static int enter(int at, const gchar *folder, const gchar *name, GError **error)
{
	g_autoptr(GError) cause = NULL;
	int next;

	if (mkdirat(at, folder, 0755) < 0 && errno != EEXIST) {
		suture_error_set_errno(error, errno, "%s", name);
		return -1;
	}
	next = suture_file_open_beneath(at, folder, O_RDONLY | O_DIRECTORY, 0, &cause);
	if (next < 0)
		g_set_error(error, SUTURE_PROFILE_ERROR, SUTURE_PROFILE_ERROR_ARCHIVE,
			    "%s: its folder is no folder: %s", name, cause->message);
	return next;
}

int suture_unpack_parent(int dirfd, const gchar *name, GError **error)
{
	g_autofree gchar *folder = g_path_get_dirname(name);
	g_auto(GStrv) parts = NULL;
	SUTURE_AUTO_FD at = suture_file_open_beneath(dirfd, folder, O_RDONLY | O_DIRECTORY, 0, NULL);

	if (at >= 0)
		return suture_fd_steal(&at);
	at = suture_file_open_beneath(dirfd, ".", O_RDONLY | O_DIRECTORY, 0, error);
	parts = g_strsplit(folder, "/", -1);
	for (gchar **part = parts; at >= 0 && *part; part++) {
		int next = enter(at, *part, name, error);

		suture_fd_clear(&at);
		at = next;
	}
	return suture_fd_steal(&at);
}

static gboolean write_link(SutureEntry *entry, int parent, const gchar *base, const gchar *name,
			   GError **error)
{
	const gchar *target = archive_entry_symlink(entry->entry);

	if (!target || !suture_unpack_link_is_safe(name, target))
		return broken(entry->what, "holds a symlink that leads out of it", error);
	if (symlinkat(target, parent, base) == 0)
		return TRUE;
	return errno == EEXIST ? broken(entry->what, "holds a file twice", error)
			       : suture_error_set_errno(error, errno, "%s", name);
}

static gboolean write_data(SutureEntry *entry, int fd, const gchar *name, GError **error)
{
	const void *block;
	la_int64_t offset;
	size_t size;
	int status;

	while ((status = archive_read_data_block(entry->archive, &block, &size, &offset)) == ARCHIVE_OK) {
		if (offset < 0 || offset > FILE_MAX - (la_int64_t)size)
			return broken(entry->what, "holds a file that is too large", error);
		if (!suture_cancel_check(error))
			return FALSE;
		if (size > 0 && lseek(fd, offset, SEEK_SET) < 0)
			return suture_error_set_errno(error, errno, "%s", name);
		if (!suture_file_write_fd(fd, block, size, error)) {
			g_prefix_error(error, "%s: ", name);
			return FALSE;
		}
	}
	return status == ARCHIVE_EOF || broken(entry->what, archive_error_string(entry->archive), error);
}

gboolean suture_entry_write(SutureEntry *entry, int dirfd, const gchar *name, GError **error)
{
	SUTURE_AUTO_FD parent = suture_unpack_parent(dirfd, name, error);
	mode_t mode = archive_entry_perm(entry->entry) & 0111 ? 0755 : 0644;
	g_autofree gchar *base = g_path_get_basename(name);
	SUTURE_AUTO_FD fd = -1;

	if (parent < 0)
		return FALSE;
	if (suture_entry_is_link(entry))
		return write_link(entry, parent, base, name, error);
	fd = openat(parent, base, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0)
		return errno == EEXIST ? broken(entry->what, "holds a file twice", error)
				       : suture_error_set_errno(error, errno, "%s", name);
	return write_data(entry, fd, name, error);
}

GBytes *suture_entry_read(SutureEntry *entry, gsize limit, GError **error)
{
	g_autoptr(GByteArray) content = g_byte_array_new();
	const void *block;
	la_int64_t offset;
	size_t size;
	int status;

	while ((status = archive_read_data_block(entry->archive, &block, &size, &offset)) == ARCHIVE_OK) {
		if (offset != content->len || size > limit - content->len) {
			broken(entry->what, "holds a file that is too large", error);
			return NULL;
		}
		g_byte_array_append(content, block, (guint)size);
	}
	if (status == ARCHIVE_EOF)
		return g_byte_array_free_to_bytes(g_steal_pointer(&content));
	broken(entry->what, archive_error_string(entry->archive), error);
	return NULL;
}
