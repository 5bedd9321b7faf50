/* SPDX-License-Identifier: GPL-2.0-only */
/* A patch with replace set: nops for what the patches below patch and it does not. */
#ifndef SUTURE_REPLACE_H
#define SUTURE_REPLACE_H

struct klp_func;
struct klp_object;
struct klp_patch;

/**
 * suture_replace_add_nops() - add nops, and objects for them
 * @patch:	not yet on the stack, obj_list and func_list made
 *
 * For all that the patches on the stack patch and this one does not.
 *
 * Return: 0 or -ENOMEM; what was added until then goes with the patch.
 */
int suture_replace_add_nops(struct klp_patch *patch);

/**
 * suture_replace_unpatch_below() - take the functions of all patches below off their sites
 * @patch:	the patch on top
 *
 * After the transition. The patches are no longer enabled then.
 */
void suture_replace_unpatch_below(struct klp_patch *patch);

/**
 * suture_replace_discard_nops() - take the nops off their sites and free them
 * @patch:	the patch on top
 *
 * After suture_replace_unpatch_below(), so that a nop is alone on its site.
 */
void suture_replace_discard_nops(struct klp_patch *patch);

/* For the release of their kobjects alone: the end of nops, and of objects made for them. */
void suture_replace_free_func(struct klp_func *func);
void suture_replace_free_object(struct klp_object *obj);

#endif
