// SPDX-License-Identifier: GPL-2.0-only
/*
 * KLP_IMMEDIATE: nobody waits and nobody is looked at; the next call of each function is a call
 * of its replacement. A reader who sleeps between the steps gets the first one old and the second
 * one new, which for this fix is wrong and shown on purpose:
 *
 *	insmod sample-target.ko
 *	echo 0 > /proc/sample_target
 *	cat /proc/sample_target &
 *	insmod sample-immediate.ko
 *	cat /proc/sample_target			# begin: new, end: new
 *	echo 1 > /proc/sample_target		# the first cat prints begin: old, end: new
 *
 * Right for replacements that get along with every old function: a missing check, a wrong bound.
 * Such a patch takes effect even where stacks cannot be unwound. Nobody knows when the last task
 * has left it, so its module stays loaded for ever, also when disabled. Against the kernel's own
 * livepatch this builds too, and is KLP_PER_TASK there.
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
	KLP_SET_CONSISTENCY(&patch, KLP_IMMEDIATE);
	return klp_enable_patch(&patch);
}

static void __exit sample_exit(void)
{
}

module_init(sample_init);
module_exit(sample_exit);
MODULE_DESCRIPTION("Live patch sample: the next call is a call of the new code");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
