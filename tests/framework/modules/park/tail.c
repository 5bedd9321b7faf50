// SPDX-License-Identifier: GPL-2.0-only
/*
 * A patch of park_visit() whose new function ends in a jump to a helper: who sleeps in the helper
 * has no trace of the new function on the stack.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kernel.h>
#include <linux/livepatch.h>
#include <linux/module.h>

#include "park.h"

static noinline int tail_helper(struct park_gate *gate, char *text)
{
	int ret = park_gate_pass(gate);

	return ret ?: scnprintf(text, PARK_TEXT_SIZE, "%s helper\n", KBUILD_MODNAME);
}

static int tail_visit(struct park_gate *gate, char *text)
{
	return tail_helper(gate, text);
}

static struct klp_func tail_functions[] = {
	{ .old_name = "park_visit", .new_func = tail_visit },
	{ }
};

static struct klp_object tail_objects[] = {
	{ .name = "park", .funcs = tail_functions },
	{ }
};

static struct klp_patch tail_patch = {
	.mod = THIS_MODULE,
	.objs = tail_objects,
};

static int __init tail_init(void)
{
	return klp_enable_patch(&tail_patch);
}

static void __exit tail_exit(void)
{
}

module_init(tail_init);
module_exit(tail_exit);
MODULE_DESCRIPTION("A patch with a function that is reached by a jump");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
