// SPDX-License-Identifier: GPL-2.0-only
/*
 * Objects of patches, and modules that come and go.
 *
 * A patch does not pin the modules that it patches, so obj->mod is a pointer without a reference.
 * It is safe because each way out of the kernel leads through our GOING notifier, which takes
 * suture_mutex and clears the pointer before the module is freed; and because no pointer to a
 * module is taken for which that notifier has been called already. See
 * suture_object_find_module().
 */

#define pr_fmt(fmt) "livepatch: " fmt

#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/printk.h>
#include <linux/slab.h>

#include "compat.h"
#include "core.h"
#include "kernel.h"
#include "objects.h"
#include "patch.h"
#include "reloc.h"
#include "symbols.h"
#include "sysfs.h"
#include "transition.h"

/**
 * struct known_module - a module between our COMING notifier and our GOING notifier
 * @node:	in known_modules
 * @mod:	the module
 */
struct known_module {
	struct list_head node;
	struct module *mod;
};

/* Under suture_mutex. Modules that were live before this one was loaded are missing. */
static LIST_HEAD(known_modules);

static struct known_module *known_module_find(const struct module *mod)
{
	struct known_module *known;

	list_for_each_entry(known, &known_modules, node)
		if (known->mod == mod)
			return known;
	return NULL;
}

static int known_module_add(struct module *mod)
{
	struct known_module *known;

	if (known_module_find(mod))
		return 0;
	known = kmalloc(sizeof(*known), GFP_KERNEL);
	if (!known)
		return -ENOMEM;
	known->mod = mod;
	list_add(&known->node, &known_modules);
	return 0;
}

static void known_module_remove(const struct module *mod)
{
	struct known_module *known = known_module_find(mod);

	if (!known)
		return;
	list_del(&known->node);
	kfree(known);
}

void suture_object_init(struct klp_patch *patch, struct klp_object *obj)
{
	INIT_LIST_HEAD(&obj->func_list);
	obj->mod = NULL;
	obj->patched = false;
	obj->callbacks.post_unpatch_enabled = false;
	suture_sysfs_object_init(obj);
	list_add_tail(&obj->node, &patch->obj_list);
}

void suture_func_init(struct klp_patch *patch, struct klp_object *obj, struct klp_func *func)
{
	func->owner = patch->mod;
	INIT_LIST_HEAD(&func->stack_node);
	func->old_func = NULL;
	func->site = NULL;
	func->patched = false;
	func->transition = false;
	suture_sysfs_func_init(func);
	list_add_tail(&func->node, &obj->func_list);
}

/*
 * A known module may be taken in any state: its GOING notifier is still to come, and will wait
 * for suture_mutex. So may a live one: its state changes before that notifier is called. Not the
 * others: one that is coming and not known will be seen by our COMING notifier, or, if it began
 * to load before this module, be live soon; one that is going and not known may have passed our
 * GOING notifier, and be freed as soon as the read lock is dropped.
 */
void suture_object_find_module(struct klp_object *obj)
{
	struct module *mod;

	if (!obj->name)
		return;

	suture_modules_read_lock();
	mod = kernel_find_module(obj->name);
	if (mod && READ_ONCE(mod->state) != MODULE_STATE_LIVE && !known_module_find(mod))
		mod = NULL;
	suture_modules_read_unlock();

	obj->mod = mod;
}

static int func_resolve(struct klp_object *obj, struct klp_func *func)
{
	unsigned long address;
	int err;

	err = suture_symbol_find(obj->mod, func->old_name, func->old_sympos, &address);
	if (err)
		return err;
	func->old_func = (void *)address;
	err = suture_symbol_size(address, &func->old_size);
	if (err) {
		pr_err("kallsyms size lookup failed for '%s'\n", func->old_name);
		return err;
	}

	if (func->nop) {
		func->new_func = func->old_func;
		func->new_size = func->old_size;
	}
	return 0;
}

