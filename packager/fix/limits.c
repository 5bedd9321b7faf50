// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/fix/limits.h"

#include "packager/fix/selection.h"

#include <string.h>

#define VMLINUX "vmlinux"

/* Since Linux 6.3 the kernel undoes what it filled in for a module that goes. */
static gboolean forgets_modules(SutureKernelView *view)
{
	const SutureRunning *vmlinux = suture_kernel_view_object(view, VMLINUX, NULL);
	SutureRunningSymbol symbol;

	return vmlinux && suture_running_symbol(vmlinux, "clear_relocate_add", 0, &symbol);
}

static gboolean refers_to(const SutureFixUnit *unit, const gchar *module)
{
	for (guint i = 0; unit->diff && i < unit->diff->references->len; i++) {
		const SutureDiffReference *reference = unit->diff->references->pdata[i];

		if (strcmp(reference->target.object, module) == 0)
			return TRUE;
	}
	return FALSE;
}

static void note_module(const GPtrArray *units, const gchar *module, GPtrArray *notes)
{
	for (guint i = 0; i < units->len; i++)
		if (refers_to(units->pdata[i], module)) {
			g_ptr_array_add(
				notes,
				suture_note_new(module,
						"once unloaded, this module cannot be loaded again on "
						"this kernel (before 6.3) while the patch is live: "
						"revert the patch first, or build it for the framework"));
			return;
		}
}

static void note_modules(const GPtrArray *units, GPtrArray *notes)
{
	g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

	for (guint i = 0; i < units->len; i++) {
		const SutureFixUnit *unit = units->pdata[i];

		if (strcmp(unit->object, VMLINUX) != 0 && g_hash_table_add(seen, unit->object))
			note_module(units, unit->object, notes);
	}
}

static guint count_changed(const GPtrArray *units)
{
	guint count = 0;

	for (guint i = 0; i < units->len; i++) {
		const SutureFixUnit *unit = units->pdata[i];

		for (guint j = 0; unit->diff && j < unit->diff->functions->len; j++)
			count += ((SutureDiffFunction *)unit->diff->functions->pdata[j])->kind ==
				 SUTURE_DIFF_CHANGED;
	}
	return count;
}

void suture_limits_note(const SutureFixRequest *request, const GPtrArray *units, SutureKernelView *view,
			GPtrArray *notes)
{
	if (request->provider == SUTURE_PROVIDER_KERNEL && !forgets_modules(view))
		note_modules(units, notes);
	if (request->consistency == SUTURE_CONSISTENCY_IMMEDIATE && count_changed(units) > 1)
		g_ptr_array_add(notes,
				suture_note_new(request->name,
						"its functions change at different moments (consistency "
						"immediate): none may depend on another being the new one"));
}
