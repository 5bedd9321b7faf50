// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/diff/correlate.h"

#include "packager/diff/compare.h"

#include <string.h>

static void pair(SutureAtom *before, SutureAtom *after)
{
	before->twin = after;
	after->twin = before;
}

static gboolean can_pair(const SutureAtom *before, const SutureAtom *after)
{
	return !before->twin && !after->twin && before->kind == after->kind && !before->own && !after->own &&
	       before->section->rule->kind == after->section->rule->kind &&
	       suture_atom_is_writable(before) == suture_atom_is_writable(after);
}

static gboolean is_named(const SutureAtom *atom)
{
	return atom->symbol && !atom->own &&
	       (atom->kind == SUTURE_ATOM_FUNCTION || atom->kind == SUTURE_ATOM_DATA);
}

static void add_to_group(GHashTable *groups, const gchar *name, SutureAtom *atom)
{
	GPtrArray *group = g_hash_table_lookup(groups, name);

	if (!group) {
		group = g_ptr_array_new();
		g_hash_table_insert(groups, (gpointer)name, group);
	}
	g_ptr_array_add(group, atom);
}

static GHashTable *groups_new(void)
{
	return g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)g_ptr_array_unref);
}

/* Atoms of one object without a twin, by their names. @numbered: those with numbers, by what is left. */
static GHashTable *group(const SutureObject *object, gboolean numbered, gboolean functions)
{
	GHashTable *groups = groups_new();

	for (guint i = 0; i < object->atoms->len; i++) {
		SutureAtom *atom = object->atoms->pdata[i];
		gboolean ordered = atom->kind == SUTURE_ATOM_FUNCTION ||
				   atom->section->rule->kind == SUTURE_SECTION_REGISTRY;

		if (!is_named(atom) || atom->twin || atom->numbered != numbered ||
		    (numbered && ordered != functions))
			continue;
		add_to_group(groups, numbered ? atom->base : atom->symbol->name, atom);
	}
	return groups;
}

static void pair_by_name(SutureObject *before, SutureObject *after)
{
	g_autoptr(GHashTable) old = group(before, FALSE, FALSE);
	g_autoptr(GHashTable) new = group(after, FALSE, FALSE);
	GHashTableIter iter;
	gpointer name, value;

	g_hash_table_iter_init(&iter, new);
	while (g_hash_table_iter_next(&iter, &name, &value)) {
		GPtrArray *ones = g_hash_table_lookup(old, name), *twos = value;

		if (ones && ones->len == 1 && twos->len == 1 && can_pair(ones->pdata[0], twos->pdata[0]))
			pair(ones->pdata[0], twos->pdata[0]);
	}
}

static gboolean same_name(const SutureAtom *before, const SutureAtom *after)
{
	return strcmp(before->symbol->name, after->symbol->name) == 0;
}

static gboolean any(const SutureAtom *before, const SutureAtom *after)
{
	(void)before, (void)after;
	return TRUE;
}

/* Pairs those of the lists that are alike by @alike, in their order. */
static void pair_alike(GPtrArray *before, GPtrArray *after,
		       gboolean (*alike)(const SutureAtom *, const SutureAtom *))
{
	for (guint i = 0; i < after->len; i++)
		for (guint k = 0; k < before->len; k++) {
			SutureAtom *one = before->pdata[k], *two = after->pdata[i];

			if (!can_pair(one, two) || !alike(one, two))
				continue;
			pair(one, two);
			break;
		}
}

static guint count_single(const GPtrArray *atoms)
{
	guint count = 0;

	for (guint i = 0; i < atoms->len; i++)
		count += !((SutureAtom *)atoms->pdata[i])->twin;
	return count;
}

static void pair_numbered(SutureObject *before, SutureObject *after)
{
	g_autoptr(GHashTable) old = group(before, TRUE, TRUE);
	g_autoptr(GHashTable) new = group(after, TRUE, TRUE);
	GHashTableIter iter;
	gpointer name, value;

	g_hash_table_iter_init(&iter, new);
	while (g_hash_table_iter_next(&iter, &name, &value)) {
		GPtrArray *ones = g_hash_table_lookup(old, name);

		if (!ones)
			continue;
		pair_alike(ones, value, suture_atom_resembles);
		pair_alike(ones, value, same_name);
		/* Two clones for different constants must not be taken for one another: callers that did not
		 * change would get the wrong one. */
		if (count_single(ones) == 1 && count_single(value) == 1)
			pair_alike(ones, value, any);
	}
}

