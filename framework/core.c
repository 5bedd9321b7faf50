// SPDX-License-Identifier: GPL-2.0-only
/*
 * The life of a patch: enabled from its module's init, disabled through sysfs or replaced by
 * another patch, let go.
 *
 * A patch module is pinned from suture_klp_enable_patch() until sysfs has let go of the patch, so
 * that its structures, which are part of it, outlive all that points to them. Its code may be
 * needed longer: then the patch is forced, and the pin stays.
 */

#define pr_fmt(fmt) "livepatch: " fmt

#include <linux/export.h>
#include <linux/module.h>
#include <linux/panic.h>
#include <linux/printk.h>
#include <linux/workqueue.h>

#include "core.h"
#include "objects.h"
#include "patch.h"
#include "reloc.h"
#include "replace.h"
#include "state.h"
#include "sysfs.h"
#include "transition.h"
#include "validate.h"

/* What it guards is in core.h. */
DEFINE_MUTEX(suture_mutex);
LIST_HEAD(suture_patches);

/* Ends of patches. Our own queue: suture_core_exit() waits for its last instructions. */
static struct workqueue_struct *suture_free_queue;

/* The part of the end that may be done with suture_mutex held. Nobody finds the patch then. */
static void patch_free_start(struct klp_patch *patch)
{
	struct klp_object *obj, *next_obj;
	struct klp_func *func, *next_func;

	list_del_init(&patch->list);
	klp_for_each_object_safe(patch, obj, next_obj) {
		klp_for_each_func_safe(obj, func, next_func) {
			list_del(&func->node);
			kobject_put(&func->kobj);
		}
		list_del(&obj->node);
		kobject_put(&obj->kobj);
	}
}

/*
 * The part without suture_mutex, since removing the folder waits for those who are in its
 * attributes, and they may wait for the mutex. Not to be called from such an attribute either.
 */
static void patch_free_finish(struct klp_patch *patch)
{
	struct module *mod = patch->mod;
	bool pinned;

	kobject_put(&patch->kobj);
	wait_for_completion(&patch->finish);

	/* The patch may be gone as soon as its module is let go. */
	pinned = patch->forced;
	if (!pinned)
		module_put(mod);
}

static void patch_free_work(struct work_struct *work)
{
	patch_free_finish(container_of(work, struct klp_patch, free_work));
}

void suture_patch_free_async(struct klp_patch *patch)
{
	if (patch->forced)
		suture_patch_keep_remains(patch);
	patch_free_start(patch);
	queue_work(suture_free_queue, &patch->free_work);
}

void suture_replaced_patches_free(struct klp_patch *patch)
{
	struct klp_patch *below, *next;

	list_for_each_entry_safe(below, next, &suture_patches, list) {
		if (below == patch)
			break;
		suture_patch_free_async(below);
	}
}

static int object_switch_on(struct klp_object *obj)
{
	int err;

	err = suture_pre_patch_callback(obj);
	if (err) {
		pr_warn("pre-patch callback failed for object '%s'\n", suture_object_name(obj));
		return err;
	}
	err = suture_object_patch(obj);
	if (err)
		pr_warn("failed to patch object '%s'\n", suture_object_name(obj));
	return err;
}

/* From a patch that is prepared to one whose transition is under way, or over. */
static int patch_switch_on(struct klp_patch *patch)
{
	struct klp_object *obj;
	int err;

	pr_notice("enabling patch '%s'\n", patch->mod->name);

	err = suture_transition_init(patch, true);
	if (err)
		goto err_failed;

	klp_for_each_object(patch, obj) {
		if (!suture_object_is_loaded(obj))
			continue;
		err = object_switch_on(obj);
		if (err)
			goto err_cancel;
	}

	err = suture_transition_run();
	if (err)
		goto err_cancel;
	return 0;

err_cancel:
	pr_warn("failed to enable patch '%s'\n", patch->mod->name);
	suture_transition_cancel();
	return err;
err_failed:
	pr_warn("failed to enable patch '%s'\n", patch->mod->name);
	return err;
}

/* Folders, addresses and relocations of one object. */
static int object_prepare(struct klp_patch *patch, struct klp_object *obj)
{
	struct klp_func *func;
	int err;

	err = suture_sysfs_object_add(patch, obj);
	if (err)
		return err;
	klp_for_each_func(obj, func) {
		err = suture_sysfs_func_add(obj, func);
		if (err)
			return err;
		/* Now, lest a bad patch refuse a module that comes later. */
		err = suture_func_measure(patch, func);
		if (err)
			return err;
	}

	suture_object_find_module(obj);
	if (!suture_object_is_loaded(obj))
		return 0;
	return suture_object_resolve(patch, obj);
}

/*
 * What can fail before anybody notices the patch. What was done until an error goes with the
 * patch.
 */
