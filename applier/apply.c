// SPDX-License-Identifier: LGPL-2.1-or-later
#include "applier/apply.h"

#include "applier/functions.h"
#include "applier/load.h"
#include "applier/provider.h"
#include "applier/ready.h"
#include "applier/settle.h"
#include "common/cancel.h"

#include <string.h>

typedef struct {
	const SutureApplyOptions *options;
	SutureLivepatch *livepatch;
	SutureLiveStack *stack; /* as it was before */
} Apply;

void suture_applied_free(SutureApplied *applied)
{
	g_free(applied->id);
	g_free(applied);
}

/* What is live is at the bottom of the wanted order, and in the same order. */
static gboolean check_order(const Apply *apply, const gchar *const *order, GError **error)
{
	for (guint i = 0; i < apply->stack->entries->len; i++) {
		const SutureStackEntry *entry = apply->stack->entries->pdata[i];

		if (!entry->copy || !suture_stack_entry_is_live(entry))
			continue;
		if (*order && strcmp(*order, entry->id) == 0) {
			order++;
			continue;
		}
		g_set_error(error, SUTURE_APPLY_ERROR, SUTURE_APPLY_ERROR_STACK_ORDER,
			    "%s: would have to be below %s, which is live; revert down to it first",
			    *order ? *order : "the new patch", entry->id);
		return FALSE;
	}
	return TRUE;
}

/* The kernel lets a cumulative patch replace every livepatch of its provider, whoever made it. */
static gboolean check_foreign(const Apply *apply, const SutureStored *stored, GError **error)
{
	for (guint i = 0; stored->manifest->patch.stack.cumulative && i < apply->stack->entries->len; i++) {
		const SutureStackEntry *entry = apply->stack->entries->pdata[i];

		if (entry->copy || suture_stack_entry_provider(entry) != stored->manifest->patch.provider)
			continue;
		g_set_error(
			error, SUTURE_APPLY_ERROR, SUTURE_APPLY_ERROR_STACK_FOREIGN,
			"%s: is cumulative and would remove the livepatch %s, which Suture did not apply; "
			"take that one out with the tool that applied it",
			stored->id, entry->id);
		return FALSE;
	}
	return TRUE;
}

static gboolean set_claimed(const SutureStored *stored, const gchar *function, const gchar *other,
			    GError **error)
{
	g_set_error(
		error, SUTURE_APPLY_ERROR, SUTURE_APPLY_ERROR_CLAIMED,
		"%s: replaces %s, as %s does, which is for the other livepatch provider: the kernel lets one "
		"of them redirect a function; revert or deny one",
		stored->id, function, other);
	return FALSE;
}

/* What the other provider redirects cannot be redirected once more. */
static gboolean check_claims(const Apply *apply, const SutureStored *stored, GError **error)
{
	const SutureManifest *manifest = stored->manifest;

	for (guint i = 0; i < apply->stack->patches->len; i++) {
		const SutureSysfsPatch *patch = apply->stack->patches->pdata[i];

		for (guint j = 0; patch->provider != manifest->patch.provider && j < manifest->modules->len;
		     j++) {
			g_autofree gchar *function =
				suture_functions_in_patch(manifest->modules->pdata[j], patch);

			if (function)
				return set_claimed(stored, function, patch->name, error);
		}
	}
	return TRUE;
}

/* The same among those that are to be applied. */
static gboolean check_claim(const SutureStored *stored, const SutureStored *other, GError **error)
{
	GPtrArray *modules = stored->manifest->modules, *others = other->manifest->modules;

	for (guint i = 0; i < modules->len; i++)
		for (guint j = 0; j < others->len; j++) {
			g_autofree gchar *function =
				suture_functions_in_module(modules->pdata[i], others->pdata[j]);

			if (function)
				return set_claimed(stored, function, other->id, error);
		}
	return TRUE;
}

