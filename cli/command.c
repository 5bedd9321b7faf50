// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/command.h"

#include "cli/terminal.h"
#include "common/cancel.h"

#include <locale.h>
#include <string.h>
#include <unistd.h>

gchar *suture_context_path(const SutureContext *context, const gchar *absolute)
{
	return context->root ? g_build_filename(context->root, absolute, NULL) : g_strdup(absolute);
}

static void print_help(const SutureContext *context, const SutureCommand *commands)
{
	g_print("Usage: %s [--root DIR] [--json] [--quiet] COMMAND [ARGUMENTS]\n\n", context->program);
	for (; commands->name; commands++)
		g_print("  %-12s %s\n", commands->name, commands->help);
	g_print("\n  --root DIR   every host path is below DIR\n"
		"  --json       machine-readable output where a command reports\n"
		"  --quiet      print errors only\n"
		"\n'%s COMMAND --help' says more. Exit codes: suture(8).\n",
		context->program);
}

/* The global options may stand anywhere on the command line; each command parses what is left. */
static gboolean take_global_options(SutureContext *context, gboolean *ret_version, int *argc, char ***argv,
				    GError **error)
{
	const GOptionEntry entries[] = {
		{"root", 0, 0, G_OPTION_ARG_FILENAME, &context->root, "", ""},
		{"json", 0, 0, G_OPTION_ARG_NONE, &context->json, "", ""},
		{"quiet", 'q', 0, G_OPTION_ARG_NONE, &context->quiet, "", ""},
		{"version", 0, 0, G_OPTION_ARG_NONE, ret_version, "", ""},
		{NULL},
	};
	g_autoptr(GOptionContext) options = g_option_context_new(NULL);

	g_option_context_set_help_enabled(options, FALSE);
	g_option_context_set_ignore_unknown_options(options, TRUE);
	g_option_context_add_main_entries(options, entries, NULL);
	return g_option_context_parse(options, argc, argv, error);
}

static int report(const SutureContext *context, const gchar *command, const GError *error)
{
	g_autofree gchar *line = suture_terminal_text(error->message);

	suture_terminal_clear();
	g_printerr("%s%s%s: %s [%s]\n", context->program, command ? " " : "", command ? command : "",
		   g_strchomp(line), suture_error_reason(error));
	return suture_error_exit(error);
}

/* `suture build` on a machine that has the vendor's programs too. */
static void exec_vendor(char **argv)
{
	g_autofree gchar *self = g_file_read_link("/proc/self/exe", NULL);
	g_autofree gchar *folder = self ? g_path_get_dirname(self) : NULL;
	g_autofree gchar *vendor = folder ? g_build_filename(folder, "suture-vendor", NULL) : NULL;

	if (vendor && access(vendor, X_OK) == 0)
		execv(vendor, argv);
}

static const gchar *const vendor_commands[] = {"build", "entitle", "kernel", "key", "repo", "sign", NULL};

static int unknown_command(const SutureContext *context, const gchar *name, char **argv)
{
	gboolean vendor = g_strv_contains(vendor_commands, name) && strcmp(context->program, "suture") == 0;

	if (vendor)
		exec_vendor(argv);
	if (vendor)
		g_printerr("suture: '%s' is a vendor's command: install the package suture-vendor [usage]\n",
			   name);
	else
		g_printerr("%s: no command '%s'; '%s --help' lists them [usage]\n", context->program, name,
			   context->program);
	return SUTURE_EXIT_USAGE;
}

static int run_command(SutureContext *context, const SutureCommand *command, int argc, char **argv)
{
	g_autofree gchar *program = g_strdup_printf("%s %s", context->program, command->name);
	g_autoptr(GError) error = NULL;

	/* GOptionContext takes the name that it prints in --help from here. */
	g_set_prgname(program);
	if (!command->run(context, argc, argv, &error))
		return report(context, command->name, error);
	suture_terminal_clear();
	return SUTURE_EXIT_OK;
}

static void print_subcommands(const SutureCommand *commands)
{
	g_print("Usage: %s COMMAND [ARGUMENTS]\n\n", g_get_prgname());
	for (; commands->name; commands++)
		g_print("  %-12s %s\n", commands->name, commands->help);
}

gboolean suture_subcommand(SutureContext *context, const SutureCommand *commands, int argc, char **argv,
			   GError **error)
{
	const gchar *name = argc < 2 ? NULL : argv[1];
	g_autofree gchar *program = NULL;

	if (!g_strcmp0(name, "--help") || !g_strcmp0(name, "-h")) {
		print_subcommands(commands);
		return TRUE;
	}
	program = g_strdup_printf("%s %s", g_get_prgname(), name);
	for (const SutureCommand *command = commands; name && command->name; command++)
		if (strcmp(name, command->name) == 0) {
			g_set_prgname(program);
			return command->run(context, argc - 1, argv + 1, error);
		}
	g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "%s%s; '%s --help' lists what there is",
		    name ? "no such command: " : "the command is missing", name ? name : "", g_get_prgname());
	return FALSE;
}

static int dispatch(SutureContext *context, int argc, char **argv, char **original,
		    const SutureCommand *commands)
{
	if (argc < 2 || strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0 ||
	    strcmp(argv[1], "-h") == 0) {
		print_help(context, commands);
		return argc < 2 ? SUTURE_EXIT_USAGE : SUTURE_EXIT_OK;
	}
	for (const SutureCommand *command = commands; command->name; command++)
		if (strcmp(argv[1], command->name) == 0)
			return run_command(context, command, argc - 1, argv + 1);
	return unknown_command(context, argv[1], original);
}

/* What a library of ours has to say is a line like our own; GLib's complaints stay recognisable as that. */
static void print_log(const gchar *domain, GLogLevelFlags level, const gchar *message, gpointer program)
{
	g_autofree gchar *line = suture_terminal_text(message);

	if (level & G_LOG_LEVEL_MESSAGE)
		g_printerr("%s: %s\n", (const gchar *)program, line);
	else
		g_log_default_handler(domain, level, message, NULL);
}

int suture_main(int argc, char **argv, const gchar *program, const SutureCommand *commands)
{
	SutureContext context = {.program = program};
	g_auto(GStrv) original = g_strdupv(argv);
	g_autoptr(GError) error = NULL;
	gboolean version = FALSE;
	int status;

	setlocale(LC_ALL, "");
	suture_cancel_install();
	g_log_set_default_handler(print_log, (gpointer)program);
	if (!take_global_options(&context, &version, &argc, &argv, &error))
		return report(&context, NULL, error);
	if (version) {
		g_print("%s %s\n", program, SUTURE_VERSION);
		return SUTURE_EXIT_OK;
	}
	status = dispatch(&context, argc, argv, original, commands);
	g_free(context.root);
	return status;
}
