// SPDX-License-Identifier: GPL-2.0-only
/*
 * Callbacks: what has to happen before code is replaced and after it is no longer used. This
 * patch counts the readers of /proc/version, and its counter must exist before the first of them
 * and longer than the last:
 *
 *	insmod sample-callbacks.ko		# dmesg: vmlinux: counter made, counting
 *	cat /proc/version
 *	insmod sample-target.ko			# dmesg: sample_target: about to be patched, patched
 *	echo 0 > /sys/kernel/suture/sample_callbacks/enabled	# the other two of each; readers: 1
 *
 * pre_patch and post_unpatch are a pair, and so are post_patch and pre_unpatch. Each object has
 * its own four; those of a module that is not there yet run when it comes. An error of pre_patch
 * refuses the patch, or the load of the module.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/percpu_counter.h>
#include <linux/seq_file.h>
#include <linux/utsname.h>

static struct percpu_counter readers;

static int patched_version_proc_show(struct seq_file *m, void *v)
{
	const struct new_utsname *name = utsname();

	percpu_counter_inc(&readers);
	seq_printf(m, "%s version %s %s\n", name->sysname, name->release, name->version);
	return 0;
}

static void patched_sample_end(struct seq_file *m)
{
	seq_puts(m, "end: new\n");
}

static int counter_make(struct klp_object *object)
{
	int ret = percpu_counter_init(&readers, 0, GFP_KERNEL);

	if (!ret)
		pr_info("vmlinux: counter made\n");
	return ret;
}

static void counter_say_on(struct klp_object *object)
{
	pr_info("vmlinux: counting\n");
}

static void counter_say_off(struct klp_object *object)
{
	pr_info("vmlinux: counts until the transition is over\n");
}

static void counter_end(struct klp_object *object)
{
	pr_info("vmlinux: readers: %lld\n", percpu_counter_sum(&readers));
	percpu_counter_destroy(&readers);
}

static int target_pre_patch(struct klp_object *object)
{
	pr_info("%s: about to be patched\n", object->name);
	return 0;
}

static void target_post_patch(struct klp_object *object)
{
	pr_info("%s: patched\n", object->name);
}

static void target_pre_unpatch(struct klp_object *object)
{
	pr_info("%s: about to be as before\n", object->name);
}

static void target_post_unpatch(struct klp_object *object)
{
	pr_info("%s: as before\n", object->name);
}

static struct klp_func vmlinux_functions[] = {
	{
		.old_name = "version_proc_show",
		.new_func = patched_version_proc_show,
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
		.callbacks = {
			.pre_patch = counter_make,
			.post_patch = counter_say_on,
			.pre_unpatch = counter_say_off,
			.post_unpatch = counter_end,
		},
	},
	{
		.name = "sample_target",
		.funcs = target_functions,
		.callbacks = {
			.pre_patch = target_pre_patch,
			.post_patch = target_post_patch,
			.pre_unpatch = target_pre_unpatch,
			.post_unpatch = target_post_unpatch,
		},
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
MODULE_DESCRIPTION("Live patch sample: callbacks");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
