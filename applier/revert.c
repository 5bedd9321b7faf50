// SPDX-License-Identifier: LGPL-2.1-or-later
#include "applier/revert.h"

#include "applier/load.h"
#include "applier/ready.h"
#include "common/cancel.h"

#include <string.h>

void suture_revert_plan_free(SutureRevertPlan *plan)
{
	g_ptr_array_unref(plan->entries);
	g_ptr_array_unref(plan->reopened);
	g_ptr_array_unref(plan->not_restored);
	g_free(plan);
}

/* Where a copy is unreadable, what looks foreign may be ours, and goes by its module's name. */
static gboolean is_wanted(const SutureLiveStack *stack, const SutureStackEntry *entry,
			  const gchar *const *wanted)
{
	if (!entry->copy)
		return wanted && stack->faults->len > 0 && g_strv_contains(wanted, entry->id);
	for (; wanted && *wanted; wanted++)
		if (suture_patch_matches(&entry->copy->manifest->patch, *wanted))
			return TRUE;
	return wanted == NULL;
}

static gboolean check_wanted(const SutureLiveStack *stack, const gchar *const *wanted, GError **error)
{
	for (; wanted && *wanted; wanted++) {
		const gchar *const one[] = {*wanted, NULL};
		gboolean found = FALSE;

		for (guint i = 0; i < stack->entries->len && !found; i++)
			found = is_wanted(stack, stack->entries->pdata[i], one);
		if (found)
			continue;
		g_set_error(error, SUTURE_APPLY_ERROR, SUTURE_APPLY_ERROR_NOT_LIVE,
			    "%s: no patch of this id or name is live; 'suture list' shows what is", *wanted);
		return FALSE;
	}
	return TRUE;
}

/* What stays above entry @index: "a, b", or "". Of somebody else's patches those of its own provider count:
 * the others are in a stack of their own, and no manifest says that they belong above. */
static gchar *list_above(const SutureLiveStack *stack, guint index, const gchar *const *wanted)
{
	SutureProvider provider = suture_stack_entry_provider(stack->entries->pdata[index]);
	g_autoptr(GString) above = g_string_new(NULL);

	for (guint i = stack->entries->len - 1; i > index; i--) {
		const SutureStackEntry *entry = stack->entries->pdata[i];

		if (!is_wanted(stack, entry, wanted) &&
		    (entry->copy || suture_stack_entry_provider(entry) == provider))
			g_string_append_printf(above, "%s%s%s", above->len > 0 ? ", " : "", entry->id,
					       entry->copy ? "" : " (not applied by Suture)");
	}
	return g_string_free(g_steal_pointer(&above), FALSE);
}

/* Top down; whatever stays must be below all that goes. */
static gboolean collect_entries(const SutureLiveStack *stack, const gchar *const *wanted, GPtrArray *entries,
				GError **error)
{
	for (guint i = stack->entries->len; i > 0; i--) {
		const SutureStackEntry *entry = stack->entries->pdata[i - 1];
		g_autofree gchar *above = NULL;

		if (!is_wanted(stack, entry, wanted))
			continue;
		above = list_above(stack, i - 1, wanted);
		if (*above) {
			g_set_error(error, SUTURE_APPLY_ERROR, SUTURE_APPLY_ERROR_STACK_NOT_TOP,
				    "%s: below %s; revert those too, or --all", entry->id, above);
			return FALSE;
		}
		g_ptr_array_add(entries, (gpointer)entry);
	}
	return TRUE;
}

static void add_fixed(GHashTable *ids, const SutureStackEntry *entry)
{
	GPtrArray *list = entry->copy ? entry->copy->manifest->patch.vulnerabilities : NULL;

	for (guint i = 0; list && i < list->len; i++) {
		const SutureVulnerability *vulnerability = list->pdata[i];

		if (strcmp(vulnerability->status, "fixed") == 0)
			g_hash_table_add(ids, vulnerability->id);
	}
}

static gint compare_names(gconstpointer left, gconstpointer right)
{
	return strcmp(*(const gchar *const *)left, *(const gchar *const *)right);
}

static void collect_reopened(const SutureLiveStack *stack, SutureRevertPlan *plan)
{
	g_autoptr(GHashTable) going = g_hash_table_new(g_str_hash, g_str_equal);
	g_autoptr(GHashTable) staying = g_hash_table_new(g_str_hash, g_str_equal);
	GHashTableIter iter;
	gpointer id;

	for (guint i = 0; i < stack->entries->len; i++) {
		const SutureStackEntry *entry = stack->entries->pdata[i];
		gboolean goes = g_ptr_array_find(plan->entries, entry, NULL);

		if (goes || entry->enabled)
			add_fixed(goes ? going : staying, entry);
	}
	g_hash_table_iter_init(&iter, going);
	while (g_hash_table_iter_next(&iter, &id, NULL))
		if (!g_hash_table_contains(staying, id))
			g_ptr_array_add(plan->reopened, id);
	g_ptr_array_sort(plan->reopened, compare_names);
}

static gboolean plan_has(const SutureRevertPlan *plan, const gchar *id)
{
	for (guint i = 0; id && i < plan->entries->len; i++)
		if (strcmp(((const SutureStackEntry *)plan->entries->pdata[i])->id, id) == 0)
			return TRUE;
	return FALSE;
}

