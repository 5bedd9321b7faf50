// SPDX-License-Identifier: LGPL-2.1-or-later
/* suture build: source to bundle folder, signed folder to package, or the whole way where the keys are given.
 */
#include "cli/build-explain.h"
#include "cli/build-matrix.h"
#include "cli/build-options.h"
#include "cli/command.h"
#include "cli/terminal.h"

#include "common/cancel.h"
#include "common/file.h"
#include "common/staging.h"
#include "packager/build/build.h"
#include "packager/build/package.h"
#include "packager/build/template.h"
#include "signer/sign/gpg.h"
#include "signer/sign/manifest.h"
#include "spec/json.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

static SutureBuilt *build_source(const SutureBuildOptions *options, SutureBuildRequest *request,
				 gchar **ret_words, GError **error)
{
	request->source = options->arguments[0];
	request->headers = options->headers;
	request->image = options->image;
	request->patched_modules = (const gchar *const *)options->patched_modules;
	return suture_build(request, ret_words, error);
}

/*
 * The explanation is given also, and above all, when the fix is refused. With --json it goes into the one
 * answer that is printed in the end: *@ret_report.
 */
static SutureBuilt *build_diffs(const SutureContext *context, const SutureBuildOptions *options,
				SutureBuildRequest *request, json_t **ret_report, gchar **ret_words,
				GError **error)
{
	g_autofree gchar *store = suture_profile_store(options->profiles);
	g_autoptr(SutureProfile) profile = suture_profile_open(store, options->kernel, error);
	g_autoptr(GTimer) timer = g_timer_new();
	SUTURE_AUTO_JSON *report = NULL;
	SutureBuilt *built;

	if (!profile)
		return NULL;
	request->diffs = (const gchar *const *)options->arguments;
	request->profile = profile;
	request->max_units = (guint)options->max_units;
	request->progress = context->quiet ? NULL : suture_terminal_progress;
	request->progress_data = timer;
	built = suture_build_fix(request, &report, ret_words, error);
	suture_terminal_clear();
	if (!options->explain || !report)
		return built;
	if (built && context->json)
		*ret_report = json_incref(report);
	else
		suture_build_explain(context, report);
	return built;
}

/* Hosts check what the manifest names, and nothing else. */
static void note_unnamed(const SutureBuilt *built, gboolean from_profile)
{
	for (guint i = 0; i < built->unnamed->len; i++)
		g_printerr(
			"note: the manifest does not say for which build of the module %s the patch is, so "
			"that hosts cannot check it: %s\n",
			(const gchar *)built->unnamed->pdata[i],
			from_profile ? "the profile has no file of it with a build-id or srcversion"
				     : "give its file with --patched-module");
}

/* The compiler's words belong to the author whether it went well or not. */
static SutureBuilt *build(const SutureContext *context, const SutureBuildOptions *options,
			  json_t **ret_report, GError **error)
{
	g_autoptr(SutureDescription) description = suture_build_options_describe(options, error);
	g_autofree gchar *words = NULL;
	SutureBuildRequest request = {
		.description = description,
		.framework = options->framework,
		.jobs = options->jobs ? (guint)options->jobs : g_get_num_processors(),
	};
	SutureBuilt *built;

	if (!description)
		return NULL;
	built = options->kernel ? build_diffs(context, options, &request, ret_report, &words, error)
				: build_source(options, &request, &words, error);
	if (words && *words && (!built || !context->quiet))
		g_printerr("%s\n", words);
	if (built && !context->quiet)
		note_unnamed(built, options->kernel != NULL);
	return built;
}

static gchar *load_template(const SutureBuildOptions *options, GError **error)
{
	const gchar *distribution = options->distribution ? options->distribution : "generic";

	return suture_template_load(options->template_folder, distribution, error);
}

static void print_json(json_t *taken)
{
	SUTURE_AUTO_JSON *json = taken;
	g_autoptr(GBytes) text = suture_json_pretty(json);

	fwrite(g_bytes_get_data(text, NULL), 1, g_bytes_get_size(text), stdout);
}

/* @report: what --explain adds, or NULL; @path NULL: nothing was written. */
static void print_built(const SutureManifest *manifest, json_t *report, const gchar *kind, const gchar *path)
{
	g_autofree gchar *id = suture_patch_id(&manifest->patch);
	json_t *answer = json_pack("{s:s, s:s, s:s}", "id", id, "kernel", manifest->patch.kernel.release,
				   "build_id", manifest->patch.kernel.build_id);

	if (path)
		json_object_set_new(answer, kind, json_string(path));
	if (report)
		json_object_update(answer, report);
	print_json(answer);
}

static void print_folder(const SutureContext *context, const SutureBuilt *built, json_t *report,
			 const gchar *folder)
{
	if (context->json) {
		print_built(built->manifest, report, "folder", folder);
		return;
	}
	g_print("%s\n", folder);
	if (!context->quiet)
		g_print("Not signed yet. Next, in this order:\n"
			"  suture sign modules %s ...\n"
			"  suture sign manifest %s ...\n"
			"  suture build --pack %s -o DIR\n"
			"  suture sign package DIR/<package>.rpm ...\n",
			folder, folder, folder);
}

