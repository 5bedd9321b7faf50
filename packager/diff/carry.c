// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/diff/carry.h"

#include <string.h>

/* Other sections have rules of their own for what may run in them. */
static gboolean is_plain_text(const SutureAtom *function)
{
	return strcmp(function->section->name, ".text") == 0 ||
	       g_str_has_prefix(function->section->name, ".text.");
}

static SutureAtom *whole_of(SutureAtom *atom)
{
	return atom->parent ? atom->parent : atom;
}

/* A function that calls @function by this link; NULL: the link is no call, or none of such a function. */
static SutureAtom *caller_of(SutureAtom *from, const SutureLink *link, const SutureAtom *function)
{
	if (from->kind != SUTURE_ATOM_FUNCTION || !link->branch ||
	    link->at != (gint64)(function->entry - function->start) ||
	    from->section->rule->kind != SUTURE_SECTION_TEXT)
		return NULL;
	return whole_of(from);
}

/* What says nothing of who reaches the function. */
static gboolean is_aside(SutureAtom *from, const SutureAtom *function)
{
	return whole_of(from) == function || from->section->rule->kind == SUTURE_SECTION_HARMLESS ||
	       (from->kind == SUTURE_ATOM_ENTRY && from->owner == function);
}

/* Adds those that call @function. FALSE when something else refers to it. */
static gboolean find_callers(const SutureAtom *function, GPtrArray *callers)
{
	const GPtrArray *atoms = function->section->object->atoms;

	for (guint i = 0; i < atoms->len; i++) {
		SutureAtom *from = atoms->pdata[i];

		for (guint k = 0; k < from->n_links; k++) {
			const SutureLink *link = suture_atom_link(from, k);
			SutureAtom *caller;

			if (link->target != function || is_aside(from, function))
				continue;
			caller = caller_of(from, link, function);
			if (!caller)
				return FALSE;
			g_ptr_array_add(callers, caller);
		}
	}
	return TRUE;
}

/* Each function that calls the old one must be replaced by what does not. */
static gboolean add_twins(GPtrArray *callers, const GPtrArray *old)
{
	for (guint i = 0; i < old->len; i++) {
		const SutureAtom *caller = old->pdata[i];

		if (!caller->twin)
			return FALSE;
		g_ptr_array_add(callers, caller->twin);
	}
	return TRUE;
}

static gboolean carry(SutureAtom *function)
{
	g_autoptr(GPtrArray) callers = g_ptr_array_new();
	g_autoptr(GPtrArray) old = g_ptr_array_new();

	if (!suture_atom_is_local(function) || !is_plain_text(function) || !is_plain_text(function->twin) ||
	    !find_callers(function, callers) || !find_callers(function->twin, old) || old->len == 0 ||
	    !add_twins(callers, old))
		return FALSE;
	function->carried = TRUE;
	suture_spread_reason(function,
			     g_strdup("cannot be redirected itself, so that the functions that call it are"));
	for (guint i = 0; i < callers->len; i++)
		suture_spread_change(
			callers->pdata[i],
			g_strdup_printf("calls %s, which changed and cannot be redirected itself",
					function->symbol->name));
	return TRUE;
}

static gboolean is_candidate(const SutureSpread *spread, const SutureAtom *atom)
{
	return atom->kind == SUTURE_ATOM_FUNCTION && atom->state == SUTURE_ATOM_CHANGED && atom->twin &&
	       !atom->cold && !atom->carried && !suture_spread_is_traceable(spread, atom->twin);
}

void suture_carry_untraceable(SutureSpread *spread)
{
	gboolean more = TRUE;

	/* Who calls one may be another. */
	while (more) {
		more = FALSE;
		for (guint i = 0; i < spread->after->atoms->len; i++) {
			SutureAtom *atom = spread->after->atoms->pdata[i];

			more |= is_candidate(spread, atom) && carry(atom);
		}
	}
}
