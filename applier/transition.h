/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "applier/sysfs.h"

#define SUTURE_TRANSITION_TIMEOUT_DEFAULT 60 /* seconds */
#define SUTURE_TRANSITION_TIMEOUT_MAX 86400

/* A task that has not gone over to the patched (or unpatched) functions. */
typedef struct {
	guint pid, tid;
	gchar *comm;
	gchar *function; /* of the patch that it is in; "" when not known: the framework alone tells */
	gchar *stack;    /* "stall_wait+0x6b/0xa0 < proc_reg_read+0x54/0x90"; "" when unreadable */
} SutureBlockingTask;
void suture_blocking_task_free(SutureBlockingTask *task);

/*
 * The tasks that hold up the transition of the patch @name to @enabled: from its `blockers`, which the
 * framework has, else from proc/<pid>/task/<tid>/patch_state below the root. SutureBlockingTask*, in pid
 * order; empty when it is an idle task, which neither shows.
 */
GPtrArray *suture_transition_blockers(const SutureLivepatch *livepatch, const gchar *name, gboolean enabled);
/* One line for people: "2 tasks: reader[12] in ..., ..." */
gchar *suture_transition_describe(GPtrArray *blockers);

/*
 * Waits until the patch @name, which the kernel is enabling, is fully on. After @timeout seconds it is
 * reversed, and STALLED names the blocking tasks with their kernel stacks; on SIGINT or SIGTERM it is
 * reversed too: COMMON-CANCELLED. In both cases, when this returns, its folder has vanished, unless the error
 * says that the reversal hangs as well. LOST when somebody else took it back.
 */
gboolean suture_transition_finish_enable(const SutureLivepatch *livepatch, const gchar *name, guint timeout,
					 GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Disables the patch @name and waits until its folder has vanished. On a stall or a signal it is enabled
 * again, so that it is live as before: STALLED or COMMON-CANCELLED.
 */
gboolean suture_transition_disable(const SutureLivepatch *livepatch, const gchar *name, guint timeout,
				   GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The same without giving up for a signal and without going back: for undoing what has just been done. */
gboolean suture_transition_undo(const SutureLivepatch *livepatch, const gchar *name, guint timeout,
				GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Waits until no patch is in transition; BUSY names the one that is, and the tasks, after @timeout seconds.
 */
gboolean suture_transition_wait_idle(const SutureLivepatch *livepatch, guint timeout,
				     GError **error) G_GNUC_WARN_UNUSED_RESULT;
