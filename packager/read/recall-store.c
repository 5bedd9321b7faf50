// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/read/recall-store.h"

#include "common/file.h"
#include "packager/read/error.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define MEMBER "withdrawn"
#define MAX_BYTES (64 * 1024 * 1024)

static int open_folder(const gchar *root, gboolean create, GError **error)
{
	g_autofree gchar *path = g_build_filename(root ? root : "/", SUTURE_RECALL_FOLDER, NULL);

	if (!create && access(path, F_OK) < 0 && errno == ENOENT)
		return -1;
	return suture_file_open_folder(path, create, error);
}

static gchar *file_of(const gchar *release)
{
	return g_strconcat(release, ".json", NULL);
}

GPtrArray *suture_recall_store_load(const gchar *root, const gchar *release, GError **error)
{
	g_autofree gchar *name = file_of(release);
	g_autoptr(GError) cause = NULL;
	SUTURE_AUTO_FD folder = open_folder(root, FALSE, &cause);
	g_autoptr(GBytes) bytes = NULL;
	SUTURE_AUTO_JSON *document = NULL;
	json_t *list;

	if (cause) {
		g_propagate_error(error, g_steal_pointer(&cause));
		return NULL;
	}
	if (folder < 0 || faccessat(folder, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return suture_recalls_read(NULL, error);
	bytes = suture_file_read_at(folder, name, MAX_BYTES, error);
	document = bytes ? suture_json_parse(bytes, MAX_BYTES, name, error) : NULL;
	list = document ? suture_json_array(document, "", MEMBER, G_MAXSIZE, error) : NULL;
	return list ? suture_recalls_read(list, error) : NULL;
}

static gboolean write_store(const gchar *root, const gchar *name, GBytes *bytes, GError **error)
{
	SUTURE_AUTO_FD folder = open_folder(root, TRUE, error);

	return folder >= 0 && suture_file_write_atomic(folder, name, bytes, 0644, error);
}

gboolean suture_recall_store_save(const gchar *root, const gchar *release, GPtrArray *recalls, GError **error)
{
	g_autofree gchar *name = file_of(release);
	SUTURE_AUTO_FD folder = open_folder(root, FALSE, NULL);
	SUTURE_AUTO_JSON *document = json_pack("{s:o}", MEMBER, suture_recalls_write(recalls));
	g_autoptr(GBytes) bytes = suture_json_pretty(document);
	g_autoptr(GBytes) present = NULL;

	if (!suture_file_name_is_safe(release)) {
		g_set_error(error, SUTURE_COMMON_ERROR, SUTURE_COMMON_ERROR_PATH,
			    "%s: no kernel release: it cannot name a file", release);
		return FALSE;
	}
	present = folder >= 0 ? suture_file_read_at(folder, name, MAX_BYTES, NULL) : NULL;
	if (present ? g_bytes_equal(present, bytes) : recalls->len == 0)
		return TRUE;
	return write_store(root, name, bytes, error);
}
