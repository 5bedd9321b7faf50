// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/build/build.h"

#include "common/cancel.h"
#include "common/file.h"
#include "common/staging.h"
#include "packager/build/kbuild.h"
#include "packager/build/patched.h"
#include "packager/build/relocations.h"
#include "packager/build/target.h"
#include "packager/build/template.h"
#include "packager/fix/fix.h"
#include "packager/read/module-info.h"
#include "signer/verify/digest.h"

#include <string.h>

#define DIFF_BYTES (16 * 1024 * 1024)

void suture_built_free(SutureBuilt *built)
{
	g_clear_pointer(&built->manifest, suture_manifest_free);
	g_ptr_array_unref(built->modules);
	g_clear_pointer(&built->unnamed, g_ptr_array_unref);
	g_free(built);
}

gchar *suture_build_default_description(const gchar *source)
{
	gboolean is_folder = g_file_test(source, G_FILE_TEST_IS_DIR);
	g_autofree gchar *folder = is_folder ? g_strdup(source) : g_path_get_dirname(source);
	g_autofree gchar *path = g_build_filename(folder, "patch.conf", NULL);

	return g_file_test(path, G_FILE_TEST_EXISTS) ? g_steal_pointer(&path) : NULL;
}

/* SOURCE_DATE_EPOCH (reproducible-builds.org) or now. */
static gboolean build_date(gint64 *ret, GError **error)
{
	const gchar *epoch = g_getenv("SOURCE_DATE_EPOCH");

	*ret = g_get_real_time() / G_USEC_PER_SEC;
	if (!epoch || g_ascii_string_to_signed(epoch, 10, 0, G_MAXINT32, ret, NULL))
		return TRUE;
	g_set_error(error, SUTURE_BUILD_ERROR, SUTURE_BUILD_ERROR_DATE,
		    "SOURCE_DATE_EPOCH: \"%s\" is not a number of seconds since 1970; correct or unset it",
		    epoch);
	return FALSE;
}

static gboolean is_ready(const SutureBuildRequest *request)
{
	return request->source && g_str_has_suffix(request->source, ".ko") &&
	       !g_file_test(request->source, G_FILE_TEST_IS_DIR);
}

static SutureModule *describe_module(const SutureModuleInfo *info, const gchar *file, GBytes *bytes)
{
	SutureModule *module = suture_module_new();

	module->file = g_strdup(file);
	module->size = g_bytes_get_size(bytes);
	module->sha256 = suture_digest_bytes(bytes);
	module->build_id = g_strdup(info->build_id);
	module->srcversion = g_strdup(info->srcversion);
	for (guint i = 0; i < info->functions->len; i++) {
		const SutureFunction *function = info->functions->pdata[i];

		g_ptr_array_add(module->functions,
				suture_function_new(function->object, function->name, function->sympos));
	}
	return module;
}

/* The first module decides vermagic, provider, consistency and cumulative of the patch. The others must say
 * the same, but never replace: that would take the first one out again. */
static gboolean agree(const SutureModuleInfo *info, const gchar *file, SutureManifest *manifest,
		      const SutureDescription *description, GError **error)
{
	SuturePatch *patch = &manifest->patch;

	if (manifest->modules->len == 0) {
		g_free(patch->kernel.vermagic);
		patch->kernel.vermagic = g_strdup(info->vermagic);
		return suture_description_settle(description, info, patch, error);
	}
	if (strcmp(patch->kernel.vermagic, info->vermagic) == 0 && patch->provider == info->provider &&
	    patch->consistency == info->consistency && !info->cumulative)
		return TRUE;
	g_set_error(error, SUTURE_BUILD_ERROR, SUTURE_BUILD_ERROR_DISAGREE,
		    "%s: vermagic, provider or consistency is not that of the patch's first module, or "
		    "klp_patch.replace is set in a further one; make them agree, and let the first one alone "
		    "replace",
		    file);
	return FALSE;
}

/* What a ready module has stays as it is; of what was built here, the loader gets all that it can do. */
static GBytes *settle_relocations(const SutureBuildRequest *request, const SutureModuleInfo *info,
				  const gchar *file, GBytes *bytes, GError **error)
{
	SutureRelocationMeans means = {.framework = info->provider == SUTURE_PROVIDER_FRAMEWORK};

	if (is_ready(request))
		return suture_relocations_check(bytes, means.framework, file, error) ? g_bytes_ref(bytes)
										     : NULL;
	if (request->profile)
		means.loader = suture_profile_livepatch(request->profile);
	else if (!suture_headers_has(request->headers, "CONFIG_LIVEPATCH", &means.loader, error))
		return NULL;
	return suture_relocations_settle(bytes, &means, file, error);
}

