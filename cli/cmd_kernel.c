// SPDX-License-Identifier: LGPL-2.1-or-later
/* suture kernel: profiles of the kernels that patches are built for. */
#include "cli/command.h"
#include "cli/terminal.h"
#include "cli/vendor.h"
#include "packager/profile/profile.h"
#include "spec/json.h"

#define ID_SHOWN 12

typedef struct {
	gchar *profiles, *name, *source, *config, *symvers, *headers, *image, *vmlinux, *modules, *root;
	gchar **arguments;
	gboolean allow_mismatch;
	gint jobs;
} Options;

static void options_clear(Options *options)
{
	gchar *texts[] = {options->profiles, options->name,    options->source, options->config,
			  options->symvers,  options->headers, options->image,  options->vmlinux,
			  options->modules,  options->root};

	for (gsize i = 0; i < G_N_ELEMENTS(texts); i++)
		g_free(texts[i]);
	g_strfreev(options->arguments);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Options, options_clear)

#define PROFILES                                                                                      \
	{                                                                                             \
		"profiles", 0, 0, G_OPTION_ARG_FILENAME, &options->profiles,                          \
			"where profiles are ($SUTURE_PROFILES, ~/.local/share/suture/kernels)", "DIR" \
	}
#define ARGUMENTS                                                                                      \
	{                                                                                              \
		G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options->arguments, NULL, NULL \
	}

static gboolean parse_import(Options *options, int argc, char **argv, GError **error)
{
	const GOptionEntry entries[] = {
		PROFILES,
		{"name", 0, 0, G_OPTION_ARG_STRING, &options->name, "a name for it besides its release",
		 "NAME"},
		{"source", 0, 0, G_OPTION_ARG_FILENAME, &options->source, "the kernel's source",
		 "FOLDER|TARBALL"},
		{"config", 0, 0, G_OPTION_ARG_FILENAME, &options->config, "its configuration", "FILE"},
		{"symvers", 0, 0, G_OPTION_ARG_FILENAME, &options->symvers, "its Module.symvers", "FILE"},
		{"headers", 0, 0, G_OPTION_ARG_FILENAME, &options->headers,
		 "in place of --symvers: its build tree", "DIR"},
		{"image", 0, 0, G_OPTION_ARG_FILENAME, &options->image, "its vmlinuz or vmlinux", "FILE"},
		{"vmlinux", 0, 0, G_OPTION_ARG_FILENAME, &options->vmlinux,
		 "its vmlinux with symbols, where there is one", "FILE"},
		{"modules", 0, 0, G_OPTION_ARG_FILENAME, &options->modules, "folder of its .ko files", "DIR"},
		{"toolchain-root", 0, 0, G_OPTION_ARG_FILENAME, &options->root,
		 "where another distribution's tools are installed", "DIR"},
		{"allow-toolchain-mismatch", 0, 0, G_OPTION_ARG_NONE, &options->allow_mismatch,
		 "take other tools than the kernel was built with; recorded in what is built", NULL},
		{"jobs", 'j', 0, G_OPTION_ARG_INT, &options->jobs, "for make (one per processor)", "N"},
		ARGUMENTS,
		{NULL},
	};

	return suture_vendor_parse(
		"[PACKAGE...]",
		"Make a profile of a kernel: from its packages (.deb or .rpm), or from single "
		"files by options.\nSee suture-kernel(1).",
		entries, &argc, &argv, error);
}

static json_t *describe(const SutureProfile *profile)
{
	json_t *json = json_copy(profile->json);

	json_object_del(json, "recipe");
	json_object_set_new(json, "folder", json_string(profile->folder));
	return json;
}

static void print_imported(const SutureContext *context, const SutureProfile *profile, gboolean present)
{
	if (context->json) {
		SUTURE_AUTO_JSON *json = describe(profile);

		json_object_set_new(json, "present", json_boolean(present));
		suture_vendor_print_json(json);
		return;
	}
	g_print("%s\n", profile->id);
	if (context->quiet)
		return;
	g_print("%s %s: %u units, %u modules\n", present ? "Already there:" : "Imported", profile->release,
		profile->n_units, profile->n_modules);
	if (profile->toolchain_mismatch)
		g_printerr("The tools are not those that the kernel was built with: %s\n",
			   json_string_value(json_object_get(profile->json, "toolchain_difference")));
}

