// SPDX-License-Identifier: GPL-2.0-only
/* The smallest livepatch whose effect a script can see: another text in /proc/cmdline. */
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/seq_file.h>

static int patched_cmdline_proc_show(struct seq_file *file, void *data)
{
	seq_puts(file, "live patched\n");
	return 0;
}

static struct klp_func functions[] = {
	{ .old_name = "cmdline_proc_show", .new_func = patched_cmdline_proc_show },
	{ }
};

static struct klp_object objects[] = {
	{ .funcs = functions },
	{ }
};

static struct klp_patch patch = {
	.mod = THIS_MODULE,
	.objs = objects,
};

static int __init cmdline_patch_init(void)
{
	return klp_enable_patch(&patch);
}

static void __exit cmdline_patch_exit(void)
{
}

module_init(cmdline_patch_init);
module_exit(cmdline_patch_exit);
MODULE_DESCRIPTION("Livepatch of /proc/cmdline");
MODULE_LICENSE("GPL v2");
MODULE_INFO(livepatch, "Y");
