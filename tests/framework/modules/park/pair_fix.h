/* SPDX-License-Identifier: GPL-2.0-only */
/* A patch of both functions of the module pair. Modules that include this differ in FIX_MODEL. */
#include <linux/livepatch.h>
#include <linux/module.h>

static char fixed_first(void)
{
	return '1';
}

static char fixed_second(void)
{
	return fixed_first();
}

static struct klp_func fix_functions[] = {
	{ .old_name = "pair_first", .new_func = fixed_first },
	{ .old_name = "pair_second", .new_func = fixed_second },
	{ }
};

static struct klp_object fix_objects[] = {
	{ .name = "pair", .funcs = fix_functions },
	{ }
};

#include "patch_module.h"

MODULE_DESCRIPTION("A patch of the module pair");
