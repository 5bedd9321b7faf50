// SPDX-License-Identifier: LGPL-2.1-or-later
#include "applier/stack.h"

#include <string.h>

static void entry_free(SutureStackEntry *entry)
{
	g_ptr_array_unref(entry->patches);
	g_free(entry);
}

void suture_live_stack_free(SutureLiveStack *stack)
{
	g_clear_pointer(&stack->entries, g_ptr_array_unref);
	g_clear_pointer(&stack->patches, g_ptr_array_unref);
	g_clear_pointer(&stack->copies, g_ptr_array_unref);
	g_clear_pointer(&stack->faults, g_ptr_array_unref);
	g_free(stack);
}

/* A module of the same name that somebody else built is not ours, whatever a left-over copy says. */
static gboolean is_that_module(const SutureLivepatch *livepatch, const SutureModule *module,
			       const gchar *patch)
{
	g_autofree gchar *name = suture_module_kernel_name(module);
	g_autofree gchar *build_id = NULL;

	if (strcmp(name, patch) != 0)
		return FALSE;
	build_id = suture_livepatch_module_build_id(livepatch, name);
	return !build_id || !*module->build_id || strcmp(build_id, module->build_id) == 0;
}

static const SutureLiveCopy *copy_of(const SutureLivepatch *livepatch, GPtrArray *copies, const gchar *patch)
{
	for (guint i = 0; i < copies->len; i++) {
		const SutureLiveCopy *copy = copies->pdata[i];

		for (guint j = 0; !copy->replaced_by && j < copy->manifest->modules->len; j++)
			if (is_that_module(livepatch, copy->manifest->modules->pdata[j], patch))
				return copy;
	}
	return NULL;
}

static SutureStackEntry *entry_for(SutureLiveStack *stack, const SutureLiveCopy *copy,
				   const SutureSysfsPatch *patch)
{
	SutureStackEntry *entry;

	for (guint i = 0; copy && i < stack->entries->len; i++) {
		entry = stack->entries->pdata[i];
		if (entry->copy == copy)
			return entry;
	}
	entry = g_new0(SutureStackEntry, 1);
	entry->id = copy ? copy->id : patch->name;
	entry->copy = copy;
	entry->patches = g_ptr_array_new();
	entry->enabled = TRUE;
	g_ptr_array_add(stack->entries, entry);
	return entry;
}

SutureLiveStack *suture_live_stack_read(const SutureLivepatch *livepatch, const gchar *root,
					const gchar *boot_id, GError **error)
{
	g_autoptr(SutureLiveStack) stack = g_new0(SutureLiveStack, 1);

	stack->patches = suture_livepatch_list(livepatch, error);
	if (!stack->patches)
		return NULL;
	stack->faults = g_ptr_array_new_with_free_func((GDestroyNotify)suture_stored_fault_free);
	stack->copies = suture_live_load(root, boot_id, stack->faults);
	stack->entries = g_ptr_array_new_with_free_func((GDestroyNotify)entry_free);
	for (guint i = 0; i < stack->patches->len; i++) {
		const SutureSysfsPatch *patch = stack->patches->pdata[i];
		const SutureLiveCopy *copy = copy_of(livepatch, stack->copies, patch->name);
		SutureStackEntry *entry = entry_for(stack, copy, patch);

		g_ptr_array_add(entry->patches, (gpointer)patch);
		entry->enabled = entry->enabled && patch->enabled;
		entry->transition = entry->transition || patch->transition;
		entry->complete = !copy || entry->patches->len == copy->manifest->modules->len;
	}
	return g_steal_pointer(&stack);
}

const SutureStackEntry *suture_live_stack_find(const SutureLiveStack *stack, const gchar *id)
{
	for (guint i = 0; i < stack->entries->len; i++) {
		const SutureStackEntry *entry = stack->entries->pdata[i];

		if (entry->copy && strcmp(entry->id, id) == 0)
			return entry;
	}
	return NULL;
}

gboolean suture_live_stack_has_faults(const SutureLiveStack *stack)
{
	for (guint i = 0; stack->faults->len > 0 && i < stack->entries->len; i++)
		if (!((const SutureStackEntry *)stack->entries->pdata[i])->copy)
			return TRUE;
	return FALSE;
}

gboolean suture_stack_entry_is_live(const SutureStackEntry *entry)
{
	return entry->enabled && entry->complete && !entry->transition;
}

SutureProvider suture_stack_entry_provider(const SutureStackEntry *entry)
{
	return ((const SutureSysfsPatch *)entry->patches->pdata[0])->provider;
}

SutureStay suture_stack_entry_stay(const SutureStackEntry *entry)
{
	return suture_stay(suture_stack_entry_provider(entry),
			   entry->copy ? entry->copy->manifest->patch.consistency
				       : SUTURE_CONSISTENCY_PER_TASK);
}

gboolean suture_live_copy_is_stale(const SutureLiveStack *stack, const SutureLiveCopy *copy)
{
	return !suture_live_stack_find(stack, copy->replaced_by ? copy->replaced_by : copy->id);
}