static gboolean check_claims_among(GPtrArray *bundles, GError **error)
{
	for (guint i = 0; i < bundles->len; i++)
		for (guint j = 0; j < i; j++) {
			const SutureStored *stored = bundles->pdata[i], *below = bundles->pdata[j];

			if (stored->manifest->patch.provider != below->manifest->patch.provider &&
			    !check_claim(stored, below, error))
				return FALSE;
		}
	return TRUE;
}

/* Its copy would be overwritten, and the patch that the kernel has lose what little is known of it. */
static gboolean check_fault(const Apply *apply, const SutureStored *stored, GError **error)
{
	if (!suture_live_stack_has_faults(apply->stack))
		return TRUE;
	for (guint i = 0; i < apply->stack->faults->len; i++) {
		const SutureStoredFault *fault = apply->stack->faults->pdata[i];
		g_autofree gchar *id = g_path_get_basename(fault->path);

		if (strcmp(id, stored->id) != 0)
			continue;
		g_propagate_prefixed_error(error, g_error_copy(fault->error), "%s: ", fault->path);
		return FALSE;
	}
	return TRUE;
}

static SutureReady *verify_one(const Apply *apply, const SutureStored *stored, GError **error)
{
	const SutureApplyOptions *options = apply->options;
	g_autoptr(GError) cause = NULL;
	g_autoptr(SutureReady) ready = suture_ready_new(options, apply->livepatch, stored, &cause);
	gboolean fine = ready && check_foreign(apply, stored, &cause) &&
			check_claims(apply, stored, &cause) && check_fault(apply, stored, &cause);

	if (!suture_apply_record(options, fine ? "verify" : "refuse", stored->id, stored->manifest_sha256,
				 ready ? ready->receipt : NULL, cause, "at rest, before applying", error))
		return NULL;
	if (!fine) {
		g_propagate_error(error, g_steal_pointer(&cause));
		return NULL;
	}
	return suture_ready_accept(options, ready, error) ? g_steal_pointer(&ready) : NULL;
}

static GPtrArray *verify_all(const Apply *apply, GPtrArray *bundles, GError **error)
{
	g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func((GDestroyNotify)suture_ready_free);

	for (guint i = 0; i < bundles->len; i++) {
		SutureReady *ready;

		if (!suture_cancel_check(error))
			return NULL;
		ready = verify_one(apply, bundles->pdata[i], error);
		if (!ready)
			return NULL;
		g_ptr_array_add(all, ready);
	}
	return g_steal_pointer(&all);
}

static SutureStay stay_of(const SutureStored *stored)
{
	return suture_stay(stored->manifest->patch.provider, stored->manifest->patch.consistency);
}

static gboolean unload_leftover(const SutureStored *stored, const gchar *name, GError **error)
{
	gboolean pinned;

	if (!suture_module_unload(name, stay_of(stored), &pinned, error))
		return FALSE;
	if (!pinned)
		return TRUE;
	g_set_error(
		error, SUTURE_APPLY_ERROR, SUTURE_APPLY_ERROR_MODULE_PINNED,
		"%s: the module %s was reverted and stays loaded until the next boot, so that it cannot be "
		"loaded again: reboot, or apply another version of the patch",
		stored->id, name);
	return FALSE;
}

/* A disabled livepatch that stayed loaded gives its name free; anything else of that name stays. */
static gboolean clear_name(const Apply *apply, const SutureStored *stored, const gchar *name, GError **error)
{
	if (!suture_livepatch_module_loaded(apply->livepatch, name))
		return TRUE;
	if (suture_livepatch_module_is_patch(apply->livepatch, name)) {
		g_autoptr(SutureSysfsPatch) patch = NULL;

		if (!suture_livepatch_poll(apply->livepatch, name, &patch, error))
			return FALSE;
		if (!patch)
			return unload_leftover(stored, name, error);
	}
	g_set_error(error, SUTURE_APPLY_ERROR, SUTURE_APPLY_ERROR_MODULE_EXISTS,
		    "%s: a module named %s is in the kernel already; revert or unload it first", stored->id,
		    name);
	return FALSE;
}

