/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A patch of park_visit() and park_version(); the version is the name of the module. The modules
 * that include this differ in FIX_MODEL and FIX_REPLACE. Readers of the gate "cold" wait in a part
 * of the new function here, too.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kernel.h>
#include <linux/livepatch.h>
#include <linux/module.h>

#include "park.h"

static noinline const char *fixed_version(void)
{
	return KBUILD_MODNAME;
}

static __always_inline int fixed_pass(struct park_gate *gate, char *text)
{
	const char *before = fixed_version();
	int ret = park_gate_pass(gate);

	if (ret)
		return ret;
	return scnprintf(text, PARK_TEXT_SIZE, "%s %s\n", before, fixed_version());
}

static int fixed_visit_cold(struct park_gate *gate, char *text) __asm__("fixed_visit.cold");

static noinline int fixed_visit_cold(struct park_gate *gate, char *text)
{
	return fixed_pass(gate, text);
}

static int fixed_visit(struct park_gate *gate, char *text)
{
	if (gate->way == PARK_COLD)
		return fixed_visit_cold(gate, text);
	return fixed_pass(gate, text);
}

static struct klp_func fix_functions[] = {
	{ .old_name = "park_visit", .new_func = fixed_visit },
	{ .old_name = "park_version", .new_func = fixed_version },
	{ }
};

static struct klp_object fix_objects[] = {
	{ .name = "park", .funcs = fix_functions },
	{ }
};

#include "patch_module.h"

MODULE_DESCRIPTION("A patch of the module park");