static int patch_prepare(struct klp_patch *patch)
{
	struct klp_object *obj;
	int err;

	err = suture_sysfs_patch_add(patch);
	if (err)
		return err;
	if (patch->replace) {
		err = suture_replace_add_nops(patch);
		if (err)
			return err;
	}
	klp_for_each_object(patch, obj) {
		err = object_prepare(patch, obj);
		if (err)
			return err;
	}
	list_add_tail(&patch->list, &suture_patches);
	return 0;
}

/* Internal fields as they have to be, also when an earlier attempt to enable this patch failed. */
static void patch_init(struct klp_patch *patch)
{
	struct klp_object *obj;
	struct klp_func *func;

	INIT_LIST_HEAD(&patch->list);
	INIT_LIST_HEAD(&patch->obj_list);
	INIT_WORK(&patch->free_work, patch_free_work);
	init_completion(&patch->finish);
	patch->enabled = false;
	patch->forced = false;
	suture_sysfs_patch_init(patch);

	klp_for_each_object_static(patch, obj) {
		suture_object_init(patch, obj);
		klp_for_each_func_static(obj, func)
			suture_func_init(patch, obj, func);
	}
}

/* Whether a well-formed patch may be enabled now. */
static int patch_admit(struct klp_patch *patch)
{
	struct klp_patch *other;

	suture_for_each_patch(other) {
		if (other->mod != patch->mod)
			continue;
		pr_err("patch '%s' is enabled already\n", patch->mod->name);
		return -EEXIST;
	}
	/*
	 * One that was disabled may still be on its way out, and its module's memory is not as it
	 * was loaded.
	 */
	if (patch->mod->state != MODULE_STATE_COMING) {
		pr_err("patch '%s' can be enabled by its module's init only\n", patch->mod->name);
		return -EINVAL;
	}
	if (suture_transition_patch) {
		pr_err("patch '%s' cannot be enabled while patch '%s' is in transition\n",
		       patch->mod->name, suture_transition_patch->mod->name);
		return -EBUSY;
	}
	if (!suture_state_compatible(patch)) {
		pr_err("Livepatch patch (%s) is not compatible with the already installed livepatches.\n",
		       patch->mod->name);
		return -EINVAL;
	}
	return suture_reloc_check(patch);
}

/* A kernel with CONFIG_LIVEPATCH did this when it loaded a module that carries its mark too. */
static void patch_taint(struct klp_patch *patch)
{
	if (test_and_set_bit(TAINT_LIVEPATCH, &patch->mod->taints))
		return;
	add_taint(TAINT_LIVEPATCH, LOCKDEP_STILL_OK);
	pr_notice_once("%s: tainting kernel with TAINT_LIVEPATCH\n", patch->mod->name);
}

int suture_klp_enable_patch(struct klp_patch *patch, unsigned int abi)
{
	int err;

	err = suture_patch_validate(patch, abi);
	if (err)
		return err;

	mutex_lock(&suture_mutex);
	err = patch_admit(patch);
	if (err)
		goto out_unlock;
	if (!try_module_get(patch->mod)) {
		err = -ENODEV;
		goto out_unlock;
	}

	patch_taint(patch);
	patch_init(patch);
	err = patch_prepare(patch);
	if (!err)
		err = patch_switch_on(patch);
	if (err) {
		suture_objects_forget(patch);
		patch_free_start(patch);
	}
	mutex_unlock(&suture_mutex);

	if (err)
		patch_free_finish(patch);
	return err;

out_unlock:
	mutex_unlock(&suture_mutex);
	return err;
}
EXPORT_SYMBOL_GPL(suture_klp_enable_patch);

/* Whether a patch may leave the stack now. */
static int patch_may_leave(struct klp_patch *patch)
{
	if (WARN_ON(!patch->enabled))
		return -EINVAL;
	if (suture_transition_patch) {
		pr_err("patch '%s' cannot be disabled while patch '%s' is in transition\n",
		       patch->mod->name, suture_transition_patch->mod->name);
		return -EBUSY;
	}
	if (!list_is_last(&patch->list, &suture_patches)) {
		pr_err("patch '%s' cannot be disabled: patch '%s' is above it\n",
		       patch->mod->name, list_next_entry(patch, list)->mod->name);
		return -EBUSY;
	}
	return 0;
}

int suture_patch_disable(struct klp_patch *patch)
{
	struct klp_object *obj;
	int err;

	err = patch_may_leave(patch);
	if (err)
		return err;
	err = suture_transition_init(patch, false);
	if (err)
		return err;

	klp_for_each_object(patch, obj)
		if (obj->patched)
			suture_pre_unpatch_callback(obj);

	/*
	 * An error has put everything back. After success the patch may be on its way out
	 * already.
	 */
	return suture_transition_run();
}

int suture_core_init(void)
{
	suture_free_queue = alloc_workqueue("suture_free", 0, 0);
	return suture_free_queue ? 0 : -ENOMEM;
}

/*
 * No patch can be left, since each pins this module through its own; the end of the last one may
 * still be running.
 */
void suture_core_exit(void)
{
	destroy_workqueue(suture_free_queue);
}
