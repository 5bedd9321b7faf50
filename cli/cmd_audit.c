// SPDX-License-Identifier: LGPL-2.1-or-later
#include "audit/ledger.h"
#include "cli/command.h"
#include "cli/row-json.h"
#include "spec/json.h"

#include <string.h>

#define LEDGER_PATH "/var/lib/suture/ledger.jsonl"

typedef struct {
	const SutureContext *context;
	gchar *since, *event, *bundle;
	gint last;
	GQueue shown; /* gchar* lines, the last ones, when last > 0 */
} LogView;

static gboolean wanted(const LogView *view, const SutureRecord *record)
{
	return (!view->since || strcmp(record->time, view->since) >= 0) &&
	       (!view->event || strcmp(record->event, view->event) == 0) &&
	       (!view->bundle || strcmp(record->bundle, view->bundle) == 0);
}

static gchar *line_for_people(const SutureRecord *record)
{
	return g_strdup_printf("%6" G_GUINT64_FORMAT "  %s  %-8s %-9s %s%s%s%s%s\n", record->sequence,
			       record->time, record->event, record->reason, record->bundle,
			       *record->bundle ? "  " : "", record->detail, *record->detail ? "  " : "",
			       record->actor);
}

static gchar *line_for_programs(const SutureRecord *record)
{
	g_autoptr(GBytes) line = suture_record_write(record);
	gsize size;
	const gchar *data = g_bytes_get_data(line, &size);

	return g_strndup(data, size);
}

static gboolean show_record(const SutureRecord *record, gpointer data)
{
	LogView *view = data;
	g_autofree gchar *line = NULL;

	if (!wanted(view, record))
		return TRUE;
	line = view->context->json ? line_for_programs(record) : line_for_people(record);
	if (view->last == 0) {
		g_print("%s", line);
		return TRUE;
	}
	g_queue_push_tail(&view->shown, g_steal_pointer(&line));
	if (g_queue_get_length(&view->shown) > (guint)view->last)
		g_free(g_queue_pop_head(&view->shown));
	return TRUE;
}

static gboolean audit_log(SutureContext *context, int argc, char **argv, GError **error)
{
	LogView view = {.context = context, .shown = G_QUEUE_INIT};
	const GOptionEntry entries[] = {
		{"since", 0, 0, G_OPTION_ARG_STRING, &view.since,
		 "only records from this time on (RFC 3339, UTC)", "TIME"},
		{"event", 0, 0, G_OPTION_ARG_STRING, &view.event,
		 "only this event (apply, revert, refuse, ...)", "EVENT"},
		{"bundle", 0, 0, G_OPTION_ARG_STRING, &view.bundle, "only this bundle", "ID"},
		{"last", 'n', 0, G_OPTION_ARG_INT, &view.last, "only the last N records", "N"},
		{NULL},
	};
	g_autoptr(GOptionContext) options = g_option_context_new("- show the ledger's records, oldest first");
	g_autofree gchar *path = suture_context_path(context, LEDGER_PATH);
	SutureLedgerReport report = {0};
	gchar *line;
	gboolean ok;

	g_option_context_add_main_entries(options, entries, NULL);
	ok = g_option_context_parse(options, &argc, &argv, error) &&
	     suture_ledger_verify(path, NULL, show_record, &view, &report, error);
	while ((line = g_queue_pop_head(&view.shown))) {
		g_print("%s", line);
		g_free(line);
	}
	suture_ledger_report_clear(&report);
	g_free(view.since);
	g_free(view.event);
	g_free(view.bundle);
	return ok;
}

static void print_report(const SutureContext *context, const SutureLedgerReport *report)
{
	SUTURE_AUTO_JSON *json = NULL;

	if (context->json) {
		json = json_pack("{s:s, s:I, s:s?, s:b, s:I}", "result",
				 report->anchored ? "anchored" : "unanchored", "records",
				 (json_int_t)report->records, "head", report->head, "anchored",
				 report->anchored, "torn_bytes", (json_int_t)report->torn);
		suture_print_json(json);
		return;
	}
	g_print("%" G_GUINT64_FORMAT " records, chain intact, %s\n", report->records,
		report->anchored
			? "anchored"
			: "unanchored: a cut tail shows only against a head kept elsewhere (--head)");
	if (report->torn > 0)
		g_print("torn last line of %" G_GUINT64_FORMAT " bytes: a crash; the next record heals it\n",
			report->torn);
	if (report->head)
		g_print("head %s\n", report->head);
}

static gboolean audit_verify(SutureContext *context, int argc, char **argv, GError **error)
{
	g_autofree gchar *head = NULL;
	const GOptionEntry entries[] = {
		{"head", 0, 0, G_OPTION_ARG_STRING, &head,
		 "anchor kept elsewhere, as 'audit head' or the journal gave it", "SEQ:HASH"},
		{NULL},
	};
	g_autoptr(GOptionContext) options = g_option_context_new("- verify the ledger's chain");
	g_autofree gchar *path = suture_context_path(context, LEDGER_PATH);
	SutureLedgerReport report = {0};

	g_option_context_add_main_entries(options, entries, NULL);
	if (!g_option_context_parse(options, &argc, &argv, error) ||
	    !suture_ledger_verify(path, head, NULL, NULL, &report, error))
		return FALSE;
	if (!context->quiet)
		print_report(context, &report);
	suture_ledger_report_clear(&report);
	return TRUE;
}

static void print_head(const SutureContext *context, const SutureLedgerReport *report)
{
	SUTURE_AUTO_JSON *json = NULL;

	if (!context->json) {
		g_print("%s\n", report->head ? report->head : "empty");
		return;
	}
	json = json_pack("{s:s?, s:I}", "head", report->head, "records", (json_int_t)report->records);
	suture_print_json(json);
}

static gboolean audit_head(SutureContext *context, int argc, char **argv, GError **error)
{
	g_autoptr(GOptionContext) options =
		g_option_context_new("- print the chain's head, to be kept elsewhere");
	g_autofree gchar *path = suture_context_path(context, LEDGER_PATH);
	SutureLedgerReport report = {0};

	if (!g_option_context_parse(options, &argc, &argv, error) ||
	    !suture_ledger_verify(path, NULL, NULL, NULL, &report, error))
		return FALSE;
	print_head(context, &report);
	suture_ledger_report_clear(&report);
	return TRUE;
}

gboolean cmd_audit(SutureContext *context, int argc, char **argv, GError **error)
{
	const SutureCommand commands[] = {
		{"log", audit_log, "show the records"},
		{"verify", audit_verify, "verify the chain"},
		{"head", audit_head, "print SEQ:HASH of the last record"},
		{NULL},
	};

	return suture_subcommand(context, commands, argc, argv, error);
}
