// SPDX-License-Identifier: GPL-2.0-only
/*
 * An immediate patch that fails when its first object is patched already, half a second later: a
 * task that got to its code meanwhile would run in freed memory.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/seq_file.h>

static const char *half_version(void)
{
	return KBUILD_MODNAME;
}

static int half_cmdline_proc_show(struct seq_file *m, void *v)
{
	return 0;
}

static int half_pre_patch(struct klp_object *obj)
{
	msleep(500);
	return -ENODEV;
}

static struct klp_func half_first_functions[] = {
	{ .old_name = "park_version", .new_func = half_version },
	{ }
};

static struct klp_func half_second_functions[] = {
	{ .old_name = "cmdline_proc_show", .new_func = half_cmdline_proc_show },
	{ }
};

static struct klp_object half_objects[] = {
	{ .name = "park", .funcs = half_first_functions },
	{ .funcs = half_second_functions, .callbacks = { .pre_patch = half_pre_patch } },
	{ }
};

static struct klp_patch half_patch = {
	.mod = THIS_MODULE,
	.objs = half_objects,
};

static int __init half_init(void)
{
	KLP_SET_CONSISTENCY(&half_patch, KLP_IMMEDIATE);
	return klp_enable_patch(&half_patch);
}

static void __exit half_exit(void)
{
}

module_init(half_init);
module_exit(half_exit);
MODULE_DESCRIPTION("A patch that cannot be enabled");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
