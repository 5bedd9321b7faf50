// SPDX-License-Identifier: GPL-2.0-only
/*
 * KLP_STOP_MACHINE: there is one moment at which no task is in a patched function, and at that
 * moment all get the new code. For a change that tasks agree on with each other, such as who
 * takes which lock first: here old and new code never run side by side.
 *
 *	insmod sample-target.ko
 *	echo 0 > /proc/sample_target
 *	cat /proc/sample_target &
 *	insmod sample-stop-machine.ko		# after some attempts: Device or resource busy
 *	dmesg					# names the cat
 *	echo 1 > /proc/sample_target		# it prints begin: old, end: old
 *	insmod sample-stop-machine.ko
 *	cat /proc/sample_target			# begin: new, end: new
 *
 * The price: all processors stand still while stacks are looked at, and a function in which some
 * task always sleeps can never be patched. Against the kernel's own livepatch this builds too,
 * and is KLP_PER_TASK there.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <suture/consistency.h>

#include "sample-fix.h"

static struct klp_patch patch = {
	.mod = THIS_MODULE,
	.objs = fixed_objects,
};

static int __init sample_init(void)
{
	KLP_SET_CONSISTENCY(&patch, KLP_STOP_MACHINE);
	return klp_enable_patch(&patch);
}

static void __exit sample_exit(void)
{
}

module_init(sample_init);
module_exit(sample_exit);
MODULE_DESCRIPTION("Live patch sample: the whole kernel switches at one moment");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
