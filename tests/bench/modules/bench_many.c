// SPDX-License-Identifier: GPL-2.0-only
/* Patches all functions of bench_many_target. */
#include <linux/livepatch.h>
#include <linux/module.h>

static void patched(void)
{
}

static struct klp_func functions[] = {
#define BENCH_FUNCTION(n) { .old_name = "bench_many_" #n, .new_func = patched },
#include "bench_many.inc"
	{ }
};

static struct klp_object objects[] = {
	{ .name = "bench_many_target", .funcs = functions },
	{ }
};

static struct klp_patch patch = {
	.mod = THIS_MODULE,
	.objs = objects,
};

static int __init bench_many_init(void)
{
	return klp_enable_patch(&patch);
}

static void __exit bench_many_exit(void)
{
}

module_init(bench_many_init);
module_exit(bench_many_exit);
MODULE_DESCRIPTION("Patch of many functions");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
