// SPDX-License-Identifier: GPL-2.0-only
/*
 * A livepatch with a fault: each file of /proc that is opened while it is live keeps the address of
 * a function of the patch, and calls it when the patch has long gone.
 */
#include <linux/fs.h>
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/seq_file.h>

static int patched_show(struct seq_file *file, void *data)
{
	seq_puts(file, "a text that is longer than sixteen bytes\n");
	return 0;
}

static int patched_proc_single_open(struct inode *inode, struct file *file)
{
	return single_open(file, patched_show, NULL);
}

/* The first of that name is for the files of processes. */
static struct klp_func functions[] = {
	{ .old_name = "proc_single_open", .old_sympos = 2, .new_func = patched_proc_single_open },
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

static int __init outlived_init(void)
{
	return klp_enable_patch(&patch);
}

static void __exit outlived_exit(void)
{
}

module_init(outlived_init);
module_exit(outlived_exit);
MODULE_DESCRIPTION("Livepatch whose function is called when it has gone");
MODULE_LICENSE("GPL v2");
MODULE_INFO(livepatch, "Y");
