// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/command.h"
#include "cli/fetch-run.h"
#include "cli/host-view.h"
#include "cli/installed.h"
#include "cli/repository.h"
#include "cli/row-json.h"
#include "cli/terminal.h"
#include "packager/read/store.h"

#include <stdio.h>
#include <string.h>

/* What a bundle of the repository is to this host. */
typedef struct {
	const SutureFetchResult *result;
	const gchar
		*state; /* "new" "fetched" "applied" "superseded" "held" "withdrawn" "mismatch" "refused" */
	gboolean live;
} Row;

typedef struct {
	SutureContext *context;
	SutureSession *session;
	SutureHostView *view;
	GPtrArray *kernels; /* SutureKernel* */
	SutureFetchReport *report;
	GArray *rows;         /* Row */
	GPtrArray *unpatched; /* const gchar*: CVEs fixed live now, for which the next boot's kernel has no
				 patch */
	SutureHostRepository repository;
} Check;

static void check_clear(Check *check)
{
	suture_host_repository_clear(&check->repository);
	g_clear_pointer(&check->unpatched, g_ptr_array_unref);
	g_clear_pointer(&check->rows, g_array_unref);
	g_clear_pointer(&check->report, suture_fetch_report_free);
	g_clear_pointer(&check->kernels, g_ptr_array_unref);
	g_clear_pointer(&check->view, suture_host_view_free);
	g_clear_pointer(&check->session, suture_session_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Check, check_clear)

static gboolean is_running(const Check *check, const SutureKernel *kernel)
{
	return strcmp(kernel->release, check->view->kernel.release) == 0;
}

/* In the kernel now, by its manifest or, of a recall, by its id. */
static gboolean is_live(const Check *check, const SutureFetchResult *result)
{
	const GPtrArray *rows = check->view->status->rows;

	for (guint i = 0; is_running(check, result->kernel) && i < rows->len; i++) {
		const SutureStatusRow *row = rows->pdata[i];
		gboolean same = result->target
					? strcmp(row->manifest_sha256, result->target->manifest_sha256) == 0
					: g_strcmp0(row->id, result->id) == 0;

		if (same && row->entry && suture_stack_entry_is_live(row->entry))
			return TRUE;
	}
	return FALSE;
}

static const gchar *state_of(const SutureFetchResult *result, gboolean live)
{
	switch (result->outcome) {
	case SUTURE_FETCH_WITHDRAWN:
		return "withdrawn";
	case SUTURE_FETCH_MISMATCH:
	case SUTURE_FETCH_REFUSED:
		return suture_fetch_outcome_name(result->outcome);
	default:
		break;
	}
	if (live)
		return "applied";
	if (result->outcome == SUTURE_FETCH_WANTED)
		return "new";
	/* What is stored may be held or superseded as well; the reason says by what. */
	if (result->outcome == SUTURE_FETCH_PRESENT)
		return !result->reason ? "fetched"
		       : strcmp(result->reason, "superseded") == 0 ||
				       strcmp(result->reason, "newer-version") == 0
			       ? "superseded"
			       : "held";
	return suture_fetch_outcome_name(result->outcome);
}

static void add_rows(Check *check)
{
	for (guint i = 0; i < check->report->results->len; i++) {
		Row row = {.result = check->report->results->pdata[i]};

		row.live = is_live(check, row.result);
		row.state = state_of(row.result, row.live);
		g_array_append_val(check->rows, row);
	}
}

static void add_fixed(GHashTable *fixed, const SuturePatch *patch)
{
	for (guint i = 0; i < patch->vulnerabilities->len; i++) {
		const SutureVulnerability *vulnerability = patch->vulnerabilities->pdata[i];

		if (strcmp(vulnerability->status, "fixed") == 0)
			g_hash_table_add(fixed, vulnerability->id);
	}
}

/* What @kernel can have fixed at its boot: by bundles of the repository that policy lets, and by what is in
 * the stores. */
static GHashTable *fixed_at_boot(const Check *check, const SutureKernel *kernel, GPtrArray *stored)
{
	GHashTable *fixed = g_hash_table_new(g_str_hash, g_str_equal);

	for (guint i = 0; i < check->rows->len; i++) {
		const Row *row = &g_array_index(check->rows, Row, i);

		if (row->result->kernel == kernel && row->result->target &&
		    (strcmp(row->state, "new") == 0 || strcmp(row->state, "fetched") == 0))
			add_fixed(fixed, &row->result->target->patch);
	}
	for (guint i = 0; i < stored->len; i++) {
		const SutureStored *each = stored->pdata[i];

		/* The fetched ones are among the rows, with what policy says to them. */
		if (strcmp(each->origin, "rpm") == 0)
			add_fixed(fixed, &each->manifest->patch);
	}
	return fixed;
}

/* A reboot must not bring back what a live patch had closed. */
static gboolean compare_next_boot(Check *check, GError **error)
{
	const SutureKernel *next = suture_installed_next(check->kernels);
	g_autoptr(GPtrArray) live = suture_status_fixed(check->view->status);
	g_autoptr(GPtrArray) stored = NULL;
	g_autoptr(GHashTable) fixed = NULL;

	if (is_running(check, next))
		return TRUE;
	stored = suture_store_list(check->context->root, next->release, NULL, error);
	if (!stored)
		return FALSE;
	fixed = fixed_at_boot(check, next, stored);
	for (guint i = 0; i < live->len; i++)
		if (!g_hash_table_contains(fixed, live->pdata[i]))
			g_ptr_array_add(check->unpatched, live->pdata[i]);
	return TRUE;
}

static void print_text(const Check *check)
{
	const gchar *last = NULL;

	for (guint i = 0; i < check->rows->len; i++) {
		const Row *row = &g_array_index(check->rows, Row, i);
		const SutureFetchResult *result = row->result;
		g_autofree gchar *name = suture_terminal_text(result->id ? result->id : result->name);
		g_autofree gchar *detail = suture_terminal_text(result->detail ? result->detail : "");

		if (g_strcmp0(last, result->kernel->release) != 0)
			printf("%s%s\n", result->kernel->release,
			       is_running(check, result->kernel) ? " (running)" : "");
		last = result->kernel->release;
		printf("  %-10s %s%s%s%s\n", row->state, name,
		       row->live && strcmp(row->state, "applied") != 0 ? " (in the kernel)" : "",
		       *detail ? ": " : "", detail);
	}
	if (check->rows->len == 0)
		printf("the repository has nothing for the installed kernels\n");
	for (guint i = 0; i < check->unpatched->len; i++)
		printf("warning: %s, the kernel of the next boot, has no patch for %s, which is fixed live "
		       "now\n",
		       suture_installed_next(check->kernels)->release,
		       (const gchar *)check->unpatched->pdata[i]);
	suture_host_repository_print(&check->repository);
}

static json_t *row_json(const Check *check, const Row *row)
{
	const SutureFetchResult *result = row->result;
	g_autofree gchar *detail = result->detail ? g_utf8_make_valid(result->detail, -1) : NULL;
	g_autoptr(GHashTable) fixed = g_hash_table_new(g_str_hash, g_str_equal);
	g_autoptr(GList) ids = NULL;
	json_t *fixes = json_array();

	if (result->target)
		add_fixed(fixed, &result->target->patch);
	ids = g_list_sort(g_hash_table_get_keys(fixed), (GCompareFunc)strcmp);
	for (GList *at = ids; at; at = at->next)
		json_array_append_new(fixes, json_string(at->data));
	return json_pack("{s:s, s:b, s:s, s:s?, s:s, s:b, s:s?, s:s?, s:o}", "kernel",
			 result->kernel->release, "running", is_running(check, result->kernel), "target",
			 result->name, "id", result->id, "state", row->state, "live", row->live, "reason",
			 result->reason, "detail", detail, "fixes", fixes);
}

static void print_json(const Check *check)
{
	json_t *bundles = json_array(), *kernels = json_array();
	SUTURE_AUTO_JSON *json = NULL;

	for (guint i = 0; i < check->kernels->len; i++)
		json_array_append_new(kernels,
				      json_string(((const SutureKernel *)check->kernels->pdata[i])->release));
	for (guint i = 0; i < check->rows->len; i++)
		json_array_append_new(bundles, row_json(check, &g_array_index(check->rows, Row, i)));
	json = json_pack("{s:o, s:o, s:{s:s, s:o}, s:o}", "kernels", kernels, "bundles", bundles, "next_boot",
			 "kernel", suture_installed_next(check->kernels)->release, "unpatched",
			 suture_strings_json(check->unpatched), "repository",
			 suture_host_repository_json(&check->repository));
	suture_print_json(json);
}

static gboolean run(Check *check, const SutureFetchCommand *command, GError **error)
{
	check->session = suture_session_open(check->context, "check", TRUE, error);
	check->view = check->session ? suture_host_view_new(check->context, 0, error) : NULL;
	if (!check->view)
		return FALSE;
	check->kernels = suture_installed_kernels(check->context, &check->view->kernel);
	check->report =
		suture_fetch_command_run(check->context, command, check->session, check->kernels, error);
	if (!check->report)
		return FALSE;
	add_rows(check);
	suture_host_repository_read(check->context, check->view->policy, g_get_real_time() / G_USEC_PER_SEC,
				    &check->repository);
	return compare_next_boot(check, error);
}

gboolean cmd_check(SutureContext *context, int argc, char **argv, GError **error)
{
	g_auto(SutureFetchCommand) command = {.dry_run = TRUE};
	g_auto(Check) check = {
		.context = context,
		.rows = g_array_new(FALSE, FALSE, sizeof(Row)),
		.unpatched = g_ptr_array_new(),
	};
	g_autoptr(GOptionContext) options =
		g_option_context_new("- ask the repository what there is for this host's kernels");

	g_option_context_set_summary(
		options,
		"Brings the repository's signed metadata up to date, and says of each bundle for an "
		"installed kernel whether it is\nnew, fetched, applied, superseded, held or withdrawn, and "
		"why. Downloads no bundle and applies none. Warns when the\nkernel of the next boot has no "
		"patch for what is fixed live now. Exits with 13 when metadata ends soon.");
	g_option_context_add_group(options, suture_fetch_command_options(&command));
	if (!g_option_context_parse(options, &argc, &argv, error) ||
	    !suture_no_arguments(argc, argv, error) || !run(&check, &command, error))
		return FALSE;
	suture_terminal_clear();
	if (context->json)
		print_json(&check);
	else if (!context->quiet)
		print_text(&check);
	if (check.report->refusal)
		g_propagate_error(error, g_steal_pointer(&check.report->refusal));
	else if (check.repository.fault)
		g_propagate_error(error, g_steal_pointer(&check.repository.fault));
	else
		return TRUE;
	return FALSE;
}