int suture_func_measure(struct klp_patch *patch, struct klp_func *func)
{
	unsigned long start, size;
	int err;

	if (func->nop)
		return 0;
	suture_module_text(patch->mod, &start, &size);
	if ((unsigned long)func->new_func - start >= size) {
		pr_err("patch '%s': the replacement of function '%s' is not in text that stays\n",
		       patch->mod->name, func->old_name);
		return -EINVAL;
	}
	err = suture_symbol_size((unsigned long)func->new_func, &func->new_size);
	if (err)
		pr_err("kallsyms size lookup failed for '%s' replacement\n", func->old_name);
	return err;
}

/* The object is not loaded any more, as far as the patch goes. */
static void object_forget(struct klp_patch *patch, struct klp_object *obj)
{
	struct klp_func *func;

	if (obj->mod)
		suture_reloc_clear(patch, obj);
	obj->mod = NULL;
	klp_for_each_func(obj, func) {
		func->old_func = NULL;
		if (func->nop)
			func->new_func = NULL;
	}
}

int suture_object_resolve(struct klp_patch *patch, struct klp_object *obj)
{
	struct klp_func *func;
	int err = 0;

	/* Entries against vmlinux were applied when the patch module came. */
	if (obj->mod)
		err = suture_reloc_apply(patch, obj);
	if (err) {
		obj->mod = NULL;
		return err;
	}

	klp_for_each_func(obj, func) {
		err = func_resolve(obj, func);
		if (err) {
			object_forget(patch, obj);
			return err;
		}
	}
	return 0;
}

void suture_objects_forget(struct klp_patch *patch)
{
	struct klp_object *obj;

	klp_for_each_object(patch, obj)
		object_forget(patch, obj);
}

static struct klp_object *patch_object_of(struct klp_patch *patch, const struct module *mod)
{
	struct klp_object *obj;

	klp_for_each_object(patch, obj)
		if (obj->name && !strcmp(obj->name, mod->name))
			return obj;
	return NULL;
}

/*
 * After an object of the patch in transition went. Without memory tasks are kept from addresses
 * as before: some of them may be nobody's now, which can only hold a task up.
 */
static void transition_object_gone(struct klp_patch *patch)
{
	if (suture_transition_object_changed())
		pr_warn("'%s': transition keeps looking for the object that is gone\n",
			patch->mod->name);
}

static int object_patch(struct klp_patch *patch, struct klp_object *obj)
{
	int err;

	/* Tasks have to be kept from its functions before they can be redirected. */
	if (patch == suture_transition_patch) {
		err = suture_transition_object_changed();
		if (err)
			goto err_failed;
	}
	err = suture_object_patch(obj);
	if (err)
		goto err_failed;
	return 0;

err_failed:
	pr_warn("failed to apply patch '%s' to module '%s' (%d)\n",
		patch->mod->name, obj->name, err);
	return err;
}

/* One patch for a module that came. An error leaves the object as if the module were not loaded. */
static int object_coming(struct klp_patch *patch, struct klp_object *obj, struct module *mod)
{
	int err;

	obj->mod = mod;
	err = suture_object_resolve(patch, obj);
	if (err) {
		pr_warn("failed to initialize patch '%s' for module '%s' (%d)\n",
			patch->mod->name, mod->name, err);
		return err;
	}

	pr_notice("applying patch '%s' to loading module '%s'\n", patch->mod->name, mod->name);
	err = suture_pre_patch_callback(obj);
	if (err) {
		pr_warn("pre-patch callback failed for object '%s'\n", obj->name);
		goto err_forget;
	}
	err = object_patch(patch, obj);
	if (err)
		goto err_callback;

	/* The end of the transition calls it for all objects. */
	if (patch != suture_transition_patch)
		suture_post_patch_callback(obj);
	return 0;

err_callback:
	suture_post_unpatch_callback(obj);
err_forget:
	object_forget(patch, obj);
	if (patch == suture_transition_patch)
		transition_object_gone(patch);
	return err;
}

