// SPDX-License-Identifier: GPL-2.0-only
#define pr_fmt(fmt) "livepatch: " fmt

#include <linux/cpumask.h>
#include <linux/printk.h>
#include <linux/sched/signal.h>

#include "checks.h"
#include "compat.h"
#include "kernel.h"
#include "per_task.h"
#include "prompt.h"
#include "stop_machine.h"
#include "tasks.h"

/**
 * struct suture_aim - under suture_tasks_lock
 * @checks:	what tasks must have left
 * @patched:	what they shall see
 * @generation:	of the transition when this was set
 */
struct suture_aim {
	const struct suture_checks *checks;
	bool patched;
	u64 generation;
};

static struct suture_aim suture_aim;

struct suture_attempt {
	struct suture_aim aim;
	struct suture_task_state *state;
	unsigned long where;
};

void suture_per_task_aim(const struct suture_checks *checks, bool patched)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&suture_tasks_lock, flags);
	suture_aim.checks = checks;
	suture_aim.patched = patched;
	suture_aim.generation = ++suture_generation;
	raw_spin_unlock_irqrestore(&suture_tasks_lock, flags);
}

/*
 * Copies the aim; false when the transition that the state's work was queued for is over or was
 * turned round.
 */
static bool suture_aim_get(const struct suture_task_state *state, struct suture_aim *aim)
{
	unsigned long flags;
	bool current_one;

	raw_spin_lock_irqsave(&suture_tasks_lock, flags);
	current_one = suture_world == SUTURE_MIXED && state->generation == suture_generation;
	*aim = suture_aim;
	raw_spin_unlock_irqrestore(&suture_tasks_lock, flags);
	return current_one;
}

void suture_per_task_try_current(struct suture_task_state *state)
{
	struct suture_aim aim;

	/* Those who free the checks wait for sections like this one. */
	preempt_disable();
	if (suture_aim_get(state, &aim) && !suture_checks_task(aim.checks, current, NULL))
		suture_tasks_set(state, aim.patched, aim.generation);
	preempt_enable();
}

/* With the task's scheduler locks held: it sleeps, waits for a CPU, or is current. */
static int suture_attempt_stopped(struct task_struct *task, void *arg)
{
	struct suture_attempt *attempt = arg;
	int ret;

	if (task != current && suture_task_on_cpu(task))
		return -EBUSY;
	ret = suture_checks_task(attempt->aim.checks, task, &attempt->where);
	if (!ret && attempt->state)
		suture_tasks_set(attempt->state, attempt->aim.patched, attempt->aim.generation);
	return ret;
}

static void suture_report_task(struct task_struct *task, int error, unsigned long where)
{
	switch (error) {
	case -EBUSY:
		pr_debug("%s:%d is running\n", task->comm, task->pid);
		break;
	case -EADDRINUSE:
		pr_debug("%s:%d is sleeping in %ps\n", task->comm, task->pid, (void *)where);
		break;
	case -ENOMEM:
		pr_debug("no memory for the state of %s:%d\n", task->comm, task->pid);
		break;
	default:
		pr_debug("%s:%d has an unreliable stack\n", task->comm, task->pid);
	}
}

static bool suture_prompt_possible(struct task_struct *task)
{
	return !(task->flags & (PF_KTHREAD | PF_IO_WORKER | PF_USER_WORKER));
}

/* The list of tasks is locked. Returns whether the task has switched. */
static bool suture_per_task_switch(struct task_struct *task, bool signal)
{
	struct suture_attempt attempt = { .aim = suture_aim, .state = suture_tasks_get(task) };
	int ret = -ENOMEM;

	/* Without a state, for want of memory, it is where the transition began. */
	if (!attempt.state && suture_task_table->initial == attempt.aim.patched)
		return true;

	if (attempt.state) {
		if (READ_ONCE(attempt.state->patched) == attempt.aim.patched)
			return true;
		ret = kernel_task_call_func(task, suture_attempt_stopped, &attempt);
		if (!ret)
			return true;
	}
	suture_report_task(task, ret, attempt.where);
	if (!suture_prompt_possible(task)) {
		if (signal)
			kernel_wake_up_state(task, TASK_INTERRUPTIBLE);
	} else if (attempt.state) {
		suture_prompt_queue(attempt.state, signal);
	}
	return false;
}

static bool suture_idle_settled(bool patched)
{
	int cpu;

	for_each_possible_cpu(cpu)
		if (per_cpu(suture_idle_patched, cpu) != patched)
			return false;
	return true;
}

/*
 * All CPUs are stopped: idle tasks are switched out, and no CPU comes or goes. That of an offline
 * CPU is in no function.
 */
static int suture_idle_switch(void *data)
{
	const struct suture_aim *aim = data;
	int cpu;

	for_each_possible_cpu(cpu)
		if (!cpu_online(cpu) ||
		    !suture_checks_task(aim->checks, kernel_idle_task(cpu), NULL))
			per_cpu(suture_idle_patched, cpu) = aim->patched;
	return 0;
}

bool suture_per_task_round(bool signal)
{
	struct task_struct *group, *task;
	bool done;

	suture_tasks_reserve();
	if (!suture_idle_settled(suture_aim.patched))
		suture_stop_machine(suture_idle_switch, &suture_aim);
	done = suture_idle_settled(suture_aim.patched);

	/* A task that is not on the list yet has not run, and will run in a settled world. */
	read_lock(kernel_tasklist_lock);
	for_each_process_thread(group, task)
		if (!suture_per_task_switch(task, signal))
			done = false;
	if (done)
		suture_tasks_settle(suture_aim.patched);
	read_unlock(kernel_tasklist_lock);
	return done;
}

void suture_per_task_each_blocker(bool (*visit)(struct task_struct *task, unsigned long where,
						void *data),
				  void *data)
{
	struct task_struct *group, *task;
	bool more = true;
	int cpu;

	read_lock(kernel_tasklist_lock);
	for_each_process_thread(group, task) {
		struct suture_attempt attempt = { .aim = suture_aim };

		if (suture_task_is_patched(task) == suture_aim.patched)
			continue;
		kernel_task_call_func(task, suture_attempt_stopped, &attempt);
		more = visit(task, attempt.where, data);
		if (!more)
			goto out;
	}
out:
	read_unlock(kernel_tasklist_lock);
	for_each_possible_cpu(cpu)
		if (more && per_cpu(suture_idle_patched, cpu) != suture_aim.patched)
			more = visit(kernel_idle_task(cpu), 0, data);
}
