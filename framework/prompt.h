/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tasks that are prompted to look at themselves. Work for a task runs on its way to user space,
 * but deep in the kernel too (ptrace_notify(), KVM_RUN, waits of io_uring): so it looks at its own
 * stack first.
 */
#ifndef SUTURE_PROMPT_H
#define SUTURE_PROMPT_H

#include <linux/types.h>

struct suture_task_state;

/**
 * suture_prompt_queue() - have a user task look at itself
 * @state:	of a task that is on the list of tasks, which is locked
 * @signal:	interrupt what it sleeps in, as a signal would
 */
void suture_prompt_queue(struct suture_task_state *state, bool signal);

/**
 * suture_prompt_cancel() - free a state that nobody can find any more, and its work
 * @state:	freed here, or by the work when that is being called just now
 */
void suture_prompt_cancel(struct suture_task_state *state);

#endif
