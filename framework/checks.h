/* SPDX-License-Identifier: GPL-2.0-only */
/* Where no task may be that is to switch, and the check of one task's stack against it. */
#ifndef SUTURE_CHECKS_H
#define SUTURE_CHECKS_H

#include <linux/types.h>

struct klp_patch;
struct suture_checks;
struct task_struct;

/**
 * suture_checks_new() - the addresses that a task must have left
 * @patch:	the patch in transition
 * @patched:	the state that tasks leave for: true when the new code is switched on
 *
 * Switching on: every version of its functions that tasks can be in, with the pieces that the
 * compiler split off, and the bodies of system calls. Switching off: the whole text of its module,
 * since its helpers are reached by tail calls too. With replace set also the text of the patches
 * below, or the functions that nops stand for. Always: the ftrace trampolines of its functions.
 *
 * Return: the addresses, or NULL when there is no memory.
 */
struct suture_checks *suture_checks_new(struct klp_patch *patch, bool patched);
void suture_checks_free(struct suture_checks *checks);

/**
 * suture_checks_task() - look at the stack of a task
 * @checks:	the addresses
 * @task:	current, or a task that cannot run meanwhile
 * @where:	set on -EADDRINUSE: the address on the stack that is in the way; may be NULL
 *
 * Any context that does not sleep or migrate between CPUs.
 *
 * Return: 0 when it is in none of them, -EADDRINUSE when it is, -EINVAL when the unwinder cannot
 * be sure.
 */
int suture_checks_task(const struct suture_checks *checks, struct task_struct *task,
		       unsigned long *where);

#endif
