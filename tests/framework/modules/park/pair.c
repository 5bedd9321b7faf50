// SPDX-License-Identifier: GPL-2.0-only
/*
 * Watches from several CPUs at once that a whole kernel goes over from one version to another at
 * one moment. Each write to /proc/pair is a batch of observations; the first byte is the version
 * that the kernel goes to. An observation asks two functions that are patched together:
 *
 *	before, after	both gave the version that the kernel leaves, or goes to
 *	split		first the one, then the other: the kernel went over in between
 *	backward	the other way round
 *	late		one of them gave the version that the kernel leaves when somebody had seen
 *			the other already
 *
 * A read gives these counts, a write of "r" forgets them.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/uaccess.h>

/* Long enough that tasks on two CPUs return to user space at different times. */
#define PAIR_BATCH 20000

enum pair_kind {
	PAIR_BEFORE,
	PAIR_AFTER,
	PAIR_SPLIT,
	PAIR_BACKWARD,
	PAIR_LATE,
	PAIR_KINDS,
};

static const char *const pair_names[PAIR_KINDS] = {
	"before", "after", "split", "backward", "late",
};

static atomic_long_t pair_counts[PAIR_KINDS];
static bool pair_arrived;

/*
 * Read anew each time, so that the compiler cannot take several calls, or both functions, for one.
 */
static char pair_versions[] = { '0', '0' };

static noinline char pair_first(void)
{
	return READ_ONCE(pair_versions[0]);
}

static noinline char pair_second(void)
{
	return READ_ONCE(pair_versions[1]);
}

static enum pair_kind pair_observe(char to)
{
	bool arrived = READ_ONCE(pair_arrived);
	bool first, second;

	/* What is asked below is asked after somebody arrived. Pairs with the other one. */
	smp_mb();
	first = pair_first() == to;
	second = pair_second() == to;
	if (first || second) {
		/* Who sees the flag asks after this. */
		smp_mb();
		WRITE_ONCE(pair_arrived, true);
	}
	if (arrived && !(first && second))
		return PAIR_LATE;
	if (first != second)
		return first ? PAIR_BACKWARD : PAIR_SPLIT;
	return first ? PAIR_AFTER : PAIR_BEFORE;
}

static void pair_forget(void)
{
	int i;

	WRITE_ONCE(pair_arrived, false);
	for (i = 0; i < PAIR_KINDS; i++)
		atomic_long_set(&pair_counts[i], 0);
}

static ssize_t pair_write(struct file *file, const char __user *buffer, size_t size,
			  loff_t *offset)
{
	char to;
	int i;

	if (!size || get_user(to, buffer))
		return -EFAULT;
	if (to == 'r') {
		pair_forget();
		return size;
	}
	for (i = 0; i < PAIR_BATCH; i++) {
		atomic_long_inc(&pair_counts[pair_observe(to)]);
		cond_resched();
	}
	return size;
}

static int pair_show(struct seq_file *m, void *v)
{
	int i;

	for (i = 0; i < PAIR_KINDS; i++)
		seq_printf(m, "%s %ld\n", pair_names[i], atomic_long_read(&pair_counts[i]));
	return 0;
}

static int pair_open(struct inode *inode, struct file *file)
{
	return single_open(file, pair_show, NULL);
}

static const struct proc_ops pair_ops = {
	.proc_open = pair_open,
	.proc_read = seq_read,
	.proc_write = pair_write,
	.proc_release = single_release,
};

static int __init pair_init(void)
{
	return proc_create("pair", 0600, NULL, &pair_ops) ? 0 : -ENOMEM;
}

static void __exit pair_exit(void)
{
	remove_proc_entry("pair", NULL);
}

module_init(pair_init);
module_exit(pair_exit);
MODULE_DESCRIPTION("Two functions that are watched from several CPUs");
MODULE_LICENSE("GPL");
