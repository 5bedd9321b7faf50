// SPDX-License-Identifier: GPL-2.0-only
/*
 * A patch of clone3(), so that a task can be made to fork while it has not switched, and of
 * park_version(), by which its children tell what they see.
 */
#include <linux/errno.h>
#include <linux/livepatch.h>
#include <linux/module.h>

static const char *forks_version(void)
{
	return "new";
}

static long forks_clone3(void)
{
	return -ECANCELED;
}

static struct klp_func forks_kernel_functions[] = {
	{ .old_name = "__x64_sys_clone3", .new_func = forks_clone3 },
	{ }
};

static struct klp_func forks_park_functions[] = {
	{ .old_name = "park_version", .new_func = forks_version },
	{ }
};

static struct klp_object forks_objects[] = {
	{ .funcs = forks_kernel_functions },
	{ .name = "park", .funcs = forks_park_functions },
	{ }
};

static struct klp_patch forks_patch = {
	.mod = THIS_MODULE,
	.objs = forks_objects,
};

static int __init forks_init(void)
{
	return klp_enable_patch(&forks_patch);
}

static void __exit forks_exit(void)
{
}

module_init(forks_init);
module_exit(forks_exit);
MODULE_DESCRIPTION("A patch of clone3()");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
