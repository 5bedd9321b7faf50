/* SPDX-License-Identifier: GPL-2.0-only */
/* A place where a task stays inside a function for as long as a test wants. */
#ifndef PARK_H
#define PARK_H

#include <linux/atomic.h>
#include <linux/types.h>
#include <linux/wait.h>

#define PARK_TEXT_SIZE 128

/**
 * enum park_way - where in park_visit() a reader waits
 * @PARK_BODY:	in the function itself
 * @PARK_COLD:	in its part with the suffix .cold
 * @PARK_PART:	in its part with the suffix .part.0
 */
enum park_way {
	PARK_BODY,
	PARK_COLD,
	PARK_PART,
};

/**
 * struct park_gate - /proc/park/<name>
 * @name:	its name
 * @way:	to it
 * @queue:	of those who wait
 * @open:	nobody waits
 * @interruptible: signals end the wait
 */
struct park_gate {
	const char *name;
	enum park_way way;
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
