// SPDX-License-Identifier: GPL-2.0-only
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/task_work.h>

#include "kernel.h"
#include "prompt.h"
#include "tasks.h"
#include "per_task.h"

/* What came with the place in the task's queue; the state is freed when its table is gone. */
static void suture_prompt_finish(struct suture_task_state *state)
{
	struct task_struct *task = state->task;
	unsigned long flags;
	bool abandoned;

	raw_spin_lock_irqsave(&suture_tasks_lock, flags);
	state->queued = false;
	abandoned = state->abandoned;
	raw_spin_unlock_irqrestore(&suture_tasks_lock, flags);

	if (abandoned)
		kfree_rcu(state, rcu);
	put_task_struct(task);
}

/*
 * In the context of the task. The last reference to this module may go here:
 * suture_transition_module_exit() waits until tasks are out of it.
 */
static void suture_prompt_called(struct callback_head *work)
{
	struct suture_task_state *state = container_of(work, struct suture_task_state, work);

	suture_per_task_try_current(state);
	suture_prompt_finish(state);
	module_put(THIS_MODULE);
}

static bool suture_prompt_match(struct callback_head *work, void *data)
{
	return work == data;
}

/* Whether the work was still waiting and is out of the queue now. */
static bool suture_prompt_withdraw(struct suture_task_state *state)
{
	if (!kernel_task_work_cancel_match(state->task, suture_prompt_match, &state->work))
		return false;
	suture_prompt_finish(state);
	module_put(THIS_MODULE);
	return true;
}

static bool suture_prompt_claim(struct suture_task_state *state)
{
	unsigned long flags;
	bool claimed;

	raw_spin_lock_irqsave(&suture_tasks_lock, flags);
	claimed = !state->queued;
	state->queued = true;
	/* Also when it waits since before a reversal: it is good for this one then. */
	state->generation = suture_generation;
	raw_spin_unlock_irqrestore(&suture_tasks_lock, flags);
	return claimed;
}

void suture_prompt_queue(struct suture_task_state *state, bool signal)
{
	if (signal && READ_ONCE(state->queued))
		suture_prompt_withdraw(state);
	if (!suture_prompt_claim(state))
		return;
	__module_get(THIS_MODULE);
	get_task_struct(state->task);
	init_task_work(&state->work, suture_prompt_called);
	if (task_work_add(state->task, &state->work, signal ? TWA_SIGNAL : TWA_RESUME)) {
		/* It is exiting and past all work: its stack decides. */
		suture_prompt_finish(state);
		module_put(THIS_MODULE);
	}
}

/* Hands the state over to the work when that is waiting or being called. */
static bool suture_prompt_abandon(struct suture_task_state *state)
{
	unsigned long flags;
	bool queued;

	raw_spin_lock_irqsave(&suture_tasks_lock, flags);
	queued = state->queued;
	state->abandoned = true;
	if (queued)
		get_task_struct(state->task);
	raw_spin_unlock_irqrestore(&suture_tasks_lock, flags);
	return queued;
}

void suture_prompt_cancel(struct suture_task_state *state)
{
	struct task_struct *task = state->task;

	/* The work may free the state; its address is nobody else's before this section ends. */
	rcu_read_lock();
	if (!suture_prompt_abandon(state)) {
		kfree_rcu(state, rcu);
		goto out;
	}
	/* The address of the work is only compared: it may be being called just now. */
	if (kernel_task_work_cancel_match(task, suture_prompt_match, &state->work)) {
		suture_prompt_finish(state);
		module_put(THIS_MODULE);
	}
	put_task_struct(task);
out:
	rcu_read_unlock();
}
