// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/diff/author.h"

#include <string.h>

#define STATE_SIZE 16 /* bytes of struct suture_fix_state */

static const gchar *const moments[] = {
	[SUTURE_DIFF_PRE_PATCH] = "pre_patch",
	[SUTURE_DIFF_POST_PATCH] = "post_patch",
	[SUTURE_DIFF_PRE_UNPATCH] = "pre_unpatch",
	[SUTURE_DIFF_POST_UNPATCH] = "post_unpatch",
};
G_STATIC_ASSERT(G_N_ELEMENTS(moments) == SUTURE_DIFF_N_MOMENTS);

const gchar *suture_diff_moment_name(SutureDiffMoment moment)
{
	return moments[moment];
}

gchar *suture_author_alias(const SutureDiffRequest *request, SutureDiffMoment moment)
{
	return g_strdup_printf("__suture_new.%u.%s", request->number, moments[moment]);
}

static gboolean find_moment(const gchar *name, SutureDiffMoment *ret)
{
	for (guint i = 0; i < SUTURE_DIFF_N_MOMENTS; i++)
		if (strcmp(name, moments[i]) == 0) {
			*ret = (SutureDiffMoment)i;
			return TRUE;
		}
	return FALSE;
}

/* The function that all of @atom is a pointer to, or NULL. */
static SutureAtom *pointed_function(const SutureAtom *atom)
{
	const SutureLink *link = atom->n_links == 1 ? suture_atom_link(atom, 0) : NULL;
	SutureAtom *target = link ? link->target : NULL;

	if (!target || target->kind != SUTURE_ATOM_FUNCTION || atom->size != link->size ||
	    link->type != R_X86_64_64 || link->at != (gint64)(target->entry - target->start))
		return NULL;
	return target;
}

static gboolean is_taken(const SutureDiff *diff, SutureDiffMoment moment)
{
	for (guint i = 0; i < diff->callbacks->len; i++)
		if (((SutureDiffCallback *)diff->callbacks->pdata[i])->moment == moment)
			return TRUE;
	return FALSE;
}

static void read_callback(SutureSpread *spread, SutureAtom *atom)
{
	const gchar *word = atom->section->name + strlen(SUTURE_CALLBACK_SECTIONS);
	SutureAtom *function = pointed_function(atom);
	SutureDiffCallback *callback;
	SutureDiffMoment moment;

	if (!find_moment(word, &moment) || !function || function->state != SUTURE_ATOM_NEW ||
	    function->section->rule->kind != SUTURE_SECTION_TEXT) {
		g_autofree gchar *name = function ? suture_atom_name(function) : suture_atom_name(atom);

		atom->refused = TRUE;
		suture_spread_refuse(
			spread, SUTURE_DIFF_ERROR_CALLBACK, name,
			"%s: cannot be a callback of the patch (%s): let a KLP_..._CALLBACK() of "
			"<suture/fix.h> name a function that the fix adds, not an __init one",
			name, word);
		return;
	}
	if (is_taken(spread->diff, moment)) {
		atom->refused = TRUE;
		suture_spread_refuse(spread, SUTURE_DIFF_ERROR_CALLBACK, moments[moment],
				     "%s: two callbacks for this moment: let one function call the other",
				     moments[moment]);
		return;
	}
	callback = g_new0(SutureDiffCallback, 1);
	callback->moment = moment;
	callback->name = suture_atom_name(function);
	callback->alias = suture_author_alias(spread->request, moment);
	function->callbacks |= 1U << moment;
	g_ptr_array_add(spread->diff->callbacks, callback);
}

static void read_state(SutureSpread *spread, SutureAtom *atom)
{
	const guint8 *bytes = suture_atom_bytes(atom);
	guint64 values[STATE_SIZE / sizeof(guint64)];

	if (bytes && atom->size == STATE_SIZE && atom->n_links == 0) {
		SutureDiffState state;

		memcpy(values, bytes, STATE_SIZE);
		state = (SutureDiffState){GUINT64_FROM_LE(values[0]), GUINT64_FROM_LE(values[1])};
		if (state.id && state.id <= G_MAXINT64 && state.version <= G_MAXUINT32) {
			g_array_append_val(spread->diff->states, state);
			return;
		}
	}
	atom->refused = TRUE;
	suture_spread_refuse(spread, SUTURE_DIFF_ERROR_STATE, atom->section->name,
			     "%s: something in it is no state: use KLP_STATE() of <suture/fix.h>, with an id "
			     "from 1 to 2^63-1 and a version of 32 bits",
			     atom->section->name);
}

void suture_author_read(SutureSpread *spread)
{
	for (guint i = 0; i < spread->after->atoms->len; i++) {
		SutureAtom *atom = spread->after->atoms->pdata[i];

		if (atom->section->rule->kind != SUTURE_SECTION_AUTHOR)
			continue;
		if (g_str_has_prefix(atom->section->name, SUTURE_CALLBACK_SECTIONS))
			read_callback(spread, atom);
		else
			read_state(spread, atom);
		if (!atom->refused)
			atom->sentence = g_strdup("told to the kernel in the patch's own description");
	}
}
