// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/fix/namespaces.h"

#include "packager/diff/object.h"

gboolean suture_namespaces_collect(const SutureFixUnit *unit, const SutureKernelView *view,
				   GPtrArray *namespaces, GError **error)
{
	g_autoptr(SutureObject) object = suture_object_read(unit->diff->extracted, unit->line->unit, error);

	for (guint i = 0; object && i < object->symbols->len; i++) {
		const SutureSymbol *symbol = object->symbols->pdata[i];
		const SutureExport *export =
			symbol->undefined ? suture_kernel_view_export(view, symbol->name) : NULL;

		if (export && export->name_space &&
		    !g_ptr_array_find_with_equal_func(namespaces, export->name_space, g_str_equal, NULL))
			g_ptr_array_add(namespaces, g_strdup(export->name_space));
	}
	return object != NULL;
}
