// SPDX-License-Identifier: GPL-2.0-only
/*
 * Imports: symbols that are not exported, in vmlinux and in a module that may come later. A
 * replacement often needs what its original had at hand; a module on its own could not even link:
 *
 *	insmod sample-import.ko
 *	cat /proc/cmdline			# root: as ever
 *	su nobody -s /bin/cat /proc/cmdline	# withheld
 *	insmod sample-target.ko
 *	cat /proc/sample_target			# end: new, and again visitor: 123
 *
 * The framework fills in what KLP_IMPORT_DATA() and KLP_IMPORT_FUNC() leave open: against vmlinux
 * when this module is loaded, against sample_target when that is to be patched. So it must be an
 * object of the patch, and only what replaces its functions may use its symbols. The kernel's own
 * livepatch knows nothing of this table: the sample builds against the framework alone.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/capability.h>
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <suture/reloc.h>

KLP_IMPORT_DATA(vmlinux, saved_command_line, 0, char **imported_command_line);
KLP_IMPORT_FUNC(sample_target, sample_title, 0, void sample_title(struct seq_file *m));

static int patched_cmdline_proc_show(struct seq_file *m, void *v)
{
	seq_printf(m, "%s\n", capable(CAP_SYS_ADMIN) ? *imported_command_line : "withheld");
	return 0;
}

static void patched_sample_end(struct seq_file *m)
{
	seq_puts(m, "end: new\n");
	sample_title(m);
}

static struct klp_func vmlinux_functions[] = {
	{
		.old_name = "cmdline_proc_show",
		.new_func = patched_cmdline_proc_show,
	},
	{}
};

static struct klp_func target_functions[] = {
	{
		.old_name = "sample_end",
		.new_func = patched_sample_end,
	},
	{}
};

static struct klp_object objects[] = {
	{
		.funcs = vmlinux_functions,
	},
	{
		.name = "sample_target",
		.funcs = target_functions,
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

static void __exit sample_exit(void)
{
}

module_init(sample_init);
module_exit(sample_exit);
MODULE_DESCRIPTION("Live patch sample: symbols that are not exported");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
