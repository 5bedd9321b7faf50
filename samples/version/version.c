// SPDX-License-Identifier: GPL-2.0-only
/*
 * /proc/version names the account and the machine that built the kernel, and the versions of
 * its toolchain, to every process. This patch leaves what uname(2) says anyway.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/utsname.h>

static int patched_version_proc_show(struct seq_file *m, void *v)
{
	const struct new_utsname *name = utsname();

	seq_printf(m, "%s version %s %s\n", name->sysname, name->release, name->version);
	return 0;
}

static struct klp_func functions[] = {
	{
		.old_name = "version_proc_show",
		.new_func = patched_version_proc_show,
	},
	{}
};

/* A NULL name is vmlinux. */
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

static int __init patch_init(void)
{
	return klp_enable_patch(&patch);
}

static void __exit patch_exit(void)
{
}

module_init(patch_init);
module_exit(patch_exit);
MODULE_DESCRIPTION("/proc/version without the kernel's builder");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
