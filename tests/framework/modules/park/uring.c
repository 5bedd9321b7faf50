// SPDX-License-Identifier: GPL-2.0-only
/*
 * A patch of io_uring_enter(), in which tasks run task work while they wait. Who has the new
 * one gets ECANCELED.
 */
#include <linux/errno.h>
#include <linux/livepatch.h>
#include <linux/module.h>

static long uring_io_uring_enter(void)
{
	return -ECANCELED;
}

static struct klp_func uring_functions[] = {
	{ .old_name = "__x64_sys_io_uring_enter", .new_func = uring_io_uring_enter },
	{ }
};

static struct klp_object uring_objects[] = {
	{ .funcs = uring_functions },
	{ }
};

static struct klp_patch uring_patch = {
	.mod = THIS_MODULE,
	.objs = uring_objects,
};

static int __init uring_init(void)
{
	return klp_enable_patch(&uring_patch);
}

static void __exit uring_exit(void)
{
}

module_init(uring_init);
module_exit(uring_exit);
MODULE_DESCRIPTION("A patch of io_uring_enter()");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
