// SPDX-License-Identifier: LGPL-2.1-or-later
#include "applier/revert.h"
#include "applier/settle.h"
#include "cli/command.h"
#include "cli/host-view.h"
#include "cli/row-json.h"
#include "cli/session.h"
#include "common/file.h"
#include "common/lock.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef struct {
	gboolean all, yes;
	guint timeout; /* 0: not given */
} Options;

static gboolean parse(Options *options, int *argc, char ***argv, GError **error)
{
	g_autofree gchar *timeout = NULL;
	const GOptionEntry entries[] = {
		{"all", 'a', 0, G_OPTION_ARG_NONE, &options->all, "every patch that Suture applied", NULL},
		{"yes", 'y', 0, G_OPTION_ARG_NONE, &options->yes, "do not ask", NULL},
		{"timeout", 't', 0, G_OPTION_ARG_STRING, &timeout,
		 "seconds for one transition (suture.conf: [apply] transition-timeout; 60)", "SEC"},
		{NULL},
	};
	g_autoptr(GOptionContext) parser = g_option_context_new("ID ... | --all - take live patches back");

	g_option_context_set_summary(parser,
				     "Works top down; a patch below others is reverted with them or not "
				     "at all. Says which CVEs are open again\nafterwards, and asks. What "
				     "a cumulative patch replaced does not come back.");
	g_option_context_add_main_entries(parser, entries, NULL);
	if (!g_option_context_parse(parser, argc, argv, error) ||
	    !suture_timeout_parse(timeout, &options->timeout, error))
		return FALSE;
	if (options->all == (*argc == 1))
		return TRUE;
	g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
		    options->all ? "--all and names exclude each other"
				 : "which patch? Give its id or name, or --all");
	return FALSE;
}

/* "a, b, c" */
static gchar *join(GPtrArray *strings)
{
	g_autoptr(GString) text = g_string_new(NULL);

	for (guint i = 0; i < strings->len; i++)
		g_string_append_printf(text, "%s%s", i > 0 ? ", " : "", (const gchar *)strings->pdata[i]);
	return g_string_free(g_steal_pointer(&text), FALSE);
}

/* Everything that the user should know before; goes to standard error like the question. */
static gchar *describe(const SutureRevertPlan *plan)
{
	g_autofree gchar *reopened = join(plan->reopened);
	g_autofree gchar *lost = join(plan->not_restored);
	g_autoptr(GString) text = g_string_new("reverting");

	for (guint i = 0; i < plan->entries->len; i++)
		g_string_append_printf(text, "%s %s", i > 0 ? "," : "",
				       ((const SutureStackEntry *)plan->entries->pdata[i])->id);
	if (*reopened)
		g_string_append_printf(text, " reopens %s", reopened);
	else
		g_string_append(text, " reopens no CVE");
	if (*lost)
		g_string_append_printf(text, "; replaced before and not brought back: %s", lost);
	return g_string_free(g_steal_pointer(&text), FALSE);
}

static gboolean confirm(const SutureRevertPlan *plan, GError **error)
{
	g_autofree gchar *description = describe(plan);
	gchar answer[16] = "";

	if (isatty(STDIN_FILENO) && isatty(STDERR_FILENO)) {
		g_printerr("%s.\nGo on? [y/N] ", description);
		if (fgets(answer, sizeof answer, stdin) && g_ascii_tolower(answer[0]) == 'y')
			return TRUE;
	}
	g_set_error(error, SUTURE_APPLY_ERROR, SUTURE_APPLY_ERROR_CONFIRM,
		    "%s; nothing was done: confirm with --yes", description);
	return FALSE;
}

static void print_json(const SutureRevertPlan *plan, GPtrArray *done)
{
	SUTURE_AUTO_JSON *json = json_pack("{s:o, s:o, s:o}", "reverted", suture_applied_json(done),
					   "reopened", suture_strings_json(plan->reopened), "not_restored",
					   suture_strings_json(plan->not_restored));

	suture_print_json(json);
}

static void print_text(const SutureRevertPlan *plan, GPtrArray *done)
{
	g_autofree gchar *reopened = join(plan->reopened);
	g_autofree gchar *lost = join(plan->not_restored);

	for (guint i = 0; i < done->len; i++) {
		const SutureApplied *reverted = done->pdata[i];

		printf("reverted %s in %.2f s%s\n", reverted->id, (double)reverted->total_us / G_USEC_PER_SEC,
		       reverted->pinned ? "; its module is pinned until reboot" : "");
	}
	if (plan->entries->len == 0)
		printf("nothing to do: no patch is live\n");
	if (*reopened && done->len == plan->entries->len)
		printf("open again: %s\n", reopened);
	if (*lost && done->len > 0)
		printf("not brought back: %s\n", lost);
}

/* What a crash left out of the ledger; a live patch that is not what it should be is no reason to keep it. */
static gboolean settle(const SutureApplyOptions *options, const SutureHostView *view, GError **error)
{
	g_autoptr(GError) cause = NULL;

	if (suture_settle(options, view->status->livepatch, view->status->stack, &cause) ||
	    g_error_matches(cause, SUTURE_APPLY_ERROR, SUTURE_APPLY_ERROR_FUNCTIONS))
		return TRUE;
	g_propagate_error(error, g_steal_pointer(&cause));
	return FALSE;
}

static gboolean plan_and_act(const SutureContext *context, const Options *options, char **names,
			     const SutureHostView *view, SutureSession *session, GError **error)
{
	const SutureApplyOptions work = {
		.root = context->root,
		.boot_id = view->boot_id,
		.kernel = &view->kernel,
		.now = g_get_real_time() / G_USEC_PER_SEC,
		.timeout = view->timeout,
		.sink = suture_session_record,
		.sink_data = session,
	};
	g_autoptr(GPtrArray) done = g_ptr_array_new_with_free_func((GDestroyNotify)suture_applied_free);
	g_autoptr(SutureRevertPlan) plan = NULL;
	g_autoptr(GError) cause = NULL;
	gboolean fine;

	if (!settle(&work, view, error))
		return FALSE;
	plan = suture_revert_plan_new(view->status->stack, options->all ? NULL : (const gchar *const *)names,
				      &cause);
	if (!plan)
		return suture_apply_refuse(&work, g_steal_pointer(&cause), error);
	if (plan->entries->len > 0 && !options->yes && !confirm(plan, error))
		return FALSE;
	fine = plan->entries->len == 0 || suture_revert(&work, plan, done, error);
	if (context->json)
		print_json(plan, done);
	else if (!context->quiet)
		print_text(plan, done);
	return fine;
}

static gboolean run(SutureContext *context, const Options *options, char **names, GError **error)
{
	g_autofree gchar *lock_path = suture_context_path(context, SUTURE_APPLY_LOCK);
	SUTURE_AUTO_FD lock = suture_lock_take(lock_path, FALSE, error);
	g_autoptr(SutureHostView) view = NULL;
	g_autoptr(SutureSession) session = NULL;

	if (lock < 0)
		return FALSE;
	view = suture_host_view_new(context, options->timeout, error);
	if (!view || !suture_livepatch_has_any(view->status->livepatch, error))
		return FALSE;
	session = suture_session_open(context, "revert", TRUE, error);
	return session && plan_and_act(context, options, names, view, session, error);
}

gboolean cmd_revert(SutureContext *context, int argc, char **argv, GError **error)
{
	Options options = {0};

	return parse(&options, &argc, &argv, error) && run(context, &options, argv + 1, error);
}
