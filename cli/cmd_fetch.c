// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/command.h"
#include "cli/fetch-run.h"
#include "cli/installed.h"
#include "cli/terminal.h"
#include "spec/time.h"

#include <jansson.h>

typedef struct {
	SutureFetchCommand command;
	gchar *name, *release, *build_id, *arch;
	gboolean all_kernels;
} Options;

static void options_clear(Options *options)
{
	suture_fetch_command_clear(&options->command);
	g_free(options->name);
	g_free(options->release);
	g_free(options->build_id);
	g_free(options->arch);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Options, options_clear)

static gboolean parse(Options *options, int *argc, char ***argv, GError **error)
{
	const GOptionEntry entries[] = {
		{"name", 'N', 0, G_OPTION_ARG_STRING, &options->name,
		 "only bundles whose name or id matches, with * and ?", "PATTERN"},
		{"dry-run", 'n', 0, G_OPTION_ARG_NONE, &options->command.dry_run,
		 "refresh metadata and say what would be fetched", NULL},
		{"all-kernels", 'k', 0, G_OPTION_ARG_NONE, &options->all_kernels,
		 "for every installed kernel, not only the running one", NULL},
		{"kernel-release", 0, 0, G_OPTION_ARG_STRING, &options->release,
		 "for this uname -r instead of the running kernel's", "RELEASE"},
		{"kernel-build-id", 0, 0, G_OPTION_ARG_STRING, &options->build_id,
		 "for this build-id instead of the running kernel's", "HEX"},
		{"kernel-arch", 0, 0, G_OPTION_ARG_STRING, &options->arch,
		 "for this machine instead of the running kernel's", "ARCH"},
		{NULL},
	};
	g_autoptr(GOptionContext) parser = g_option_context_new("- fetch bundles from the repository");

	g_option_context_set_summary(
		parser,
		"Brings the repository's signed metadata up to date and downloads the bundles for this "
		"kernel that policy lets\nand that are not there yet. Each one is verified (length and "
		"SHA-256, package signature, manifest signature,\nmodule signatures, kernel match) "
		"before it is put into the store. One that is refused leaves nothing behind\nand does "
		"not stop the others; a download that broke off is continued by the next run.");
	g_option_context_add_main_entries(parser, entries, NULL);
	g_option_context_add_group(parser, suture_fetch_command_options(&options->command));
	if (!g_option_context_parse(parser, argc, argv, error))
		return FALSE;
	options->command.name = options->name;
	if (*argc > 1)
		g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED, "%s: fetch takes options only",
			    (*argv)[1]);
	else if (options->release && !options->build_id)
		g_set_error_literal(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
				    "--kernel-release needs --kernel-build-id: a release alone is no kernel");
	else if (options->all_kernels && options->build_id)
		g_set_error_literal(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
				    "--all-kernels and --kernel-build-id exclude each other");
	else
		return TRUE;
	return FALSE;
}

static void print_stale(const SutureRefresh *refresh)
{
	for (guint i = 0; i < refresh->roles->len; i++) {
		const SutureRefreshRole *role = refresh->roles->pdata[i];
		g_autofree gchar *end = suture_time_text(role->expires);

		if (role->stale)
			g_print("%-10s %s metadata ended at %s; used as policy max-stale lets\n", "stale",
				role->name, end);
	}
}

static void print_text(const SutureFetchReport *report, GPtrArray *kernels)
{
	print_stale(report->refresh);
	for (guint i = 0; i < report->results->len; i++) {
		const SutureFetchResult *result = report->results->pdata[i];
		g_autofree gchar *name = suture_terminal_text(result->id ? result->id : result->name);
		g_autofree gchar *detail = suture_terminal_text(result->detail ? result->detail : "");

		g_print("%-10s %s%s%s%s%s%s%s%s\n", suture_fetch_outcome_name(result->outcome),
			kernels->len > 1 ? result->kernel->release : "", kernels->len > 1 ? " " : "", name,
			result->reason ? " [" : "", result->reason ? result->reason : "",
			result->reason ? "]" : "", *detail ? " " : "", detail);
	}
	if (report->results->len == 0 && kernels->len == 1)
		g_print("the repository has no bundle for %s\n",
			((const SutureKernel *)kernels->pdata[0])->release);
	else if (report->results->len == 0)
		g_print("the repository has no bundle for the %u installed kernels\n", kernels->len);
}

