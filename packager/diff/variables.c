// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/diff/variables.h"

#include <dwarf.h>
#include <string.h>

#define DEPTH 32 /* of blocks within a function, and of types within each other */

typedef struct {
	GHashTable *types;
	GHashTable *ambiguous; /* gchar*: names of several types */
} Reading;

static void type_free(gpointer data)
{
	SutureVariableType *type = data;

	g_free(type->text);
	g_free(type);
}

static gboolean inner_type(Dwarf_Die *die, Dwarf_Die *ret)
{
	Dwarf_Attribute found;

	return dwarf_attr_integrate(die, DW_AT_type, &found) && dwarf_formref_die(&found, ret);
}

static const gchar *kind_of(Dwarf_Die *type)
{
	switch (dwarf_tag(type)) {
	case DW_TAG_structure_type:
		return "struct ";
	case DW_TAG_union_type:
		return "union ";
	case DW_TAG_enumeration_type:
		return "enum ";
	case DW_TAG_subroutine_type:
		return "function";
	default:
		return "";
	}
}

static void describe(Dwarf_Die *of, GString *text, gboolean *plain, guint depth)
{
	Dwarf_Die type;
	const gchar *name;
	gint tag;

	if (!inner_type(of, &type) || depth > DEPTH) {
		g_string_append(text, "void");
		return;
	}
	tag = dwarf_tag(&type);
	if (tag == DW_TAG_const_type || tag == DW_TAG_volatile_type || tag == DW_TAG_typedef) {
		describe(&type, text, plain, depth + 1);
	} else if (tag == DW_TAG_pointer_type || tag == DW_TAG_array_type) {
		describe(&type, text, plain, depth + 1);
		g_string_append(text, tag == DW_TAG_pointer_type ? "*" : "[]");
	} else {
		name = dwarf_diename(&type);
		*plain &= tag == DW_TAG_base_type || tag == DW_TAG_enumeration_type;
		g_string_append_printf(text, "%s%s", kind_of(&type), name ? name : "");
	}
}

gchar *suture_variable_type_text(Dwarf_Die *die, gboolean *ret_plain)
{
	GString *text = g_string_new(NULL);
	gboolean plain = TRUE;

	describe(die, text, &plain, 0);
	if (ret_plain)
		*ret_plain = plain;
	return g_string_free(text, FALSE);
}

static void add_variable(Reading *reading, Dwarf_Die *die)
{
	const gchar *name = suture_debug_name(die);
	guint64 address;
	SutureVariableType *type, *other;

	if (!name || !suture_debug_address(die, &address))
		return;
	type = g_new0(SutureVariableType, 1);
	type->text = suture_variable_type_text(die, &type->plain);
	other = g_hash_table_lookup(reading->types, name);
	if (other && strcmp(other->text, type->text) != 0)
		g_hash_table_add(reading->ambiguous, g_strdup(name));
	g_hash_table_insert(reading->types, g_strdup(name), type);
}

static void visit(Reading *reading, Dwarf_Die *die, guint depth)
{
	Dwarf_Die child;

	if (dwarf_tag(die) == DW_TAG_variable)
		add_variable(reading, die);
	if ((dwarf_tag(die) != DW_TAG_subprogram && dwarf_tag(die) != DW_TAG_lexical_block) ||
	    depth > DEPTH || dwarf_child(die, &child) != 0)
		return;
	do
		visit(reading, &child, depth + 1);
	while (dwarf_siblingof(&child, &child) == 0);
}

static void visit_top(gpointer data, Dwarf_Die *die)
{
	visit(data, die, 0);
}

GHashTable *suture_variable_types(SutureDebug *debug)
{
	g_autoptr(GHashTable) ambiguous = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	Reading reading = {g_hash_table_new_full(g_str_hash, g_str_equal, g_free, type_free), ambiguous};
	GHashTableIter iter;
	gpointer name;

	suture_debug_each(debug, visit_top, &reading);
	g_hash_table_iter_init(&iter, ambiguous);
	while (g_hash_table_iter_next(&iter, &name, NULL))
		g_hash_table_remove(reading.types, name);
	return reading.types;
}
