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

static struct klp_patch fix_patch = {
	.mod = THIS_MODULE,
	.objs = fix_objects,
};

static int __init fix_init(void)
{
	KLP_SET_CONSISTENCY(&fix_patch, FIX_MODEL);
	return klp_enable_patch(&fix_patch);
}

static void __exit fix_exit(void)
{
}

module_init(fix_init);
module_exit(fix_exit);
MODULE_DESCRIPTION("A patch of a module that comes and goes");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
