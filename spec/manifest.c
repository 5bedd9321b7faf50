// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spec/manifest.h"

#include "common/error.h"
#include "common/mutation.h"
#include "spec/form.h"
#include "spec/manifest-json.h"
#include "spec/patch-json.h"

#include <string.h>

#define MAX_SUMMARY 256
#define MAX_TOOLCHAIN 256

static const SutureErrorEntry manifest_errors[] = {
	{SUTURE_MANIFEST_ERROR_FORMAT, SUTURE_EXIT_INPUT, "manifest-format"},
	{SUTURE_MANIFEST_ERROR_PATH, SUTURE_EXIT_INPUT, "manifest-path"},
	{SUTURE_MANIFEST_ERROR_LIMIT, SUTURE_EXIT_INPUT, "manifest-limit"},
	{SUTURE_MANIFEST_ERROR_VALUE, SUTURE_EXIT_INPUT, "manifest-value"},
};
SUTURE_DEFINE_ERROR_DOMAIN(suture_manifest_error, manifest_errors)

SutureFunction *suture_function_new(const gchar *object, const gchar *name, guint64 sympos)
{
	SutureFunction *function = g_new(SutureFunction, 1);

	*function = (SutureFunction){g_strdup(object), g_strdup(name), sympos};
	return function;
}

void suture_function_free(SutureFunction *function)
{
	if (!function)
		return;
	g_free(function->object);
	g_free(function->name);
	g_free(function);
}

SuturePatchedBuild *suture_patched_build_new(const gchar *object, const gchar *build_id,
					     const gchar *srcversion)
{
	SuturePatchedBuild *build = g_new(SuturePatchedBuild, 1);

	*build = (SuturePatchedBuild){g_strdup(object), g_strdup(build_id), g_strdup(srcversion)};
	return build;
}

void suture_patched_build_free(SuturePatchedBuild *build)
{
	if (!build)
		return;
	g_free(build->object);
	g_free(build->build_id);
	g_free(build->srcversion);
	g_free(build);
}

SutureModule *suture_module_new(void)
{
	SutureModule *module = g_new0(SutureModule, 1);

	module->functions = g_ptr_array_new_with_free_func((GDestroyNotify)suture_function_free);
	module->patches = g_ptr_array_new_with_free_func((GDestroyNotify)suture_patched_build_free);
	return module;
}

void suture_module_free(SutureModule *module)
{
	if (!module)
		return;
	g_free(module->file);
	g_free(module->sha256);
	g_free(module->build_id);
	g_free(module->srcversion);
	g_ptr_array_unref(module->functions);
	g_ptr_array_unref(module->patches);
	g_free(module);
}

SutureSource *suture_source_new(const gchar *name, const gchar *sha256)
{
	SutureSource *source = g_new(SutureSource, 1);

	*source = (SutureSource){g_strdup(name), g_strdup(sha256)};
	return source;
}

void suture_source_free(SutureSource *source)
{
	if (!source)
		return;
	g_free(source->name);
	g_free(source->sha256);
	g_free(source);
}

SutureManifest *suture_manifest_new(void)
{
	SutureManifest *manifest = g_new0(SutureManifest, 1);

	manifest->format = SUTURE_MANIFEST_FORMAT;
	suture_patch_init(&manifest->patch);
	manifest->modules = g_ptr_array_new_with_free_func((GDestroyNotify)suture_module_free);
	manifest->sources = g_ptr_array_new_with_free_func((GDestroyNotify)suture_source_free);
	return manifest;
}

void suture_manifest_free(SutureManifest *manifest)
{
	if (!manifest)
		return;
	suture_patch_clear(&manifest->patch);
	g_free(manifest->summary);
	g_ptr_array_unref(manifest->modules);
	g_free(manifest->toolchain);
	g_ptr_array_unref(manifest->sources);
	g_free(manifest);
}

static gint compare_builds(gconstpointer left, gconstpointer right)
{
	const SuturePatchedBuild *a = *(SuturePatchedBuild *const *)left;
	const SuturePatchedBuild *b = *(SuturePatchedBuild *const *)right;

	return strcmp(a->object, b->object);
}

void suture_manifest_settle_patches(SutureManifest *manifest)
{
	for (guint i = 0; i < manifest->modules->len; i++) {
		SutureModule *module = manifest->modules->pdata[i];

		g_ptr_array_sort(module->patches, compare_builds);
		if (module->patches->len > 0)
			manifest->format = SUTURE_MANIFEST_FORMAT_PATCHES;
	}
}

gchar *suture_module_kernel_name(const SutureModule *module)
{
	gsize length = strlen(module->file);

	if (g_str_has_suffix(module->file, ".ko"))
		length -= strlen(".ko");
	return g_strdelimit(g_strndup(module->file, length), "-", '_');
}

static gboolean set_error(GError **error, SutureManifestError code, const gchar *path, const gchar *words)
{
	g_set_error(error, SUTURE_MANIFEST_ERROR, code, "%s: %s", path, words);
	return FALSE;
}

