// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/diff/constant.h"

#include "packager/diff/refuse.h"
#include "packager/diff/variables.h"

#include <string.h>

/* What the kernel's own functions read while they are called, and keep no pointer to. */
static const gchar *const transient[] = {"struct nla_policy", "struct nla_policy[]", NULL};

gboolean suture_constant_is_changed(const SutureAtom *atom)
{
	return atom->kind == SUTURE_ATOM_DATA && atom->state == SUTURE_ATOM_CHANGED &&
	       !suture_atom_is_writable(atom) && !suture_atom_is_anonymous(atom) &&
	       atom->section->rule->kind == SUTURE_SECTION_DATA;
}

/* The symbols of static ones within functions have a number. */
static const SutureVariableType *type_of(GHashTable *types, const SutureAtom *atom)
{
	return atom->base ? g_hash_table_lookup(types, atom->base) : NULL;
}

gboolean suture_constant_points_at_code(const SutureAtom *atom)
{
	for (guint i = 0; i < atom->n_links; i++) {
		const SutureLink *link = suture_atom_link(atom, i);

		if (!link->target || link->target->kind == SUTURE_ATOM_FUNCTION ||
		    link->target->kind == SUTURE_ATOM_CODE)
			return TRUE;
	}
	return FALSE;
}

static gboolean may_be_copied(GHashTable *types, const SutureAtom *constant)
{
	const SutureVariableType *type = type_of(types, constant);

	if (!type)
		return FALSE;
	return g_strv_contains(transient, type->text) ||
	       (type->plain && !suture_constant_points_at_code(constant));
}

static gboolean hands_out(const SutureAtom *reader, const SutureAtom *constant)
{
	for (guint i = 0; i < reader->n_links; i++) {
		const SutureLink *link = suture_atom_link(reader, i);

		if (link->target == constant && !link->value)
			return TRUE;
	}
	return FALSE;
}

static void refuse_constant(SutureSpread *spread, GHashTable *types, SutureAtom *constant)
{
	for (guint i = 0; !constant->refused && i < spread->after->atoms->len; i++) {
		const SutureAtom *reader = spread->after->atoms->pdata[i];

		if (reader->included &&
		    (reader->kind == SUTURE_ATOM_FUNCTION || reader->kind == SUTURE_ATOM_CODE ||
		     reader->kind == SUTURE_ATOM_DATA) &&
		    hands_out(reader, constant) && !may_be_copied(types, constant))
			suture_refuse_address(spread, constant, reader);
	}
}

void suture_constants_refuse(SutureSpread *spread)
{
	g_autoptr(GHashTable) types = NULL;

	for (guint i = 0; i < spread->after->atoms->len; i++) {
		SutureAtom *atom = spread->after->atoms->pdata[i];

		if (!suture_constant_is_changed(atom) || !atom->included)
			continue;
		if (!types)
			types = suture_variable_types(&spread->after_debug);
		refuse_constant(spread, types, atom);
	}
}

static const gchar *placement_of(const SutureAtom *atom)
{
	if (g_str_has_prefix(atom->section->name, ".data..percpu"))
		return "one for each CPU";
	if (g_str_has_prefix(atom->section->name, ".data..ro_after_init"))
		return "read-only after boot";
	return "an ordinary variable";
}

static gboolean refuse_placement(SutureSpread *spread, SutureAtom *atom)
{
	const gchar *old = placement_of(atom->twin), *new = placement_of(atom);

	if (strcmp(old, new) == 0)
		return FALSE;
	atom->refused = TRUE;
	suture_spread_refuse(
		spread, SUTURE_DIFF_ERROR_CHANGED_DATA, atom->symbol->name,
		"%s: was %s and is %s now, but the running kernel has it where it was: give the new "
		"one another name",
		atom->symbol->name, old, new);
	return TRUE;
}

static void refuse_variable(SutureSpread *spread, SutureAtom *atom, GHashTable *before, GHashTable *after)
{
	const SutureVariableType *old = type_of(before, atom->twin), *new = type_of(after, atom);

	if (!old || !new || strcmp(old->text, new->text) == 0 || (old->plain && new->plain))
		return;
	atom->refused = TRUE;
	suture_spread_refuse(
		spread, SUTURE_DIFF_ERROR_LAYOUT, atom->symbol->name,
		"%s: was of type %s and is %s now, but the running kernel has the old one in its "
		"place: give the new one another name",
		atom->symbol->name, old->text, new->text);
}

void suture_variables_refuse(SutureSpread *spread)
{
	g_autoptr(GHashTable) before = suture_variable_types(&spread->before_debug);
	g_autoptr(GHashTable) after = suture_variable_types(&spread->after_debug);

	for (guint i = 0; i < spread->after->atoms->len; i++) {
		SutureAtom *atom = spread->after->atoms->pdata[i];

		if (atom->kind == SUTURE_ATOM_DATA && atom->twin && atom->symbol &&
		    suture_atom_is_writable(atom) && !suture_atom_is_anonymous(atom) &&
		    atom->section->rule->kind == SUTURE_SECTION_DATA)
			if (!refuse_placement(spread, atom))
				refuse_variable(spread, atom, before, after);
	}
}

static gboolean is_variable(const SutureAtom *atom)
{
	return atom->kind == SUTURE_ATOM_DATA && atom->symbol && !atom->twin && !atom->own &&
	       suture_atom_is_writable(atom) && atom->section->rule->kind == SUTURE_SECTION_DATA;
}

static gchar *names_of(const SutureObject *object, gboolean included)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new();

	for (guint i = 0; i < object->atoms->len; i++) {
		const SutureAtom *atom = object->atoms->pdata[i];

		if (is_variable(atom) && (atom->included || !included))
			g_ptr_array_add(names, (gpointer)atom->symbol->name);
	}
	g_ptr_array_add(names, NULL);
	return names->len > 1 ? g_strjoinv(", ", (gchar **)names->pdata) : NULL;
}

void suture_variables_note(SutureSpread *spread)
{
	g_autofree gchar *new = names_of(spread->after, TRUE), *gone = names_of(spread->before, FALSE);

	if (new &&gone)
		g_ptr_array_add(
			spread->diff->notes,
			g_strdup_printf("%s: new, with the initial value; where that is %s under another "
					"name, what the running kernel has in it is not taken over: leave "
					"the name as it was",
					new, gone));
}
