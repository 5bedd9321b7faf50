/* SPDX-License-Identifier: GPL-2.0-only */
/* The table of tasks: which of them see the code of the patch in transition. world.h reads it. */
#ifndef SUTURE_TASKS_H
#define SUTURE_TASKS_H

#include <linux/spinlock.h>
#include <linux/types.h>

#include "world.h"

/*
 * Guards the table's chains, suture_task_state.patched, .queued and .abandoned, suture_generation,
 * and the change of suture_world away from SUTURE_MIXED. Taken inside the scheduler's locks.
 */
extern raw_spinlock_t suture_tasks_lock;

/* Grows with each transition and each reversal, so that work queued before that does nothing. */
extern u64 suture_generation;

int suture_tasks_module_init(void);
void suture_tasks_module_exit(void);

/* Running on some CPU just now; with one CPU that is current alone. */
static inline bool suture_task_on_cpu(const struct task_struct *task)
{
#ifdef CONFIG_SMP
	return READ_ONCE(task->on_cpu);
#else
	return task == current;
#endif
}

/**
 * suture_tasks_begin() - an empty table, large enough for the tasks that there are
 * @initial:	what all tasks see now
 *
 * Forks inherit from now on, once the world is mixed. Return: 0 or -ENOMEM.
 */
int suture_tasks_begin(bool initial);

/**
 * suture_tasks_reserve() - have a state at hand for every task, as far as there is memory
 */
void suture_tasks_reserve(void);

/**
 * suture_tasks_get() - the state of a task, made from the reserve when it has none yet
 * @task:	on the list of tasks, which is locked
 *
 * Return: the state, valid until the task is gone; NULL when the reserve is empty.
 */
struct suture_task_state *suture_tasks_get(struct task_struct *task);

/**
 * suture_tasks_set() - let a task see the patch's code, or not
 * @state:	of the task
 * @patched:	what it sees from now on
 * @generation:	of the transition that decided this; nothing happens when that is over
 */
void suture_tasks_set(struct suture_task_state *state, bool patched, u64 generation);

/**
 * suture_tasks_settle() - the whole system sees the same from now on
 * @patched:	what that is
 */
void suture_tasks_settle(bool patched);

/**
 * suture_tasks_end() - free the table, cancel the work that tasks still have to do
 *
 * After suture_tasks_settle() and suture_wait_for_handlers(): nobody looks into the table any more.
 */
void suture_tasks_end(void);

#endif
