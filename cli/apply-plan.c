// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/apply-plan.h"

#include "packager/read/kernel.h"

void suture_apply_plan_free(SutureApplyPlan *plan)
{
	g_ptr_array_unref(plan->bundles);
	g_free(plan->order);
	g_free(plan);
}

static const SutureStatusRow *row_of(const SutureDecision *decision)
{
	return decision->candidate->data;
}

static gboolean takes_part(const SutureDecision *decision)
{
	return decision->verdict == SUTURE_VERDICT_APPLY || decision->verdict == SUTURE_VERDICT_LIVE;
}

/* Why a patch that was asked for by name is not applied. */
static gboolean refuse(const SutureHostView *view, const SutureDecision *decision, GError **error)
{
	const SutureStatusRow *row = row_of(decision);

	if (decision->verdict == SUTURE_VERDICT_MISMATCH &&
	    !suture_kernel_match(&row->manifest->patch.kernel, &view->kernel, row->id, error))
		return FALSE;
	g_set_error(error, SUTURE_POLICY_ERROR, SUTURE_POLICY_ERROR_REFUSED,
		    "%s: %s by rule '%s'%s%s; 'suture policy explain' says more", row->id,
		    suture_verdict_name(decision->verdict), decision->rule, decision->detail ? ": " : "",
		    decision->detail ? decision->detail : "");
	return FALSE;
}

/* Adds every candidate that @entry names and that takes part; *@ret_other gets one that does not. */
static gboolean choose(const SutureHostView *view, const gchar *entry, GPtrArray *chosen,
		       const SutureDecision **ret_other)
{
	gboolean found = FALSE;

	*ret_other = NULL;
	for (guint i = 0; i < view->decisions->len; i++) {
		SutureDecision *decision = view->decisions->pdata[i];

		if (!suture_patch_matches(decision->candidate->patch, entry))
			continue;
		if (!takes_part(decision)) {
			*ret_other = decision;
			continue;
		}
		found = TRUE;
		if (!g_ptr_array_find(chosen, decision, NULL))
			g_ptr_array_add(chosen, decision);
	}
	return found;
}

static gboolean choose_wanted(const SutureHostView *view, const gchar *const *wanted, GPtrArray *chosen,
			      GError **error)
{
	const SutureDecision *other;

	for (; *wanted; wanted++) {
		if (choose(view, *wanted, chosen, &other))
			continue;
		if (other)
			return refuse(view, other, error);
		g_set_error(
			error, SUTURE_APPLY_ERROR, SUTURE_APPLY_ERROR_NOT_INSTALLED,
			"%s: no bundle of this id or name is installed for %s; 'suture list' shows what is, "
			"'suture fetch' gets more",
			*wanted, view->kernel.release);
		return FALSE;
	}
	return TRUE;
}

SutureApplyPlan *suture_apply_plan_new(const SutureHostView *view, const gchar *const *wanted, GError **error)
{
	g_autoptr(GPtrArray) chosen = wanted ? g_ptr_array_new() : NULL;
	g_autofree const gchar **live = suture_status_live_ids(view->status);
	g_autoptr(GPtrArray) part = NULL;
	g_autoptr(GPtrArray) order = NULL;
	SutureApplyPlan *plan;

	if (wanted && !choose_wanted(view, wanted, chosen, error))
		return NULL;
	/* Live patches always take part: the order is that of the whole stack. */
	if (wanted)
		part = suture_policy_select(view->decisions, chosen);
	order = suture_policy_order(wanted ? part : view->decisions, live, error);
	if (!order)
		return NULL;
	plan = g_new(SutureApplyPlan, 1);
	plan->bundles = g_ptr_array_new();
	plan->order = g_new0(const gchar *, order->len + 1);
	for (guint i = 0; i < order->len; i++) {
		const SutureCandidate *candidate = order->pdata[i];
		const SutureStatusRow *row = candidate->data;

		plan->order[i] = row->id;
		if (!candidate->live && row->stored)
			g_ptr_array_add(plan->bundles, (gpointer)row->stored);
	}
	return plan;
}
