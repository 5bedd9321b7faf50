// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/build/sources.h"

#include "common/file.h"
#include "signer/verify/digest.h"
#include "spec/manifest.h"

#include <fcntl.h>
#include <string.h>

#define MAX_BYTES (16 * 1024 * 1024) /* of one source file */

void suture_source_set_free(SutureSourceSet *sources)
{
	g_ptr_array_unref(sources->names);
	g_ptr_array_unref(sources->contents);
	g_free(sources);
}

static gboolean is_kbuild(const gchar *name)
{
	return strcmp(name, "Kbuild") == 0 || strcmp(name, "Makefile") == 0;
}

static gboolean is_source(const gchar *name)
{
	const gchar *const suffixes[] = {".c", ".h", ".S"};

	/* What modpost leaves behind beside the sources of an earlier build. */
	if (!suture_file_name_is_safe(name) || g_str_has_suffix(name, ".mod.c"))
		return FALSE;
	for (gsize i = 0; i < G_N_ELEMENTS(suffixes); i++)
		if (g_str_has_suffix(name, suffixes[i]))
			return TRUE;
	return is_kbuild(name);
}

static gint compare_names(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const gchar *const *)a, *(const gchar *const *)b);
}

static gboolean list_folder(const gchar *path, GPtrArray *names, GError **error)
{
	g_autoptr(GDir) folder = g_dir_open(path, 0, error);
	const gchar *name;

	while (folder && (name = g_dir_read_name(folder)))
		if (is_source(name))
			g_ptr_array_add(names, g_strdup(name));
	g_ptr_array_sort(names, compare_names);
	return folder != NULL;
}

static gboolean read_all(SutureSourceSet *sources, const gchar *folder, GError **error)
{
	SUTURE_AUTO_FD dirfd = suture_file_open_folder(folder, FALSE, error);

	for (guint i = 0; dirfd >= 0 && i < sources->names->len; i++) {
		const gchar *name = sources->names->pdata[i];
		GBytes *content = suture_file_read_at(dirfd, name, MAX_BYTES, error);

		if (!content) {
			g_prefix_error(error, "%s: ", folder);
			return FALSE;
		}
		g_ptr_array_add(sources->contents, content);
		sources->has_kbuild |= is_kbuild(name);
	}
	return dirfd >= 0;
}

static gboolean can_be_compiled(const SutureSourceSet *sources)
{
	for (guint i = 0; i < sources->names->len; i++)
		if (g_str_has_suffix(sources->names->pdata[i], ".c"))
			return TRUE;
	return FALSE;
}

SutureSourceSet *suture_source_set_read(const gchar *path, GError **error)
{
	g_autoptr(SutureSourceSet) sources = g_new0(SutureSourceSet, 1);
	gboolean is_folder = g_file_test(path, G_FILE_TEST_IS_DIR);
	g_autofree gchar *folder = is_folder ? g_strdup(path) : g_path_get_dirname(path);

	sources->names = g_ptr_array_new_with_free_func(g_free);
	sources->contents = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
	if (is_folder && !list_folder(path, sources->names, error))
		return NULL;
	if (!is_folder)
		g_ptr_array_add(sources->names, g_path_get_basename(path));
	if (!can_be_compiled(sources)) {
		g_set_error(error, SUTURE_BUILD_ERROR, SUTURE_BUILD_ERROR_SOURCE,
			    "%s: nothing to build; give a folder with C sources, a .c file or a .ko file",
			    path);
		return NULL;
	}
	return read_all(sources, folder, error) ? g_steal_pointer(&sources) : NULL;
}

GPtrArray *suture_source_set_digests(const SutureSourceSet *sources)
{
	GPtrArray *digests = g_ptr_array_new_with_free_func((GDestroyNotify)suture_source_free);

	for (guint i = 0; i < sources->names->len; i++) {
		g_autofree gchar *sha256 = suture_digest_bytes(sources->contents->pdata[i]);

		g_ptr_array_add(digests, suture_source_new(sources->names->pdata[i], sha256));
	}
	return digests;
}

gboolean suture_source_set_write(const SutureSourceSet *sources, const gchar *folder, GError **error)
{
	SUTURE_AUTO_FD dirfd = suture_file_open_folder(folder, FALSE, error);

	for (guint i = 0; dirfd >= 0 && i < sources->names->len; i++)
		if (!suture_file_write_atomic(dirfd, sources->names->pdata[i], sources->contents->pdata[i],
					      0644, error))
			return FALSE;
	return dirfd >= 0;
}
