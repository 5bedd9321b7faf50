/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The way of the whole system from the old code to the new and back, by the consistency model of
 * the patch that is being changed. One at a time. Everything here is called with suture_mutex
 * held.
 */
#ifndef SUTURE_TRANSITION_H
#define SUTURE_TRANSITION_H

#include <linux/types.h>

struct klp_object;
struct klp_patch;

int suture_transition_module_init(void);
void suture_transition_module_exit(void);

/* The patch in transition, or NULL. */
extern struct klp_patch *suture_transition_patch;

/**
 * suture_transition_init() - begin: from here on the patch's functions follow the state of each
 * task
 * @patch:	the patch; obj_list complete, nops included
 * @enable:	towards the patch's code, or away from it
 *
 * All are in the old state then. Objects are patched after this when enabling.
 *
 * Return: 0 or -ENOMEM, with nothing begun.
 */
int suture_transition_init(struct klp_patch *patch, bool enable);

/**
 * suture_transition_run() - after suture_transition_init() and patching: let the system switch
 *
 * KLP_PER_TASK returns at once and goes on in the background; the others end here. When it ends,
 * callbacks have run and the patch that is no longer needed is on its way out.
 *
 * Return: 0, or -EBUSY when KLP_STOP_MACHINE gave up: then the caller cancels (enabling), or the
 * patch stays enabled (disabling).
 */
int suture_transition_run(void);

/**
 * suture_transition_cancel() - the end of an enabling that failed before suture_transition_run()
 * or in it: nothing stays patched
 */
void suture_transition_cancel(void);

/**
 * suture_transition_reverse() - turn a KLP_PER_TASK transition round
 */
void suture_transition_reverse(void);

/**
 * suture_transition_force() - take every task for switched. Code that is no longer used stays
 * loaded for ever.
 */
void suture_transition_force(void);

/**
 * suture_transition_object_changed() - an object of the patch in transition came or goes
 *
 * Before it is patched, or after it is unpatched: what tasks must not be in is computed anew.
 *
 * Return: 0 or -ENOMEM.
 */
int suture_transition_object_changed(void);

/**
 * suture_transition_blockers() - write the tasks that hold up the transition, one a line
 * @buffer:	a page
 *
 * Each line: process id, thread id, the function it is in ("-": not known), command name.
 *
 * Return: bytes written.
 */
ssize_t suture_transition_blockers(char *buffer);

#endif