static gboolean add_module(SutureBuilt *built, const SutureBuildRequest *request, const gchar *file,
			   GBytes *linked, GError **error)
{
	g_autoptr(SutureModuleInfo) info = suture_module_info_read(linked, file, error);
	g_autoptr(GBytes) bytes = NULL;

	if (!info || !suture_module_info_check_release(info, built->manifest->patch.kernel.release, error) ||
	    !suture_module_info_check_name(info, file, error) ||
	    !agree(info, file, built->manifest, request->description, error))
		return FALSE;
	bytes = settle_relocations(request, info, file, linked, error);
	if (!bytes)
		return FALSE;
	g_ptr_array_add(built->manifest->modules, describe_module(info, file, bytes));
	g_ptr_array_add(built->modules, g_bytes_ref(bytes));
	return TRUE;
}

static gboolean build_ready(SutureBuilt *built, const SutureBuildRequest *request, GError **error)
{
	g_autofree gchar *file = g_path_get_basename(request->source);
	g_autoptr(GBytes) bytes = suture_file_read(request->source, SUTURE_MANIFEST_MAX_MODULE_BYTES, error);

	return bytes && add_module(built, request, file, bytes, error);
}

/* *@ret_framework: NULL for the kernel's own livepatch, unless its headers were asked for. */
static gboolean find_framework(const SutureBuildRequest *request, const gchar *release,
			       SutureFramework **ret_framework, GError **error)
{
	SutureProvider provider;

	*ret_framework = NULL;
	if (!suture_description_provider(request->description, &provider, error))
		return FALSE;
	if (provider == SUTURE_PROVIDER_KERNEL && !request->framework)
		return TRUE;
	*ret_framework = suture_framework_find(request->framework,
					       provider == SUTURE_PROVIDER_FRAMEWORK ? release : NULL, error);
	return *ret_framework != NULL;
}

static gboolean build_sources(SutureBuilt *built, const SutureBuildRequest *request, gchar **ret_words,
			      GError **error)
{
	g_autoptr(SutureSourceSet) sources = suture_source_set_read(request->source, error);
	g_autoptr(SutureFramework) framework = NULL;
	g_autoptr(SutureKbuild) made = NULL;
	SutureManifest *manifest = built->manifest;
	/* With the version, so that a new one can be loaded while the old one is live. */
	g_autofree gchar *id = suture_patch_id(&manifest->patch);

	if (!sources || !find_framework(request, manifest->patch.kernel.release, &framework, error))
		return FALSE;
	made = suture_kbuild_run(sources, request->headers, framework, id, request->jobs, ret_words, error);
	if (!made) {
		g_prefix_error(error, "%s: ", request->source);
		return FALSE;
	}
	for (guint i = 0; i < made->names->len; i++)
		if (!add_module(built, request, made->names->pdata[i], made->modules->pdata[i], error))
			return FALSE;
	g_free(manifest->toolchain);
	manifest->toolchain = g_strdup(made->toolchain);
	g_ptr_array_unref(manifest->sources);
	manifest->sources = suture_source_set_digests(sources);
	return TRUE;
}

/* What cannot be packed is said before anything is signed. */
static gboolean finish(SutureBuilt *built, const SutureBuildRequest *request, GError **error)
{
	const SuturePatchedFiles files = {.profile = request->profile, .files = request->patched_modules};

	return suture_cancel_check(error) &&
	       suture_patched_name(&files, built->manifest, built->modules, &built->unnamed, error) &&
	       suture_template_check(built->manifest, error);
}

static SutureBuilt *new_built(const SutureBuildRequest *request, GError **error)
{
	g_autoptr(SutureBuilt) built = g_new0(SutureBuilt, 1);
	gint64 date;

	built->modules = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
	if (!build_date(&date, error))
		return NULL;
	built->manifest = suture_description_manifest(request->description, date, error);
	return built->manifest ? g_steal_pointer(&built) : NULL;
}

SutureBuilt *suture_build(const SutureBuildRequest *request, gchar **ret_words, GError **error)
{
	g_autoptr(SutureBuilt) built = NULL;

	if (!is_ready(request) && !request->headers) {
		g_set_error(error, SUTURE_BUILD_ERROR, SUTURE_BUILD_ERROR_HEADERS,
			    "%s: sources need the kernel's headers; give --kernel-headers", request->source);
		return NULL;
	}
	built = new_built(request, error);
	if (!built ||
	    !suture_target_kernel(request->image, request->headers, &built->manifest->patch.kernel, error))
		return NULL;
	if (!(is_ready(request) ? build_ready(built, request, error)
				: build_sources(built, request, ret_words, error)))
		return NULL;
	return finish(built, request, error) ? g_steal_pointer(&built) : NULL;
}

