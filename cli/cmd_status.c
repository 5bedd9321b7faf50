// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/command.h"
#include "cli/entitlement.h"
#include "cli/host-view.h"
#include "cli/repository.h"
#include "cli/row-json.h"
#include "cli/terminal.h"

#include <stdio.h>
#include <string.h>

#define CONFIG_FOLDER "/etc/suture"

static const gchar *tristate_name(SutureTristate state)
{
	static const gchar *const names[] = {"no", "yes", "unknown"};

	return names[state];
}

/* const gchar*: the kernel's own first. */
static GPtrArray *list_providers(const SutureStatus *status)
{
	static const SutureProvider all[] = {SUTURE_PROVIDER_KERNEL, SUTURE_PROVIDER_FRAMEWORK};
	GPtrArray *names = g_ptr_array_new();

	for (gsize i = 0; i < G_N_ELEMENTS(all); i++)
		if (suture_livepatch_has(status->livepatch, all[i]))
			g_ptr_array_add(names, (gpointer)suture_provider_name(all[i]));
	return names;
}

static const gchar *provider_name(const GPtrArray *providers)
{
	return providers->len > 0 ? providers->pdata[0] : "none";
}

static const gchar *lockdown_name(const SutureStatus *status)
{
	const gchar *lockdown = status->enforcement.lockdown;

	return lockdown && *lockdown ? lockdown : "unknown";
}

static SutureTristate sig_enforce(const SutureStatus *status)
{
	return status->enforcement.sig_enforce;
}

/* SutureBlockingTask* of the transition under way, if any. */
static GPtrArray *find_blockers(const SutureStatus *status)
{
	for (guint i = 0; i < status->stack->patches->len; i++) {
		const SutureSysfsPatch *patch = status->stack->patches->pdata[i];

		if (patch->transition)
			return suture_transition_blockers(status->livepatch, patch->name, patch->enabled);
	}
	return g_ptr_array_new();
}

static json_t *blockers_json(GPtrArray *blockers)
{
	json_t *list = json_array();

	for (guint i = 0; i < blockers->len; i++) {
		const SutureBlockingTask *task = blockers->pdata[i];
		g_autofree gchar *comm = g_utf8_make_valid(task->comm, -1);
		g_autofree gchar *function = g_utf8_make_valid(task->function, -1);
		g_autofree gchar *stack = g_utf8_make_valid(task->stack, -1);

		json_array_append_new(list, json_pack("{s:i, s:i, s:s, s:s, s:s}", "pid", (int)task->pid,
						      "tid", (int)task->tid, "comm", comm, "function",
						      function, "stack", stack));
	}
	return list;
}

static json_t *faults_json(GPtrArray *faults)
{
	json_t *list = json_array();

	for (guint i = 0; i < faults->len; i++) {
		const SutureStoredFault *fault = faults->pdata[i];
		g_autofree gchar *path = g_utf8_make_valid(fault->path, -1);
		g_autofree gchar *message = g_utf8_make_valid(fault->error->message, -1);

		json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "path", path, "reason",
						      suture_error_reason(fault->error), "message", message));
	}
	return list;
}

/* "valid", or the end of the fault's reason code: "expiring", "expired", "not-yet-valid" and so on. */
static const gchar *entitlement_state(const SutureHostEntitlement *host)
{
	const gchar *reason = host->fault ? suture_error_reason(host->fault) : "valid";

	if (g_str_equal(reason, "io"))
		return "unreadable";
	return g_str_has_prefix(reason, "entitlement-") ? reason + strlen("entitlement-") : reason;
}

static json_t *entitlement_json(const SutureHostEntitlement *host)
{
	json_t *object;

	if (!host->path)
		return json_null();
	object = host->entitlement ? suture_host_entitlement_json(host->entitlement, host->days_left)
				   : json_object();
	json_object_set_new(object, "state", json_string(entitlement_state(host)));
	return object;
}

