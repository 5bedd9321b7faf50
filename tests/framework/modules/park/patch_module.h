/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What every patch of this folder ends with: the patch of fix_objects[] under the consistency model
 * FIX_MODEL, with the others replaced where FIX_REPLACE says so, and the module around it.
 */
#ifndef FIX_REPLACE
#define FIX_REPLACE false
#endif

static struct klp_patch fix_patch = {
	.mod = THIS_MODULE,
	.objs = fix_objects,
	.replace = FIX_REPLACE,
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
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
