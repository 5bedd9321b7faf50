// SPDX-License-Identifier: LGPL-2.1-or-later
/* suture build: source to bundle folder, signed folder to package, or the whole way where the keys are given.
 */
#include "cli/command.h"

#include "common/cancel.h"
#include "common/file.h"
#include "common/staging.h"
#include "packager/build/build.h"
#include "packager/build/framework.h"
#include "packager/build/package.h"
#include "packager/build/template.h"
#include "signer/sign/gpg.h"
#include "signer/sign/manifest.h"
#include "spec/json.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

typedef struct {
	gchar *output, *headers, *image, *framework, *description, *distribution, *template_folder, *pack;
	gint jobs;
	/* single keys of the description */
	gchar *name, *version, *release, *summary, *severity, *advisory, *issued, *provider, *consistency;
	gchar **cves, **requires, **supersedes, **conflicts;
	gboolean cumulative;
	/* the whole way */
	gchar *module_key, *module_certificate, *manifest_key, *manifest_certificate, *package_key;
	gchar **arguments;
} Options;

static void options_clear(Options *options)
{
	gchar **const texts[] = {
		&options->output,
		&options->headers,
		&options->image,
		&options->framework,
		&options->description,
		&options->distribution,
		&options->template_folder,
		&options->pack,
		&options->name,
		&options->version,
		&options->release,
		&options->summary,
		&options->severity,
		&options->advisory,
		&options->issued,
		&options->provider,
		&options->consistency,
		&options->module_key,
		&options->module_certificate,
		&options->manifest_key,
		&options->manifest_certificate,
		&options->package_key,
	};
	gchar ***const lists[] = {&options->cves, &options->requires, &options->supersedes,
				  &options->conflicts, &options->arguments};

	for (gsize i = 0; i < G_N_ELEMENTS(texts); i++)
		g_clear_pointer(texts[i], g_free);
	for (gsize i = 0; i < G_N_ELEMENTS(lists); i++)
		g_clear_pointer(lists[i], g_strfreev);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Options, options_clear)

static GOptionGroup *description_group(Options *options)
{
	const GOptionEntry entries[] = {
		{"description", 'd', 0, G_OPTION_ARG_FILENAME, &options->description,
		 "description file (patch.conf in or beside SOURCE)", "FILE"},
		{"name", 0, 0, G_OPTION_ARG_STRING, &options->name, "name of the patch", "NAME"},
		{"patch-version", 0, 0, G_OPTION_ARG_STRING, &options->version, "version of the patch",
		 "VERSION"},
		{"patch-release", 0, 0, G_OPTION_ARG_STRING, &options->release, "release of the patch",
		 "RELEASE"},
		{"summary", 0, 0, G_OPTION_ARG_STRING, &options->summary, "one line for people", "TEXT"},
		{"severity", 0, 0, G_OPTION_ARG_STRING, &options->severity,
		 "none, low, moderate, important or critical", "WORD"},
		{"advisory", 0, 0, G_OPTION_ARG_STRING, &options->advisory, "the vendor's advisory", "ID"},
		{"issued", 0, 0, G_OPTION_ARG_STRING, &options->issued,
		 "time of issue, UTC (SOURCE_DATE_EPOCH or now)", "TIME"},
		{"cve", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options->cves,
		 "vulnerability; status fixed, not_affected or under_investigation", "ID[:STATUS]"},
		{"requires", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options->requires, "patch that must be below",
		 "PATCH"},
		{"supersedes", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options->supersedes,
		 "patch that this one replaces", "PATCH"},
		{"conflicts", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options->conflicts,
		 "patch that must not be in the same stack", "PATCH"},
		{"cumulative", 0, 0, G_OPTION_ARG_NONE, &options->cumulative, "refuse a module that is not",
		 NULL},
		{"provider", 0, 0, G_OPTION_ARG_STRING, &options->provider, "kernel or framework", "WORD"},
		{"consistency", 0, 0, G_OPTION_ARG_STRING, &options->consistency,
		 "per-task, stop-machine or immediate", "WORD"},
		{NULL},
	};
	GOptionGroup *group =
		g_option_group_new("patch", "What the patch is (each replaces a key of the description):",
				   "Show what the patch is described by", NULL, NULL);

	g_option_group_add_entries(group, entries);
	return group;
}

