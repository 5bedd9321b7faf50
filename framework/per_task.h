/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * KLP_PER_TASK: each task switches when it is in none of the functions; the world is mixed
 * meanwhile.
 */
#ifndef SUTURE_PER_TASK_H
#define SUTURE_PER_TASK_H

#include <linux/types.h>

struct seq_buf;
struct suture_checks;
struct suture_task_state;
struct task_struct;

/**
 * suture_per_task_aim() - where tasks are to go from now on
 * @checks:	what they must have left for that; valid until the next aim and
 *		suture_wait_for_handlers()
 * @patched:	what they shall see
 */
void suture_per_task_aim(const struct suture_checks *checks, bool patched);

/**
 * suture_per_task_round() - switch every task that can be switched, prompt the others
 * @signal:	interrupt the sleep of those that are left
 *
 * Return: true when all are there: the world is settled then.
 */
bool suture_per_task_round(bool signal);

/**
 * suture_per_task_try_current() - let a task look at its own stack
 * @state:	of current
 */
void suture_per_task_try_current(struct suture_task_state *state);

/**
 * suture_per_task_each_blocker() - the tasks that have not switched
 * @visit:	called for each, until it returns false; where is the address that it is in, 0 when
 *		the unwinder is not sure or it is running
 * @data:	for @visit
 */
void suture_per_task_each_blocker(bool (*visit)(struct task_struct *task, unsigned long where,
						void *data),
				  void *data);

#endif