static void print_entitlement(const SutureHostEntitlement *host)
{
	g_autofree gchar *customer = NULL;
	g_autofree gchar *channels = NULL;

	if (!host->path)
		return;
	if (!host->entitlement) {
		printf("%-12s %s\n", "entitlement", entitlement_state(host));
		return;
	}
	customer = suture_terminal_text(host->entitlement->customer);
	channels = g_strjoinv(", ", host->entitlement->channels);
	printf("%-12s %s to %s: %s, %" G_GINT64_FORMAT " days left\n", "entitlement", customer, channels,
	       entitlement_state(host), MAX(host->days_left, 0));
}

static void print_json(const SutureHostView *view, const SutureHostEntitlement *entitlement,
		       const SutureHostRepository *repository, GPtrArray *fixed, GPtrArray *blockers)
{
	const SutureStatus *status = view->status;
	g_autoptr(GPtrArray) providers = list_providers(status);
	SUTURE_AUTO_JSON *json =
		json_pack("{s:{s:s, s:s, s:s}, s:s, s:s, s:o, s:{s:s, s:s}, s:o, s:o, s:o, s:o, s:o}",
			  "kernel", "release", view->kernel.release, "arch", view->kernel.arch, "build_id",
			  view->kernel.build_id, "boot_id", view->boot_id, "provider",
			  provider_name(providers), "providers", suture_strings_json(providers),
			  "enforcement", "sig_enforce", tristate_name(sig_enforce(status)), "lockdown",
			  lockdown_name(status), "fixed", suture_strings_json(fixed), "patches",
			  suture_rows_json(status->rows), "pinned", suture_strings_json(status->pinned),
			  "blockers", blockers_json(blockers), "faults", faults_json(status->faults));

	json_object_set_new(json, "entitlement", entitlement_json(entitlement));
	json_object_set_new(json, "repository", suture_host_repository_json(repository));
	suture_print_json(json);
}

static void print_rows(const SutureStatus *status)
{
	for (guint i = 0; i < status->rows->len; i++) {
		const SutureStatusRow *row = status->rows->pdata[i];
		g_autofree gchar *fixes = suture_fixed_text(row->manifest, ", ");

		printf("%-12s %s: %s%s%s%s%s\n", i == 0 ? "patches" : "", row->id,
		       suture_row_state_name(row->state), row->rule ? ", " : "", row->rule ? row->rule : "",
		       *fixes ? "; fixes " : "", fixes);
		if (row->withdrawn)
			printf("%-12s %s: the publisher recalled it: %s\n", "", row->id, row->withdrawn);
	}
}

static void print_text(const SutureHostView *view, const SutureHostEntitlement *entitlement,
		       const SutureHostRepository *repository, GPtrArray *fixed, GPtrArray *blockers)
{
	const SutureStatus *status = view->status;
	const SutureKernel *kernel = &view->kernel;
	g_autoptr(GPtrArray) providers = list_providers(status);

	printf("%-12s %s (%s), build-id %s\n", "kernel", kernel->release, kernel->arch, kernel->build_id);
	printf("%-12s %s%s%s\n", "livepatch", provider_name(providers), providers->len > 1 ? ", " : "",
	       providers->len > 1 ? (const gchar *)providers->pdata[1] : "");
	printf("%-12s module.sig_enforce %s, lockdown %s\n", "enforcement",
	       tristate_name(sig_enforce(status)), lockdown_name(status));
	print_rows(status);
	for (guint i = 0; i < status->pinned->len; i++)
		printf("%-12s %s: module pinned until reboot\n", "reverted",
		       (const gchar *)status->pinned->pdata[i]);
	printf("%-12s", "fixed");
	for (guint i = 0; i < fixed->len; i++)
		printf(" %s", (const gchar *)fixed->pdata[i]);
	printf("%s\n", fixed->len == 0 ? " nothing by live patches" : "");
	if (blockers->len > 0) {
		g_autofree gchar *tasks = suture_transition_describe(blockers);
		/* Every user gives names to tasks. */
		g_autofree gchar *text = suture_terminal_text(tasks);

		printf("%-12s %s\n", "held up by", text);
	}
	print_entitlement(entitlement);
	suture_host_repository_print(repository);
	for (guint i = 0; i < status->faults->len; i++) {
		const SutureStoredFault *fault = status->faults->pdata[i];

		g_autofree gchar *message = suture_terminal_text(fault->error->message);
		g_autofree gchar *path = suture_terminal_text(fault->path);

		printf("%-12s %s: %s [%s]\n", "fault", path, message, suture_error_reason(fault->error));
	}
}

