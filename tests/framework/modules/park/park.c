// SPDX-License-Identifier: GPL-2.0-only
/*
 * A reader of /proc/park/<gate> goes through park_visit(), which asks park_version() twice, and
 * sleeps in between while the gate is closed: what it reads is the two versions that it met.
 * Written to a gate: "open", "closed", or "interruptible" for closed, but signals end the wait. The
 * system can be suspended meanwhile.
 * Readers of the gates "cold" and "part" wait in parts of park_visit(), named as the compiler names
 * those that it makes itself; it goes there by a jump, and leaves nothing on the stack.
 * /proc/park/inside: how many wait.
 *
 * With kthreads=1 two threads: park_inside visits the gate k again and again, three seconds apart,
 * and park_outside sleeps where nobody patches.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/uaccess.h>

#include "park.h"

static struct park_gate park_gates[] = {
	{ .name = "a" }, { .name = "b" }, { .name = "c" }, { .name = "k" },
	{ .name = "cold", .way = PARK_COLD }, { .name = "part", .way = PARK_PART },
};

static struct park_gate *const park_thread_gate = &park_gates[3];

static bool kthreads;
module_param(kthreads, bool, 0444);

static struct proc_dir_entry *park_folder;
static struct task_struct *park_threads[2];
static atomic_t park_waiting;

static int park_gate_wait(struct park_gate *gate)
{
	if (current->flags & PF_KTHREAD) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (!READ_ONCE(gate->open))
			schedule();
		__set_current_state(TASK_RUNNING);
		return 0;
	}
	if (!gate->interruptible) {
		wait_event_state(gate->queue, READ_ONCE(gate->open),
				 TASK_UNINTERRUPTIBLE | TASK_FREEZABLE);
		return 0;
	}
	if (!wait_event_interruptible(gate->queue, READ_ONCE(gate->open)))
		return 0;
	pr_info("%s: interrupted\n", gate->name);
	return -EINTR;
}

int park_gate_pass(struct park_gate *gate)
{
	int ret;

	if (READ_ONCE(gate->open))
		return 0;
	atomic_inc(&park_waiting);
	ret = park_gate_wait(gate);
	atomic_dec(&park_waiting);
	return ret;
}
EXPORT_SYMBOL_GPL(park_gate_pass);

/* Read anew each time, so that the compiler cannot take two calls for one. */
static const char *park_name = "old";

static noinline const char *park_version(void)
{
	return READ_ONCE(park_name);
}

static __always_inline int park_pass(struct park_gate *gate, char *text)
{
	const char *before = park_version();
	int ret = park_gate_pass(gate);

	if (ret)
		return ret;
	return scnprintf(text, PARK_TEXT_SIZE, "%s %s\n", before, park_version());
}

static int park_visit_cold(struct park_gate *gate, char *text) __asm__("park_visit.cold");
static int park_visit_part(struct park_gate *gate, char *text) __asm__("park_visit.part.0");

static noinline int park_visit_cold(struct park_gate *gate, char *text)
{
	return park_pass(gate, text);
}

/* Two of the same content would become one. */
static noinline __attribute__((__no_icf__))
int park_visit_part(struct park_gate *gate, char *text)
{
	return park_pass(gate, text);
}

static noinline int park_visit(struct park_gate *gate, char *text)
{
	if (gate->way == PARK_COLD)
		return park_visit_cold(gate, text);
	if (gate->way == PARK_PART)
		return park_visit_part(gate, text);
	return park_pass(gate, text);
}

static ssize_t park_read(struct file *file, char __user *buffer, size_t size, loff_t *offset)
{
	struct park_gate *gate = pde_data(file_inode(file));
	char text[PARK_TEXT_SIZE];
	int length;

	if (*offset)
		return 0;
	length = park_visit(gate, text);
	if (length < 0)
		return length;
	return simple_read_from_buffer(buffer, size, offset, text, length);
}

static ssize_t park_write(struct file *file, const char __user *buffer, size_t size,
			  loff_t *offset)
{
	struct park_gate *gate = pde_data(file_inode(file));
	char first;

	if (!size || get_user(first, buffer))
		return -EFAULT;
	gate->interruptible = first == 'i';
	WRITE_ONCE(gate->open, first == 'o');
	wake_up_all(&gate->queue);
	if (gate == park_thread_gate && park_threads[0])
		wake_up_process(park_threads[0]);
	return size;
}

static const struct proc_ops park_ops = {
	.proc_read = park_read,
	.proc_write = park_write,
};

static int park_waiting_show(struct seq_file *m, void *v)
{
	seq_printf(m, "%d\n", atomic_read(&park_waiting));
	return 0;
}

static int park_inside(void *data)
{
	char text[PARK_TEXT_SIZE];

	while (!kthread_should_stop()) {
		if (park_visit(park_thread_gate, text) > 0)
			pr_info("thread saw %s", text);
		schedule_timeout_idle(3 * HZ);
	}
	return 0;
}

static int park_outside(void *data)
{
	while (!kthread_should_stop()) {
		set_current_state(TASK_IDLE);
		if (!kthread_should_stop())
			schedule();
		__set_current_state(TASK_RUNNING);
	}
	return 0;
}

static void park_threads_start(void)
{
	park_threads[0] = kthread_run(park_inside, NULL, "park_inside");
	park_threads[1] = kthread_run(park_outside, NULL, "park_outside");
}

static void park_threads_stop(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(park_threads); i++)
		if (!IS_ERR_OR_NULL(park_threads[i]))
			kthread_stop(park_threads[i]);
}

static int __init park_init(void)
{
	int i;

	park_folder = proc_mkdir("park", NULL);
	if (!park_folder)
		return -ENOMEM;
	for (i = 0; i < ARRAY_SIZE(park_gates); i++) {
		init_waitqueue_head(&park_gates[i].queue);
		proc_create_data(park_gates[i].name, 0600, park_folder, &park_ops, &park_gates[i]);
	}
	proc_create_single("inside", 0400, park_folder, park_waiting_show);
	if (kthreads)
		park_threads_start();
	return 0;
}

static void __exit park_exit(void)
{
	park_threads_stop();
	proc_remove(park_folder);
}

module_init(park_init);
module_exit(park_exit);
MODULE_DESCRIPTION("A function that tasks stay in on demand");
MODULE_LICENSE("GPL");
