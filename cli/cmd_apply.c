// SPDX-License-Identifier: LGPL-2.1-or-later
#include "applier/settle.h"
#include "cli/apply-plan.h"
#include "cli/bundle-file.h"
#include "cli/command.h"
#include "cli/row-json.h"
#include "cli/session.h"
#include "common/file.h"
#include "common/lock.h"

#include <stdio.h>
#include <string.h>

typedef struct {
	gboolean all, dry_run;
	guint timeout;     /* 0: not given */
	GPtrArray *wanted; /* ids or names, NULL-terminated; empty: all */
} Options;

typedef struct {
	SutureContext *context;
	const Options *options;
	SutureSession *session;
	SutureTrust *trust;
	GPtrArray *done; /* SutureApplied* */
} Work;

static gboolean parse(Options *options, int *argc, char ***argv, GError **error)
{
	g_autofree gchar *timeout = NULL;
	const GOptionEntry entries[] = {
		{"all", 'a', 0, G_OPTION_ARG_NONE, &options->all, "everything that policy lets (the default)",
		 NULL},
		{"dry-run", 'n', 0, G_OPTION_ARG_NONE, &options->dry_run,
		 "check and say what would be done; change and record nothing", NULL},
		{"timeout", 't', 0, G_OPTION_ARG_STRING, &timeout,
		 "seconds for one transition (suture.conf: [apply] transition-timeout; 60)", "SEC"},
		{NULL},
	};
	g_autoptr(GOptionContext) parser = g_option_context_new("[ID|FILE.rpm ...] - make patches live");

	g_option_context_set_summary(
		parser, "Verifies bundles at rest once more and makes them live on top of the stack, in "
			"stacking order. ID is a patch's\nname or full id; what it requires comes with it. "
			"FILE.rpm is verified and put into the store first. With nothing\nto do it changes "
			"nothing. A patch whose transition stalls is taken back; those below it stay.");
	g_option_context_add_main_entries(parser, entries, NULL);
	if (!g_option_context_parse(parser, argc, argv, error) ||
	    !suture_timeout_parse(timeout, &options->timeout, error))
		return FALSE;
	if (!options->all || *argc == 1)
		return TRUE;
	g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED, "--all and names exclude each other");
	return FALSE;
}

static gboolean is_file(const gchar *argument)
{
	return g_str_has_suffix(argument, ".rpm");
}

/* The RPM keyring is for files alone. */
static SutureTrust *load_trust(const SutureContext *context, int argc, char **argv, GError **error)
{
	g_autofree gchar *path = suture_trust_folder(context->root);
	gboolean files = FALSE;

	for (int i = 1; i < argc; i++)
		files = files || is_file(argv[i]);
	return files ? suture_trust_load(path, error) : suture_trust_load_at_rest(path, error);
}

/* Files become ids: verified, and unless this is a dry run, in the store. */
static gboolean take_arguments(Work *work, int argc, char **argv, GError **error)
{
	GPtrArray *wanted = work->options->wanted;

	for (int i = 1; i < argc; i++) {
		g_autofree gchar *id = NULL;

		if (!is_file(argv[i])) {
			g_ptr_array_add(wanted, g_strdup(argv[i]));
			continue;
		}
		if (work->options->dry_run) {
			g_set_error(
				error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
				"%s: --dry-run takes installed patches alone; 'suture verify' checks files",
				argv[i]);
			return FALSE;
		}
		id = suture_bundle_file_add(work->context, work->session, work->trust, argv[i], error);
		if (!id)
			return FALSE;
		g_ptr_array_add(wanted, g_steal_pointer(&id));
	}
	if (wanted->len > 0)
		g_ptr_array_add(wanted, NULL);
	return TRUE;
}

/* What policy said to each patch that is not live, once there is something to do. */
static gboolean record_decisions(const Work *work, const SutureHostView *view, GError **error)
{
	for (guint i = 0; i < view->decisions->len; i++) {
		const SutureDecision *decision = view->decisions->pdata[i];
		const SutureStatusRow *row = decision->candidate->data;
		g_autofree gchar *detail = g_strdup_printf("%s%s%s", suture_verdict_name(decision->verdict),
							   decision->detail ? ": " : "",
							   decision->detail ? decision->detail : "");
		const SutureEvent event = {
			.event = "policy",
			.bundle = row->id,
			.manifest_sha256 = row->manifest_sha256,
			.reason = decision->rule,
			.detail = detail,
		};

		if (decision->verdict != SUTURE_VERDICT_LIVE &&
		    !suture_session_record(&event, work->session, error))
			return FALSE;
	}
	return TRUE;
}

static gboolean record_refusal(const Work *work, GError *cause, GError **error)
{
	const SutureEvent event = {
		.event = "policy", .reason = suture_error_reason(cause), .detail = cause->message};

	if (work->options->dry_run || suture_session_record(&event, work->session, error))
		g_propagate_error(error, cause);
	else
		g_error_free(cause);
	return FALSE;
}

/* Whether a folder that cannot be read as a bundle is one of those that were asked for. */
static gboolean concerns(const Work *work, const SutureStoredFault *fault)
{
	const GPtrArray *wanted = work->options->wanted;
	g_autofree gchar *id = g_path_get_basename(fault->path);

	for (guint i = 0; i + 1 < wanted->len; i++) {
		const gchar *entry = wanted->pdata[i];

		if (g_str_has_prefix(id, entry) && strchr("-", id[strlen(entry)]))
			return TRUE;
	}
	return wanted->len == 0;
}

