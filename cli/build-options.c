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
	gchar ***const lists[] = {&options->cves,      &options->requires,        &options->supersedes,
				  &options->conflicts, &options->patched_modules, &options->arguments};

	for (gsize i = 0; i < G_N_ELEMENTS(texts); i++)
		g_clear_pointer(texts[i], g_free);
	for (gsize i = 0; i < G_N_ELEMENTS(lists); i++)
		g_clear_pointer(lists[i], g_strfreev);
}

/* The options, by groups of --help; each array ends with a NULL name and is newly allocated. */

static GOptionEntry *fix_entries(SutureBuildOptions *options)
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

	return g_memdup2(entries, sizeof(entries));
}

static GOptionEntry *source_entries(SutureBuildOptions *options)
{
	const GOptionEntry entries[] = {
		{"output", 'o', 0, G_OPTION_ARG_FILENAME, &options->output, "where the result goes", "DIR"},
		{"kernel-headers", 'k', 0, G_OPTION_ARG_FILENAME, &options->headers,
		 "the kernel's build tree (not needed for a .ko)", "DIR"},
		{"kernel-image", 'i', 0, G_OPTION_ARG_FILENAME, &options->image, "its vmlinuz or vmlinux",
		 "FILE"},
		{"patched-module", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options->patched_modules,
		 "the kernel's file of a module that is patched: hosts then refuse other builds of it",
		 "FILE.ko"},
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

	return g_memdup2(entries, sizeof(entries));
}

static GOptionEntry *description_entries(SutureBuildOptions *options)
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

	return g_memdup2(entries, sizeof(entries));
}

static GOptionEntry *key_entries(SutureBuildOptions *options)
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

	return g_memdup2(entries, sizeof(entries));
}

static void add_group(GOptionContext *context, const gchar *name, const gchar *title, const gchar *help,
		      const GOptionEntry *entries)
{
	GOptionGroup *group = g_option_group_new(name, title, help, NULL, NULL);

	g_option_group_add_entries(group, entries);
	g_option_context_add_group(context, group);
}

static gboolean parse(SutureBuildOptions *options, int argc, char **argv, GError **error)
{
	g_autofree GOptionEntry *fix = fix_entries(options);
	g_autofree GOptionEntry *source = source_entries(options);
	g_autofree GOptionEntry *description = description_entries(options);
	g_autofree GOptionEntry *keys = key_entries(options);
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
	g_option_context_add_main_entries(context, fix, NULL);
	g_option_context_add_main_entries(context, source, NULL);
	add_group(context, "patch", "What the patch is (each replaces a key of the description):",
		  "Show what the patch is described by", description);
	add_group(context, "keys",
		  "The whole way to a signed RPM (all five):", "Show what signs on the way to an RPM", keys);
	return g_option_context_parse(context, &argc, &argv, error);
}

static void add_word(GPtrArray *words, const gchar *name, gchar *value)
{
	g_ptr_array_add(words,
			value ? g_strdup_printf("--%s=%s", name, value) : g_strdup_printf("--%s", name));
	g_free(value);
}

/* The parser has turned texts, and not the names of files, from the locale's encoding into UTF-8. */
static gchar *as_given(const GOptionEntry *entry, const gchar *value)
{
	gboolean is_file = entry->arg == G_OPTION_ARG_FILENAME || entry->arg == G_OPTION_ARG_FILENAME_ARRAY;
	gchar *text = is_file ? NULL : g_locale_from_utf8(value, -1, NULL, NULL, NULL);

	return text ? text : g_strdup(value);
}

static void add_entry(GPtrArray *words, const GOptionEntry *entry)
{
	const gchar *text;
	gchar **list;
	gint number;

	if (entry->arg == G_OPTION_ARG_NONE || entry->arg == G_OPTION_ARG_INT) {
		number = *(const gint *)entry->arg_data;
		if (number)
			add_word(words, entry->long_name,
				 entry->arg == G_OPTION_ARG_INT ? g_strdup_printf("%d", number) : NULL);
	} else if (entry->arg == G_OPTION_ARG_STRING || entry->arg == G_OPTION_ARG_FILENAME) {
		text = *(gchar *const *)entry->arg_data;
		if (text)
			add_word(words, entry->long_name, as_given(entry, text));
	} else {
		list = *(gchar * *const *)entry->arg_data;
		for (; list && *list; list++)
			add_word(words, entry->long_name, as_given(entry, *list));
	}
}

gchar **suture_build_options_words(const SutureBuildOptions *options)
{
	SutureBuildOptions copy = *options;
	GOptionEntry *const groups[] = {fix_entries(&copy), source_entries(&copy), description_entries(&copy),
					key_entries(&copy)};
	g_autoptr(GPtrArray) words = g_ptr_array_new();

	for (gsize i = 0; i < G_N_ELEMENTS(groups); i++) {
		for (const GOptionEntry *entry = groups[i]; entry->long_name; entry++)
			if (entry->arg_data != &copy.arguments)
				add_entry(words, entry);
		g_free(groups[i]);
	}
	g_ptr_array_add(words, g_strdup("--"));
	for (gchar **argument = copy.arguments; argument && *argument; argument++)
		g_ptr_array_add(words, g_strdup(*argument));
	g_ptr_array_add(words, NULL);
	return (gchar **)g_ptr_array_free(g_steal_pointer(&words), FALSE);
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
	if (options->pack)
		return usage(error, "--pack takes a folder that is built: no --kernel");
	if (n_sources == 0)
		return usage(error, "give the fix: one or more unified diffs");
	if (options->headers || options->image)
		return usage(error,
			     "the profile says where the kernel is: no --kernel-headers or --kernel-image");
	if (options->patched_modules)
		return usage(error, "the profile has the kernel's modules: no --patched-module");
	if (options->max_units < 0)
		return usage(error, "--max-units is a positive number");
	if (!options->output && !options->explain)
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
		return (n_sources == 0 && suture_build_options_keys(options) == 0 &&
			!options->patched_modules) ||
		       usage(error, "--pack takes a signed folder, and neither SOURCE nor keys nor "
				    "--patched-module");
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