static gboolean cmd_import(SutureContext *context, int argc, char **argv, GError **error)
{
	g_auto(Options) options = {0};
	g_autoptr(SutureProfile) profile = NULL;
	g_autoptr(GTimer) timer = g_timer_new();
	g_autofree gchar *store = NULL;
	gboolean present = FALSE;

	if (!parse_import(&options, argc, argv, error))
		return FALSE;
	if (options.jobs < 0)
		return suture_vendor_usage(error, "--jobs is a positive number");
	store = suture_profile_store(options.profiles);
	const SutureImport request = {
		.store = store,
		.name = options.name,
		.packages = (const gchar *const *)options.arguments,
		.source = options.source,
		.config = options.config,
		.symvers = options.symvers,
		.headers = options.headers,
		.image = options.image,
		.vmlinux = options.vmlinux,
		.modules = options.modules,
		.toolchain_root = options.root,
		.allow_toolchain_mismatch = options.allow_mismatch,
		.jobs = (guint)options.jobs,
		.progress = context->quiet ? NULL : suture_terminal_progress,
		.progress_data = timer,
	};
	profile = suture_profile_import(&request, &present, error);
	if (!profile)
		return FALSE;
	suture_terminal_clear();
	print_imported(context, profile, present);
	return TRUE;
}

static gboolean parse_names(Options *options, const gchar *usage, const gchar *summary, guint n_names,
			    int argc, char **argv, GError **error)
{
	const GOptionEntry entries[] = {PROFILES, ARGUMENTS, {NULL}};
	guint count;

	if (!suture_vendor_parse(usage, summary, entries, &argc, &argv, error))
		return FALSE;
	count = options->arguments ? g_strv_length(options->arguments) : 0;
	if (count == n_names)
		return TRUE;
	return suture_vendor_usage(error,
				   n_names ? "give one profile: its release, its name, or the start of "
					     "its id"
					   : "nothing else is taken");
}

static gboolean cmd_list_profiles(SutureContext *context, int argc, char **argv, GError **error)
{
	g_auto(Options) options = {0};
	g_autoptr(GPtrArray) profiles = NULL;
	g_autofree gchar *store = NULL;
	json_t *list;

	if (!parse_names(&options, "", "List the kernels that patches can be built for.", 0, argc, argv,
			 error))
		return FALSE;
	store = suture_profile_store(options.profiles);
	profiles = suture_profile_list(store, error);
	if (!profiles)
		return FALSE;
	list = json_array();
	for (guint i = 0; i < profiles->len; i++) {
		const SutureProfile *profile = profiles->pdata[i];

		if (context->json)
			json_array_append_new(list, describe(profile));
		else
			g_print("%.*s  %s%s%s%s\n", ID_SHOWN, profile->id, profile->release,
				profile->name ? "  " : "", profile->name ? profile->name : "",
				profile->toolchain_mismatch ? "  (other tools than its own)" : "");
	}
	if (context->json) {
		SUTURE_AUTO_JSON *json = json_pack("{s:o}", "profiles", list);

		suture_vendor_print_json(json);
		return TRUE;
	}
	json_decref(list);
	return TRUE;
}

/* What a patch can and cannot do there depends on these. */
static const gchar *const shown_options[] = {
	"CONFIG_LIVEPATCH",
	"CONFIG_X86_KERNEL_IBT",
	"CONFIG_DYNAMIC_FTRACE_WITH_REGS",
	"CONFIG_KALLSYMS_ALL",
	"CONFIG_KPROBES",
	"CONFIG_UNWINDER_ORC",
	"CONFIG_HAVE_RELIABLE_STACKTRACE",
	"CONFIG_MODULE_SIG",
	"CONFIG_MODVERSIONS",
	"CONFIG_KASAN",
	"CONFIG_LTO_CLANG",
	"CONFIG_DEBUG_INFO_BTF",
};

