// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/diff/inlined.h"

#include "packager/diff/layout.h"

#include <dwarf.h>
#include <string.h>

static void function_free(SutureSourceFunction *function)
{
	g_free(function->name);
	g_free(function->file);
	g_free(function);
}

typedef struct {
	GPtrArray *functions; /* SutureSourceFunction* */
	GHashTable *known;    /* offset of an abstract DIE -> its SutureSourceFunction* */
	GHashTable *lines;    /* file -> GArray of guint, where something is declared */
} Reading;

/* What has code of its own for a function that is described elsewhere. */
static void note_copy(Reading *reading, Dwarf_Die *die)
{
	Dwarf_Attribute found;
	Dwarf_Die origin;
	Dwarf_Off offset;
	SutureSourceFunction *function;

	if (!dwarf_attr(die, DW_AT_abstract_origin, &found) || !dwarf_formref_die(&found, &origin))
		return;
	offset = dwarf_dieoffset(&origin);
	function = g_hash_table_lookup(reading->known, &offset);
	if (function)
		function->code = TRUE;
}

static void note_line(Reading *reading, const gchar *file, guint line)
{
	GArray *lines = g_hash_table_lookup(reading->lines, file);

	if (!lines) {
		lines = g_array_new(FALSE, FALSE, sizeof(guint));
		g_hash_table_insert(reading->lines, g_strdup(file), lines);
	}
	g_array_append_val(lines, line);
}

static void visit_declaration(gpointer data, Dwarf_Die *die)
{
	const gchar *file = dwarf_decl_file(die);
	int line = 0;

	if (file && dwarf_decl_line(die, &line) == 0 && line > 0)
		note_line(data, file, (guint)line);
}

static void visit_function(gpointer data, Dwarf_Die *die)
{
	Reading *reading = data;
	const gchar *file = dwarf_decl_file(die), *name = dwarf_diename(die);
	SutureSourceFunction *function;
	gint64 *offset;
	int line = 0;

	if (dwarf_tag(die) != DW_TAG_subprogram || dwarf_hasattr(die, DW_AT_declaration) ||
	    dwarf_hasattr(die, DW_AT_abstract_origin) || !file || !name || dwarf_decl_line(die, &line) != 0)
		return;
	function = g_new0(SutureSourceFunction, 1);
	*function = (SutureSourceFunction){
		.name = g_strdup(name),
		.file = g_strdup(file),
		.first = (guint)line,
		.inlined = dwarf_func_inline(die) != 0,
		.code = dwarf_hasattr(die, DW_AT_low_pc) || dwarf_hasattr(die, DW_AT_ranges),
	};
	offset = g_new(gint64, 1);
	*offset = (gint64)dwarf_dieoffset(die);
	g_hash_table_insert(reading->known, offset, function);
	g_ptr_array_add(reading->functions, function);
}

static void visit_copy(gpointer data, Dwarf_Die *die)
{
	if (dwarf_tag(die) == DW_TAG_subprogram)
		note_copy(data, die);
}

static void set_end(Reading *reading, SutureSourceFunction *function)
{
	GArray *lines = g_hash_table_lookup(reading->lines, function->file);

	function->last = G_MAXUINT;
	for (guint i = 0; lines && i < lines->len; i++) {
		guint line = g_array_index(lines, guint, i);

		if (line > function->first && line <= function->last)
			function->last = line - 1;
	}
}

GPtrArray *suture_inlined_functions(SutureDebug *debug)
{
	GPtrArray *functions = g_ptr_array_new_with_free_func((GDestroyNotify)function_free);
	g_autoptr(GHashTable) known = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
	g_autoptr(GHashTable) lines =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_array_unref);
	Reading reading = {functions, known, lines};

	suture_debug_each(debug, visit_declaration, &reading);
	suture_debug_each(debug, visit_function, &reading);
	suture_debug_each(debug, visit_copy, &reading);
	for (guint i = 0; i < functions->len; i++)
		set_end(&reading, functions->pdata[i]);
	return functions;
}

