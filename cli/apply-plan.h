/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli/host-view.h"

/* What `suture apply` is going to do. */
typedef struct {
	GPtrArray *bundles; /* const SutureStored*, borrowed from the view: to be made live, bottom first */
	const gchar *
		*order; /* borrowed ids of the whole stack as it shall be, bottom first; NULL-terminated */
} SutureApplyPlan;
void suture_apply_plan_free(SutureApplyPlan *plan);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureApplyPlan, suture_apply_plan_free)

/*
 * @wanted: ids or names, with what they require; NULL: all that policy lets. One that is not in the stores:
 * NOT-INSTALLED; one that policy forbids: POLICY-REFUSED with the rule; for another kernel: the mismatch.
 * CYCLE, GAP and CONFLICT as suture_policy_order() finds them.
 */
SutureApplyPlan *suture_apply_plan_new(const SutureHostView *view, const gchar *const *wanted,
				       GError **error) G_GNUC_WARN_UNUSED_RESULT;
