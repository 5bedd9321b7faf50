/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "applier/apply.h"

/* What taking patches out would do. All but the lists themselves is borrowed from the stack. */
typedef struct {
	GPtrArray *entries;  /* const SutureStackEntry*, in the order of work: top first */
	GPtrArray *reopened; /* const gchar*: vulnerabilities fixed by them and by nothing that stays live */
	GPtrArray *not_restored; /* const gchar*: ids that cumulative ones among them had replaced */
} SutureRevertPlan;
void suture_revert_plan_free(SutureRevertPlan *plan);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureRevertPlan, suture_revert_plan_free)

/*
 * @wanted: ids or names of live patches (and, while a live copy is unreadable, names of modules that look
 * foreign); NULL: all of ours. NOT-LIVE names one that is not in the kernel;
 * STACK-NOT-TOP one with patches above it that are not wanted, and those patches. An empty plan (nothing is
 * live) is success when @wanted is NULL.
 */
SutureRevertPlan *suture_revert_plan_new(const SutureLiveStack *stack, const gchar *const *wanted,
					 GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Takes the plan's patches out: disable, wait until the folder vanishes, drop the live copy, unload; a module
 * that the framework keeps loaded (model immediate, or forced) is none to wait for. A
 * transition that stalls is sent back, so that its patch stays live: STALLED. Codes: SUTURE_APPLY_ERROR,
 * COMMON-CANCELLED. Events: "revert", "refuse". @done gets a SutureApplied for each.
 */
gboolean suture_revert(const SutureApplyOptions *options, const SutureRevertPlan *plan, GPtrArray *done,
		       GError **error) G_GNUC_WARN_UNUSED_RESULT;
