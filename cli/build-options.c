// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/build-options.h"

#include "packager/build/build.h"
#include "packager/build/framework.h"

void suture_build_options_clear(SutureBuildOptions *options)
{
	gchar **const texts[] = {
		&options->output,          &options->headers,
		&options->image,           &options->framework,
		&options->description,     &options->distribution,
		&options->template_folder, &options->pack,
		&options->kernel,          &options->kernels,
		&options->profiles,        &options->name,
		&options->version,         &options->release,
		&options->summary,         &options->severity,
		&options->advisory,        &options->issued,
		&options->provider,        &options->consistency,
		&options->module_key,      &options->module_certificate,
		&options->manifest_key,    &options->manifest_certificate,
		&options->package_key,
	};
	gchar ***const lists[] = {&options->cves, &options->requires, &options->supersedes,
				  &options->conflicts, &options->arguments};

	for (gsize i = 0; i < G_N_ELEMENTS(texts); i++)
		g_clear_pointer(texts[i], g_free);
	for (gsize i = 0; i < G_N_ELEMENTS(lists); i++)
		g_clear_pointer(lists[i], g_strfreev);
}
static GOptionGroup *description_group(SutureBuildOptions *options)
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
		{"cumulative", 0, 0, G_OPTION_ARG_NONE, &options->cumulative,
		 "replace all below it; refuse a ready module that does not", NULL},
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

static GOptionGroup *key_group(SutureBuildOptions *options)
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

static GOptionGroup *fix_group(SutureBuildOptions *options)
{
	const GOptionEntry entries[] = {
		{"kernel", 'K', 0, G_OPTION_ARG_STRING, &options->kernel,
		 "profile of the kernel (suture kernel list): release, name or start of its id", "PROFILE"},
		{"kernels", 0, 0, G_OPTION_ARG_STRING, &options->kernels,
		 "a bundle for each of these profiles, comma-separated, or all", "LIST"},
		{"profiles", 0, 0, G_OPTION_ARG_FILENAME, &options->profiles,
		 "where the profiles are ($SUTURE_PROFILES)", "DIR"},
		{"explain", 0, 0, G_OPTION_ARG_NONE, &options->explain,
		 "say what goes into the patch, and why; without -o nothing is written", NULL},
		{"max-units", 0, 0, G_OPTION_ARG_INT, &options->max_units,
		 "objects of the kernel that a changed header may reach (100)", "N"},
		{NULL},
	};
	GOptionGroup *group = g_option_group_new(
		"fix", "A fix given as unified diffs:", "Show what builds a patch from a diff", NULL, NULL);

	g_option_group_add_entries(group, entries);
	return group;
}

static gboolean parse(SutureBuildOptions *options, int argc, char **argv, GError **error)
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
	g_autoptr(GOptionContext) context = g_option_context_new("SOURCE...");

	g_option_context_set_summary(
		context,
		"Make a bundle from a fix: unified diffs against the kernel's source (with --kernel), a "
		"folder\n"
		"with C sources of a live patch, a .c file or a ready .ko.\n"
		"Without keys the result is DIR/<name>-<version>-<release>, to be signed; with all keys a "
		"signed RPM.\n"
		"--pack FOLDER makes the RPM of a folder whose modules and manifest are signed.");
	g_option_context_set_description(context, "See suture-build(1) and suture-patch(5).");
	g_option_context_add_main_entries(context, entries, NULL);
	g_option_context_add_group(context, fix_group(options));
	g_option_context_add_group(context, description_group(options));
	g_option_context_add_group(context, key_group(options));
	return g_option_context_parse(context, &argc, &argv, error);
}

static gboolean usage(GError **error, const gchar *problem)
{
	g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "%s; see suture build --help", problem);
	return FALSE;
}

guint suture_build_options_keys(const SutureBuildOptions *options)
{
	const gchar *const keys[] = {options->module_key, options->module_certificate, options->manifest_key,
				     options->manifest_certificate, options->package_key};
	guint count = 0;

	for (gsize i = 0; i < G_N_ELEMENTS(keys); i++)
		count += keys[i] != NULL;
	return count;
}

static gboolean check_keys(const SutureBuildOptions *options, GError **error)
{
	guint n_keys = suture_build_options_keys(options);

	return n_keys == 0 || n_keys == 5 ||
	       usage(error, "give all of --module-key, --module-certificate, --manifest-key, "
			    "--manifest-certificate and --package-key, or none");
}

static gboolean check_fix(const SutureBuildOptions *options, guint n_sources, GError **error)
{
	if (options->kernel && options->kernels)
		return usage(error, "--kernel names one profile, --kernels several: give one of them");
	if (n_sources == 0)
		return usage(error, "give the fix: one or more unified diffs");
	if (options->headers || options->image)
		return usage(error,
			     "the profile says where the kernel is: no --kernel-headers or --kernel-image");
	if (options->max_units < 0)
		return usage(error, "--max-units is a positive number");
	if (!options->output && (!options->explain || options->kernels))
		return usage(error, "say where the result goes: -o DIR");
	return check_keys(options, error);
}

static gboolean check_source(const SutureBuildOptions *options, guint n_sources, GError **error)
{
	if (options->explain || options->max_units || options->profiles)
		return usage(error, "--explain, --max-units and --profiles are for diffs: give --kernel");
	if (n_sources != 1)
		return usage(error, "give one SOURCE: a folder, a .c file or a .ko file");
	if (!options->image)
		return usage(error, "say which kernel: --kernel-image FILE, or --kernel PROFILE for a diff");
	return check_keys(options, error);
}

static gboolean check_usage(const SutureBuildOptions *options, GError **error)
{
	guint n_sources = options->arguments ? g_strv_length(options->arguments) : 0;

	if (options->jobs < 0)
		return usage(error, "--jobs is a positive number");
	if (options->kernel || options->kernels)
		return check_fix(options, n_sources, error);
	if (!options->output)
		return usage(error, "say where the result goes: -o DIR");
	if (options->pack)
		return (n_sources == 0 && suture_build_options_keys(options) == 0) ||
		       usage(error, "--pack takes a signed folder, and neither SOURCE nor keys");
	return check_source(options, n_sources, error);
}

gboolean suture_build_options_parse(SutureBuildOptions *options, int argc, char **argv, GError **error)
{
	return parse(options, argc, argv, error) && check_usage(options, error);
}

static void override(SutureDescription *description, const SutureBuildOptions *options)
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

SutureDescription *suture_build_options_describe(const SutureBuildOptions *options, GError **error)
{
	g_autofree gchar *path = options->description
					 ? g_strdup(options->description)
					 : suture_build_default_description(options->arguments[0]);
	SutureDescription *description = suture_description_load(path, error);

	if (description)
		override(description, options);
	return description;
}
