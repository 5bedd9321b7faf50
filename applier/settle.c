// SPDX-License-Identifier: LGPL-2.1-or-later
#include "applier/settle.h"

#include "applier/functions.h"
#include "applier/ready.h"

#include <string.h>

#define LATE "recorded late: what did it ended before it could"

gboolean suture_settle_replaced(const SutureApplyOptions *options, const SutureLiveCopy *copy,
				const gchar *by, GError **error)
{
	g_autofree gchar *detail = g_strdup_printf("by %s", by);
	const SutureEvent event = {
		.event = "revert",
		.bundle = copy->id,
		.manifest_sha256 = copy->manifest_sha256,
		.package_sha256 = *copy->receipt->package_sha256 ? copy->receipt->package_sha256 : NULL,
		.reason = "replaced",
		.detail = detail,
	};

	return options->sink(&event, options->sink_data, error) &&
	       suture_live_set_replaced(options->root, options->boot_id, copy->id, by, error);
}

static gboolean check_functions(const SutureLivepatch *livepatch, const SutureLiveCopy *copy, GError **error)
{
	for (guint i = 0; i < copy->manifest->modules->len; i++)
		if (!suture_functions_check(livepatch, copy->manifest->modules->pdata[i], error))
			return FALSE;
	return TRUE;
}

static gboolean record(const SutureApplyOptions *options, const SutureLiveCopy *copy, const gchar *event,
		       const GError *cause, GError **error)
{
	return suture_apply_record(options, event, copy->id, copy->manifest_sha256, copy->receipt, cause,
				   LATE, error);
}

static gboolean settle_applied(const SutureApplyOptions *options, const SutureLivepatch *livepatch,
			       const SutureLiveCopy *copy, GError **error)
{
	g_autoptr(GError) cause = NULL;

	if (check_functions(livepatch, copy, &cause))
		return record(options, copy, "apply", NULL, error) &&
		       suture_live_set_pending(options->root, options->boot_id, copy->id, NULL, error);
	g_prefix_error(&cause, "%s: live, but its apply never ended; revert it: ", copy->id);
	if (record(options, copy, "refuse", cause, error))
		g_propagate_error(error, g_steal_pointer(&cause));
	return FALSE;
}

/* What is in motion or in part in the kernel has no outcome yet. */
static gboolean settle_pending(const SutureApplyOptions *options, const SutureLivepatch *livepatch,
			       const SutureLiveStack *stack, const SutureLiveCopy *copy, GError **error)
{
	const SutureStackEntry *entry = suture_live_stack_find(stack, copy->id);
	gboolean reverting = strcmp(copy->pending, SUTURE_LIVE_REVERT) == 0;

	if (!entry && reverting)
		return record(options, copy, "revert", NULL, error) &&
		       suture_live_drop(options->root, options->boot_id, copy->id, error);
	if (!entry || !suture_stack_entry_is_live(entry))
		return TRUE;
	if (reverting)
		return suture_live_set_pending(options->root, options->boot_id, copy->id, NULL, error);
	return settle_applied(options, livepatch, copy, error);
}

/* The cumulative patch that must have replaced what @copy is of: it is live and came later. */
static const SutureLiveCopy *find_replacing(const SutureLiveStack *stack, const SutureLiveCopy *copy)
{
	for (guint i = 0; i < stack->entries->len; i++) {
		const SutureStackEntry *entry = stack->entries->pdata[i];

		if (entry->copy && entry->copy->manifest->patch.stack.cumulative &&
		    entry->copy->manifest->patch.provider == copy->manifest->patch.provider &&
		    suture_stack_entry_is_live(entry) && entry->copy->written >= copy->written)
			return entry->copy;
	}
	return NULL;
}

gboolean suture_settle(const SutureApplyOptions *options, const SutureLivepatch *livepatch,
		       const SutureLiveStack *stack, GError **error)
{
	for (guint i = 0; i < stack->copies->len; i++) {
		const SutureLiveCopy *copy = stack->copies->pdata[i];

		if (copy->pending && !settle_pending(options, livepatch, stack, copy, error))
			return FALSE;
	}
	for (guint i = 0; i < stack->copies->len; i++) {
		const SutureLiveCopy *copy = stack->copies->pdata[i];
		const SutureLiveCopy *by = NULL;

		if (!copy->pending && !copy->replaced_by && suture_live_copy_is_stale(stack, copy))
			by = find_replacing(stack, copy);
		if (by && !suture_settle_replaced(options, copy, by->id, error))
			return FALSE;
	}
	return TRUE;
}
