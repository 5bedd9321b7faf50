// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/profile/dry-run-private.h"

#include "packager/profile/commands.h"
#include "packager/profile/error.h"

#include <string.h>

/* All that @path holds, archives within it too. */
static void add_members(SutureDryRun *run, const gchar *path, GHashTable *members)
{
	g_autoptr(GPtrArray) waiting = g_ptr_array_new();

	g_ptr_array_add(waiting, (gpointer)path);
	while (waiting->len > 0) {
		const gchar *next = g_ptr_array_steal_index_fast(waiting, waiting->len - 1);
		GPtrArray *list = g_hash_table_lookup(run->archives, next);

		for (guint i = 0; list && i < list->len; i++)
			if (g_hash_table_add(members, list->pdata[i]))
				g_ptr_array_add(waiting, list->pdata[i]);
	}
}

/* Units of vmlinux. The boot loader's stub and others have archives of their own. */
static GHashTable *vmlinux_members(SutureDryRun *run)
{
	GHashTable *members = g_hash_table_new(g_str_hash, g_str_equal);
	GHashTableIter iter;
	gpointer path;

	if (g_hash_table_contains(run->archives, "vmlinux.a")) {
		add_members(run, "vmlinux.a", members);
		return members;
	}
	/* Up to 6.0 there is no such archive; what belongs to vmlinux has these names. */
	g_hash_table_iter_init(&iter, run->archives);
	while (g_hash_table_iter_next(&iter, &path, NULL))
		if (g_str_has_suffix(path, "built-in.a") || !strcmp(path, "lib/lib.a") ||
		    !strcmp(path, "arch/x86/lib/lib.a"))
			add_members(run, path, members);
	return members;
}

static GVariant *indexes_variant(const GArray *indexes)
{
	return g_variant_new_fixed_array(G_VARIANT_TYPE_UINT32, indexes ? indexes->data : NULL,
					 indexes ? indexes->len : 0, sizeof(guint32));
}

/* Paths of the modules that the unit is part of; usually one or none. */
static GPtrArray *modules_of(SutureDryRun *run, const gchar *name, const SutureDryRunUnit *unit)
{
	GPtrArray *paths = g_ptr_array_new();
	const GPtrArray *listed = g_hash_table_lookup(run->modules, name);

	for (guint i = 0; listed && i < listed->len; i++)
		g_ptr_array_add(paths, listed->pdata[i]);
	if (!paths->len && unit->modfile && !strpbrk(unit->modfile, " :"))
		g_ptr_array_add(paths, unit->modfile);
	return paths;
}

static GVariant *unit_variant(SutureDryRun *run, GHashTable *members, const gchar *name,
			      const SutureDryRunUnit *unit)
{
	g_autoptr(GPtrArray) modules = modules_of(run, name, unit);
	gboolean in_vmlinux = g_hash_table_contains(members, name);
	const gchar *owner = in_vmlinux ? "vmlinux" : modules->len ? modules->pdata[0] : "";
	const GArray *objtool = unit->objtool;
	gboolean delayed = FALSE;

	/* Built in as well as part of a module: a unit is compiled for one of them. */
	if (in_vmlinux)
		g_ptr_array_set_size(modules, 0);
	if (!objtool && run->delayed)
		objtool = g_hash_table_lookup(run->links, owner);
	for (guint i = 0; objtool && i < objtool->len; i++)
		delayed |= strcmp(run->word_list->pdata[g_array_index(objtool, guint32, i)], "--link") == 0;
	return g_variant_new("(sss@as@au@aub)", name, unit->source, owner,
			     g_variant_new_strv((const gchar *const *)modules->pdata, modules->len),
			     indexes_variant(unit->compile), indexes_variant(objtool), delayed);
}

static gint compare_text(gconstpointer left, gconstpointer right)
{
	return strcmp(*(const gchar *const *)left, *(const gchar *const *)right);
}

static gint compare_sources(gconstpointer left, gconstpointer right, gpointer data)
{
	gpointer *state = data;
	GPtrArray *names = state[1];
	guint32 a = *(const guint32 *)left, b = *(const guint32 *)right;
	const SutureDryRunUnit *one = g_hash_table_lookup(state[0], names->pdata[a]);
	const SutureDryRunUnit *two = g_hash_table_lookup(state[0], names->pdata[b]);
	gint order = strcmp(one->source, two->source);

	return order ? order : (a > b) - (a < b);
}

GVariant *suture_dry_run_index(SutureDryRun *run, GError **error)
{
	g_autoptr(GHashTable) members = vmlinux_members(run);
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	g_autoptr(GArray) by_source = g_array_new(FALSE, FALSE, sizeof(guint32));
	GVariantBuilder units;
	GHashTableIter iter;
	gpointer name, state[] = {run->units, names};

	if (g_hash_table_size(run->units) == 0) {
		g_set_error_literal(error, SUTURE_PROFILE_ERROR, SUTURE_PROFILE_ERROR_COMMANDS,
				    "kbuild says no command that compiles a part of the kernel");
		return NULL;
	}
	g_hash_table_iter_init(&iter, run->units);
	while (g_hash_table_iter_next(&iter, &name, NULL))
		g_ptr_array_add(names, name);
	g_ptr_array_sort(names, compare_text);
	g_variant_builder_init(&units, G_VARIANT_TYPE("a" SUTURE_COMMANDS_UNIT_TYPE));
	for (guint32 i = 0; i < names->len; i++) {
		const SutureDryRunUnit *unit = g_hash_table_lookup(run->units, names->pdata[i]);

		g_variant_builder_add_value(&units, unit_variant(run, members, names->pdata[i], unit));
		g_array_append_val(by_source, i);
	}
	g_array_sort_with_data(by_source, compare_sources, state);
	return g_variant_ref_sink(g_variant_new(
		"(@as@a" SUTURE_COMMANDS_UNIT_TYPE "@au)",
		g_variant_new_strv((const gchar *const *)run->word_list->pdata, run->word_list->len),
		g_variant_builder_end(&units), indexes_variant(by_source)));
}