static gboolean run_pack(const SutureContext *context, const SutureBuildOptions *options, GError **error)
{
	g_autofree gchar *template = load_template(options, error);
	g_autofree gchar *package =
		template ? suture_package(options->pack, template, options->output, error) : NULL;

	if (!package)
		return FALSE;
	if (context->json) {
		print_json(json_pack("{s:s}", "package", package));
		return TRUE;
	}
	g_print("%s\n", package);
	if (!context->quiet)
		g_print("The package itself is not signed yet: suture sign package %s ...\n", package);
	return TRUE;
}

static gboolean run_folder(const SutureContext *context, const SutureBuildOptions *options, GError **error)
{
	SUTURE_AUTO_JSON *report = NULL;
	g_autoptr(SutureBuilt) built = build(context, options, &report, error);
	g_autofree gchar *folder = built ? suture_build_write_folder(built, options->output, error) : NULL;

	if (folder)
		print_folder(context, built, report, folder);
	return folder != NULL;
}

/* Module, then manifest, then package: each signature covers the one before. */
static gchar *sign_and_pack(const SutureBuilt *built, const SutureBuildOptions *options,
			    const gchar *template, const SutureSigner *modules, const SutureSigner *manifest,
			    const gchar *output, GError **error)
{
	g_autoptr(SutureScratch) scratch = suture_scratch_new(error);
	const gchar *folder = scratch ? suture_scratch_path(scratch) : NULL;
	SUTURE_AUTO_FD dirfd = folder ? suture_file_open_folder(folder, FALSE, error) : -1;
	g_autofree gchar *package = NULL;

	if (dirfd < 0 || !suture_build_write(built, dirfd, error) ||
	    !suture_bundle_sign_modules(modules, NULL, FALSE, folder, error) ||
	    !suture_bundle_sign_manifest(manifest, NULL, FALSE, folder, error))
		return NULL;
	package = suture_package(folder, template, output, error);
	if (!package || !suture_cancel_check(error) || !suture_rpm_sign(options->package_key, package, error))
		return NULL;
	return g_steal_pointer(&package);
}

/* The package gets its final name only when it is signed. */
static gchar *publish(const SutureBuilt *built, const SutureBuildOptions *options, const gchar *template,
		      const SutureSigner *modules, const SutureSigner *manifest, GError **error)
{
	SUTURE_AUTO_FD dirfd = suture_file_open_folder(options->output, TRUE, error);
	g_autoptr(SutureStaging) staging = dirfd < 0 ? NULL : suture_staging_new(dirfd, error);
	g_autofree gchar *link = NULL;
	g_autofree gchar *folder = NULL;
	g_autofree gchar *package = NULL;
	g_autofree gchar *name = NULL;

	if (!staging)
		return NULL;
	link = g_strdup_printf("/proc/self/fd/%d", suture_staging_fd(staging));
	folder = g_file_read_link(link, error);
	package = folder ? sign_and_pack(built, options, template, modules, manifest, folder, error) : NULL;
	if (!package || !suture_cancel_check(error))
		return NULL;
	name = g_path_get_basename(package);
	if (renameat(suture_staging_fd(staging), name, dirfd, name) < 0 || fsync(dirfd) < 0) {
		suture_error_set_errno(error, errno, "%s/%s", options->output, name);
		return NULL;
	}
	return g_build_filename(options->output, name, NULL);
}

static gboolean run_whole(const SutureContext *context, const SutureBuildOptions *options, GError **error)
{
	g_autoptr(SutureSigner) modules = NULL;
	g_autoptr(SutureSigner) manifest = NULL;
	g_autoptr(SutureBuilt) built = NULL;
	SUTURE_AUTO_JSON *report = NULL;
	g_autofree gchar *template = load_template(options, error);
	g_autofree gchar *package = NULL;

	/* Keys first: a missing one should not cost a compilation. */
	if (!template)
		return FALSE;
	modules = suture_signer_open(options->module_key, options->module_certificate, error);
	if (!modules)
		return FALSE;
	manifest = suture_signer_open(options->manifest_key, options->manifest_certificate, error);
	if (!manifest)
		return FALSE;
	built = build(context, options, &report, error);
	package = built ? publish(built, options, template, modules, manifest, error) : NULL;
	if (!package)
		return FALSE;
	if (context->json)
		print_built(built->manifest, report, "package", package);
	else
		g_print("%s\n", package);
	return TRUE;
}

/* Only what it would be. */
static gboolean run_explain(const SutureContext *context, const SutureBuildOptions *options, GError **error)
{
	SUTURE_AUTO_JSON *report = NULL;
	g_autoptr(SutureBuilt) built = build(context, options, &report, error);

	if (built && context->json)
		print_built(built->manifest, report, NULL, NULL);
	return built != NULL;
}

gboolean cmd_build(SutureContext *context, int argc, char **argv, GError **error)
{
	g_auto(SutureBuildOptions) options = {0};

	if (!suture_build_options_parse(&options, argc, argv, error))
		return FALSE;
	if (options.pack)
		return run_pack(context, &options, error);
	if (options.kernels)
		return suture_build_matrix(context, &options, error);
	if (!options.output)
		return run_explain(context, &options, error);
	return suture_build_options_keys(&options) ? run_whole(context, &options, error)
						   : run_folder(context, &options, error);
}
