// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/fix/headers.h"

#include "common/file.h"

#define HEADER_BYTES (1024 * 1024)
#define DEPTH 4 /* folders within each other */

static gboolean copy_file(const gchar *from, const gchar *to, GError **error)
{
	g_autoptr(GBytes) bytes = suture_file_read(from, HEADER_BYTES, error);

	return bytes && suture_file_write_atomic_path(to, bytes, 0644, error);
}

static gboolean copy_folder(const gchar *from, const gchar *to, guint depth, GError **error)
{
	g_autoptr(GDir) folder = g_dir_open(from, 0, error);
	const gchar *name;
	gboolean ok = TRUE;

	if (!folder)
		return FALSE;
	if (g_mkdir_with_parents(to, 0755) < 0) {
		suture_error_set_errno(error, errno, "%s", to);
		return FALSE;
	}
	while (ok && (name = g_dir_read_name(folder))) {
		g_autofree gchar *source = g_build_filename(from, name, NULL);
		g_autofree gchar *target = g_build_filename(to, name, NULL);

		if (g_str_has_suffix(name, ".h"))
			ok = copy_file(source, target, error);
		else if (depth && g_file_test(source, G_FILE_TEST_IS_DIR))
			ok = copy_folder(source, target, depth - 1, error);
	}
	return ok;
}

gboolean suture_headers_copy(const gchar *from, const gchar *to, GError **error)
{
	return copy_folder(from, to, DEPTH, error);
}
