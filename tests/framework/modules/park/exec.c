// SPDX-License-Identifier: GPL-2.0-only
/*
 * A patch of execve(), in which tasks run task work before they stop for a tracer. Who has the new
 * one gets ECANCELED.
 */
#include <linux/errno.h>
#include <linux/livepatch.h>
#include <linux/module.h>

static int exec_bprm_execve(void)
{
	return -ECANCELED;
}

static struct klp_func exec_functions[] = {
	{ .old_name = "bprm_execve", .new_func = exec_bprm_execve },
	{ }
};

static struct klp_object exec_objects[] = {
	{ .funcs = exec_functions },
	{ }
};

static struct klp_patch exec_patch = {
	.mod = THIS_MODULE,
	.objs = exec_objects,
};

static int __init exec_init(void)
{
	return klp_enable_patch(&exec_patch);
}

static void __exit exec_exit(void)
{
}

module_init(exec_init);
module_exit(exec_exit);
MODULE_DESCRIPTION("A patch of execve()");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
