// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/fix/author.h"

#include "common/file.h"
#include "fix-header.h"

#include <string.h>

#define HEADER "/suture/fix.h"

gchar **suture_author_words(const gchar *scratch, const gchar *framework, GError **error)
{
	g_autofree gchar *include = g_build_filename(scratch, "include", NULL);
	g_autofree gchar *folder = g_build_filename(include, "suture", NULL);
	g_autofree gchar *path = g_build_filename(folder, "fix.h", NULL);
	g_autoptr(GBytes) text = g_resource_lookup_data(suture_fix_get_resource(), HEADER,
							G_RESOURCE_LOOKUP_FLAGS_NONE, error);
	g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);

	if (!text)
		return NULL;
	if (g_mkdir_with_parents(folder, 0755) < 0) {
		suture_error_set_errno(error, errno, "%s", folder);
		return NULL;
	}
	if (!suture_file_write_atomic_path(path, text, 0644, error))
		return NULL;
	g_ptr_array_add(words, g_strconcat("-I", include, NULL));
	if (framework) {
		g_ptr_array_add(words, g_strconcat("-I", framework, NULL));
		g_ptr_array_add(words, g_strdup("-DSUTURE_FIX_FRAMEWORK"));
	}
	g_ptr_array_add(words, NULL);
	g_ptr_array_set_free_func(words, NULL);
	return (gchar **)g_ptr_array_free(g_steal_pointer(&words), FALSE);
}

static gboolean add_callback(const SutureFixUnit *unit, const SutureDiffCallback *callback, GPtrArray *all,
			     GError **error)
{
	for (guint i = 0; i < all->len; i++) {
		const SuturePatchCallback *other = all->pdata[i];

		if (other->moment != callback->moment || strcmp(other->object, unit->object) != 0)
			continue;
		g_set_error(error, SUTURE_DIFF_ERROR, SUTURE_DIFF_ERROR_CALLBACK,
			    "%s: %s: another source of the fix has a callback of %s for %s: let one function "
			    "call the other",
			    unit->line->source, callback->name, unit->object,
			    suture_diff_moment_name(callback->moment));
		return FALSE;
	}
	g_ptr_array_add(all, suture_patch_callback_new(unit->object, callback->moment, callback->alias));
	return TRUE;
}

static gboolean add_state(const SutureFixUnit *unit, const SutureDiffState *state, GArray *all,
			  GError **error)
{
	for (guint i = 0; i < all->len; i++) {
		const SutureDiffState *other = &g_array_index(all, SutureDiffState, i);

		if (other->id != state->id)
			continue;
		if (other->version == state->version)
			return TRUE;
		g_set_error(error, SUTURE_DIFF_ERROR, SUTURE_DIFF_ERROR_STATE,
			    "%s: state %" G_GUINT64_FORMAT " has version %" G_GUINT64_FORMAT
			    " here and %" G_GUINT64_FORMAT " elsewhere in the fix: make them agree",
			    unit->line->source, state->id, state->version, other->version);
		return FALSE;
	}
	g_array_append_val(all, *state);
	return TRUE;
}

gboolean suture_author_collect(const SutureFixUnit *unit, SuturePatchSource *source, GError **error)
{
	const SutureDiff *diff = unit->diff;

	for (guint i = 0; i < diff->callbacks->len; i++)
		if (!add_callback(unit, diff->callbacks->pdata[i], source->callbacks, error))
			return FALSE;
	for (guint i = 0; i < diff->states->len; i++)
		if (!add_state(unit, &g_array_index(diff->states, SutureDiffState, i), source->states, error))
			return FALSE;
	return TRUE;
}
