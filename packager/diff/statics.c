// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/diff/statics.h"

#include <dwarf.h>
#include <string.h>

#define DEPTH 32 /* of blocks within a function */

typedef struct {
	const SutureObject *object;
	GHashTable *found; /* "<function> <name>" -> GPtrArray of SutureAtom*, in the order of declarations */
	const gchar *function; /* that is being looked at */
} Reading;

static SutureAtom *atom_at(const SutureObject *object, guint64 address)
{
	guint64 index = suture_debug_section(address), offset = suture_debug_offset(address);
	const SutureSection *section = index < object->sections->len ? object->sections->pdata[index] : NULL;

	for (guint i = 0; section && i < section->atoms->len; i++) {
		SutureAtom *atom = section->atoms->pdata[i];

		if (atom->symbol && atom->symbol->value == offset)
			return atom;
	}
	return NULL;
}

static void add(Reading *reading, Dwarf_Die *die)
{
	const gchar *name = suture_debug_name(die);
	SutureAtom *atom;
	guint64 address;
	g_autofree gchar *key = NULL;
	GPtrArray *atoms;

	if (!name || !suture_debug_address(die, &address) || !(atom = atom_at(reading->object, address)) ||
	    atom->kind != SUTURE_ATOM_DATA || !atom->numbered || atom->own)
		return;
	key = g_strdup_printf("%s %s", reading->function, name);
	atoms = g_hash_table_lookup(reading->found, key);
	if (!atoms) {
		atoms = g_ptr_array_new();
		g_hash_table_insert(reading->found, g_steal_pointer(&key), atoms);
	}
	if (!g_ptr_array_find(atoms, atom, NULL))
		g_ptr_array_add(atoms, atom);
}

static void visit_block(Reading *reading, Dwarf_Die *die, guint depth)
{
	Dwarf_Die child;

	if (depth > DEPTH || dwarf_child(die, &child) != 0)
		return;
	do {
		if (dwarf_tag(&child) == DW_TAG_variable)
			add(reading, &child);
		else if (dwarf_tag(&child) == DW_TAG_lexical_block)
			visit_block(reading, &child, depth + 1);
	} while (dwarf_siblingof(&child, &child) == 0);
}

static void visit_function(gpointer data, Dwarf_Die *die)
{
	Reading *reading = data;

	reading->function = dwarf_tag(die) == DW_TAG_subprogram ? suture_debug_name(die) : NULL;
	if (reading->function)
		visit_block(reading, die, 0);
}

static GHashTable *read_statics(const SutureObject *object, SutureDebug *debug)
{
	Reading reading = {
		object,
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref),
		NULL,
	};

	suture_debug_each(debug, visit_function, &reading);
	return reading.found;
}

static void pair(GPtrArray *before, GPtrArray *after)
{
	for (guint i = 0; i < after->len; i++) {
		SutureAtom *one = before->pdata[i], *two = after->pdata[i];

		if (one->twin || two->twin || suture_atom_is_writable(one) != suture_atom_is_writable(two))
			continue;
		one->twin = two;
		two->twin = one;
	}
}

void suture_statics_pair(SutureObject *before, SutureObject *after, SutureDebug *before_debug,
			 SutureDebug *after_debug)
{
	g_autoptr(GHashTable) old = read_statics(before, before_debug);
	g_autoptr(GHashTable) new = read_statics(after, after_debug);
	GHashTableIter iter;
	gpointer key, atoms;

	g_hash_table_iter_init(&iter, new);
	while (g_hash_table_iter_next(&iter, &key, &atoms)) {
		GPtrArray *others = g_hash_table_lookup(old, key);

		if (others && others->len == ((GPtrArray *)atoms)->len)
			pair(others, atoms);
	}
}