/* *@ret_first: a copy of the first fault that stands in the way of what was asked for, or NULL. */
static gboolean record_faults(const Work *work, const SutureHostView *view, GError **ret_first,
			      GError **error)
{
	const GPtrArray *faults = view->status->faults;

	for (guint i = 0; i < faults->len; i++) {
		const SutureStoredFault *fault = faults->pdata[i];
		const SutureEvent event = {.event = "refuse",
					   .bundle = fault->path,
					   .reason = suture_error_reason(fault->error),
					   .detail = fault->error->message};

		if (!concerns(work, fault))
			continue;
		if (!work->options->dry_run && !suture_session_record(&event, work->session, error))
			return FALSE;
		if (!*ret_first) {
			*ret_first = g_error_copy(fault->error);
			g_prefix_error(ret_first, "%s: ", fault->path);
		}
	}
	return TRUE;
}

static gboolean act(const Work *work, const SutureHostView *view, const SutureApplyPlan *plan, GError **error)
{
	g_autofree gchar *folder = suture_trust_folder(work->context->root);
	g_autofree gchar *certificates = g_build_filename(folder, "module.pem", NULL);
	const SutureApplyOptions options = {
		.root = work->context->root,
		.boot_id = view->boot_id,
		.kernel = &view->kernel,
		.trust = work->trust,
		.module_certificates = certificates,
		.now = g_get_real_time() / G_USEC_PER_SEC,
		.timeout = view->timeout,
		.sink = suture_session_record,
		.sink_data = work->session,
	};

	if (work->options->dry_run)
		return plan->bundles->len == 0 || suture_apply_check(&options, plan->bundles, error);
	if (plan->bundles->len == 0)
		return suture_settle(&options, view->status->livepatch, view->status->stack, error);
	return record_decisions(work, view, error) &&
	       suture_apply(&options, plan->bundles, plan->order, work->done, error);
}

static void print_text(const Work *work, const SutureApplyPlan *plan)
{
	for (guint i = 0; work->options->dry_run && i < plan->bundles->len; i++)
		printf("would apply %s\n", ((const SutureStored *)plan->bundles->pdata[i])->id);
	for (guint i = 0; i < work->done->len; i++) {
		const SutureApplied *applied = work->done->pdata[i];

		printf("applied %s in %.2f s (transition %.2f s)\n", applied->id,
		       (double)applied->total_us / G_USEC_PER_SEC,
		       (double)applied->transition_us / G_USEC_PER_SEC);
	}
	if (plan->bundles->len == 0)
		printf("nothing to do: %u patches are live\n", g_strv_length((gchar **)plan->order));
}

static void print_json(const Work *work, const SutureApplyPlan *plan)
{
	json_t *planned = json_array(), *order = json_array();
	SUTURE_AUTO_JSON *json = NULL;

	for (guint i = 0; i < plan->bundles->len; i++)
		json_array_append_new(planned,
				      json_string(((const SutureStored *)plan->bundles->pdata[i])->id));
	for (guint i = 0; plan->order[i]; i++)
		json_array_append_new(order, json_string(plan->order[i]));
	json = json_pack("{s:b, s:o, s:o, s:o}", "dry_run", work->options->dry_run, "planned", planned,
			 "applied", suture_applied_json(work->done), "order", order);
	suture_print_json(json);
}

/* What was done is printed also when a later patch failed. */
static gboolean plan_and_act(Work *work, const SutureHostView *view, GError **error)
{
	GPtrArray *wanted = work->options->wanted;
	GError *cause = NULL;
	g_autoptr(SutureApplyPlan) plan = suture_apply_plan_new(
		view, wanted->len > 0 ? (const gchar *const *)wanted->pdata : NULL, &cause);
	gboolean fine;

	if (!plan)
		return record_refusal(work, cause, error);
	fine = act(work, view, plan, error);
	if (work->context->json)
		print_json(work, plan);
	else if (!work->context->quiet)
		print_text(work, plan);
	return fine;
}

/* A folder in a store that is no bundle keeps no other patch from being applied; it makes the exit code. */
static gboolean apply(Work *work, GError **error)
{
	g_autoptr(SutureHostView) view =
		suture_host_view_new(work->context, (guint)work->options->timeout, error);
	g_autoptr(GError) fault = NULL;

	if (!view || !suture_host_view_require_policy(view, error) ||
	    !record_faults(work, view, &fault, error) || !plan_and_act(work, view, error))
		return FALSE;
	if (!fault)
		return TRUE;
	g_propagate_error(error, g_steal_pointer(&fault));
	return FALSE;
}

static gboolean run(Work *work, int argc, char **argv, GError **error)
{
	g_autofree gchar *lock_path = suture_context_path(work->context, SUTURE_APPLY_LOCK);
	SUTURE_AUTO_FD lock = suture_lock_take(lock_path, FALSE, error);

	if (lock < 0)
		return FALSE;
	work->trust = load_trust(work->context, argc, argv, error);
	if (!work->trust)
		return FALSE;
	work->session = suture_session_open(work->context, "apply", TRUE, error);
	return work->session && take_arguments(work, argc, argv, error) && apply(work, error);
}

gboolean cmd_apply(SutureContext *context, int argc, char **argv, GError **error)
{
	g_autoptr(GPtrArray) wanted = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GPtrArray) done = g_ptr_array_new_with_free_func((GDestroyNotify)suture_applied_free);
	Options options = {.wanted = wanted};
	Work work = {.context = context, .options = &options, .done = done};
	gboolean fine;

	if (!parse(&options, &argc, &argv, error))
		return FALSE;
	fine = run(&work, argc, argv, error);
	g_clear_pointer(&work.trust, suture_trust_free);
	g_clear_pointer(&work.session, suture_session_free);
	return fine;
}
