/* SPDX-License-Identifier: GPL-2.0-only */
/* A patch of bench_target, by the model BENCH_MODEL; with BENCH_HOLD of bench_hold() too. */
#include <linux/livepatch.h>
#include <linux/module.h>

#ifndef KLP_SET_CONSISTENCY
#define KLP_SET_CONSISTENCY(patch, model)
#endif

static void patched_call(void)
{
	asm volatile("");
}

#ifdef BENCH_HOLD
static void patched_hold(void)
{
}
#endif

static struct klp_func functions[] = {
	{ .old_name = "bench_call", .new_func = patched_call },
#ifdef BENCH_HOLD
	{ .old_name = "bench_hold", .new_func = patched_hold },
#endif
	{ }
};

static struct klp_object objects[] = {
	{ .name = "bench_target", .funcs = functions },
	{ }
};

static struct klp_patch patch = {
	.mod = THIS_MODULE,
	.objs = objects,
};

static int __init bench_patch_init(void)
{
	KLP_SET_CONSISTENCY(&patch, BENCH_MODEL);
	return klp_enable_patch(&patch);
}

static void __exit bench_patch_exit(void)
{
}

module_init(bench_patch_init);
module_exit(bench_patch_exit);
MODULE_DESCRIPTION("Patch of functions whose calls are counted");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