static void print_texts(const SutureProfile *profile)
{
	static const gchar *const keys[][2] = {
		{"id", "Id"},
		{"name", "Name"},
		{"release", "Release"},
		{"build_id", "Build-id"},
		{"arch", "Machine"},
		{"compiler", "Compiler"},
		{"assembler", "Assembler"},
		{"linker", "Linker"},
		{"toolchain_root", "Tools in"},
		{"toolchain_difference", "Other tools"},
		{"imported", "Imported"},
	};

	for (gsize i = 0; i < G_N_ELEMENTS(keys); i++) {
		const gchar *text = json_string_value(json_object_get(profile->json, keys[i][0]));
		g_autofree gchar *safe = text ? suture_terminal_text(text) : NULL;

		if (safe)
			g_print("%-12s %s\n", keys[i][1], safe);
	}
	g_print("%-12s %s\n", "Folder", profile->folder);
}

static void print_lists(const SutureProfile *profile)
{
	gsize index;
	json_t *entry;

	json_array_foreach (json_object_get(profile->json, "inputs"), index, entry) {
		const gchar *role = "", *name = "", *digest = "";
		g_autofree gchar *safe = NULL;

		json_unpack(entry, "{s:s, s:s, s:s}", "role", &role, "name", &name, "sha256", &digest);
		safe = suture_terminal_text(name);
		g_print("%-12s %s %s %s\n", index ? "" : "Made of", digest, role, safe);
	}
	json_array_foreach (json_object_get(profile->json, "steps"), index, entry) {
		json_int_t milliseconds = 0;
		const gchar *step = "";

		json_unpack(entry, "{s:s, s:I}", "step", &step, "milliseconds", &milliseconds);
		g_print("%-12s %7.1f s  %s\n", index ? "" : "Times", (double)milliseconds / 1000, step);
	}
}

static void print_profile(const SutureProfile *profile)
{
	g_autofree gchar *size = g_format_size(profile->size);

	print_texts(profile);
	g_print("%-12s %u units, %u modules, %s%s\n", "Holds", profile->n_units, profile->n_modules, size,
		profile->vmlinux_symbols ? ", vmlinux with symbols" : "");
	for (gsize i = 0; i < G_N_ELEMENTS(shown_options); i++) {
		const gchar *value = suture_profile_config(profile, shown_options[i]);

		g_print("%-12s %s=%s\n", i ? "" : "Options", shown_options[i], value ? value : "n");
	}
	print_lists(profile);
}

static gboolean cmd_show(SutureContext *context, int argc, char **argv, GError **error)
{
	g_auto(Options) options = {0};
	g_autoptr(SutureProfile) profile = NULL;
	g_autofree gchar *store = NULL;

	if (!parse_names(&options, "PROFILE", "Show what a profile is made of.", 1, argc, argv, error))
		return FALSE;
	store = suture_profile_store(options.profiles);
	profile = suture_profile_open(store, options.arguments[0], error);
	if (!profile)
		return FALSE;
	if (context->json) {
		SUTURE_AUTO_JSON *json = describe(profile);

		suture_vendor_print_json(json);
		return TRUE;
	}
	print_profile(profile);
	return TRUE;
}

static gboolean cmd_remove(SutureContext *context, int argc, char **argv, GError **error)
{
	g_auto(Options) options = {0};
	g_autofree gchar *store = NULL;
	g_autofree gchar *id = NULL;

	if (!parse_names(&options, "PROFILE", "Remove a profile that no build uses.", 1, argc, argv, error))
		return FALSE;
	store = suture_profile_store(options.profiles);
	if (!suture_profile_remove(store, options.arguments[0], &id, error))
		return FALSE;
	if (context->json) {
		SUTURE_AUTO_JSON *json = json_pack("{s:s}", "removed", id);

		suture_vendor_print_json(json);
	} else if (!context->quiet) {
		g_print("Removed %s\n", id);
	}
	return TRUE;
}

gboolean cmd_kernel(SutureContext *context, int argc, char **argv, GError **error)
{
	static const SutureCommand commands[] = {
		{"import", cmd_import, "make a profile of a kernel"},
		{"list", cmd_list_profiles, "list the profiles"},
		{"show", cmd_show, "show what a profile is made of"},
		{"remove", cmd_remove, "remove a profile"},
		{NULL},
	};

	return suture_subcommand(context, commands, argc, argv, error);
}
