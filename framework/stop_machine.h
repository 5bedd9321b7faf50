/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * All CPUs stopped at one moment: KLP_STOP_MACHINE switches the kernel there, KLP_PER_TASK its
 * idle tasks.
 */
#ifndef SUTURE_STOP_MACHINE_H
#define SUTURE_STOP_MACHINE_H

#include <linux/types.h>

struct suture_checks;

/**
 * suture_stop_machine() - as stop_machine() on one CPU; remembers the longest time that it took
 * @fn:		called with all CPUs stopped
 * @data:	for @fn
 *
 * Return: that of @fn, or of stop_machine().
 */
int suture_stop_machine(int (*fn)(void *data), void *data);

/**
 * suture_stop_machine_switch() - switch the whole kernel at a moment when no task is in the way
 * @checks:	where no task may be
 * @patched:	what all see afterwards
 * @name:	of the patch, for the log
 *
 * Looks at tasks without stopping anything first, and tries again for about a second. Return: 0,
 * or -EBUSY with the tasks that were in the way in the log.
 */
int suture_stop_machine_switch(const struct suture_checks *checks, bool patched, const char *name);

#endif