/* The functions of the source in which the fix touches a line; part of @spread->functions. */
static GPtrArray *touched_ones(const SutureSpread *spread)
{
	const SutureDiffRequest *request = spread->request;
	GPtrArray *touched = g_ptr_array_new();

	for (guint i = 0; i < spread->functions->len; i++) {
		const SutureSourceFunction *function = spread->functions->pdata[i];

		if (request->touched(request->data, function->file, function->first, function->last))
			g_ptr_array_add(touched, (gpointer)function);
	}
	return touched;
}

GHashTable *suture_inlined_touched(const SutureSpread *spread)
{
	GHashTable *names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_autoptr(GPtrArray) touched = NULL;

	if (!spread->request->touched)
		return names;
	touched = touched_ones(spread);
	for (guint i = 0; i < touched->len; i++)
		g_hash_table_add(names, g_strdup(((const SutureSourceFunction *)touched->pdata[i])->name));
	return names;
}

/* Whether nothing is left of what changed but functions that cannot be redirected; their names into @refused,
 * by what the source calls them. */
static gboolean nothing_is_left(const SutureSpread *spread, GHashTable *refused)
{
	for (guint i = 0; i < spread->diff->refusals->len; i++) {
		const SutureDiffRefusal *refusal = spread->diff->refusals->pdata[i];

		if (refusal->code != SUTURE_DIFF_ERROR_INIT && refusal->code != SUTURE_DIFF_ERROR_UNTRACEABLE)
			return FALSE;
	}
	for (guint i = 0; i < spread->after->atoms->len; i++) {
		const SutureAtom *atom = spread->after->atoms->pdata[i];

		if (atom->kind != SUTURE_ATOM_FUNCTION || atom->state != SUTURE_ATOM_CHANGED || atom->cold ||
		    atom->carried)
			continue;
		if (!atom->refused)
			return FALSE;
		g_hash_table_add(refused, g_strndup(atom->symbol->name, strcspn(atom->symbol->name, ".")));
	}
	return g_hash_table_size(refused) > 0;
}

static gboolean is_everywhere(const SutureSourceFunction *function)
{
	return function->inlined && !function->code;
}

static gint compare_names(gconstpointer left, gconstpointer right)
{
	return strcmp(*(const gchar *const *)left, *(const gchar *const *)right);
}

/* Those of the refused that have @function within them, as a text; NULL: none. */
static gchar *hosts_of(GHashTable *inlined, const SutureSourceFunction *function)
{
	g_autoptr(GPtrArray) hosts = g_ptr_array_new();
	GHashTableIter iter;
	gpointer host, names;

	g_hash_table_iter_init(&iter, inlined);
	while (g_hash_table_iter_next(&iter, &host, &names))
		if (g_ptr_array_find_with_equal_func(names, function->name, g_str_equal, NULL))
			g_ptr_array_add(hosts, host);
	g_ptr_array_sort(hosts, compare_names);
	g_ptr_array_add(hosts, NULL);
	return hosts->len > 1 ? g_strjoinv(", ", (gchar **)hosts->pdata) : NULL;
}

static void refuse(SutureSpread *spread, const SutureSourceFunction *function, const gchar *hosts)
{
	guint count = spread->diff->refusals->len;

	suture_spread_refuse(spread, SUTURE_DIFF_ERROR_INLINED, function->name,
			     "%s: the compiler inlined it everywhere, and what it is part of cannot be "
			     "redirected (%s), so that nothing is left to patch: change functions that call "
			     "these instead",
			     function->name, hosts);
	if (spread->diff->refusals->len > count)
		g_ptr_array_insert(spread->diff->refusals, 0,
				   g_ptr_array_steal_index(spread->diff->refusals, count));
}

void suture_inlined_refuse(SutureSpread *spread)
{
	g_autoptr(GHashTable) refused = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_autoptr(GPtrArray) touched = NULL;
	g_autoptr(GHashTable) inlined = NULL;

	if (!spread->request->touched || spread->diff->refusals->len == 0 ||
	    !nothing_is_left(spread, refused))
		return;
	touched = touched_ones(spread);
	for (guint i = 0; i < touched->len; i++)
		if (!is_everywhere(touched->pdata[i]))
			return;
	inlined = suture_layout_inlined(&spread->before_debug, refused);
	for (guint i = 0; i < touched->len; i++) {
		g_autofree gchar *hosts = hosts_of(inlined, touched->pdata[i]);

		if (hosts)
			refuse(spread, touched->pdata[i], hosts);
	}
}
