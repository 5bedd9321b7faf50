// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/fix/shadow.h"

#include "common/file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SOURCE_BYTES (64 * 1024 * 1024)

struct _SutureShadow {
	gchar *tree, *folder;
	GHashTable *originals; /* gchar* real path of a copied file in the tree -> gchar* relative path */
};

void suture_shadow_free(SutureShadow *shadow)
{
	g_hash_table_unref(shadow->originals);
	g_free(shadow->tree);
	g_free(shadow->folder);
	g_free(shadow);
}

const gchar *suture_shadow_folder(const SutureShadow *shadow)
{
	return shadow->folder;
}

/* A real folder at @to with a symlink to each entry of @from. */
static gboolean mirror(const gchar *from, const gchar *to, GError **error)
{
	g_autoptr(GDir) entries = g_dir_open(from, 0, error);
	const gchar *name;

	if (!entries)
		return FALSE;
	if (mkdir(to, 0755) < 0)
		return suture_error_set_errno(error, errno, "%s", to);
	while ((name = g_dir_read_name(entries))) {
		g_autofree gchar *target = g_build_filename(from, name, NULL);
		g_autofree gchar *link = g_build_filename(to, name, NULL);

		if (symlink(target, link) < 0)
			return suture_error_set_errno(error, errno, "%s", link);
	}
	return TRUE;
}

/* Makes the folder @path of the shadow, whose parent is real already, a real one. */
static gboolean make_real(const SutureShadow *shadow, const gchar *path, GError **error)
{
	g_autofree gchar *here = g_build_filename(shadow->folder, path, NULL);
	g_autofree gchar *there = g_build_filename(shadow->tree, path, NULL);

	if (!g_file_test(here, G_FILE_TEST_IS_SYMLINK))
		return TRUE;
	if (unlink(here) < 0)
		return suture_error_set_errno(error, errno, "%s", here);
	return mirror(there, here, error);
}

static gboolean make_parents_real(const SutureShadow *shadow, const gchar *path, GError **error)
{
	for (const gchar *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		g_autofree gchar *parent = g_strndup(path, (gsize)(slash - path));

		if (!make_real(shadow, parent, error))
			return FALSE;
	}
	return TRUE;
}

static gboolean copy(SutureShadow *shadow, int tree, const gchar *path, GError **error)
{
	g_autofree gchar *here = g_build_filename(shadow->folder, path, NULL);
	g_autofree gchar *there = g_build_filename(shadow->tree, path, NULL);
	g_autofree gchar *real = realpath(there, NULL);
	g_autoptr(GBytes) text = NULL;
	struct stat status;

	if (!real || lstat(there, &status) < 0) {
		g_set_error(
			error, SUTURE_FIX_ERROR, SUTURE_FIX_ERROR_NO_SOURCE,
			"%s: the kernel's source has no such file; a live patch changes the files that the "
			"kernel was built from",
			path);
		return FALSE;
	}
	if (!S_ISREG(status.st_mode)) {
		g_set_error(error, SUTURE_FIX_ERROR, SUTURE_FIX_ERROR_KIND,
			    "%s: not a regular file in the kernel's source; leave it out of the fix", path);
		return FALSE;
	}
	text = suture_file_read_at(tree, path, SOURCE_BYTES, error);
	if (!text || !make_parents_real(shadow, path, error))
		return FALSE;
	if (unlink(here) < 0)
		return suture_error_set_errno(error, errno, "%s", here);
	g_hash_table_insert(shadow->originals, g_steal_pointer(&real), g_strdup(path));
	return suture_file_write_atomic_path(here, text, 0644, error);
}

SutureShadow *suture_shadow_new(const gchar *tree, const gchar *folder, GPtrArray *paths, GError **error)
{
	g_autoptr(SutureShadow) shadow = g_new0(SutureShadow, 1);
	SUTURE_AUTO_FD dirfd = -1;

	shadow->tree = g_strdup(tree);
	shadow->folder = g_strdup(folder);
	shadow->originals = g_hash_table_new_full(g_str_hash, g_str_equal, free, g_free);
	dirfd = suture_file_open_folder(tree, FALSE, error);
	if (dirfd < 0 || !mirror(tree, folder, error))
		return NULL;
	for (guint i = 0; i < paths->len; i++)
		if (!copy(shadow, dirfd, paths->pdata[i], error))
			return NULL;
	return g_steal_pointer(&shadow);
}

gboolean suture_shadow_reach(const SutureShadow *shadow, const gchar *path, GError **error)
{
	return make_parents_real(shadow, path, error);
}

gboolean suture_shadow_check(const SutureShadow *shadow, GPtrArray *read, GError **error)
{
	for (guint i = 0; i < read->len; i++) {
		g_autofree gchar *path = g_build_filename(shadow->folder, read->pdata[i], NULL);
		gchar *real = realpath(path, NULL);
		const gchar *original = real ? g_hash_table_lookup(shadow->originals, real) : NULL;

		free(real);
		if (!original)
			continue;
		g_set_error(error, SUTURE_FIX_ERROR, SUTURE_FIX_ERROR_PRISTINE,
			    "%s: the compiler read the unpatched file, as %s; include it by a path below the "
			    "kernel's include folders",
			    original, (const gchar *)read->pdata[i]);
		return FALSE;
	}
	return TRUE;
}
