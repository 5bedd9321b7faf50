// SPDX-License-Identifier: GPL-2.0-only
/* A patch of the module late, in the model that the parameter names. */
#include <linux/livepatch.h>
#include <linux/module.h>

static int model = KLP_PER_TASK;
module_param(model, int, 0444);

static const char *lates_version(void)
{
	return "new";
}

static struct klp_func lates_functions[] = {
	{ .old_name = "late_version", .new_func = lates_version },
	{ }
};

static struct klp_object lates_objects[] = {
	{ .name = "late", .funcs = lates_functions },
	{ }
};

static struct klp_patch lates_patch = {
	.mod = THIS_MODULE,
	.objs = lates_objects,
};

static int __init lates_init(void)
{
	lates_patch.consistency = model;
	return klp_enable_patch(&lates_patch);
}

static void __exit lates_exit(void)
{
}

module_init(lates_init);
module_exit(lates_exit);
MODULE_DESCRIPTION("A patch of a module that comes and goes");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
