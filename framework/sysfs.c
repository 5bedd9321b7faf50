// SPDX-License-Identifier: GPL-2.0-only
/*
 * /sys/kernel/suture, as spec/abi/testing/sysfs-framework has it.
 *
 * Who reads or writes an attribute holds an active reference that the removal of its folder waits
 * for. A patch's folder is removed without suture_mutex, so its attributes may take it; the
 * folders of its objects are removed with it held, so theirs may not. What is read without it is
 * one flag, true at some moment of the read.
 */

#include <linux/completion.h>
#include <linux/kobject.h>
#include <linux/kstrtox.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "core.h"
#include "replace.h"
#include "sysfs.h"
#include "transition.h"

static struct kobject *suture_root;

static struct klp_patch *to_patch(struct kobject *kobj)
{
	return container_of(kobj, struct klp_patch, kobj);
}

static ssize_t enabled_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%d\n", READ_ONCE(to_patch(kobj)->enabled));
}

static int patch_set_enabled(struct klp_patch *patch, bool enabled)
{
	/* Also keeps away from a patch that is on its way out. */
	if (patch->enabled == enabled)
		return -EINVAL;
	if (patch == suture_transition_patch) {
		suture_transition_reverse();
		return 0;
	}
	/* What is off stays off: it has lost its place in the stack. */
	if (enabled)
		return -EINVAL;
	return suture_patch_disable(patch);
}

static ssize_t enabled_store(struct kobject *kobj, struct kobj_attribute *attr, const char *buf,
			     size_t count)
{
	bool enabled;
	int err;

	err = kstrtobool(buf, &enabled);
	if (err)
		return err;

	mutex_lock(&suture_mutex);
	err = patch_set_enabled(to_patch(kobj), enabled);
	mutex_unlock(&suture_mutex);
	return err ? err : count;
}

static ssize_t transition_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%d\n", to_patch(kobj) == READ_ONCE(suture_transition_patch));
}

static ssize_t force_store(struct kobject *kobj, struct kobj_attribute *attr, const char *buf,
			   size_t count)
{
	bool force;
	int err;

	err = kstrtobool(buf, &force);
	if (err)
		return err;
	if (!force)
		return count;

	mutex_lock(&suture_mutex);
	if (to_patch(kobj) == suture_transition_patch)
		suture_transition_force();
	else
		err = -EINVAL;
	mutex_unlock(&suture_mutex);
	return err ? err : count;
}

static ssize_t replace_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%d\n", to_patch(kobj)->replace);
}

static ssize_t stack_order_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	struct klp_patch *patch;
	int order = 0, found = 0;

	mutex_lock(&suture_mutex);
	suture_for_each_patch(patch) {
		order++;
		if (patch == to_patch(kobj))
			found = order;
	}
	mutex_unlock(&suture_mutex);
	return sysfs_emit(buf, "%d\n", found);
}

static ssize_t blockers_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	ssize_t size = 0;

	mutex_lock(&suture_mutex);
	if (to_patch(kobj) == suture_transition_patch)
		size = suture_transition_blockers(buf);
	mutex_unlock(&suture_mutex);
	return size;
}

static struct kobj_attribute enabled_attr = __ATTR_RW(enabled);
static struct kobj_attribute transition_attr = __ATTR_RO(transition);
static struct kobj_attribute force_attr = __ATTR_WO(force);
static struct kobj_attribute replace_attr = __ATTR_RO(replace);
static struct kobj_attribute stack_order_attr = __ATTR_RO(stack_order);
/* For root alone, as /proc/<pid>/stack: it tells where in the kernel other users' tasks are. */
static struct kobj_attribute blockers_attr = __ATTR_RO_MODE(blockers, 0400);

static struct attribute *patch_attrs[] = {
	&enabled_attr.attr,
	&transition_attr.attr,
	&force_attr.attr,
	&replace_attr.attr,
	&stack_order_attr.attr,
	&blockers_attr.attr,
	NULL,
};
ATTRIBUTE_GROUPS(patch);

static ssize_t patched_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	struct klp_object *obj = container_of(kobj, struct klp_object, kobj);

	return sysfs_emit(buf, "%d\n", READ_ONCE(obj->patched));
}

static struct kobj_attribute patched_attr = __ATTR_RO(patched);

static struct attribute *object_attrs[] = {
	&patched_attr.attr,
	NULL,
};
ATTRIBUTE_GROUPS(object);

static void patch_release(struct kobject *kobj)
{
	complete(&to_patch(kobj)->finish);
}

static void object_release(struct kobject *kobj)
{
	struct klp_object *obj = container_of(kobj, struct klp_object, kobj);

	if (obj->dynamic)
		suture_replace_free_object(obj);
}

static void func_release(struct kobject *kobj)
{
	struct klp_func *func = container_of(kobj, struct klp_func, kobj);

	if (func->nop)
		suture_replace_free_func(func);
}

static const struct kobj_type patch_type = {
	.release = patch_release,
	.sysfs_ops = &kobj_sysfs_ops,
	.default_groups = patch_groups,
};

static const struct kobj_type object_type = {
	.release = object_release,
	.sysfs_ops = &kobj_sysfs_ops,
	.default_groups = object_groups,
};

static const struct kobj_type func_type = {
	.release = func_release,
	.sysfs_ops = &kobj_sysfs_ops,
};

/* Cleared, since an earlier attempt to enable the same patch may have left its remains. */
static void suture_kobject_init(struct kobject *kobj, const struct kobj_type *type)
{
	memset(kobj, 0, sizeof(*kobj));
	kobject_init(kobj, type);
}

void suture_sysfs_patch_init(struct klp_patch *patch)
{
	suture_kobject_init(&patch->kobj, &patch_type);
}

void suture_sysfs_object_init(struct klp_object *obj)
{
	suture_kobject_init(&obj->kobj, &object_type);
}

void suture_sysfs_func_init(struct klp_func *func)
{
	suture_kobject_init(&func->kobj, &func_type);
}

int suture_sysfs_patch_add(struct klp_patch *patch)
{
	return kobject_add(&patch->kobj, suture_root, "%s", patch->mod->name);
}

int suture_sysfs_object_add(struct klp_patch *patch, struct klp_object *obj)
{
	return kobject_add(&obj->kobj, &patch->kobj, "%s", suture_object_name(obj));
}

int suture_sysfs_func_add(struct klp_object *obj, struct klp_func *func)
{
	return kobject_add(&func->kobj, &obj->kobj, "%s,%lu", func->old_name,
			   suture_func_sympos(func));
}

/* Where the kernel has its own livepatch, that name is taken. */
static int link_add(void)
{
	if (IS_ENABLED(CONFIG_LIVEPATCH))
		return 0;
	return sysfs_create_link(kernel_kobj, suture_root, "livepatch");
}

static void link_remove(void)
{
	if (!IS_ENABLED(CONFIG_LIVEPATCH))
		sysfs_remove_link(kernel_kobj, "livepatch");
}

int suture_sysfs_init(void)
{
	int err;

	suture_root = kobject_create_and_add("suture", kernel_kobj);
	if (!suture_root)
		return -ENOMEM;
	err = link_add();
	if (err)
		kobject_put(suture_root);
	return err;
}

void suture_sysfs_exit(void)
{
	link_remove();
	kobject_put(suture_root);
}
