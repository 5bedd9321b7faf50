/* SPDX-License-Identifier: GPL-2.0-only */
/* A place where a task stays inside a function for as long as a test wants. */
#ifndef PARK_H
#define PARK_H

#include <linux/atomic.h>
#include <linux/types.h>
#include <linux/wait.h>

#define PARK_TEXT_SIZE 128

/**
 * struct park_gate - /proc/park/<name>
 * @name:	its name
 * @queue:	of those who wait
 * @open:	nobody waits
 * @interruptible: signals end the wait
 */
struct park_gate {
	const char *name;
	wait_queue_head_t queue;
	bool open;
	bool interruptible;
};

/**
 * park_gate_pass() - wait until the gate is open
 * @gate:	the gate
 *
 * Return: 0, or -EINTR when it is interruptible and the caller was interrupted. A kernel thread
 * waits only until somebody wakes it.
 */
int park_gate_pass(struct park_gate *gate);

#endif
