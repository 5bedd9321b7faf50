// SPDX-License-Identifier: GPL-2.0-only
/* Patches two functions of vmlinux; others want the second one too. */

#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/seq_file.h>

static int model;
module_param(model, int, 0444);

static int new_version(struct seq_file *m, void *v)
{
	seq_puts(m, "con_patch\n");
	return 0;
}

static int new_cmdline(struct seq_file *m, void *v)
{
	seq_puts(m, "con_patch\n");
	return 0;
}

static struct klp_func functions[] = {
	{ .old_name = "version_proc_show", .new_func = new_version },
	{ .old_name = "cmdline_proc_show", .new_func = new_cmdline },
	{ }
};

static struct klp_object objects[] = {
	{ .funcs = functions },
	{ }
};

static struct klp_patch patch = { .mod = THIS_MODULE, .objs = objects };

static int __init con_patch_init(void)
{
	patch.consistency = model;
	return klp_enable_patch(&patch);
}

static void __exit con_patch_exit(void)
{
}

module_init(con_patch_init);
module_exit(con_patch_exit);
MODULE_DESCRIPTION("Patch of two functions");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
