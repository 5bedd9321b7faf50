// SPDX-License-Identifier: GPL-2.0-only
/*
 * The second field of /proc/uptime is the time that all processors spent idle: a fine clock of
 * what others do on the machine, for every process. This patch keeps the field, for programs
 * that count fields, and its value at zero.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/time_namespace.h>
#include <linux/timekeeping.h>

static int patched_uptime_proc_show(struct seq_file *m, void *v)
{
	struct timespec64 uptime;

	ktime_get_boottime_ts64(&uptime);
	timens_add_boottime(&uptime);
	seq_printf(m, "%llu.%02lu 0.00\n", (unsigned long long)uptime.tv_sec,
		   uptime.tv_nsec / (NSEC_PER_SEC / 100));
	return 0;
}

static struct klp_func functions[] = {
	{
		.old_name = "uptime_proc_show",
		.new_func = patched_uptime_proc_show,
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
MODULE_DESCRIPTION("/proc/uptime without the idle time");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