/* After a crash between two modules of one bundle, the first is in place. */
static gboolean is_in_place(const Apply *apply, const SutureStored *stored, const gchar *name)
{
	const SutureStackEntry *entry = suture_live_stack_find(apply->stack, stored->id);

	for (guint i = 0; entry && i < entry->patches->len; i++) {
		const SutureSysfsPatch *patch = entry->patches->pdata[i];

		if (strcmp(patch->name, name) == 0)
			return patch->enabled && !patch->transition;
	}
	return FALSE;
}

/* @loaded gets the name as soon as the kernel has the module. */
static gboolean load_one(const Apply *apply, const SutureReady *ready, guint index, GPtrArray *loaded,
			 gint64 *waited, GError **error)
{
	const SutureModule *module = ready->stored->manifest->modules->pdata[index];
	g_autofree gchar *name = suture_module_kernel_name(module);
	gint64 start;

	if (is_in_place(apply, ready->stored, name))
		return TRUE;
	start = g_get_monotonic_time();
	if (!clear_name(apply, ready->stored, name, error) ||
	    !suture_module_load(suture_livepatch_root(apply->livepatch),
				GPOINTER_TO_INT(ready->modules->pdata[index]), name,
				ready->stored->manifest->patch.consistency, error))
		return FALSE;
	g_ptr_array_add(loaded, g_strdup(name));
	if (!suture_transition_finish_enable(apply->livepatch, name, apply->options->timeout, error))
		return FALSE;
	*waited += g_get_monotonic_time() - start;
	return suture_functions_check(apply->livepatch, module, error);
}

static gboolean load_all(const Apply *apply, const SutureReady *ready, GPtrArray *loaded, gint64 *waited,
			 GError **error)
{
	for (guint i = 0; i < ready->modules->len; i++)
		if (!suture_cancel_check(error) || !load_one(apply, ready, i, loaded, waited, error))
			return FALSE;
	return TRUE;
}

/* A module that stays loaded patches nothing any more: that is all that is asked for here. */
static gboolean take_out(const Apply *apply, const gchar *name, SutureStay stay, GError **error)
{
	gboolean pinned;

	return suture_transition_undo(apply->livepatch, name, apply->options->timeout, error) &&
	       suture_module_unload(name, stay, &pinned, error);
}

/* Takes back what was loaded, top down. The copy stays as long as the kernel has any of it. */
static gboolean take_back(const Apply *apply, const SutureReady *ready, GPtrArray *loaded, GError **error)
{
	const SutureApplyOptions *options = apply->options;

	for (guint i = loaded->len; i > 0; i--)
		if (!take_out(apply, loaded->pdata[i - 1], stay_of(ready->stored), error))
			return FALSE;
	if (suture_live_stack_find(apply->stack, ready->stored->id))
		return TRUE;
	return suture_live_drop(options->root, options->boot_id, ready->stored->id, error);
}

/* Takes back, records the failure, and hands @cause on; further trouble only extends it. */
static gboolean fail(const Apply *apply, const SutureReady *ready, GPtrArray *loaded, GError *cause,
		     GError **error)
{
	const SutureStored *stored = ready->stored;
	g_autoptr(GError) trouble = NULL;
	gboolean back;

	g_prefix_error(&cause, "%s: ", stored->id);
	back = take_back(apply, ready, loaded, &trouble);
	if (!back)
		g_prefix_error(&cause, "(it could not be taken back: %s) ", trouble->message);
	g_clear_error(&trouble);
	if (!suture_apply_record(apply->options, back && loaded->len > 0 ? "reverse" : "refuse", stored->id,
				 stored->manifest_sha256, ready->receipt, cause, NULL, &trouble))
		g_prefix_error(&cause, "(not recorded: %s) ", trouble->message);
	g_propagate_error(error, cause);
	return FALSE;
}

/* After a cumulative patch the kernel drops those below by itself, a moment later; never those of the other
 * provider. */