static GOptionGroup *key_group(Options *options)
{
	const GOptionEntry entries[] = {
		{"module-key", 0, 0, G_OPTION_ARG_STRING, &options->module_key, "key that signs modules",
		 "URI"},
		{"module-certificate", 0, 0, G_OPTION_ARG_FILENAME, &options->module_certificate,
		 "its certificate", "FILE"},
		{"manifest-key", 0, 0, G_OPTION_ARG_STRING, &options->manifest_key,
		 "key that signs the manifest", "URI"},
		{"manifest-certificate", 0, 0, G_OPTION_ARG_FILENAME, &options->manifest_certificate,
		 "its certificate", "FILE"},
		{"package-key", 0, 0, G_OPTION_ARG_STRING, &options->package_key, "key that signs the RPM",
		 "gpg:FINGERPRINT"},
		{NULL},
	};
	GOptionGroup *group = g_option_group_new("keys", "The whole way to a signed RPM (all five):",
						 "Show what signs on the way to an RPM", NULL, NULL);

	g_option_group_add_entries(group, entries);
	return group;
}

static gboolean parse(Options *options, int argc, char **argv, GError **error)
{
	const GOptionEntry entries[] = {
		{"output", 'o', 0, G_OPTION_ARG_FILENAME, &options->output, "where the result goes", "DIR"},
		{"kernel-headers", 'k', 0, G_OPTION_ARG_FILENAME, &options->headers,
		 "the kernel's build tree (not needed for a .ko)", "DIR"},
		{"kernel-image", 'i', 0, G_OPTION_ARG_FILENAME, &options->image, "its vmlinuz or vmlinux",
		 "FILE"},
		{"framework", 0, 0, G_OPTION_ARG_FILENAME, &options->framework,
		 "where the framework was built, for --provider framework (" SUTURE_FRAMEWORK_FOLDER ")",
		 "DIR"},
		{"pack", 0, 0, G_OPTION_ARG_FILENAME, &options->pack, "pack a signed bundle folder as RPM",
		 "FOLDER"},
		{"distribution", 0, 0, G_OPTION_ARG_STRING, &options->distribution,
		 "generic, rhel or suse (generic)", "NAME"},
		{"template-dir", 0, 0, G_OPTION_ARG_FILENAME, &options->template_folder,
		 "where the spec templates are", "DIR"},
		{"jobs", 'j', 0, G_OPTION_ARG_INT, &options->jobs, "for make (one per processor)", "N"},
		{G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options->arguments, NULL, NULL},
		{NULL},
	};
	g_autoptr(GOptionContext) context = g_option_context_new("SOURCE");

	g_option_context_set_summary(
		context,
		"Make a bundle from a live patch: a folder with C sources, a .c file or a ready .ko.\n"
		"Without keys the result is DIR/<name>-<version>-<release>, to be signed; with all keys a "
		"signed RPM.\n"
		"--pack FOLDER makes the RPM of a folder whose modules and manifest are signed.");
	g_option_context_set_description(context, "See suture-build(1) and suture-patch(5).");
	g_option_context_add_main_entries(context, entries, NULL);
	g_option_context_add_group(context, description_group(options));
	g_option_context_add_group(context, key_group(options));
	return g_option_context_parse(context, &argc, &argv, error);
}

static gboolean usage(GError **error, const gchar *problem)
{
	g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "%s; see suture build --help", problem);
	return FALSE;
}

static guint count_keys(const Options *options)
{
	const gchar *const keys[] = {options->module_key, options->module_certificate, options->manifest_key,
				     options->manifest_certificate, options->package_key};
	guint count = 0;

	for (gsize i = 0; i < G_N_ELEMENTS(keys); i++)
		count += keys[i] != NULL;
	return count;
}

static gboolean check_usage(const Options *options, GError **error)
{
	guint n_sources = options->arguments ? g_strv_length(options->arguments) : 0;
	guint n_keys = count_keys(options);

	if (!options->output)
		return usage(error, "say where the result goes: -o DIR");
	if (options->jobs < 0)
		return usage(error, "--jobs is a positive number");
	if (options->pack)
		return (n_sources == 0 && n_keys == 0) ||
		       usage(error, "--pack takes a signed folder, and neither SOURCE nor keys");
	if (n_sources != 1)
		return usage(error, "give one SOURCE: a folder, a .c file or a .ko file");
	if (!options->image)
		return usage(error, "say which kernel: --kernel-image FILE");
	return n_keys == 0 || n_keys == 5 ||
	       usage(error, "give all of --module-key, --module-certificate, --manifest-key, "
			    "--manifest-certificate and --package-key, or none");
}

