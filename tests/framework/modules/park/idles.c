// SPDX-License-Identifier: GPL-2.0-only
/*
 * A patch of a function that idle tasks call all the time, and of one that holds the transition
 * open. /sys/module/idles/parameters/entered: how often each CPU's idle task came to the new one.
 */
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/smp.h>

#include "park.h"

static unsigned long entered[8];
module_param_array(entered, ulong, NULL, 0444);

static void idles_arch_cpu_idle_enter(void)
{
	entered[smp_processor_id() % ARRAY_SIZE(entered)]++;
}

static int idles_visit(struct park_gate *gate, char *text)
{
	int ret = park_gate_pass(gate);

	return ret ?: scnprintf(text, PARK_TEXT_SIZE, "idles idles\n");
}

static struct klp_func idles_kernel_functions[] = {
	{ .old_name = "arch_cpu_idle_enter", .new_func = idles_arch_cpu_idle_enter },
	{ }
};

static struct klp_func idles_park_functions[] = {
	{ .old_name = "park_visit", .new_func = idles_visit },
	{ }
};

static struct klp_object idles_objects[] = {
	{ .funcs = idles_kernel_functions },
	{ .name = "park", .funcs = idles_park_functions },
	{ }
};

static struct klp_patch idles_patch = {
	.mod = THIS_MODULE,
	.objs = idles_objects,
};

static int __init idles_init(void)
{
	return klp_enable_patch(&idles_patch);
}

static void __exit idles_exit(void)
{
}

module_init(idles_init);
module_exit(idles_exit);
MODULE_DESCRIPTION("A patch of what idle tasks call");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