static void set_kernel(const SutureProfile *profile, SutureManifest *manifest)
{
	SutureKernel *kernel = &manifest->patch.kernel;

	suture_kernel_clear(kernel);
	kernel->release = g_strdup(profile->release);
	kernel->arch = g_strdup(profile->arch);
	kernel->build_id = g_strdup(profile->build_id);
	g_free(manifest->toolchain);
	manifest->toolchain =
		profile->toolchain_mismatch
			? g_strdup_printf("%s (the kernel: %s)", profile->compiler, profile->kernel_compiler)
			: g_strdup(profile->compiler);
}

static gboolean add_diffs(SutureManifest *manifest, const gchar *const *diffs, GError **error)
{
	for (; *diffs; diffs++) {
		g_autofree gchar *name = g_path_get_basename(*diffs);
		g_autoptr(GBytes) bytes = suture_file_read(*diffs, DIFF_BYTES, error);
		g_autofree gchar *digest = bytes ? suture_digest_bytes(bytes) : NULL;

		if (!digest)
			return FALSE;
		g_ptr_array_add(manifest->sources, suture_source_new(name, digest));
	}
	return TRUE;
}

static gboolean make_fix(SutureBuilt *built, const SutureBuildRequest *request,
			 const SutureFramework *framework, json_t **ret_report, gchar **ret_words,
			 GError **error)
{
	const SuturePatch *patch = &built->manifest->patch;
	g_autofree gchar *id = suture_patch_id(patch);
	g_autofree gchar *name = g_strdelimit(g_strdup(id), "-.", '_');
	g_autofree gchar *file = g_strconcat(name, ".ko", NULL);
	g_autoptr(SutureFix) fix = NULL;
	gboolean for_framework = framework && framework->symvers;
	SutureFixRequest wanted = {
		.profile = request->profile,
		.diffs = request->diffs,
		.name = name,
		.description = built->manifest->summary,
		.provider = for_framework ? SUTURE_PROVIDER_FRAMEWORK : SUTURE_PROVIDER_KERNEL,
		.consistency = patch->consistency,
		.include = for_framework ? framework->include : NULL,
		.more_symvers = for_framework ? framework->symvers : NULL,
		.max_units = request->max_units,
		.jobs = request->jobs,
		.progress = request->progress,
		.progress_data = request->progress_data,
	};

	if (!suture_description_cumulative(request->description, &wanted.replace, error))
		return FALSE;
	fix = suture_fix_make(&wanted, error);
	*ret_report = json_incref(fix->report);
	*ret_words = g_strdup(fix->words);
	return fix->module && add_module(built, request, file, fix->module, error);
}

/* A fix makes one module. */
static json_t *patches_json(const SutureManifest *manifest)
{
	const SutureModule *module = manifest->modules->pdata[0];
	json_t *list = json_array();

	for (guint i = 0; i < module->patches->len; i++) {
		const SuturePatchedBuild *build = module->patches->pdata[i];

		json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "object", build->object, "build_id",
						      build->build_id, "srcversion", build->srcversion));
	}
	return list;
}

SutureBuilt *suture_build_fix(const SutureBuildRequest *request, json_t **ret_report, gchar **ret_words,
			      GError **error)
{
	g_autoptr(SutureBuilt) built = new_built(request, error);
	g_autoptr(SutureFramework) framework = NULL;

	if (!built || !find_framework(request, request->profile->release, &framework, error))
		return NULL;
	set_kernel(request->profile, built->manifest);
	if (!add_diffs(built->manifest, request->diffs, error) ||
	    !make_fix(built, request, framework, ret_report, ret_words, error) ||
	    !finish(built, request, error))
		return NULL;
	json_object_set_new(*ret_report, "patches", patches_json(built->manifest));
	return g_steal_pointer(&built);
}

gboolean suture_build_write(const SutureBuilt *built, int dirfd, GError **error)
{
	g_autoptr(GBytes) manifest = suture_manifest_write(built->manifest, error);

	for (guint i = 0; manifest && i < built->modules->len; i++) {
		const SutureModule *module = built->manifest->modules->pdata[i];

		if (!suture_file_write_atomic(dirfd, module->file, built->modules->pdata[i], 0644, error))
			return FALSE;
	}
	return manifest && suture_file_write_atomic(dirfd, SUTURE_MANIFEST_FILE, manifest, 0644, error);
}

gchar *suture_build_write_folder(const SutureBuilt *built, const gchar *output, GError **error)
{
	g_autofree gchar *id = suture_patch_id(&built->manifest->patch);
	SUTURE_AUTO_FD dirfd = suture_file_open_folder(output, TRUE, error);
	g_autoptr(SutureStaging) staging = dirfd < 0 ? NULL : suture_staging_new(dirfd, error);

	if (!staging || !suture_build_write(built, suture_staging_fd(staging), error) ||
	    !suture_cancel_check(error) || !suture_staging_commit(staging, id, error))
		return NULL;
	return g_build_filename(output, id, NULL);
}
