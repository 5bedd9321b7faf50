// SPDX-License-Identifier: GPL-2.0-only
/*
 * No patch, but a module for the other samples to patch. A reader of /proc/sample_target goes
 * through two steps that belong together, and tells which version of each it met:
 *
 *	insmod sample-target.ko
 *	cat /proc/sample_target			# visitor: 123, begin: old, end: old
 *	echo 0 > /proc/sample_target		# from now on readers sleep between the steps
 *	echo 1 > /proc/sample_target		# no longer, and those asleep go on
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/wait.h>

#include "sample-target.h"

#define NAME "sample_target"

static DECLARE_WAIT_QUEUE_HEAD(gate);
static bool gate_open = true;

/* What is to be patched must be a function of its own in the object code. */
static noinline struct sample_visit *sample_visit_new(void)
{
	struct sample_visit *visit = kzalloc(sizeof(*visit), GFP_KERNEL);

	if (visit)
		visit->visitor = task_pid_nr(current);
	return visit;
}

static noinline void sample_visit_free(struct sample_visit *visit)
{
	kfree(visit);
}

static noinline void sample_title(struct seq_file *m)
{
	const struct sample_visit *visit = m->private;

	seq_printf(m, "visitor: %d\n", visit->visitor);
}

static noinline void sample_begin(struct seq_file *m)
{
	seq_puts(m, "begin: old\n");
}

static noinline void sample_end(struct seq_file *m)
{
	seq_puts(m, "end: old\n");
}

/* Killable: the signal that nudges sleepers out of a transition is not to end this sleep. */
static int sample_show(struct seq_file *m, void *v)
{
	int ret;

	sample_title(m);
	sample_begin(m);
	ret = wait_event_killable(gate, READ_ONCE(gate_open));
	if (ret)
		return ret;
	sample_end(m);
	return 0;
}

static int sample_open(struct inode *inode, struct file *file)
{
	struct sample_visit *visit = sample_visit_new();
	int ret;

	if (!visit)
		return -ENOMEM;
	ret = single_open(file, sample_show, visit);
	if (ret)
		sample_visit_free(visit);
	return ret;
}

static ssize_t sample_write(struct file *file, const char __user *buffer, size_t size,
			    loff_t *offset)
{
	bool open;
	int ret = kstrtobool_from_user(buffer, size, &open);

	if (ret)
		return ret;
	WRITE_ONCE(gate_open, open);
	wake_up_all(&gate);
	return size;
}

static int sample_release(struct inode *inode, struct file *file)
{
	struct seq_file *m = file->private_data;

	sample_visit_free(m->private);
	return single_release(inode, file);
}

static const struct proc_ops sample_ops = {
	.proc_open = sample_open,
	.proc_read = seq_read,
	.proc_write = sample_write,
	.proc_lseek = seq_lseek,
	.proc_release = sample_release,
};

static int __init sample_init(void)
{
	return proc_create(NAME, 0644, NULL, &sample_ops) ? 0 : -ENOMEM;
}

static void __exit sample_exit(void)
{
	remove_proc_entry(NAME, NULL);
}

module_init(sample_init);
module_exit(sample_exit);
MODULE_DESCRIPTION("Live patch sample: a module to patch");
MODULE_LICENSE("GPL");
