// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/diff/prototype.h"

#include "packager/diff/names.h"
#include "packager/diff/variables.h"

#include <dwarf.h>
#include <string.h>

static void add_parameters(Dwarf_Die *function, GString *text)
{
	const gchar *separator = "";
	Dwarf_Die child;

	if (dwarf_child(function, &child) != 0)
		return;
	do {
		if (dwarf_tag(&child) == DW_TAG_formal_parameter) {
			g_autofree gchar *type = suture_variable_type_text(&child, NULL);

			g_string_append_printf(text, "%s%s", separator, type);
		} else if (dwarf_tag(&child) == DW_TAG_unspecified_parameters) {
			g_string_append_printf(text, "%s...", separator);
		} else {
			continue;
		}
		separator = ", ";
	} while (dwarf_siblingof(&child, &child) == 0);
}

/* @prototypes: name -> text. */
static void visit(gpointer prototypes, Dwarf_Die *die)
{
	const gchar *name = dwarf_tag(die) == DW_TAG_subprogram ? dwarf_diename(die) : NULL;
	g_autofree gchar *type = NULL;
	GString *text;

	if (!name || !dwarf_hasattr(die, DW_AT_external) || dwarf_hasattr(die, DW_AT_declaration) ||
	    dwarf_hasattr(die, DW_AT_abstract_origin))
		return;
	type = suture_variable_type_text(die, NULL);
	text = g_string_new(type);
	g_string_append(text, "(");
	add_parameters(die, text);
	g_string_append(text, ")");
	g_hash_table_insert(prototypes, g_strdup(name), g_string_free(text, FALSE));
}

static GHashTable *read_prototypes(SutureDebug *debug)
{
	GHashTable *prototypes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);

	suture_debug_each(debug, visit, prototypes);
	return prototypes;
}

void suture_prototypes_note(SutureSpread *spread)
{
	g_autoptr(GHashTable) before = read_prototypes(&spread->before_debug);
	g_autoptr(GHashTable) after = read_prototypes(&spread->after_debug);

	for (guint i = 0; i < spread->before->symbols->len; i++) {
		const SutureSymbol *symbol = spread->before->symbols->pdata[i];
		const gchar *name = symbol ? suture_name_exported(symbol->name) : NULL;
		const gchar *old = name ? g_hash_table_lookup(before, name) : NULL;
		const gchar *new = old ? g_hash_table_lookup(after, name) : NULL;

		if (new &&strcmp(old, new) != 0)
			g_ptr_array_add(spread->diff->notes,
					g_strdup_printf("%s: exported, was %s and is %s now: modules from "
							"elsewhere go on calling it as it was",
							name, old, new));
	}
}
