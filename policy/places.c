// SPDX-License-Identifier: LGPL-2.1-or-later
#include "policy/places.h"

#include <string.h>

/*
 * A graph whose first nodes are the patches; the others stand for the entries of supersedes lists, whether or
 * not a patch of that name is here. Edges lead from what loses its place to what takes it.
 */
struct _SuturePlaces {
	guint n_patches;
	GPtrArray *takers;   /* node -> GArray of guint */
	GHashTable *carrier; /* name or id -> GArray of guint: the patches that it names */
	GHashTable *entry;   /* entry -> node */
};

static void array_unref(gpointer data)
{
	g_array_unref(data);
}

static void add_edge(SuturePlaces *places, guint loser, guint taker)
{
	if (loser != taker)
		g_array_append_val((GArray *)places->takers->pdata[loser], taker);
}

static guint add_node(SuturePlaces *places)
{
	g_ptr_array_add(places->takers, g_array_new(FALSE, FALSE, sizeof(guint)));
	return places->takers->len - 1;
}

static void add_carrier(SuturePlaces *places, gchar *key, guint patch)
{
	GArray *carriers = g_hash_table_lookup(places->carrier, key);

	if (!carriers) {
		carriers = g_array_new(FALSE, FALSE, sizeof(guint));
		g_hash_table_insert(places->carrier, key, carriers);
	} else {
		g_free(key);
	}
	g_array_append_val(carriers, patch);
}

static guint entry_node(SuturePlaces *places, const gchar *entry)
{
	gpointer known;
	const GArray *carriers;
	guint node;

	if (g_hash_table_lookup_extended(places->entry, entry, NULL, &known))
		return GPOINTER_TO_UINT(known);
	node = add_node(places);
	g_hash_table_insert(places->entry, g_strdup(entry), GUINT_TO_POINTER(node));
	carriers = g_hash_table_lookup(places->carrier, entry);
	for (guint i = 0; carriers && i < carriers->len; i++)
		add_edge(places, g_array_index(carriers, guint, i), node);
	return node;
}

static gboolean lists(const SuturePatch *patch, const SuturePatch *other)
{
	for (guint i = 0; i < patch->stack.supersedes->len; i++)
		if (suture_patch_matches(other, patch->stack.supersedes->pdata[i]))
			return TRUE;
	return FALSE;
}

typedef struct {
	GPtrArray *patches;
	SutureVersionCompare compare;
} Versions;

static gint compare_indexes(gconstpointer a, gconstpointer b, gpointer data)
{
	const Versions *versions = data;
	const SuturePatch *left = versions->patches->pdata[*(const guint *)a];
	const SuturePatch *right = versions->patches->pdata[*(const guint *)b];

	return versions->compare(left->version, left->release, right->version, right->release);
}

/* Each patch of one name loses its place to the next newer ones: from there on the edges lead further. */
static void add_versions(SuturePlaces *places, Versions *versions, GArray *same_name)
{
	guint newer = 0;

	g_array_sort_with_data(same_name, compare_indexes, versions);
	for (guint i = 0; i < same_name->len; i++) {
		guint old = g_array_index(same_name, guint, i);

		while (newer < same_name->len &&
		       compare_indexes(&g_array_index(same_name, guint, newer), &old, versions) <= 0)
			newer++;
		for (guint j = newer; j < same_name->len; j++) {
			guint new = g_array_index(same_name, guint, j);

			if (compare_indexes(&new, &g_array_index(same_name, guint, newer), versions) > 0)
				break;
			if (!lists(versions->patches->pdata[old], versions->patches->pdata[new]))
				add_edge(places, old, new);
		}
	}
}

static void add_names(SuturePlaces *places, Versions *versions)
{
	g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

	for (guint i = 0; i < places->n_patches; i++) {
		const SuturePatch *patch = versions->patches->pdata[i];
		const GArray *carriers = g_hash_table_lookup(places->carrier, patch->name);
		g_autoptr(GArray) same_name = g_array_new(FALSE, FALSE, sizeof(guint));

		if (!g_hash_table_add(seen, patch->name))
			continue;
		for (guint j = 0; j < carriers->len; j++) {
			guint index = g_array_index(carriers, guint, j);
			const SuturePatch *other = versions->patches->pdata[index];

			/* what carries the name may be another patch's identifier */
			if (strcmp(other->name, patch->name) == 0)
				g_array_append_val(same_name, index);
		}
		add_versions(places, versions, same_name);
	}
}

SuturePlaces *suture_places_new(GPtrArray *patches, SutureVersionCompare compare)
{
	SuturePlaces *places = g_new0(SuturePlaces, 1);
	Versions versions = {patches, compare};

	places->n_patches = patches->len;
	places->takers = g_ptr_array_new_with_free_func(array_unref);
	places->carrier = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, array_unref);
	places->entry = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	for (guint i = 0; i < patches->len; i++) {
		const SuturePatch *patch = patches->pdata[i];

		add_node(places);
		add_carrier(places, g_strdup(patch->name), i);
		add_carrier(places, suture_patch_id(patch), i);
	}
	for (guint i = 0; i < patches->len; i++) {
		const SuturePatch *patch = patches->pdata[i];

		for (guint j = 0; j < patch->stack.supersedes->len; j++)
			add_edge(places, entry_node(places, patch->stack.supersedes->pdata[j]), i);
	}
	if (compare)
		add_names(places, &versions);
	return places;
}

void suture_places_free(SuturePlaces *places)
{
	if (!places)
		return;
	g_ptr_array_unref(places->takers);
	g_hash_table_unref(places->carrier);
	g_hash_table_unref(places->entry);
	g_free(places);
}

/* Marks @node and all that the edges lead to. */
static void walk(const SuturePlaces *places, guint node, guint8 *reached)
{
	g_autoptr(GArray) waiting = g_array_new(FALSE, FALSE, sizeof(guint));

	if (reached[node])
		return;
	reached[node] = 1;
	g_array_append_val(waiting, node);
	while (waiting->len > 0) {
		guint at = g_array_index(waiting, guint, waiting->len - 1);
		const GArray *takers = places->takers->pdata[at];

		g_array_set_size(waiting, waiting->len - 1);
		for (guint i = 0; i < takers->len; i++) {
			guint taker = g_array_index(takers, guint, i);

			if (reached[taker])
				continue;
			reached[taker] = 1;
			g_array_append_val(waiting, taker);
		}
	}
}

guint8 *suture_places_takers(const SuturePlaces *places, guint index)
{
	guint8 *reached = g_new0(guint8, places->takers->len);

	walk(places, index, reached);
	reached[index] = 0;
	return reached;
}

guint8 *suture_places_providers(const SuturePlaces *places, const gchar *entry)
{
	guint8 *reached = g_new0(guint8, MAX(places->takers->len, 1));
	const GArray *carriers = g_hash_table_lookup(places->carrier, entry);
	gpointer node;

	for (guint i = 0; carriers && i < carriers->len; i++)
		walk(places, g_array_index(carriers, guint, i), reached);
	if (g_hash_table_lookup_extended(places->entry, entry, NULL, &node))
		walk(places, GPOINTER_TO_UINT(node), reached);
	return reached;
}