static json_t *result_json(const SutureFetchResult *result)
{
	/* It may quote a server, which need not write UTF-8. */
	g_autofree gchar *detail = result->detail ? g_utf8_make_valid(result->detail, -1) : NULL;

	return json_pack("{s:s, s:s, s:s?, s:s, s:s?, s:s?, s:s?, s:I}", "kernel", result->kernel->release,
			 "target", result->name, "id", result->id, "outcome",
			 suture_fetch_outcome_name(result->outcome), "reason", result->reason, "detail",
			 detail, "manifest_sha256", result->target ? result->target->manifest_sha256 : NULL,
			 "size", (json_int_t)result->size);
}

static json_t *stale_json(const SutureRefresh *refresh)
{
	json_t *list = json_array();

	for (guint i = 0; i < refresh->roles->len; i++) {
		const SutureRefreshRole *role = refresh->roles->pdata[i];

		if (role->stale)
			json_array_append_new(list, json_string(role->name));
	}
	return list;
}

static void print_json(const SutureFetchReport *report)
{
	json_t *bundles = json_array();
	SUTURE_AUTO_JSON *document =
		json_pack("{s:{s:I, s:I, s:I, s:I}, s:o, s:o, s:I, s:I}", "metadata", "root",
			  (json_int_t)report->root, "timestamp", (json_int_t)report->timestamp, "snapshot",
			  (json_int_t)report->snapshot, "targets", (json_int_t)report->targets, "stale",
			  stale_json(report->refresh), "bundles", bundles, "requests",
			  (json_int_t)report->count.requests, "bytes", (json_int_t)report->count.bytes);
	g_autoptr(GBytes) text = NULL;

	for (guint i = 0; i < report->results->len; i++)
		json_array_append_new(bundles, result_json(report->results->pdata[i]));
	text = suture_json_pretty(document);
	g_print("%.*s", (int)g_bytes_get_size(text), (const gchar *)g_bytes_get_data(text, NULL));
}

/* The kernels that are asked for; owning. */
static GPtrArray *kernels_of(const SutureContext *context, const Options *options,
			     const SutureKernel *running)
{
	GPtrArray *kernels;
	SutureKernel *kernel;

	if (options->all_kernels)
		return suture_installed_kernels(context, running);
	kernels = g_ptr_array_new_with_free_func(suture_installed_free);
	kernel = g_new0(SutureKernel, 1);
	kernel->release = g_strdup(options->release ? options->release : running->release);
	kernel->arch = g_strdup(options->arch ? options->arch : running->arch);
	kernel->build_id = g_strdup(options->build_id ? options->build_id : running->build_id);
	g_ptr_array_add(kernels, kernel);
	return kernels;
}

gboolean cmd_fetch(SutureContext *context, int argc, char **argv, GError **error)
{
	g_auto(Options) options = {0};
	g_autoptr(SutureSession) session = NULL;
	g_autoptr(SutureFetchReport) report = NULL;
	g_autoptr(GPtrArray) kernels = NULL;

	if (!parse(&options, &argc, &argv, error))
		return FALSE;
	session = suture_session_open(context, "fetch", TRUE, error);
	if (!session)
		return FALSE;
	kernels = kernels_of(context, &options, suture_session_kernel(session));
	report = suture_fetch_command_run(context, &options.command, session, kernels, error);
	if (!report)
		return FALSE;
	suture_terminal_clear();
	if (context->json)
		print_json(report);
	else if (!context->quiet)
		print_text(report, kernels);
	if (!report->refusal)
		return TRUE;
	g_propagate_error(error, g_steal_pointer(&report->refusal));
	return FALSE;
}
