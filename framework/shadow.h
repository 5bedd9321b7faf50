/* SPDX-License-Identifier: GPL-2.0-only */
/* Shadow variables; the API is in include/suture/livepatch.h. */
#ifndef SUTURE_SHADOW_H
#define SUTURE_SHADOW_H

/**
 * suture_shadow_exit() - free what patches left behind, when nobody can ask for it any more
 *
 * Without destructors, which went with the patches.
 */
void suture_shadow_exit(void);

#endif
