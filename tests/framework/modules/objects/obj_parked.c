// SPDX-License-Identifier: GPL-2.0-only
/*
 * A patch that stays in transition while a task sleeps in stall_wait(), and that patches
 * obj_target too.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/livepatch.h>
#include <linux/module.h>

static void new_wait(void)
{
	pr_info("new\n");
}

static int new_value(void)
{
	return 300;
}

static struct klp_func stall_functions[] = {
	{ .old_name = "stall_wait", .new_func = new_wait },
	{ }
};

static struct klp_func target_functions[] = {
	{ .old_name = "obj_value", .new_func = new_value },
	{ }
};

static struct klp_object objects[] = {
	{ .name = "stall", .funcs = stall_functions },
	{ .name = "obj_target", .funcs = target_functions },
	{ }
};

static struct klp_patch patch = { .mod = THIS_MODULE, .objs = objects };

static int __init obj_parked_init(void)
{
	return klp_enable_patch(&patch);
}

static void __exit obj_parked_exit(void)
{
}

module_init(obj_parked_init);
module_exit(obj_parked_exit);
MODULE_DESCRIPTION("Patch whose transition takes as long as a test wants");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