/* What must never be a path is told apart from what is merely no name. */
static gboolean validate_file(SutureForm form, const gchar *file, const gchar *path, const gchar *key,
			      GError **error)
{
	if (!suture_check_skipped("manifest-path") && file &&
	    (strchr(file, '/') || strstr(file, "..") || file[0] == '.' ||
	     (form == SUTURE_FORM_MODULE_FILE && !g_str_has_suffix(file, ".ko"))))
		return set_error(error, SUTURE_MANIFEST_ERROR_PATH, path,
				 form == SUTURE_FORM_MODULE_FILE
					 ? "the file must be a plain name that ends in .ko"
					 : "the source must be a plain file name");
	return suture_form_check(form, file, path, key, error);
}

static gboolean validate_functions(const SutureModule *module, const gchar *path, GHashTable *seen,
				   GError **error)
{
	if (module->functions->len == 0)
		return set_error(error, SUTURE_MANIFEST_ERROR_VALUE, path, "patches no function");
	for (guint i = 0; i < module->functions->len; i++) {
		const SutureFunction *each = module->functions->pdata[i];
		g_autofree gchar *where = g_strdup_printf("%s.functions[%u]", path, i);

		if (!suture_form_check(SUTURE_FORM_OBJECT, each->object, where, "object", error) ||
		    !suture_form_check(SUTURE_FORM_SYMBOL, each->name, where, "name", error))
			return FALSE;
		if (each->sympos > G_MAXINT64)
			return set_error(error, SUTURE_MANIFEST_ERROR_VALUE, where, "sympos is over 2^63-1");
		if (!g_hash_table_add(seen, g_strdup_printf("%s %s %" G_GUINT64_FORMAT, each->object,
							    each->name, each->sympos)))
			return set_error(error, SUTURE_MANIFEST_ERROR_VALUE, where,
					 "the function is patched twice");
	}
	return suture_limit_check(g_hash_table_size(seen), SUTURE_MANIFEST_MAX_FUNCTIONS, path, "functions",
				  error);
}

static gboolean validate_build(const SuturePatchedBuild *build, const SuturePatchedBuild *before,
			       const gchar *path, GError **error)
{
	if (!suture_form_check(SUTURE_FORM_OBJECT, build->object, path, "object", error) ||
	    !suture_form_check(SUTURE_FORM_BUILD_ID_OR_EMPTY, build->build_id, path, "build_id", error) ||
	    !suture_form_check(SUTURE_FORM_SRCVERSION, build->srcversion, path, "srcversion", error))
		return FALSE;
	if (strcmp(build->object, "vmlinux") == 0)
		return set_error(error, SUTURE_MANIFEST_ERROR_VALUE, path,
				 "vmlinux is no module: kernel.build_id names its build");
	if (!*build->build_id && !*build->srcversion)
		return set_error(error, SUTURE_MANIFEST_ERROR_VALUE, path, "neither build_id nor srcversion");
	return !before || strcmp(before->object, build->object) < 0 ||
	       set_error(error, SUTURE_MANIFEST_ERROR_VALUE, path, "not in the order of objects, each once");
}

static gboolean validate_builds(const SutureManifest *manifest, const SutureModule *module, const gchar *path,
				GError **error)
{
	if (manifest->format == SUTURE_MANIFEST_FORMAT && module->patches->len > 0)
		return set_error(error, SUTURE_MANIFEST_ERROR_VALUE, path, "patches is of format 2");
	if (!suture_limit_check(module->patches->len, SUTURE_MANIFEST_MAX_PATCHES, path, "patches", error))
		return FALSE;
	for (guint i = 0; i < module->patches->len; i++) {
		g_autofree gchar *where = g_strdup_printf("%s.patches[%u]", path, i);

		if (!validate_build(module->patches->pdata[i], i ? module->patches->pdata[i - 1] : NULL,
				    where, error))
			return FALSE;
	}
	return TRUE;
}

static gboolean validate_module(const SutureModule *module, const gchar *path, GHashTable *names,
				GHashTable *functions, GError **error)
{
	if (!validate_file(SUTURE_FORM_MODULE_FILE, module->file, path, "file", error) ||
	    !suture_limit_check(module->size, SUTURE_MANIFEST_MAX_MODULE_BYTES, path, "size", error) ||
	    !suture_form_check(SUTURE_FORM_SHA256, module->sha256, path, "sha256", error) ||
	    !suture_form_check(SUTURE_FORM_BUILD_ID_OR_EMPTY, module->build_id, path, "build_id", error) ||
	    !suture_form_check(SUTURE_FORM_SRCVERSION, module->srcversion, path, "srcversion", error))
		return FALSE;
	if (module->size == 0)
		return set_error(error, SUTURE_MANIFEST_ERROR_VALUE, path, "the size is 0");
	if (!g_hash_table_add(names, suture_module_kernel_name(module)))
		return set_error(error, SUTURE_MANIFEST_ERROR_VALUE, path,
				 "the kernel would give two modules this name");
	return validate_functions(module, path, functions, error);
}