static gboolean settle_entry(const Apply *apply, const SutureStackEntry *entry, const gchar *by,
			     GError **error)
{
	for (guint i = entry->patches->len; i > 0; i--) {
		const SutureSysfsPatch *before = entry->patches->pdata[i - 1];
		g_autoptr(SutureSysfsPatch) now = NULL;

		if (!suture_livepatch_poll(apply->livepatch, before->name, &now, error))
			return FALSE;
		/* Not replaced after all: it stays what it is, live. */
		if (now && now->enabled)
			return TRUE;
		if (!take_out(apply, before->name, suture_stack_entry_stay(entry), error))
			return FALSE;
	}
	return !entry->copy || suture_settle_replaced(apply->options, entry->copy, by, error);
}

static gboolean settle_replaced(const Apply *apply, const SutureStored *stored, GError **error)
{
	if (!stored->manifest->patch.stack.cumulative)
		return TRUE;
	for (guint i = 0; i < apply->stack->entries->len; i++) {
		const SutureStackEntry *entry = apply->stack->entries->pdata[i];

		if (strcmp(entry->id, stored->id) != 0 && !settle_entry(apply, entry, stored->id, error))
			return FALSE;
	}
	return TRUE;
}

static gboolean apply_one(const Apply *apply, const SutureReady *ready, SutureApplied **ret, GError **error)
{
	const SutureApplyOptions *options = apply->options;
	const SutureStored *stored = ready->stored;
	g_autoptr(GPtrArray) loaded = g_ptr_array_new_with_free_func(g_free);
	gint64 start = g_get_monotonic_time(), waited = 0;
	g_autofree gchar *detail = NULL;
	GError *cause = NULL;

	if (!suture_live_write(options->root, options->boot_id, stored, ready->receipt, &cause) ||
	    !load_all(apply, ready, loaded, &waited, &cause))
		return fail(apply, ready, loaded, cause, error);
	detail = g_strdup_printf("%u modules", ready->modules->len);
	if (!suture_apply_record(options, "apply", stored->id, stored->manifest_sha256, ready->receipt, NULL,
				 detail, error) ||
	    !suture_live_set_pending(options->root, options->boot_id, stored->id, NULL, error) ||
	    !settle_replaced(apply, stored, error))
		return FALSE;
	*ret = g_new(SutureApplied, 1);
	**ret = (SutureApplied){
		.id = g_strdup(stored->id),
		.total_us = g_get_monotonic_time() - start,
		.transition_us = waited,
	};
	return TRUE;
}

static gboolean drop_faults(const Apply *apply, GError **error)
{
	const SutureApplyOptions *options = apply->options;

	if (suture_live_stack_has_faults(apply->stack))
		return TRUE;
	for (guint i = 0; i < apply->stack->faults->len; i++) {
		const SutureStoredFault *fault = apply->stack->faults->pdata[i];
		g_autofree gchar *id = g_path_get_basename(fault->path);

		if (!suture_live_drop(options->root, options->boot_id, id, error))
			return FALSE;
	}
	return TRUE;
}

static gboolean clean_copies(const Apply *apply, GError **error)
{
	const SutureApplyOptions *options = apply->options;

	for (guint i = 0; i < apply->stack->copies->len; i++) {
		const SutureLiveCopy *copy = apply->stack->copies->pdata[i];

		if (suture_live_copy_is_stale(apply->stack, copy) &&
		    !suture_live_drop(options->root, options->boot_id, copy->id, error))
			return FALSE;
	}
	return drop_faults(apply, error) && suture_live_prune(options->root, options->boot_id, error);
}

/* The stack changes with each patch that is applied: read again rather than kept up by hand. */
static gboolean refresh(Apply *apply, GError **error)
{
	g_clear_pointer(&apply->stack, suture_live_stack_free);
	apply->stack = suture_live_stack_read(apply->livepatch, apply->options->root, apply->options->boot_id,
					      error);
	return apply->stack != NULL;
}

