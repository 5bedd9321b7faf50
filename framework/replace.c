// SPDX-License-Identifier: GPL-2.0-only
/*
 * A patch with replace set takes over from all patches below. What they patch and it does not, it
 * has nops for: functions on top of the sites' stacks that lead to the original, so that each
 * task leaves the old patches when it moves over to the new one. Once all have, the patches below
 * go, and then the nops, since the original needs none.
 */

#include <linux/slab.h>

#include "core.h"
#include "objects.h"
#include "patch.h"
#include "replace.h"

void suture_replace_free_func(struct klp_func *func)
{
	kfree(func->old_name);
	kfree(func);
}

void suture_replace_free_object(struct klp_object *obj)
{
	kfree(obj->name);
	kfree(obj);
}

/* Names are copied, since the patch that they come from goes first. */
static int add_nop(struct klp_patch *patch, struct klp_object *obj, const struct klp_func *below)
{
	struct klp_func *nop;

	nop = kzalloc(sizeof(*nop), GFP_KERNEL);
	if (!nop)
		return -ENOMEM;
	nop->old_name = kstrdup(below->old_name, GFP_KERNEL);
	if (!nop->old_name) {
		kfree(nop);
		return -ENOMEM;
	}
	nop->old_sympos = below->old_sympos;
	nop->nop = true;
	suture_func_init(patch, obj, nop);
	return 0;
}

static struct klp_object *add_object(struct klp_patch *patch, const struct klp_object *below)
{
	struct klp_object *obj;

	obj = kzalloc(sizeof(*obj), GFP_KERNEL);
	if (!obj)
		return NULL;
	if (below->name) {
		obj->name = kstrdup(below->name, GFP_KERNEL);
		if (!obj->name) {
			kfree(obj);
			return NULL;
		}
	}
	obj->dynamic = true;
	suture_object_init(patch, obj);
	return obj;
}

static struct klp_object *find_object(struct klp_patch *patch, const struct klp_object *below)
{
	struct klp_object *obj;

	klp_for_each_object(patch, obj)
		if (suture_object_same(obj, below))
			return obj;
	return NULL;
}

static bool has_func(struct klp_object *obj, const struct klp_func *below)
{
	struct klp_func *func;

	klp_for_each_func(obj, func)
		if (suture_func_same(func, below))
			return true;
	return false;
}

static int add_object_nops(struct klp_patch *patch, struct klp_object *below)
{
	struct klp_object *obj = find_object(patch, below);
	struct klp_func *func;
	int err;

	if (!obj)
		obj = add_object(patch, below);
	if (!obj)
		return -ENOMEM;

	klp_for_each_func(below, func) {
		if (has_func(obj, func))
			continue;
		err = add_nop(patch, obj, func);
		if (err)
			return err;
	}
	return 0;
}

int suture_replace_add_nops(struct klp_patch *patch)
{
	struct klp_patch *below;
	struct klp_object *obj;
	int err;

	suture_for_each_patch(below) {
		klp_for_each_object(below, obj) {
			err = add_object_nops(patch, obj);
			if (err)
				return err;
		}
	}
	return 0;
}

void suture_replace_unpatch_below(struct klp_patch *patch)
{
	struct klp_patch *below;

	suture_for_each_patch(below) {
		if (below == patch)
			break;
		below->enabled = false;
		suture_patch_unpatch(below, false);
	}
}

void suture_replace_discard_nops(struct klp_patch *patch)
{
	struct klp_object *obj, *next_obj;
	struct klp_func *func, *next_func;

	suture_patch_unpatch(patch, true);

	klp_for_each_object_safe(patch, obj, next_obj) {
		klp_for_each_func_safe(obj, func, next_func) {
			if (!func->nop)
				continue;
			list_del(&func->node);
			kobject_put(&func->kobj);
		}
		if (!obj->dynamic)
			continue;
		list_del(&obj->node);
		kobject_put(&obj->kobj);
	}
}