static void object_going(struct klp_patch *patch, struct klp_object *obj)
{
	/* post_patch has not been called then, which it would undo. */
	if (patch != suture_transition_patch)
		suture_pre_unpatch_callback(obj);

	pr_notice("reverting patch '%s' on unloading module '%s'\n",
		  patch->mod->name, obj->mod->name);
	suture_object_unpatch(obj, false);
	suture_post_unpatch_callback(obj);
	object_forget(patch, obj);
}

/* Takes the patches below @limit, all of them when it is NULL, off a module, from the top. */
static void module_revert(struct module *mod, struct klp_patch *limit)
{
	struct klp_patch *patch = list_prepare_entry(limit, &suture_patches, list);
	bool in_transition = false;
	struct klp_object *obj;

	list_for_each_entry_continue_reverse(patch, &suture_patches, list) {
		obj = patch_object_of(patch, mod);
		if (!obj || obj->mod != mod)
			continue;
		object_going(patch, obj);
		in_transition |= patch == suture_transition_patch;
	}

	/* Once for all, since the versions below count too. */
	if (in_transition)
		transition_object_gone(suture_transition_patch);
}

/*
 * Puts all patches on a module, from the bottom. An error leaves none on it; *@failed is the
 * patch then.
 */
static int module_apply(struct module *mod, struct klp_patch **failed)
{
	struct klp_object *obj;
	struct klp_patch *patch;
	int err;

	suture_for_each_patch(patch) {
		obj = patch_object_of(patch, mod);
		if (!obj || obj->mod)
			continue;
		err = object_coming(patch, obj, mod);
		if (err) {
			*failed = patch;
			module_revert(mod, patch);
			return err;
		}
	}
	return 0;
}

/* Its text is complete and traceable, nothing of it has run. */
static int module_coming(struct module *mod)
{
	struct klp_patch *failed;
	int err;

	if (!strcmp(mod->name, "vmlinux")) {
		pr_err("vmlinux.ko: invalid module name\n");
		return -EINVAL;
	}
	err = suture_reloc_module_coming(mod);
	if (err)
		return err;
	err = known_module_add(mod);
	if (err)
		return err;
	err = module_apply(mod, &failed);
	if (err) {
		pr_warn("patch '%s' failed for module '%s', refusing to load module '%s'\n",
			failed->mod->name, mod->name, mod->name);
		known_module_remove(mod);
	}
	return err;
}

/*
 * News only of a module that began to load before this one was loaded: its functions may be
 * running, and it can no longer be refused. Tasks get the new ones at their next call.
 */
static void module_live(struct module *mod)
{
	struct klp_patch *failed;

	if (known_module_find(mod))
		return;
	if (module_apply(mod, &failed))
		pr_err("patch '%s' failed for module '%s', which stays loaded and unpatched\n",
		       failed->mod->name, mod->name);
}

/*
 * Its exit is over, or its init failed, or never ran because somebody behind us in the chain
 * refused it.
 */
static void module_going(struct module *mod)
{
	known_module_remove(mod);
	module_revert(mod, NULL);
}

/* With the chain's rwsem held for reading; suture_mutex is inside it everywhere. */
static int module_notify(struct notifier_block *block, unsigned long state, void *data)
{
	struct module *mod = data;
	int err = 0;

	mutex_lock(&suture_mutex);
	switch (state) {
	case MODULE_STATE_COMING:
		err = module_coming(mod);
		break;
	case MODULE_STATE_LIVE:
		module_live(mod);
		break;
	case MODULE_STATE_GOING:
		module_going(mod);
		break;
	default:
		break;
	}
	mutex_unlock(&suture_mutex);
	return notifier_from_errno(err);
}

/*
 * First of all, so that what comes after us in the chain finds relocated text, and nobody runs a
 * function before it is patched.
 */
static struct notifier_block module_block = {
	.notifier_call = module_notify,
	.priority = INT_MAX,
};

int suture_objects_init(void)
{
	return register_module_notifier(&module_block);
}

void suture_objects_exit(void)
{
	struct known_module *known, *next;

	unregister_module_notifier(&module_block);
	list_for_each_entry_safe(known, next, &known_modules, node)
		kfree(known);
}