SutureRevertPlan *suture_revert_plan_new(const SutureLiveStack *stack, const gchar *const *wanted,
					 GError **error)
{
	g_autoptr(SutureRevertPlan) plan = g_new0(SutureRevertPlan, 1);

	plan->entries = g_ptr_array_new();
	plan->reopened = g_ptr_array_new();
	plan->not_restored = g_ptr_array_new();
	if (!check_wanted(stack, wanted, error) || !collect_entries(stack, wanted, plan->entries, error))
		return NULL;
	collect_reopened(stack, plan);
	for (guint i = 0; i < stack->copies->len; i++) {
		const SutureLiveCopy *copy = stack->copies->pdata[i];

		if (plan_has(plan, copy->replaced_by))
			g_ptr_array_add(plan->not_restored, copy->id);
	}
	return g_steal_pointer(&plan);
}

static gboolean disable_all(const SutureApplyOptions *options, const SutureLivepatch *livepatch,
			    const SutureStackEntry *entry, GError **error)
{
	for (guint i = entry->patches->len; i > 0; i--) {
		const SutureSysfsPatch *patch = entry->patches->pdata[i - 1];

		if (!suture_transition_disable(livepatch, patch->name, options->timeout, error))
			return FALSE;
	}
	return TRUE;
}

static gboolean drop_copies(const SutureApplyOptions *options, const SutureStackEntry *entry,
			    const SutureRevertPlan *plan, GError **error)
{
	for (guint i = 0; i < plan->not_restored->len; i++)
		if (!suture_live_drop(options->root, options->boot_id, plan->not_restored->pdata[i], error))
			return FALSE;
	return !entry->copy || suture_live_drop(options->root, options->boot_id, entry->id, error);
}

static gboolean unload_all(const SutureStackEntry *entry, gboolean *ret_pinned, GError **error)
{
	*ret_pinned = FALSE;
	for (guint i = entry->patches->len; i > 0; i--) {
		const SutureSysfsPatch *patch = entry->patches->pdata[i - 1];
		gboolean pinned;

		if (!suture_module_unload(patch->name, suture_stack_entry_stay(entry), &pinned, error))
			return FALSE;
		*ret_pinned = *ret_pinned || pinned;
	}
	return TRUE;
}

static gboolean record(const SutureApplyOptions *options, const SutureStackEntry *entry, const GError *cause,
		       const gchar *detail, GError **error)
{
	const SutureLiveCopy *copy = entry->copy;

	return suture_apply_record(options, cause ? "refuse" : "revert", entry->id,
				   copy ? copy->manifest_sha256 : NULL, copy ? copy->receipt : NULL, cause,
				   detail, error);
}

/* "reopens CVE-1, CVE-2", of those that this entry alone fixed. */
static gchar *describe(const SutureRevertPlan *plan, const SutureStackEntry *entry)
{
	g_autoptr(GHashTable) fixed = g_hash_table_new(g_str_hash, g_str_equal);
	g_autoptr(GString) text = g_string_new("reopens");

	add_fixed(fixed, entry);
	for (guint i = 0; i < plan->reopened->len; i++)
		if (g_hash_table_contains(fixed, plan->reopened->pdata[i]))
			g_string_append_printf(text, " %s", (const gchar *)plan->reopened->pdata[i]);
	return g_string_free(g_steal_pointer(&text), FALSE);
}

/* A crash then leaves the copy to say what is not in the ledger. So does a failure, as the patch may yet go.
 */
static gboolean set_pending(const SutureApplyOptions *options, const SutureStackEntry *entry, GError **error)
{
	return !entry->copy ||
	       suture_live_set_pending(options->root, options->boot_id, entry->id, SUTURE_LIVE_REVERT, error);
}

static gboolean revert_one(const SutureApplyOptions *options, const SutureLivepatch *livepatch,
			   const SutureStackEntry *entry, const SutureRevertPlan *plan, SutureApplied **ret,
			   GError **error)
{
	gint64 start = g_get_monotonic_time(), disabled;
	g_autofree gchar *detail = describe(plan, entry);
	g_autoptr(GError) cause = NULL;
	gboolean pinned;

	if (!set_pending(options, entry, error))
		return FALSE;
	if (!disable_all(options, livepatch, entry, &cause)) {
		if (record(options, entry, cause, NULL, error))
			g_propagate_prefixed_error(error, g_steal_pointer(&cause), "%s: ", entry->id);
		return FALSE;
	}
	disabled = g_get_monotonic_time();
	if (!record(options, entry, NULL, detail, error) || !drop_copies(options, entry, plan, error) ||
	    !unload_all(entry, &pinned, error))
		return FALSE;
	*ret = g_new(SutureApplied, 1);
	**ret = (SutureApplied){
		.id = g_strdup(entry->id),
		.total_us = g_get_monotonic_time() - start,
		.transition_us = disabled - start,
		.pinned = pinned,
	};
	return TRUE;
}

gboolean suture_revert(const SutureApplyOptions *options, const SutureRevertPlan *plan, GPtrArray *done,
		       GError **error)
{
	g_autoptr(GError) cause = NULL;
	g_autoptr(SutureLivepatch) livepatch = suture_livepatch_open(options->root, &cause);

	if (!livepatch || !suture_livepatch_check_real(livepatch, &cause))
		return suture_apply_refuse(options, g_steal_pointer(&cause), error);
	for (guint i = 0; i < plan->entries->len; i++) {
		SutureApplied *applied;

		if (!suture_cancel_check(error) ||
		    !revert_one(options, livepatch, plan->entries->pdata[i], plan, &applied, error))
			return FALSE;
		g_ptr_array_add(done, applied);
	}
	return TRUE;
}
