// SPDX-License-Identifier: GPL-2.0-only
/*
 * /proc/stall: a reader sleeps inside stall_wait() until somebody writes. The sleep is
 * uninterruptible, so that livepatch's fake signal does not end it: a patch of stall_wait()
 * stays in transition for as long as a test wants.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/wait.h>

static DECLARE_WAIT_QUEUE_HEAD(stall_queue);
static bool stall_released;

static noinline void stall_wait(void)
{
	wait_event(stall_queue, READ_ONCE(stall_released));
	pr_info("original\n");
}

static ssize_t stall_read(struct file *file, char __user *buffer, size_t size, loff_t *offset)
{
	stall_wait();
	return 0;
}

/* "0" makes later readers sleep again, anything else releases all. */
static ssize_t stall_write(struct file *file, const char __user *buffer, size_t size,
			   loff_t *offset)
{
	char first;

	if (!size || get_user(first, buffer))
		return -EFAULT;
	WRITE_ONCE(stall_released, first != '0');
	wake_up_all(&stall_queue);
	return size;
}

static const struct proc_ops stall_ops = {
	.proc_read = stall_read,
	.proc_write = stall_write,
};

static int __init stall_init(void)
{
	return proc_create("stall", 0600, NULL, &stall_ops) ? 0 : -ENOMEM;
}

static void __exit stall_exit(void)
{
	remove_proc_entry("stall", NULL);
}

module_init(stall_init);
module_exit(stall_exit);
MODULE_DESCRIPTION("A function that a task stays in on demand");
MODULE_LICENSE("GPL v2");
