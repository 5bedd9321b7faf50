// SPDX-License-Identifier: GPL-2.0-only
/* States of the system that patches change, and hand over to those that replace them. */

#include <linux/bug.h>
#include <linux/export.h>

#include "core.h"
#include "state.h"
#include "transition.h"

/**
 * suture_klp_get_state() - a state that a patch changes; klp_get_state() to patch modules
 * @patch:	the patch
 * @id:		of the state
 *
 * Patches' callbacks and patched code may call this.
 *
 * Return: the patch's own struct klp_state, NULL when it has none with this id.
 */
struct klp_state *suture_klp_get_state(struct klp_patch *patch, unsigned long id)
{
	struct klp_state *state;

	for (state = patch->states; state && state->id; state++)
		if (state->id == id)
			return state;
	return NULL;
}
EXPORT_SYMBOL_GPL(suture_klp_get_state);

/**
 * suture_klp_get_prev_state() - a state as the patches below left it; klp_get_prev_state() to
 *	patch modules
 * @id:		of the state
 *
 * Only for callbacks of the patch in transition, which run with suture_mutex held.
 *
 * Return: struct klp_state of the highest patch below that changes it, NULL when none does.
 */
struct klp_state *suture_klp_get_prev_state(unsigned long id)
{
	struct klp_state *state, *last = NULL;
	struct klp_patch *patch;

	if (WARN_ON_ONCE(!suture_transition_patch))
		return NULL;

	suture_for_each_patch(patch) {
		if (patch == suture_transition_patch)
			break;
		state = suture_klp_get_state(patch, id);
		if (state)
			last = state;
	}
	return last;
}
EXPORT_SYMBOL_GPL(suture_klp_get_prev_state);

static bool can_take_over(struct klp_patch *patch, const struct klp_state *there)
{
	const struct klp_state *own = suture_klp_get_state(patch, there->id);

	/* A patch that stays on top of the one that changed the state need not know of it. */
	if (!own)
		return !patch->replace;
	return own->version >= there->version;
}

bool suture_state_compatible(struct klp_patch *patch)
{
	struct klp_patch *below;
	struct klp_state *state;

	suture_for_each_patch(below)
		for (state = below->states; state && state->id; state++)
			if (!can_take_over(patch, state))
				return false;
	return true;
}
