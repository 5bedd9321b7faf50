// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spec/manifest-json.h"

#include "spec/patch-json.h"

typedef gboolean (*ReadEntry)(json_t *entry, const gchar *path, GPtrArray *list, GError **error);

static gboolean read_list(json_t *object, const gchar *path, const gchar *key, guint64 max, ReadEntry read,
			  GPtrArray *list, GError **error)
{
	json_t *array = suture_json_array(object, path, key, G_MAXSIZE, error), *entry;
	gsize i;

	if (!array || !suture_limit_check(json_array_size(array), max, path, key, error))
		return FALSE;
	json_array_foreach (array, i, entry) {
		g_autofree gchar *where =
			g_strdup_printf("%s%s%s[%" G_GSIZE_FORMAT "]", path, *path ? "." : "", key, i);

		if (!read(entry, where, list, error))
			return FALSE;
	}
	return TRUE;
}

static gboolean read_function(json_t *entry, const gchar *path, GPtrArray *functions, GError **error)
{
	static const gchar *const known[] = {"object", "name", "sympos", NULL};
	const gchar *object, *name;
	gint64 sympos;

	if (!suture_json_is_object(entry, path, error) || !suture_json_only(entry, path, known, error))
		return FALSE;
	object = suture_json_string(entry, path, "object", error);
	name = object ? suture_json_string(entry, path, "name", error) : NULL;
	if (!name || !suture_json_integer(entry, path, "sympos", 0, G_MAXINT64, &sympos, error))
		return FALSE;
	g_ptr_array_add(functions, suture_function_new(object, name, (guint64)sympos));
	return TRUE;
}

static gboolean read_build(json_t *entry, const gchar *path, GPtrArray *builds, GError **error)
{
	static const gchar *const known[] = {"object", "build_id", "srcversion", NULL};
	const gchar *object, *build_id, *srcversion;

	if (!suture_json_is_object(entry, path, error) || !suture_json_only(entry, path, known, error))
		return FALSE;
	object = suture_json_string(entry, path, "object", error);
	build_id = object ? suture_json_string(entry, path, "build_id", error) : NULL;
	srcversion = build_id ? suture_json_string(entry, path, "srcversion", error) : NULL;
	if (!srcversion)
		return FALSE;
	g_ptr_array_add(builds, suture_patched_build_new(object, build_id, srcversion));
	return TRUE;
}

static SutureModule *read_module(json_t *entry, gint64 format, const gchar *path, GError **error)
{
	gboolean builds = format >= SUTURE_MANIFEST_FORMAT_PATCHES;
	const gchar *const known[] = {
		"file", "size", "sha256", "build_id", "srcversion", "functions", builds ? "patches" : NULL,
		NULL};
	g_autoptr(SutureModule) module = suture_module_new();
	gint64 size;

	if (!suture_json_is_object(entry, path, error) || !suture_json_only(entry, path, known, error) ||
	    !suture_json_copy_string(entry, path, "file", &module->file, error) ||
	    !suture_json_integer(entry, path, "size", 1, G_MAXINT64, &size, error) ||
	    !suture_json_copy_string(entry, path, "sha256", &module->sha256, error) ||
	    !suture_json_copy_string(entry, path, "build_id", &module->build_id, error) ||
	    !suture_json_copy_string(entry, path, "srcversion", &module->srcversion, error) ||
	    !read_list(entry, path, "functions", SUTURE_MANIFEST_MAX_FUNCTIONS, read_function,
		       module->functions, error) ||
	    (builds && !read_list(entry, path, "patches", SUTURE_MANIFEST_MAX_PATCHES, read_build,
				  module->patches, error)))
		return NULL;
	module->size = (guint64)size;
	return g_steal_pointer(&module);
}

gboolean suture_modules_read(json_t *manifest, gint64 format, GPtrArray *modules, GError **error)
{
	json_t *array = suture_json_array(manifest, "", "modules", G_MAXSIZE, error), *entry;
	gsize i;

	if (!array ||
	    !suture_limit_check(json_array_size(array), SUTURE_MANIFEST_MAX_MODULES, "", "modules", error))
		return FALSE;
	json_array_foreach (array, i, entry) {
		g_autofree gchar *path = g_strdup_printf("modules[%" G_GSIZE_FORMAT "]", i);
		SutureModule *module = read_module(entry, format, path, error);

		if (!module)
			return FALSE;
		g_ptr_array_add(modules, module);
	}
	return TRUE;
}

static gboolean read_source(json_t *entry, const gchar *path, GPtrArray *sources, GError **error)
{
	static const gchar *const known[] = {"name", "sha256", NULL};
	const gchar *name, *sha256;

	if (!suture_json_is_object(entry, path, error) || !suture_json_only(entry, path, known, error))
		return FALSE;
	name = suture_json_string(entry, path, "name", error);
	sha256 = name ? suture_json_string(entry, path, "sha256", error) : NULL;
	if (!sha256)
		return FALSE;
	g_ptr_array_add(sources, suture_source_new(name, sha256));
	return TRUE;
}

gboolean suture_sources_read(json_t *manifest, GPtrArray *sources, GError **error)
{
	return read_list(manifest, "", "sources", SUTURE_MANIFEST_MAX_SOURCES, read_source, sources, error);
}

static json_t *functions_json(const GPtrArray *functions)
{
	json_t *array = json_array();

	for (guint i = 0; i < functions->len; i++) {
		const SutureFunction *each = functions->pdata[i];

		json_array_append_new(array, json_pack("{s:s, s:s, s:I}", "object", each->object, "name",
						       each->name, "sympos", (json_int_t)each->sympos));
	}
	return array;
}

static json_t *builds_json(const GPtrArray *builds)
{
	json_t *array = json_array();

	for (guint i = 0; i < builds->len; i++) {
		const SuturePatchedBuild *each = builds->pdata[i];

		json_array_append_new(array, json_pack("{s:s, s:s, s:s}", "object", each->object, "build_id",
						       each->build_id, "srcversion", each->srcversion));
	}
	return array;
}

static json_t *module_json(const SutureModule *module, gint64 format)
{
	json_t *json =
		json_pack("{s:s, s:I, s:s, s:s, s:s, s:o}", "file", module->file, "size",
			  (json_int_t)module->size, "sha256", module->sha256, "build_id", module->build_id,
			  "srcversion", module->srcversion, "functions", functions_json(module->functions));

	if (format >= SUTURE_MANIFEST_FORMAT_PATCHES)
		json_object_set_new(json, "patches", builds_json(module->patches));
	return json;
}

json_t *suture_modules_json(const GPtrArray *modules, gint64 format)
{
	json_t *array = json_array();

	for (guint i = 0; i < modules->len; i++)
		json_array_append_new(array, module_json(modules->pdata[i], format));
	return array;
}

json_t *suture_sources_json(const GPtrArray *sources)
{
	json_t *array = json_array();

	for (guint i = 0; i < sources->len; i++) {
		const SutureSource *each = sources->pdata[i];

		json_array_append_new(array,
				      json_pack("{s:s, s:s}", "name", each->name, "sha256", each->sha256));
	}
	return array;
}
