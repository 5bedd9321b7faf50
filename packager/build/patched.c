// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/build/patched.h"

#include "packager/build/error.h"
#include "packager/read/module-file.h"
#include "packager/read/module-info.h"

#include <string.h>

typedef struct {
	const SuturePatchedFiles *files;
	const gchar *release;
	GHashTable *given;  /* module's name -> SuturePatchedBuild*, of the files that the user named */
	GHashTable *needed; /* set of gchar*: what the patch's modules patch */
	GPtrArray *unnamed; /* gchar* */
} Work;

static void work_clear(Work *work)
{
	g_clear_pointer(&work->given, g_hash_table_unref);
	g_clear_pointer(&work->needed, g_hash_table_unref);
	g_clear_pointer(&work->unnamed, g_ptr_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Work, work_clear)

static gboolean refuse(GError **error, const gchar *path, const gchar *words)
{
	g_set_error(error, SUTURE_BUILD_ERROR, SUTURE_BUILD_ERROR_PATCHED, "%s: %s", path, words);
	return FALSE;
}

/* What the file at @path says; @object NULL: it says that too. */
static SuturePatchedBuild *read_file(const gchar *path, const gchar *object, const gchar *release,
				     GError **error)
{
	g_autoptr(GBytes) bytes = suture_module_file_read(path, error);
	g_autoptr(SutureModuleIdentity) found =
		bytes ? suture_module_identity_read(bytes, path, error) : NULL;
	g_autofree gchar *file = suture_module_file_name(path);

	if (!found)
		return NULL;
	if (strcmp(found->release, release) != 0) {
		g_set_error(error, SUTURE_BUNDLE_ERROR, SUTURE_BUNDLE_ERROR_VERMAGIC,
			    "%s: is a module of kernel %s, and the patch is for %s: give the one of that "
			    "kernel",
			    path, found->release, release);
		return NULL;
	}
	if (!object)
		object = *found->name ? found->name : file;
	return suture_patched_build_new(object, found->build_id, found->srcversion);
}

static gboolean is_told(const SuturePatchedBuild *build)
{
	return *build->build_id || *build->srcversion;
}

static gboolean take_given(Work *work, const gchar *path, GError **error)
{
	g_autoptr(SuturePatchedBuild) build = read_file(path, NULL, work->release, error);

	if (!build)
		return FALSE;
	if (!g_hash_table_contains(work->needed, build->object))
		return refuse(error, path,
			      "is no module that the patch patches (klp_object.name): leave it out");
	if (g_hash_table_contains(work->given, build->object))
		return refuse(error, path, "a file of this module was given before: give one");
	if (!is_told(build))
		return refuse(error, path,
			      "has neither build-id nor srcversion, so that its build cannot be named: leave "
			      "it out");
	g_hash_table_insert(work->given, build->object, build);
	g_steal_pointer(&build);
	return TRUE;
}

static gboolean read_given(Work *work, GError **error)
{
	for (const gchar *const *path = work->files->files; path && *path; path++)
		if (!take_given(work, *path, error))
			return FALSE;
	return TRUE;
}

/* *@ret NULL, successfully, when it is not to be had. */
static gboolean find_build(const Work *work, const gchar *object, SuturePatchedBuild **ret, GError **error)
{
	const SuturePatchedBuild *given = g_hash_table_lookup(work->given, object);
	g_autofree gchar *path =
		work->files->profile ? suture_profile_module(work->files->profile, object) : NULL;

	*ret = NULL;
	if (given) {
		*ret = suture_patched_build_new(object, given->build_id, given->srcversion);
	} else if (path) {
		*ret = read_file(path, object, work->release, error);
		if (!*ret)
			return FALSE;
		if (!is_told(*ret))
			g_clear_pointer(ret, suture_patched_build_free);
	}
	return TRUE;
}

static gboolean name_builds(Work *work, SutureModule *module, const SutureModuleInfo *info, GError **error)
{
	for (guint i = 0; i < info->objects->len; i++) {
		const gchar *object = info->objects->pdata[i];
		SuturePatchedBuild *build;

		if (!find_build(work, object, &build, error))
			return FALSE;
		if (build)
			g_ptr_array_add(module->patches, build);
		else if (!g_ptr_array_find_with_equal_func(work->unnamed, object, g_str_equal, NULL))
			g_ptr_array_add(work->unnamed, g_strdup(object));
	}
	return TRUE;
}

/* What each module patches, SutureModuleInfo*. */
static GPtrArray *read_modules(Work *work, const SutureManifest *manifest, const GPtrArray *modules,
			       GError **error)
{
	g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func((GDestroyNotify)suture_module_info_free);

	for (guint i = 0; i < modules->len; i++) {
		const SutureModule *module = manifest->modules->pdata[i];
		SutureModuleInfo *info = suture_module_info_read(modules->pdata[i], module->file, error);

		if (!info)
			return NULL;
		g_ptr_array_add(all, info);
		for (guint j = 0; j < info->objects->len; j++)
			g_hash_table_add(work->needed, info->objects->pdata[j]);
	}
	return g_steal_pointer(&all);
}

static gint compare_names(gconstpointer left, gconstpointer right)
{
	return strcmp(*(const gchar *const *)left, *(const gchar *const *)right);
}

gboolean suture_patched_name(const SuturePatchedFiles *files, SutureManifest *manifest,
			     const GPtrArray *modules, GPtrArray **ret_unnamed, GError **error)
{
	g_autoptr(GPtrArray) all = NULL; /* the set of what is needed borrows from it */
	g_auto(Work) work = {
		.files = files,
		.release = manifest->patch.kernel.release,
		.given = g_hash_table_new_full(g_str_hash, g_str_equal, NULL,
					       (GDestroyNotify)suture_patched_build_free),
		.needed = g_hash_table_new(g_str_hash, g_str_equal),
		.unnamed = g_ptr_array_new_with_free_func(g_free),
	};

	all = read_modules(&work, manifest, modules, error);
	if (!all || !read_given(&work, error))
		return FALSE;
	for (guint i = 0; i < all->len; i++)
		if (!name_builds(&work, manifest->modules->pdata[i], all->pdata[i], error))
			return FALSE;
	suture_manifest_settle_patches(manifest);
	g_ptr_array_sort(work.unnamed, compare_names);
	*ret_unnamed = g_steal_pointer(&work.unnamed);
	return TRUE;
}
