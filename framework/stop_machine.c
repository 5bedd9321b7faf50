// SPDX-License-Identifier: GPL-2.0-only
#define pr_fmt(fmt) "livepatch: " fmt

#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/moduleparam.h>
#include <linux/printk.h>
#include <linux/sched/clock.h>
#include <linux/sched/signal.h>
#include <linux/stop_machine.h>

#include "checks.h"
#include "compat.h"
#include "kernel.h"
#include "stop_machine.h"
#include "tasks.h"

/* Waits of 1, 2, 4 ... 512 ms between them. */
#define SUTURE_STOP_ATTEMPTS 11
#define SUTURE_STOP_NAMED 8

struct suture_stop_blocker {
	pid_t pid;
	char comm[TASK_COMM_LEN];
	unsigned long where;
};

/**
 * struct suture_stop - one attempt
 * @checks:	where no task may be
 * @patched:	what all see afterwards
 * @caller:	the task that waits for the outcome
 * @count:	tasks that were in the way, up to as many as are named
 * @blockers:	who they were
 */
struct suture_stop {
	const struct suture_checks *checks;
	bool patched;
	struct task_struct *caller;
	unsigned int count;
	struct suture_stop_blocker blockers[SUTURE_STOP_NAMED];
};

struct suture_stop_call {
	int (*fn)(void *data);
	void *data;
};

static ulong longest_stop;
module_param(longest_stop, ulong, 0444);
MODULE_PARM_DESC(longest_stop, "The longest time that all CPUs were stopped, in nanoseconds");

static int suture_stop_timed(void *data)
{
	struct suture_stop_call *call = data;
	u64 begin = local_clock();
	int ret = call->fn(call->data);

	longest_stop = max_t(u64, longest_stop, local_clock() - begin);
	return ret;
}

int suture_stop_machine(int (*fn)(void *data), void *data)
{
	struct suture_stop_call call = { .fn = fn, .data = data };

	return stop_machine(suture_stop_timed, &call, NULL);
}

static void suture_stop_note(struct suture_stop *stop, struct task_struct *task,
			     unsigned long where)
{
	struct suture_stop_blocker *blocker = &stop->blockers[stop->count++];

	blocker->pid = task->pid;
	memcpy(blocker->comm, task->comm, TASK_COMM_LEN);
	blocker->where = where;
}

/* With the task's scheduler locks held. One that is running is looked at when it is stopped. */
static int suture_stop_look_one(struct task_struct *task, void *data)
{
	struct suture_stop *stop = data;
	unsigned long where = 0;

	if (task != current && suture_task_on_cpu(task))
		return 0;
	if (suture_checks_task(stop->checks, task, &where))
		suture_stop_note(stop, task, where);
	return 0;
}

/* A cheap attempt: who sleeps in the way now is so when all CPUs are stopped. */
static bool suture_stop_look(struct suture_stop *stop)
{
	struct task_struct *group, *task;

	read_lock(kernel_tasklist_lock);
	for_each_process_thread(group, task) {
		kernel_task_call_func(task, suture_stop_look_one, stop);
		if (stop->count == SUTURE_STOP_NAMED)
			goto out;
	}
out:
	read_unlock(kernel_tasklist_lock);
	return !stop->count;
}

static void suture_stop_check(struct suture_stop *stop, struct task_struct *task)
{
	unsigned long where = 0;

	/*
	 * Only the stoppers run; the others wait in the same functions as this one, which is
	 * looked at.
	 */
	if (task != current && suture_task_on_cpu(task))
		return;
	/* It looked at itself before; all that it has entered since is stop_machine(). */
	if (task == stop->caller && suture_task_is_hooked(task))
		return;
	if (suture_checks_task(stop->checks, task, &where))
		suture_stop_note(stop, task, where);
}

/* All CPUs are stopped, so nobody changes the list of tasks or runs in the functions. */
static int suture_stop_switch(void *data)
{
	struct suture_stop *stop = data;
	struct task_struct *group, *task;
	int cpu;

	rcu_read_lock();
	for_each_process_thread(group, task) {
		suture_stop_check(stop, task);
		if (stop->count)
			goto out;
	}
	for_each_online_cpu(cpu) {
		suture_stop_check(stop, kernel_idle_task(cpu));
		if (stop->count)
			goto out;
	}
	suture_tasks_settle(stop->patched);
out:
	rcu_read_unlock();
	return stop->count ? -EBUSY : 0;
}

static void suture_stop_report(const struct suture_stop *stop, const char *name)
{
	unsigned int i;

	for (i = 0; i < stop->count; i++) {
		const struct suture_stop_blocker *blocker = &stop->blockers[i];

		if (blocker->where)
			pr_warn("'%s': %s:%d is in %ps\n", name, blocker->comm, blocker->pid,
				(void *)blocker->where);
		else
			pr_warn("'%s': %s:%d has an unreliable stack\n", name, blocker->comm,
				blocker->pid);
	}
}

int suture_stop_machine_switch(const struct suture_checks *checks, bool patched, const char *name)
{
	struct suture_stop stop = { .checks = checks, .patched = patched, .caller = current };
	int attempt, ret;

	for (attempt = 0; attempt < SUTURE_STOP_ATTEMPTS; attempt++) {
		if (attempt)
			msleep(1 << (attempt - 1));
		stop.count = 0;
		if (suture_stop_look(&stop)) {
			ret = suture_stop_machine(suture_stop_switch, &stop);
			if (ret != -EBUSY)
				return ret;
		}
		if (fatal_signal_pending(current))
			break;
	}
	suture_stop_report(&stop, name);
	return -EBUSY;
}
