// SPDX-License-Identifier: GPL-2.0-only
/*
 * The least that a patch is: a function of vmlinux, its replacement, and no word on how the
 * system gets from one to the other (then task by task, as KLP_PER_TASK says).
 *
 * The kernel's command line may hold secrets, and every user can read it. Not with this patch:
 *
 *	insmod sample-minimal.ko
 *	cat /proc/cmdline
 *	echo 0 > /sys/kernel/suture/sample_minimal/enabled
 *	rmmod sample_minimal			# when that folder has gone
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/seq_file.h>

static int patched_cmdline_proc_show(struct seq_file *m, void *v)
{
	seq_puts(m, "withheld\n");
	return 0;
}

static struct klp_func functions[] = {
	{
		.old_name = "cmdline_proc_show",
		.new_func = patched_cmdline_proc_show,
	},
	{}
};

/* Without a name: vmlinux. */
static struct klp_object objects[] = {
	{
		.funcs = functions,
	},
	{}
};

static struct klp_patch patch = {
	.mod = THIS_MODULE,
	.objs = objects,
};

static int __init sample_init(void)
{
	return klp_enable_patch(&patch);
}

/* The framework holds the module while the patch is enabled: nothing is left to do here. */
static void __exit sample_exit(void)
{
}

module_init(sample_init);
module_exit(sample_exit);
MODULE_DESCRIPTION("Live patch sample: one function");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