static void override(SutureDescription *description, const Options *options)
{
	const struct {
		const gchar *key;
		const gchar *value;
	} texts[] = {
		{"name", options->name},
		{"version", options->version},
		{"release", options->release},
		{"summary", options->summary},
		{"severity", options->severity},
		{"advisory", options->advisory},
		{"issued", options->issued},
		{"provider", options->provider},
		{"consistency", options->consistency},
		{"cumulative", options->cumulative ? "true" : NULL},
	};
	const struct {
		const gchar *key;
		gchar **values;
	} lists[] = {
		{"vulnerabilities", options->cves},
		{"requires", options->requires},
		{"supersedes", options->supersedes},
		{"conflicts", options->conflicts},
	};

	for (gsize i = 0; i < G_N_ELEMENTS(texts); i++)
		if (texts[i].value)
			suture_description_set(description, texts[i].key, texts[i].value);
	for (gsize i = 0; i < G_N_ELEMENTS(lists); i++)
		if (lists[i].values)
			suture_description_set_list(description, lists[i].key,
						    (const gchar *const *)lists[i].values);
}

static SutureDescription *describe(const Options *options, GError **error)
{
	g_autofree gchar *path = options->description
					 ? g_strdup(options->description)
					 : suture_build_default_description(options->arguments[0]);
	SutureDescription *description = suture_description_load(path, error);

	if (description)
		override(description, options);
	return description;
}

/* The compiler's words belong to the author whether it went well or not. */
static SutureBuilt *build(const SutureContext *context, const Options *options, GError **error)
{
	g_autoptr(SutureDescription) description = describe(options, error);
	g_autofree gchar *words = NULL;
	SutureBuildRequest request = {
		.source = options->arguments[0],
		.headers = options->headers,
		.image = options->image,
		.description = description,
		.framework = options->framework,
		.jobs = options->jobs ? (guint)options->jobs : g_get_num_processors(),
	};
	SutureBuilt *built = description ? suture_build(&request, &words, error) : NULL;

	if (words && *words && (!built || !context->quiet))
		g_printerr("%s\n", words);
	return built;
}

static gchar *load_template(const Options *options, GError **error)
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

static void print_built(const SutureManifest *manifest, const gchar *kind, const gchar *path)
{
	g_autofree gchar *id = suture_patch_id(&manifest->patch);

	print_json(json_pack("{s:s, s:s, s:s, s:s}", "id", id, "kernel", manifest->patch.kernel.release,
			     "build_id", manifest->patch.kernel.build_id, kind, path));
}

static void print_folder(const SutureContext *context, const SutureBuilt *built, const gchar *folder)
{
	if (context->json) {
		print_built(built->manifest, "folder", folder);
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

static gboolean run_pack(const SutureContext *context, const Options *options, GError **error)
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

static gboolean run_folder(const SutureContext *context, const Options *options, GError **error)
{
	g_autoptr(SutureBuilt) built = build(context, options, error);
	g_autofree gchar *folder = built ? suture_build_write_folder(built, options->output, error) : NULL;

	if (folder)
		print_folder(context, built, folder);
	return folder != NULL;
}

/* Module, then manifest, then package: each signature covers the one before. */
static gchar *sign_and_pack(const SutureBuilt *built, const Options *options, const gchar *template,
			    const SutureSigner *modules, const SutureSigner *manifest, const gchar *output,
			    GError **error)
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
static gchar *publish(const SutureBuilt *built, const Options *options, const gchar *template,
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

static gboolean run_whole(const SutureContext *context, const Options *options, GError **error)
{
	g_autoptr(SutureSigner) modules = NULL;
	g_autoptr(SutureSigner) manifest = NULL;
	g_autoptr(SutureBuilt) built = NULL;
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
	built = build(context, options, error);
	package = built ? publish(built, options, template, modules, manifest, error) : NULL;
	if (!package)
		return FALSE;
	if (context->json)
		print_built(built->manifest, "package", package);
	else
		g_print("%s\n", package);
	return TRUE;
}

gboolean cmd_build(SutureContext *context, int argc, char **argv, GError **error)
{
	g_auto(Options) options = {0};

	if (!parse(&options, argc, argv, error) || !check_usage(&options, error))
		return FALSE;
	if (options.pack)
		return run_pack(context, &options, error);
	return count_keys(&options) ? run_whole(context, &options, error)
				    : run_folder(context, &options, error);
}