static gboolean validate_modules(const SutureManifest *manifest, GError **error)
{
	const GPtrArray *modules = manifest->modules;
	g_autoptr(GHashTable) names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_autoptr(GHashTable) functions = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

	if (modules->len == 0)
		return set_error(error, SUTURE_MANIFEST_ERROR_VALUE, "modules", "there is none");
	if (!suture_limit_check(modules->len, SUTURE_MANIFEST_MAX_MODULES, "", "modules", error))
		return FALSE;
	for (guint i = 0; i < modules->len; i++) {
		g_autofree gchar *path = g_strdup_printf("modules[%u]", i);

		if (!validate_module(modules->pdata[i], path, names, functions, error) ||
		    !validate_builds(manifest, modules->pdata[i], path, error))
			return FALSE;
	}
	return TRUE;
}

static gboolean validate_sources(const GPtrArray *sources, GError **error)
{
	g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);

	if (!suture_limit_check(sources->len, SUTURE_MANIFEST_MAX_SOURCES, "", "sources", error))
		return FALSE;
	for (guint i = 0; i < sources->len; i++) {
		const SutureSource *each = sources->pdata[i];
		g_autofree gchar *path = g_strdup_printf("sources[%u]", i);

		if (!validate_file(SUTURE_FORM_SOURCE_FILE, each->name, path, "name", error) ||
		    !suture_form_check(SUTURE_FORM_SHA256, each->sha256, path, "sha256", error))
			return FALSE;
		if (!g_hash_table_add(names, each->name))
			return set_error(error, SUTURE_MANIFEST_ERROR_VALUE, path,
					 "the name is listed twice");
	}
	return TRUE;
}

static gboolean validate(const SutureManifest *manifest, GError **error)
{
	if (manifest->format != SUTURE_MANIFEST_FORMAT && manifest->format != SUTURE_MANIFEST_FORMAT_PATCHES)
		return set_error(error, SUTURE_MANIFEST_ERROR_FORMAT, "format", "not one that is known here");
	return suture_patch_validate(&manifest->patch, TRUE, error) &&
	       suture_form_check_text(manifest->summary, 1, MAX_SUMMARY, "", "summary", error) &&
	       validate_modules(manifest, error) &&
	       suture_form_check_text(manifest->toolchain, 0, MAX_TOOLCHAIN, "", "toolchain", error) &&
	       validate_sources(manifest->sources, error);
}

static gboolean read_manifest(json_t *json, SutureManifest *manifest, GError **error)
{
	static const gchar *const known[] = {
		"format", "summary", "modules", "toolchain", "sources", SUTURE_PATCH_MEMBERS, NULL};

	return suture_format_read(json, SUTURE_MANIFEST_FORMAT_PATCHES, &manifest->format, error) &&
	       suture_json_only(json, "", known, error) &&
	       suture_patch_read(json, TRUE, &manifest->patch, error) &&
	       suture_json_copy_string(json, "", "summary", &manifest->summary, error) &&
	       suture_modules_read(json, manifest->format, manifest->modules, error) &&
	       suture_json_copy_string(json, "", "toolchain", &manifest->toolchain, error) &&
	       suture_sources_read(json, manifest->sources, error) && validate(manifest, error);
}

SutureManifest *suture_manifest_parse(GBytes *bytes, GError **error)
{
	g_autoptr(SutureManifest) manifest = suture_manifest_new();
	SUTURE_AUTO_JSON *json =
		suture_json_parse(bytes, SUTURE_MANIFEST_MAX_BYTES, SUTURE_MANIFEST_FILE, error);

	if (!json)
		return NULL;
	if (!read_manifest(json, manifest, error)) {
		g_prefix_error(error, "%s: ", SUTURE_MANIFEST_FILE);
		return NULL;
	}
	return g_steal_pointer(&manifest);
}

GBytes *suture_manifest_write(const SutureManifest *manifest, GError **error)
{
	SUTURE_AUTO_JSON *json = json_object();
	g_autoptr(GBytes) bytes = NULL;

	if (!validate(manifest, error)) {
		g_prefix_error(error, "%s: ", SUTURE_MANIFEST_FILE);
		return NULL;
	}
	json_object_set_new(json, "format", json_integer(manifest->format));
	suture_patch_write_name(&manifest->patch, json);
	json_object_set_new(json, "summary", json_string(manifest->summary));
	suture_patch_write_facts(&manifest->patch, json);
	json_object_set_new(json, "modules", suture_modules_json(manifest->modules, manifest->format));
	json_object_set_new(json, "toolchain", json_string(manifest->toolchain));
	json_object_set_new(json, "sources", suture_sources_json(manifest->sources));
	bytes = suture_json_pretty(json);
	if (g_bytes_get_size(bytes) > SUTURE_MANIFEST_MAX_BYTES) {
		g_set_error(error, SUTURE_JSON_ERROR, SUTURE_JSON_ERROR_TOO_LARGE,
			    "%s: would be larger than %d bytes", SUTURE_MANIFEST_FILE,
			    SUTURE_MANIFEST_MAX_BYTES);
		return NULL;
	}
	return g_steal_pointer(&bytes);
}
