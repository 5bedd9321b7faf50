// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/command.h"
#include "cli/host-view.h"
#include "cli/row-json.h"

#include <stdio.h>
#include <string.h>

static const gchar *const titles[] = {"ORDER", "PATCH", "STATE", "ORIGIN", "FIXES", "SIGNER"};
#define COLUMNS G_N_ELEMENTS(titles)

/* One line of the table: COLUMNS strings. */
static GStrv cells_of(const SutureStatusRow *row)
{
	g_autofree gchar *fixes = suture_fixed_text(row->manifest, ",");
	GStrv cells = g_new0(gchar *, COLUMNS + 1);

	cells[0] = row->order > 0 ? g_strdup_printf("%u", row->order) : g_strdup("-");
	cells[1] = g_strdup(row->id);
	cells[2] = row->state == SUTURE_ROW_HELD ? g_strdup_printf("held (%s)", row->rule)
						 : g_strdup(suture_row_state_name(row->state));
	cells[3] = g_strdup(*row->origin ? row->origin : "-");
	cells[4] = g_strdup(*fixes ? fixes : "-");
	cells[5] = g_strdup(*row->signer ? row->signer : "-");
	return cells;
}

static void print_line(const gchar *const *cells, const gsize *widths)
{
	for (gsize i = 0; i + 1 < COLUMNS; i++)
		printf("%-*s  ", (int)widths[i], cells[i]);
	printf("%s\n", cells[COLUMNS - 1]);
}

static void print_table(GPtrArray *rows)
{
	g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func((GDestroyNotify)g_strfreev);
	gsize widths[COLUMNS];

	for (gsize column = 0; column < COLUMNS; column++)
		widths[column] = strlen(titles[column]);
	for (guint i = 0; i < rows->len; i++) {
		GStrv cells = cells_of(rows->pdata[i]);

		for (gsize column = 0; column < COLUMNS; column++)
			widths[column] = MAX(widths[column], strlen(cells[column]));
		g_ptr_array_add(lines, cells);
	}
	print_line(titles, widths);
	for (guint i = 0; i < lines->len; i++)
		print_line(lines->pdata[i], widths);
}

gboolean cmd_list(SutureContext *context, int argc, char **argv, GError **error)
{
	g_autoptr(GOptionContext) options =
		g_option_context_new("- show the stack in the kernel and what is installed");
	g_autoptr(SutureHostView) view = NULL;

	g_option_context_set_summary(options,
				     "The top of the stack comes first, then what is installed and not "
				     "in the kernel. suture-list(8) describes states and --json.");
	if (!g_option_context_parse(options, &argc, &argv, error) || !suture_no_arguments(argc, argv, error))
		return FALSE;
	view = suture_host_view_new(context, 0, error);
	if (!view || !suture_host_view_require_policy(view, error))
		return FALSE;
	if (context->json) {
		SUTURE_AUTO_JSON *json = json_pack("{s:o}", "patches", suture_rows_json(view->status->rows));

		suture_print_json(json);
	} else if (view->status->rows->len > 0) {
		print_table(view->status->rows);
	} else if (!context->quiet) {
		printf("no patch is live or installed for %s\n", view->kernel.release);
	}
	return TRUE;
}
