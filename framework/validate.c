// SPDX-License-Identifier: GPL-2.0-only
/* What a patch module hands in, before anything is done with it. */

#define pr_fmt(fmt) "livepatch: " fmt

#include <linux/kallsyms.h>
#include <linux/printk.h>

#include "core.h"
#include "validate.h"

/* As the module is named in sysfs, whether the framework is a module or built in. */
#define SUTURE_MODULE "suture"

static int func_validate(const struct klp_patch *patch, const struct klp_object *obj,
			 const struct klp_func *func)
{
	const char *patch_name = patch->mod->name;
	const struct klp_func *other;

	if (!func->old_name || !*func->old_name) {
		pr_err("patch '%s': function %td of object '%s' has no old_name\n",
		       patch_name, func - obj->funcs, suture_object_name(obj));
		return -EINVAL;
	}
	if (strnlen(func->old_name, KSYM_NAME_LEN) == KSYM_NAME_LEN) {
		pr_err("patch '%s': the name of function '%.32s...' of object '%s' is too long\n",
		       patch_name, func->old_name, suture_object_name(obj));
		return -EINVAL;
	}
	if (!func->new_func) {
		pr_err("patch '%s': function '%s' of object '%s' has no new_func\n",
		       patch_name, func->old_name, suture_object_name(obj));
		return -EINVAL;
	}
	if (func->nop) {
		pr_err("patch '%s': function '%s' of object '%s' has nop set, which is internal\n",
		       patch_name, func->old_name, suture_object_name(obj));
		return -EINVAL;
	}
	for (other = obj->funcs; other < func; other++) {
		if (!suture_func_same(other, func))
			continue;
		pr_err("patch '%s': function '%s,%lu' of object '%s' is there twice\n", patch_name,
		       func->old_name, suture_func_sympos(func), suture_object_name(obj));
		return -EINVAL;
	}
	return 0;
}

static int object_name_validate(const struct klp_patch *patch, const struct klp_object *obj)
{
	const char *patch_name = patch->mod->name;

	if (!obj->name)
		return 0;
	if (!*obj->name) {
		pr_err("patch '%s': object %td has an empty name; vmlinux has none\n",
		       patch_name, obj - patch->objs);
		return -EINVAL;
	}
	if (strnlen(obj->name, MODULE_NAME_LEN) == MODULE_NAME_LEN) {
		pr_err("patch '%s': the name of object '%.32s...' is too long\n",
		       patch_name, obj->name);
		return -EINVAL;
	}
	if (!strcmp(obj->name, "vmlinux")) {
		pr_err("patch '%s': object 'vmlinux' is no module; leave its name out\n",
		       patch_name);
		return -EINVAL;
	}
	if (!strcmp(obj->name, patch_name) || !strcmp(obj->name, SUTURE_MODULE)) {
		pr_err("patch '%s': object '%s' is what patches, and cannot be patched\n",
		       patch_name, obj->name);
		return -EINVAL;
	}
	return 0;
}

/* Where the empty entry is. */
static const struct klp_func *funcs_end(const struct klp_object *obj)
{
	const struct klp_func *func;

	klp_for_each_func_static(obj, func)
		;
	return func;
}

/* Functions have lists and a folder of their own object; tables with nothing in them may be one. */
static bool funcs_overlap(const struct klp_object *a, const struct klp_object *b)
{
	return a->funcs < funcs_end(b) && b->funcs < funcs_end(a);
}

/* Against the objects before it. */
static int object_compare(const struct klp_patch *patch, const struct klp_object *obj)
{
	const struct klp_object *other;

	for (other = patch->objs; other < obj; other++) {
		if (!suture_object_same(other, obj))
			continue;
		pr_err("patch '%s': object '%s' is there twice\n",
		       patch->mod->name, suture_object_name(obj));
		return -EINVAL;
	}
	for (other = patch->objs; other < obj; other++) {
		if (!funcs_overlap(other, obj))
			continue;
		pr_err("patch '%s': object '%s' and object '%s' share a table of functions\n",
		       patch->mod->name, suture_object_name(other), suture_object_name(obj));
		return -EINVAL;
	}
	return 0;
}

static int object_validate(const struct klp_patch *patch, const struct klp_object *obj)
{
	const struct klp_func *func;
	int err;

	err = object_name_validate(patch, obj);
	if (err)
		return err;
	if (!obj->funcs) {
		pr_err("patch '%s': object '%s' has no functions\n", patch->mod->name, obj->name);
		return -EINVAL;
	}
	if (obj->dynamic) {
		pr_err("patch '%s': object '%s' has dynamic set, which is internal\n",
		       patch->mod->name, suture_object_name(obj));
		return -EINVAL;
	}
	err = object_compare(patch, obj);
	if (err)
		return err;
	klp_for_each_func_static(obj, func) {
		err = func_validate(patch, obj, func);
		if (err)
			return err;
	}
	return 0;
}

int suture_patch_validate(const struct klp_patch *patch, unsigned int abi)
{
	const struct klp_object *obj;
	int err;

	if (!patch || !patch->mod) {
		pr_err("a patch without %s cannot be enabled\n",
		       patch ? "a module" : "a struct klp_patch");
		return -EINVAL;
	}
	if (abi != SUTURE_KLP_ABI) {
		pr_err("patch '%s' was built for ABI %u, this is %u\n",
		       patch->mod->name, abi, SUTURE_KLP_ABI);
		return -EINVAL;
	}
	if (!patch->objs) {
		pr_err("patch '%s' has no objects\n", patch->mod->name);
		return -EINVAL;
	}
	if ((unsigned int)patch->consistency > KLP_IMMEDIATE) {
		pr_err("patch '%s' has an unknown consistency model %u\n",
		       patch->mod->name, (unsigned int)patch->consistency);
		return -EINVAL;
	}
	klp_for_each_object_static(patch, obj) {
		err = object_validate(patch, obj);
		if (err)
			return err;
	}
	return 0;
}
