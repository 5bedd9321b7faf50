/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "applier/stack.h"
#include "applier/transition.h"
#include "spec/event.h"

/* What applying and reverting need to know. All borrowed. The caller holds the lock SUTURE_APPLY_LOCK. */
#define SUTURE_APPLY_LOCK "/run/suture/apply.lock"
typedef struct {
	const gchar *root; /* NULL: "/" */
	const gchar *boot_id;
	const SutureKernel *kernel;       /* the running one */
	const SutureTrust *trust;         /* not needed to revert */
	const gchar *module_certificates; /* path named to the user: what to enrol */
	gint64 now;                       /* seconds since the epoch */
	guint timeout;                    /* seconds for one transition */
	SutureEventSink sink;
	gpointer sink_data;
} SutureApplyOptions;

/* One patch that was made live (or reverted). */
typedef struct {
	gchar *id;
	gint64 total_us;      /* all of it */
	gint64 transition_us; /* of that, waiting for the kernel */
	gboolean pinned;      /* reverted, and a module of it stays loaded until the next boot */
} SutureApplied;
void suture_applied_free(SutureApplied *applied);

/* Records @cause as "refuse", about no bundle, and hands it on. Takes @cause; always FALSE. */
gboolean suture_apply_refuse(const SutureApplyOptions *options, GError *cause, GError **error);

/*
 * Checks each of @bundles (const SutureStored*) as suture_apply() would before it loads anything, and changes
 * and records nothing.
 */
gboolean suture_apply_check(const SutureApplyOptions *options, GPtrArray *bundles,
			    GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Makes @bundles (const SutureStored*, bottom first) live on top of what is. @order: ids of the whole stack
 * as it shall be, bottom first; it must begin with what is live now, as sysfs has it: STACK-ORDER.
 *
 * All bundles are verified at rest and pre-flighted first; what is loaded is the sealed copy that was
 * verified. The framework is loaded when one of them is for it. Then each in turn: copy under live/, load,
 * follow the transition, compare the functions that sysfs names with the manifest's. The first failure ends
 * it: that patch is taken back whole, those that were live before it (by this call or earlier) stay live.
 * @done gets a SutureApplied for each that succeeded.
 *
 * Codes: those of suture_stored_verify() and suture_kernel_match(), SUTURE_APPLY_ERROR, COMMON-CANCELLED.
 * Events: "verify", "accept", "refuse", "apply", "reverse", "revert" (of what was replaced), and what
 * suture_settle() records.
 */
gboolean suture_apply(const SutureApplyOptions *options, GPtrArray *bundles, const gchar *const *order,
		      GPtrArray *done, GError **error) G_GNUC_WARN_UNUSED_RESULT;