static gboolean apply_all(Apply *apply, GPtrArray *all, GPtrArray *done, GError **error)
{
	for (guint i = 0; i < all->len; i++) {
		const SutureReady *ready = all->pdata[i];
		const SutureStackEntry *entry;
		SutureApplied *applied;

		if (!refresh(apply, error))
			return FALSE;
		entry = suture_live_stack_find(apply->stack, ready->stored->id);
		if (entry && suture_stack_entry_is_live(entry))
			continue; /* it was in transition when it was planned */
		if (!apply_one(apply, all->pdata[i], &applied, error))
			return FALSE;
		g_ptr_array_add(done, applied);
	}
	return TRUE;
}

/* Once everything that can be refused before has been. */
static gboolean load_framework(Apply *apply, GPtrArray *bundles, GError **error)
{
	const SutureApplyOptions *options = apply->options;

	for (guint i = 0; i < bundles->len; i++) {
		const SutureStored *stored = bundles->pdata[i];
		g_autoptr(GError) cause = NULL;

		if (stored->manifest->patch.provider != SUTURE_PROVIDER_FRAMEWORK ||
		    suture_framework_load(apply->livepatch, options->root, options->kernel->release, &cause))
			continue;
		g_prefix_error(&cause, "%s: ", stored->id);
		if (suture_apply_record(options, "refuse", stored->id, stored->manifest_sha256, NULL, cause,
					NULL, error))
			g_propagate_error(error, g_steal_pointer(&cause));
		return FALSE;
	}
	return TRUE;
}

static gboolean run(Apply *apply, GPtrArray *bundles, const gchar *const *order, GPtrArray *done,
		    GError **error)
{
	g_autoptr(GPtrArray) all = NULL;
	g_autoptr(GError) cause = NULL;

	if (!suture_transition_wait_idle(apply->livepatch, apply->options->timeout, &cause))
		return suture_apply_refuse(apply->options, g_steal_pointer(&cause), error);
	if (!refresh(apply, error) || !suture_settle(apply->options, apply->livepatch, apply->stack, error) ||
	    !refresh(apply, error))
		return FALSE;
	if (!check_order(apply, order, &cause) || !check_claims_among(bundles, &cause))
		return suture_apply_refuse(apply->options, g_steal_pointer(&cause), error);
	all = verify_all(apply, bundles, error);
	return all && clean_copies(apply, error) && load_framework(apply, bundles, error) &&
	       apply_all(apply, all, done, error);
}

/* A host without any provider is told so at once, unless the framework can be loaded. */
static gboolean check_host(const SutureLivepatch *livepatch, GPtrArray *bundles, GError **error)
{
	for (guint i = 0; i < bundles->len; i++) {
		const SutureStored *stored = bundles->pdata[i];

		if (stored->manifest->patch.provider == SUTURE_PROVIDER_FRAMEWORK)
			return suture_livepatch_check_real(livepatch, error);
	}
	return suture_livepatch_has_any(livepatch, error) && suture_livepatch_check_real(livepatch, error);
}

gboolean suture_apply(const SutureApplyOptions *options, GPtrArray *bundles, const gchar *const *order,
		      GPtrArray *done, GError **error)
{
	g_autoptr(GError) cause = NULL;
	g_autoptr(SutureLivepatch) livepatch = suture_livepatch_open(options->root, &cause);
	Apply apply = {options, livepatch, NULL};
	gboolean fine;

	if (!livepatch || !check_host(livepatch, bundles, &cause))
		return suture_apply_refuse(options, g_steal_pointer(&cause), error);
	fine = run(&apply, bundles, order, done, error);
	g_clear_pointer(&apply.stack, suture_live_stack_free);
	return fine;
}

gboolean suture_apply_check(const SutureApplyOptions *options, GPtrArray *bundles, GError **error)
{
	g_autoptr(SutureLivepatch) livepatch = suture_livepatch_open(options->root, error);

	for (guint i = 0; livepatch && i < bundles->len; i++) {
		g_autoptr(SutureReady) ready = suture_ready_new(options, livepatch, bundles->pdata[i], error);

		if (!ready)
			return FALSE;
	}
	return livepatch != NULL;
}
