// SPDX-License-Identifier: GPL-2.0-only
/*
 * Patches one of several functions with one name: the parameters tell which. Of vmlinux it is one
 * that shows an attribute of sysfs, which reads empty then.
 */

#include <linux/livepatch.h>
#include <linux/module.h>

#include "show.h"

static char *object;
module_param(object, charp, 0444);
static char *name;
module_param(name, charp, 0444);
static unsigned long sympos;
module_param(sympos, ulong, 0444);

static long new_function(void)
{
	return 0;
}

static struct klp_func functions[] = {
	{ .new_func = new_function },
	{ }
};

static struct klp_object objects[] = {
	{ .funcs = functions },
	{ }
};

static struct klp_patch patch = { .mod = THIS_MODULE, .objs = objects };

SHOW(address, "%lx", (unsigned long)functions[0].old_func);

static int __init sym_sympos_init(void)
{
	objects[0].name = object;
	functions[0].old_name = name;
	functions[0].old_sympos = sympos;
	return klp_enable_patch(&patch);
}

static void __exit sym_sympos_exit(void)
{
}

module_init(sym_sympos_init);
module_exit(sym_sympos_exit);
MODULE_DESCRIPTION("Patch of one of several functions with one name");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
