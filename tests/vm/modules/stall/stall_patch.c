// SPDX-License-Identifier: GPL-2.0-only
/* A livepatch of stall_wait(): its transition ends when no task sleeps there. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/livepatch.h>
#include <linux/module.h>

static void patched_stall_wait(void)
{
	pr_info("patched\n");
}

static struct klp_func functions[] = {
	{ .old_name = "stall_wait", .new_func = patched_stall_wait },
	{ }
};

static struct klp_object objects[] = {
	{ .name = "stall", .funcs = functions },
	{ }
};

static struct klp_patch patch = {
	.mod = THIS_MODULE,
	.objs = objects,
};

static int __init stall_patch_init(void)
{
	return klp_enable_patch(&patch);
}

static void __exit stall_patch_exit(void)
{
}

module_init(stall_patch_init);
module_exit(stall_patch_exit);
MODULE_DESCRIPTION("Livepatch of the stall module");
MODULE_LICENSE("GPL v2");
MODULE_INFO(livepatch, "Y");
