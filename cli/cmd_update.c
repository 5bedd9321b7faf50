// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/command.h"
#include "cli/fetch-run.h"
#include "cli/host-view.h"
#include "cli/installed.h"
#include "cli/row-json.h"
#include "cli/terminal.h"
#include "common/file.h"
#include "common/lock.h"

#include <stdio.h>

#define LOCK "/run/suture/update.lock"

/* One update: what it has done, by comparing before and after. */
typedef struct {
	SutureContext *context;
	SutureFetchCommand command;
	gboolean no_apply;
	SutureSession *session;
	SutureFetchReport *report;
	GPtrArray *kernels;
	GPtrArray *before, *after; /* gchar*: ids that are live, bottom first */
	GError *trouble;           /* the first; what could be done all the same was */
} Update;

static void update_clear(Update *update)
{
	suture_fetch_command_clear(&update->command);
	g_clear_pointer(&update->report, suture_fetch_report_free);
	g_clear_pointer(&update->kernels, g_ptr_array_unref);
	g_clear_pointer(&update->session, suture_session_free);
	g_clear_pointer(&update->before, g_ptr_array_unref);
	g_clear_pointer(&update->after, g_ptr_array_unref);
	g_clear_error(&update->trouble);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Update, update_clear)

static void note_trouble(Update *update, GError *trouble)
{
	if (update->trouble)
		g_error_free(trouble);
	else
		update->trouble = trouble;
}

static GPtrArray *live_ids(const SutureHostView *view)
{
	g_autofree const gchar **ids = suture_status_live_ids(view->status);
	GPtrArray *copies = g_ptr_array_new_with_free_func(g_free);

	for (guint i = 0; ids[i]; i++)
		g_ptr_array_add(copies, g_strdup(ids[i]));
	return copies;
}

/* A server that cannot be reached keeps nobody from what is here already. */
static gboolean fetch(Update *update, GError **error)
{
	g_autoptr(SutureHostView) view = NULL;
	GError *cause = NULL;

	update->session = suture_session_open(update->context, "update", TRUE, error);
	view = update->session ? suture_host_view_new(update->context, 0, error) : NULL;
	if (!view)
		return FALSE;
	update->before = live_ids(view);
	update->kernels = suture_installed_kernels(update->context, &view->kernel);
	update->report = suture_fetch_command_run(update->context, &update->command, update->session,
						  update->kernels, &cause);
	suture_terminal_clear();
	if (update->report && update->report->refusal)
		note_trouble(update, g_steal_pointer(&update->report->refusal));
	if (cause)
		note_trouble(update, cause);
	return !g_error_matches(update->trouble, SUTURE_COMMON_ERROR, SUTURE_COMMON_ERROR_CANCELLED);
}

/* A command of this program, quietly. */
static gboolean run_command(const Update *update, SutureCommandFunc command, GPtrArray *argv, GError **error)
{
	SutureContext quiet = *update->context;

	quiet.json = FALSE;
	quiet.quiet = TRUE;
	g_ptr_array_add(argv, NULL);
	return command(&quiet, (int)argv->len - 1, (char **)argv->pdata, error);
}

static gboolean is_live(const SutureStatusRow *row)
{
	return row->entry && suture_stack_entry_is_live(row->entry);
}

/* The place in the stack of the lowest live patch that was recalled; 0 for none. */
static guint lowest_recalled(const SutureHostView *view)
{
	guint lowest = 0;

	for (guint i = 0; i < view->status->rows->len; i++) {
		const SutureStatusRow *row = view->status->rows->pdata[i];

		if (row->withdrawn && is_live(row) && (lowest == 0 || row->order < lowest))
			lowest = row->order;
	}
	return lowest;
}

/* What the publisher recalled and policy does not want to keep. Patches above it go with it, and are applied
 * again after. */
static gboolean revert_recalled(const Update *update, GError **error)
{
	g_autoptr(SutureHostView) view = suture_host_view_new(update->context, 0, error);
	g_autoptr(GPtrArray) argv = g_ptr_array_new();
	guint lowest;

	if (!view || !suture_host_view_require_policy(view, error))
		return FALSE;
	lowest = view->policy->revert_withdrawn ? lowest_recalled(view) : 0;
	if (lowest == 0)
		return TRUE;
	g_ptr_array_add(argv, "revert");
	g_ptr_array_add(argv, "--yes");
	for (guint i = 0; i < view->status->rows->len; i++) {
		const SutureStatusRow *row = view->status->rows->pdata[i];

		if (row->manifest && is_live(row) && row->order >= lowest)
			g_ptr_array_add(argv, (gpointer)row->id);
	}
	return run_command(update, cmd_revert, argv, error);
}

