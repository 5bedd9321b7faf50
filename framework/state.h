/* SPDX-License-Identifier: GPL-2.0-only */
/* States that patches change; the API is in include/suture/livepatch.h. */
#ifndef SUTURE_STATE_H
#define SUTURE_STATE_H

#include <linux/types.h>

struct klp_patch;

/**
 * suture_state_compatible() - whether a patch can go on top of those on the stack
 * @patch:	with replace set it must know every state of theirs; each state must have at least
 *		the version that is there
 */
bool suture_state_compatible(struct klp_patch *patch);

#endif
