// SPDX-License-Identifier: GPL-2.0-only
/*
 * A patch of functions of the kernel in which tasks run their task work: io_uring_enter() and
 * execve() fail with ECANCELED for who has the new ones.
 */
#include <linux/errno.h>
#include <linux/livepatch.h>
#include <linux/module.h>

static long waits_io_uring_enter(void)
{
	return -ECANCELED;
}

static int waits_bprm_execve(void)
{
	return -ECANCELED;
}

static struct klp_func waits_functions[] = {
	{ .old_name = "__x64_sys_io_uring_enter", .new_func = waits_io_uring_enter },
	{ .old_name = "bprm_execve", .new_func = waits_bprm_execve },
	{ }
};

static struct klp_object waits_objects[] = {
	{ .funcs = waits_functions },
	{ }
};

static struct klp_patch waits_patch = {
	.mod = THIS_MODULE,
	.objs = waits_objects,
};

static int __init waits_init(void)
{
	return klp_enable_patch(&waits_patch);
}

static void __exit waits_exit(void)
{
}

module_init(waits_init);
module_exit(waits_exit);
MODULE_DESCRIPTION("A patch of functions that run task work");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