/* The static variables without a twin to which @atom refers, by name without number, in order. */
static GHashTable *statics_of(const SutureAtom *atom)
{
	GHashTable *groups = groups_new();

	for (guint i = 0; i < atom->n_links; i++) {
		SutureAtom *target = suture_atom_link(atom, i)->target;
		GPtrArray *known;

		if (!target || target->kind != SUTURE_ATOM_DATA || !target->numbered || target->own ||
		    target->twin)
			continue;
		known = g_hash_table_lookup(groups, target->base);
		if (!known || !g_ptr_array_find(known, target, NULL))
			add_to_group(groups, target->base, target);
	}
	return groups;
}

/* How many of @list match exactly one of the other list by their bytes; those are paired. */
static void pair_unique(GPtrArray *before, GPtrArray *after)
{
	for (guint i = 0; i < after->len; i++) {
		SutureAtom *found = NULL;
		guint count = 0, back = 0;

		for (guint k = 0; k < before->len; k++)
			if (can_pair(before->pdata[k], after->pdata[i]) &&
			    suture_atom_resembles(before->pdata[k], after->pdata[i])) {
				found = before->pdata[k];
				count++;
			}
		for (guint k = 0; count == 1 && k < after->len; k++)
			back += can_pair(found, after->pdata[k]) &&
				suture_atom_resembles(found, after->pdata[k]);
		if (count == 1 && back == 1)
			pair(found, after->pdata[i]);
	}
}

typedef enum { ALIKE, ALL, LAST } Round;

/* In a function that changed, the order of two that hold a state says nothing. */
static gboolean order_tells(const GPtrArray *atoms, Round round)
{
	return round == ALIKE || atoms->len == 1 || !suture_atom_is_writable(atoms->pdata[0]);
}

/* Pairs what one pair of referrers tells. TRUE: something was paired. In the last round what stays untold is
 * marked. */
static gboolean pair_statics_of(const SutureAtom *before, const SutureAtom *after, Round round)
{
	g_autoptr(GHashTable) old = statics_of(before);
	g_autoptr(GHashTable) new = statics_of(after);
	gboolean paired = FALSE;
	GHashTableIter iter;
	gpointer base, value;

	g_hash_table_iter_init(&iter, new);
	while (g_hash_table_iter_next(&iter, &base, &value)) {
		GPtrArray *ones = g_hash_table_lookup(old, base), *twos = value;
		gboolean even = ones && ones->len == twos->len, untold;

		if (!ones)
			continue;
		if (even && order_tells(twos, round))
			pair_alike(ones, twos, any);
		else if (round == LAST)
			pair_unique(ones, twos);
		/* Where none is left before, what is left is new. */
		untold = round == LAST && count_single(ones) > 0;
		for (guint i = 0; i < twos->len; i++) {
			SutureAtom *two = twos->pdata[i];

			paired |= two->twin != NULL;
			if (untold && !two->twin && suture_atom_is_writable(two))
				two->ambiguous = TRUE;
		}
	}
	return paired;
}

static gboolean pair_statics(SutureObject *after, Round round)
{
	gboolean paired = FALSE;

	for (guint i = 0; i < after->atoms->len; i++) {
		SutureAtom *atom = after->atoms->pdata[i];

		if (!atom->twin || atom->n_links == 0 ||
		    (round == ALIKE && !suture_atom_resembles(atom->twin, atom)))
			continue;
		paired |= pair_statics_of(atom->twin, atom, round);
	}
	return paired;
}

static void pair_singles(SutureObject *before, SutureObject *after)
{
	g_autoptr(GHashTable) old = group(before, TRUE, FALSE);
	g_autoptr(GHashTable) new = group(after, TRUE, FALSE);
	GHashTableIter iter;
	gpointer name, value;

	g_hash_table_iter_init(&iter, new);
	while (g_hash_table_iter_next(&iter, &name, &value)) {
		GPtrArray *ones = g_hash_table_lookup(old, name), *twos = value;

		if (ones && ones->len == 1 && twos->len == 1 && can_pair(ones->pdata[0], twos->pdata[0]) &&
		    suture_atom_resembles(ones->pdata[0], twos->pdata[0]))
			pair(ones->pdata[0], twos->pdata[0]);
	}
}

void suture_object_correlate(SutureObject *before, SutureObject *after)
{
	pair_by_name(before, after);
	pair_numbered(before, after);
	/* Functions that did not change tell most reliably which of their variables is which. */
	while (pair_statics(after, ALIKE) || pair_statics(after, ALL))
		;
	pair_statics(after, LAST);
	pair_singles(before, after);
}
