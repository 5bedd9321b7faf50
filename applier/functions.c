// SPDX-License-Identifier: LGPL-2.1-or-later
#include "applier/functions.h"

#include <string.h>

/* sysfs shows a name that must be unique (sympos 0) as the first one. */
static gchar *sysfs_name(const SutureFunction *function)
{
	return g_strdup_printf("%s/%s,%" G_GUINT64_FORMAT, function->object, function->name,
			       MAX(function->sympos, 1));
}

static GHashTable *wanted_functions(const SutureModule *module)
{
	GHashTable *names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

	for (guint i = 0; i < module->functions->len; i++)
		g_hash_table_add(names, sysfs_name(module->functions->pdata[i]));
	return names;
}

static gboolean differ(const SutureSysfsPatch *patch, const gchar *function, const gchar *how, GError **error)
{
	g_set_error(error, SUTURE_APPLY_ERROR, SUTURE_APPLY_ERROR_FUNCTIONS,
		    "%s: %s %s; the manifest does not describe this module: report it to its vendor",
		    patch->name, function, how);
	return FALSE;
}

/* Takes the object's functions out of @wanted. */
static gboolean check_object(const SutureLivepatch *livepatch, const SutureSysfsPatch *patch,
			     const SutureSysfsObject *object, GHashTable *wanted, GError **error)
{
	gboolean present = strcmp(object->name, "vmlinux") == 0 ||
			   suture_livepatch_module_loaded(livepatch, object->name);

	if (present && object->patched == SUTURE_TRISTATE_NO)
		return differ(patch, object->name, "is loaded and was not patched", error);
	for (guint i = 0; i < object->functions->len; i++) {
		g_autofree gchar *name = g_build_filename(object->name, object->functions->pdata[i], NULL);

		if (!g_hash_table_remove(wanted, name))
			return differ(patch, name, "was patched and is not in the manifest", error);
	}
	return TRUE;
}

gboolean suture_functions_check(const SutureLivepatch *livepatch, const SutureModule *module, GError **error)
{
	g_autofree gchar *name = suture_module_kernel_name(module);
	g_autoptr(GHashTable) wanted = wanted_functions(module);
	g_autoptr(SutureSysfsPatch) patch = NULL;
	GHashTableIter iter;
	gpointer missing;

	if (!suture_livepatch_read(livepatch, name, &patch, error))
		return FALSE;
	if (!patch) {
		g_set_error(error, SUTURE_APPLY_ERROR, SUTURE_APPLY_ERROR_LOST,
			    "%s: somebody else took it out at once; see who manages livepatches on this host",
			    name);
		return FALSE;
	}
	for (guint i = 0; i < patch->objects->len; i++)
		if (!check_object(livepatch, patch, patch->objects->pdata[i], wanted, error))
			return FALSE;
	g_hash_table_iter_init(&iter, wanted);
	if (g_hash_table_iter_next(&iter, &missing, NULL))
		return differ(patch, missing, "is in the manifest and was not patched", error);
	return TRUE;
}

gchar *suture_functions_in_patch(const SutureModule *module, const SutureSysfsPatch *patch)
{
	g_autoptr(GHashTable) names = wanted_functions(module);

	for (guint i = 0; i < patch->objects->len; i++) {
		const SutureSysfsObject *object = patch->objects->pdata[i];

		for (guint j = 0; j < object->functions->len; j++) {
			g_autofree gchar *name =
				g_build_filename(object->name, object->functions->pdata[j], NULL);

			if (g_hash_table_contains(names, name))
				return g_steal_pointer(&name);
		}
	}
	return NULL;
}

gchar *suture_functions_in_module(const SutureModule *module, const SutureModule *other)
{
	g_autoptr(GHashTable) names = wanted_functions(module);

	for (guint i = 0; i < other->functions->len; i++) {
		g_autofree gchar *name = sysfs_name(other->functions->pdata[i]);

		if (g_hash_table_contains(names, name))
			return g_steal_pointer(&name);
	}
	return NULL;
}