/* A file that only root can read is no fault of this host. */
static gboolean judge_end(const GError *fault, GError **error)
{
	if (!fault || g_error_matches(fault, SUTURE_COMMON_ERROR, SUTURE_COMMON_ERROR_IO))
		return TRUE;
	g_propagate_error(error, g_error_copy(fault));
	return FALSE;
}

/* What somebody has to look at makes the exit code, once all is printed. */
static gboolean judge(const SutureStatus *status, const SutureHostEntitlement *entitlement,
		      const SutureHostRepository *repository, GError **error)
{
	for (guint i = 0; i < status->rows->len; i++) {
		const SutureStatusRow *row = status->rows->pdata[i];

		if (row->state != SUTURE_ROW_STALLED && row->state != SUTURE_ROW_PARTIAL)
			continue;
		g_set_error(error, SUTURE_APPLY_ERROR, SUTURE_APPLY_ERROR_STALLED,
			    "%s: %s; 'suture revert' takes it out, 'suture apply' tries again", row->id,
			    suture_row_state_name(row->state));
		return FALSE;
	}
	if (status->faults->len > 0) {
		const SutureStoredFault *fault = status->faults->pdata[0];

		g_propagate_prefixed_error(error, g_error_copy(fault->error), "%s: ", fault->path);
		return FALSE;
	}
	return judge_end(entitlement->fault, error) && judge_end(repository->fault, error);
}

/* Without policy the state can still be told, and has to be: it may be what is wrong. */
static void note_policy(const SutureContext *context, const SutureHostView *view)
{
	SutureStoredFault *fault;

	if (view->policy)
		return;
	fault = g_new(SutureStoredFault, 1);
	*fault = (SutureStoredFault){suture_context_path(context, CONFIG_FOLDER),
				     g_error_copy(view->no_policy)};
	g_ptr_array_add(view->status->faults, fault);
}

gboolean cmd_status(SutureContext *context, int argc, char **argv, GError **error)
{
	g_autoptr(GOptionContext) options =
		g_option_context_new("- show the state of this host: kernel, patches, CVEs, faults");
	g_autoptr(SutureHostView) view = NULL;
	g_auto(SutureHostEntitlement) entitlement = {NULL};
	g_auto(SutureHostRepository) repository = {NULL};
	gint64 now = g_get_real_time() / G_USEC_PER_SEC;
	g_autoptr(GPtrArray) fixed = NULL;
	g_autoptr(GPtrArray) blockers = NULL;

	g_option_context_set_summary(
		options,
		"Exits with 0 when nothing needs attention: no stalled or partial "
		"patch, no fault in a store or in policy, no module patched that is of another build than "
		"its patch is for, no entitlement and no repository metadata that has ended or ends soon. "
		"suture-status(8) describes --json.");
	if (!g_option_context_parse(options, &argc, &argv, error) || !suture_no_arguments(argc, argv, error))
		return FALSE;
	view = suture_host_view_new(context, 0, error);
	if (!view)
		return FALSE;
	note_policy(context, view);
	suture_status_check_builds(view->status);
	fixed = suture_status_fixed(view->status);
	blockers = find_blockers(view->status);
	suture_host_entitlement_read(context, &entitlement);
	suture_host_repository_read(context, view->policy, now, &repository);
	if (context->json)
		print_json(view, &entitlement, &repository, fixed, blockers);
	else if (!context->quiet)
		print_text(view, &entitlement, &repository, fixed, blockers);
	return judge(view->status, &entitlement, &repository, error);
}
