/* SPDX-License-Identifier: GPL-2.0-only */
/* A patch of the module late. The modules that include this differ in FIX_MODEL. */
#include <linux/livepatch.h>
#include <linux/module.h>

static const char *fix_version(void)
{
	return "new";
}

static struct klp_func fix_functions[] = {
	{ .old_name = "late_version", .new_func = fix_version },
	{ }
};

static struct klp_object fix_objects[] = {
	{ .name = "late", .funcs = fix_functions },
	{ }
};

#include "patch_module.h"

MODULE_DESCRIPTION("A patch of a module that comes and goes");