static void apply(Update *update)
{
	g_autoptr(GPtrArray) argv = g_ptr_array_new();
	GError *cause = NULL;

	g_ptr_array_add(argv, "apply");
	if (!revert_recalled(update, &cause))
		note_trouble(update, g_steal_pointer(&cause));
	if (!run_command(update, cmd_apply, argv, &cause))
		note_trouble(update, cause);
}

static gboolean contains(GPtrArray *ids, const gchar *id)
{
	return g_ptr_array_find_with_equal_func(ids, id, g_str_equal, NULL);
}

/* What is in @these and not in @those; borrowed. */
static GPtrArray *without(GPtrArray *these, GPtrArray *those)
{
	GPtrArray *rest = g_ptr_array_new();

	for (guint i = 0; i < these->len; i++)
		if (!contains(those, these->pdata[i]))
			g_ptr_array_add(rest, these->pdata[i]);
	return rest;
}

static GPtrArray *fetched(const Update *update)
{
	GPtrArray *ids = g_ptr_array_new_with_free_func(g_free);

	for (guint i = 0; update->report && i < update->report->results->len; i++) {
		const SutureFetchResult *result = update->report->results->pdata[i];

		if (result->outcome == SUTURE_FETCH_FETCHED)
			g_ptr_array_add(ids,
					g_strdup_printf("%s for %s", result->id, result->kernel->release));
	}
	return ids;
}

static void print_lines(const gchar *verb, GPtrArray *ids)
{
	for (guint i = 0; i < ids->len; i++) {
		g_autofree gchar *id = suture_terminal_text(ids->pdata[i]);

		printf("%-8s %s\n", verb, id);
	}
}

static void print_done(const Update *update)
{
	g_autoptr(GPtrArray) new_bundles = fetched(update);
	g_autoptr(GPtrArray) applied = without(update->after, update->before);
	g_autoptr(GPtrArray) gone = without(update->before, update->after);

	if (update->context->json) {
		SUTURE_AUTO_JSON *json =
			json_pack("{s:o, s:o, s:o, s:o}", "fetched", suture_strings_json(new_bundles),
				  "applied", suture_strings_json(applied), "reverted",
				  suture_strings_json(gone), "live", suture_strings_json(update->after));

		suture_print_json(json);
		return;
	}
	if (update->context->quiet)
		return;
	print_lines("fetched", new_bundles);
	print_lines("reverted", gone);
	print_lines("applied", applied);
	if (new_bundles->len + applied->len + gone->len == 0)
		printf("nothing to do: %u patches are live\n", update->after->len);
}

static gboolean run(Update *update, GError **error)
{
	g_autoptr(SutureHostView) view = NULL;

	if (!fetch(update, error))
		return FALSE;
	/* The ledger is the session's while it is open, and the steps open it again. */
	g_clear_pointer(&update->session, suture_session_free);
	if (!update->no_apply)
		apply(update);
	view = suture_host_view_new(update->context, 0, error);
	if (!view)
		return FALSE;
	update->after = live_ids(view);
	print_done(update);
	if (!update->trouble)
		return TRUE;
	g_propagate_error(error, g_steal_pointer(&update->trouble));
	return FALSE;
}

gboolean cmd_update(SutureContext *context, int argc, char **argv, GError **error)
{
	g_auto(Update) update = {.context = context};
	const GOptionEntry entries[] = {
		{"no-apply", 0, 0, G_OPTION_ARG_NONE, &update.no_apply, "fetch, and leave applying to others",
		 NULL},
		{NULL},
	};
	g_autoptr(GOptionContext) options = g_option_context_new("- bring this host up to date");
	g_autofree gchar *path = suture_context_path(context, LOCK);
	SUTURE_AUTO_FD lock = -1;

	g_option_context_set_summary(
		options,
		"Fetches what the repository has for every installed kernel and policy lets, reverts what "
		"was "
		"recalled if policy\nasks for that, and makes live what is to be live. What is here already "
		"is "
		"applied although the repository cannot be\nreached; the exit status tells. Meant for "
		"suture-update.timer; two at a time are refused (busy).");
	g_option_context_add_main_entries(options, entries, NULL);
	g_option_context_add_group(options, suture_fetch_command_options(&update.command));
	if (!g_option_context_parse(options, &argc, &argv, error) || !suture_no_arguments(argc, argv, error))
		return FALSE;
	lock = suture_lock_take(path, FALSE, error);
	return lock >= 0 && run(&update, error);
}
