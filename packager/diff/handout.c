// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/diff/handout.h"

#include "packager/diff/constant.h"

static gboolean is_new(const SutureAtom *atom)
{
	if (!atom->included || atom->state != SUTURE_ATOM_NEW || !atom->symbol || atom->own || atom->cold ||
	    atom->callbacks)
		return FALSE;
	if (atom->kind == SUTURE_ATOM_FUNCTION)
		return TRUE;
	return atom->kind == SUTURE_ATOM_DATA && atom->section->rule->kind == SUTURE_SECTION_DATA &&
	       !suture_atom_is_writable(atom) && suture_constant_points_at_code(atom);
}

static gboolean can_hand_out(const SutureAtom *atom)
{
	return atom->included && (atom->kind == SUTURE_ATOM_FUNCTION || atom->kind == SUTURE_ATOM_CODE ||
				  (atom->kind == SUTURE_ATOM_DATA && suture_atom_is_writable(atom)));
}

static void collect(const SutureAtom *atom, GPtrArray *names)
{
	for (guint i = 0; i < atom->n_links; i++) {
		const SutureLink *link = suture_atom_link(atom, i);

		if (link->target && !link->branch && !link->value && link->target != atom &&
		    is_new(link->target) && !g_ptr_array_find(names, link->target->symbol->name, NULL))
			g_ptr_array_add(names, (gpointer)link->target->symbol->name);
	}
}

void suture_handouts_note(SutureSpread *spread)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	g_autofree gchar *text = NULL;

	for (guint i = 0; i < spread->after->atoms->len; i++)
		if (can_hand_out(spread->after->atoms->pdata[i]))
			collect(spread->after->atoms->pdata[i], names);
	if (names->len == 0)
		return;
	g_ptr_array_add(names, NULL);
	text = g_strjoinv(", ", (gchar **)names->pdata);
	g_ptr_array_add(
		spread->diff->notes,
		g_strdup_printf("%s: new, and the address is handed out: see to it that nothing (a timer, "
				"work, RCU, an object's operations) has it any more when the patch is "
				"reverted, or never revert it",
				text));
}
