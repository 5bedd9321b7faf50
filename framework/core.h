/* SPDX-License-Identifier: GPL-2.0-only */
/* The stack of patches. */
#ifndef SUTURE_CORE_H
#define SUTURE_CORE_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/string.h>

#include "include/suture/livepatch.h"

/*
 * Guards the stack, every internal field of patches, objects and functions, and transitions.
 * Order: module loader, then this, then cpu_hotplug_lock, then ftrace's own locks, then
 * text_mutex.
 *
 * The module loader's notifier chain is held around it, and so is the active reference of a
 * patch's own attribute in sysfs. So with this held nobody may load or unload a module, or remove
 * a patch's folder; the folders of its objects and functions may go, because their one attribute
 * does not take it.
 */
extern struct mutex suture_mutex;

/* Enabled patches and the one in transition, in stacking order: the top is the last. */
extern struct list_head suture_patches;

#define suture_for_each_patch(patch) list_for_each_entry(patch, &suture_patches, list)

int suture_core_init(void);
void suture_core_exit(void);

/**
 * suture_patch_disable() - begin to disable the patch on top
 * @patch:	an enabled patch that is not in transition
 *
 * When KLP_STOP_MACHINE gives up, the patch stays enabled as if the transition had been reversed:
 * pre_unpatch callbacks ran, and post_patch callbacks have run after them.
 *
 * Return: 0 also while the transition is under way; -EBUSY while another transition runs, when
 * another patch is above (the log names it), or when KLP_STOP_MACHINE found tasks in the patch's
 * code for too long; -ENOMEM; -EINVAL when it is not enabled. Called with suture_mutex held.
 */
int suture_patch_disable(struct klp_patch *patch);

/**
 * suture_patch_free_async() - let go of a patch: sysfs, memory, then the module reference
 * @patch:	unpatched and not enabled; taken off the stack of patches if it is still there
 *
 * Its objects and functions are off their lists when this returns. The module stays pinned when
 * the patch was forced. Called with suture_mutex held.
 */
void suture_patch_free_async(struct klp_patch *patch);

/**
 * suture_replaced_patches_free() - the end of all patches below the one that replaced them
 * @patch:	the patch on top, with replace set
 *
 * They are unpatched already. Called with suture_mutex held.
 */
void suture_replaced_patches_free(struct klp_patch *patch);

/* An object's name for the log. */
static inline const char *suture_object_name(const struct klp_object *obj)
{
	return obj->name ? obj->name : "vmlinux";
}

/* vmlinux, or a module that is there. */
static inline bool suture_object_is_loaded(const struct klp_object *obj)
{
	return !obj->name || obj->mod;
}

/* Whether two entries stand for the same object. */
static inline bool suture_object_same(const struct klp_object *a, const struct klp_object *b)
{
	if (!a->name || !b->name)
		return a->name == b->name;
	return !strcmp(a->name, b->name);
}

/* The only one of its name is the first. */
static inline unsigned long suture_func_sympos(const struct klp_func *func)
{
	return func->old_sympos ? func->old_sympos : 1;
}

/* Whether two entries of the same object stand for the same function. */
static inline bool suture_func_same(const struct klp_func *a, const struct klp_func *b)
{
	return suture_func_sympos(a) == suture_func_sympos(b) && !strcmp(a->old_name, b->old_name);
}

/*
 * The callbacks of an object, by their rules: post_unpatch is owed exactly when pre_patch was
 * asked last and agreed. All are called with suture_mutex held.
 */
int suture_pre_patch_callback(struct klp_object *obj);
void suture_post_patch_callback(struct klp_object *obj);
void suture_pre_unpatch_callback(struct klp_object *obj);
void suture_post_unpatch_callback(struct klp_object *obj);

#endif
