// SPDX-License-Identifier: GPL-2.0-only
/*
 * KLP_PER_TASK: each task gets the new code when it is in none of the patched functions. A reader
 * who sleeps in one goes on as it began, whole, while others are served by the new code:
 *
 *	insmod sample-target.ko
 *	echo 0 > /proc/sample_target
 *	cat /proc/sample_target &
 *	insmod sample-per-task.ko		# returns at once
 *	cat /proc/sample_target			# begin: new, end: new
 *	cat /sys/kernel/suture/sample_per_task/transition	# 1
 *	cat /sys/kernel/suture/sample_per_task/blockers		# the first cat
 *	echo 1 > /proc/sample_target		# that prints begin: old, end: old
 *
 * Meanwhile "echo 0 > .../enabled" would turn the transition round, and "echo 1 > .../force"
 * would end it at the price of mixing. This model is the one to choose unless there is a reason;
 * a patch that chooses none has it. The kernel's own livepatch has no other.
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
	KLP_SET_CONSISTENCY(&patch, KLP_PER_TASK);
	return klp_enable_patch(&patch);
}

static void __exit sample_exit(void)
{
}

module_init(sample_init);
module_exit(sample_exit);
MODULE_DESCRIPTION("Live patch sample: each task switches when it is outside");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
