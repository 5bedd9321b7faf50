// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is patched: bench_call(), which does nothing, and bench_hold(), in which a task sleeps for
 * as long as a transition is to last. /proc/bench tells the TSC's ticks for a call of
 * bench_call(), in thousandths: instructions when QEMU counts them (-icount shift=0).
 * /proc/bench_hold: a reader sleeps until somebody writes.
 */
#include <linux/irqflags.h>
#include <linux/module.h>
#include <linux/preempt.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/wait.h>
#include <asm/msr.h>

#define BENCH_CALLS 10000

static DECLARE_WAIT_QUEUE_HEAD(bench_queue);
static bool bench_released;

static noinline void bench_call(void)
{
	asm volatile("");
}

/* Not traced, and no alias of bench_call(). */
static noinline notrace void bench_nothing(void)
{
	asm volatile("" ::: "memory");
}

static noinline void bench_hold(void)
{
	wait_event(bench_queue, READ_ONCE(bench_released));
}

static u64 bench_ticks(bool nothing)
{
	unsigned long flags;
	u64 begin, end;
	int i;

	local_irq_save(flags);
	begin = rdtsc_ordered();
	if (nothing) {
		for (i = 0; i < BENCH_CALLS; i++)
			bench_nothing();
	} else {
		for (i = 0; i < BENCH_CALLS; i++)
			bench_call();
	}
	end = rdtsc_ordered();
	local_irq_restore(flags);
	return end - begin;
}

static int bench_show(struct seq_file *file, void *data)
{
	bench_ticks(false);
	seq_printf(file, "%llu %llu\n", bench_ticks(true) * 1000 / BENCH_CALLS,
		   bench_ticks(false) * 1000 / BENCH_CALLS);
	return 0;
}

static ssize_t bench_hold_read(struct file *file, char __user *buffer, size_t size, loff_t *offset)
{
	WRITE_ONCE(bench_released, false);
	bench_hold();
	return 0;
}

static ssize_t bench_hold_write(struct file *file, const char __user *buffer, size_t size,
				loff_t *offset)
{
	WRITE_ONCE(bench_released, true);
	wake_up_all(&bench_queue);
	return size;
}

static const struct proc_ops bench_hold_ops = {
	.proc_read = bench_hold_read,
	.proc_write = bench_hold_write,
};

static int __init bench_init(void)
{
	if (!proc_create("bench_hold", 0600, NULL, &bench_hold_ops))
		return -ENOMEM;
	if (!proc_create_single("bench", 0400, NULL, bench_show)) {
		remove_proc_entry("bench_hold", NULL);
		return -ENOMEM;
	}
	return 0;
}

static void __exit bench_exit(void)
{
	remove_proc_entry("bench", NULL);
	remove_proc_entry("bench_hold", NULL);
}

module_init(bench_init);
module_exit(bench_exit);
MODULE_DESCRIPTION("Functions whose calls are counted");
MODULE_LICENSE("GPL");
