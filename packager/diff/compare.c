// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/diff/compare.h"

#include <string.h>

#define DEPTH_MAX 8 /* of anonymous data that refers to anonymous data */

static gboolean equal_at_depth(SutureAtom *before, SutureAtom *after, guint depth, gchar **ret_why);

static guint64 end_of_link(const SutureLink *link)
{
	return link->offset + MAX(link->size, 1);
}

static guint32 mask_of(const SutureAtom *atom, guint64 offset)
{
	const SutureSectionRule *rule = atom->section->rule;

	if (!rule->mask || offset < rule->mask_at || offset - rule->mask_at >= sizeof(guint32))
		return 0;
	return rule->mask >> (8 * (offset - rule->mask_at)) & 0xff;
}

/* Bytes that the linker does not fill; @ret_masked: some differed that do not count. */
static gboolean bytes_equal(const SutureAtom *before, const SutureAtom *after, gboolean *ret_masked)
{
	const guint8 *old = suture_atom_bytes(before), *new = suture_atom_bytes(after);
	guint link = 0;

	if (!old || !new)
		return !old == !new;
	for (guint64 i = 0; i < after->size; i++) {
		guint8 differing = old[i] ^ new[i];

		while (link < after->n_links &&
		       end_of_link(suture_atom_link(after, link)) <= after->start + i)
			link++;
		if (!differing ||
		    (link < after->n_links && suture_atom_link(after, link)->offset <= after->start + i))
			continue;
		if (differing & ~mask_of(after, i))
			return FALSE;
		*ret_masked = TRUE;
	}
	return TRUE;
}

static gboolean same_places(const SutureAtom *before, const SutureAtom *after)
{
	if (before->kind != after->kind || before->size != after->size || before->n_links != after->n_links ||
	    before->entry - before->start != after->entry - after->start)
		return FALSE;
	for (guint i = 0; i < after->n_links; i++) {
		const SutureLink *old = suture_atom_link(before, i), *new = suture_atom_link(after, i);

		if (old->offset - before->start != new->offset - after->start || old->size != new->size ||
		    old->behind != new->behind || (old->type != new->type && !(old->branch && new->branch)))
			return FALSE;
	}
	return TRUE;
}

gboolean suture_atom_resembles(const SutureAtom *before, const SutureAtom *after)
{
	gboolean masked = FALSE;

	return same_places(before, after) && bytes_equal(before, after, &masked);
}

static gboolean strings_equal(const SutureLink *old, const SutureLink *new)
{
	const SutureAtom *before = old->target, *after = new->target;
	gint64 left = (gint64)before->size - old->at, right = (gint64)after->size - new->at;

	if (old->at < 0 || new->at < 0 || left < 0 || left != right)
		return FALSE;
	return memcmp(suture_atom_bytes(before) + old->at, suture_atom_bytes(after) + new->at, (gsize)left) ==
	       0;
}

static gboolean links_equal(const SutureLink *old, const SutureLink *new, guint depth)
{
	SutureAtom *before = old->target, *after = new->target;

	if (!before || !after)
		return !before && !after && old->symbol && new->symbol &&
		       old->symbol->undefined ==
			       new->symbol->undefined &&strcmp(old->symbol->name, new->symbol->name) == 0 &&
		       old->at == new->at;
	if (before->twin == after)
		return old->at == new->at;
	if (before->twin || after->twin || before->kind != after->kind || !suture_atom_is_anonymous(before) ||
	    !suture_atom_is_anonymous(after) || depth >= DEPTH_MAX)
		return FALSE;
	if (after->kind == SUTURE_ATOM_STRING)
		return strings_equal(old, new);
	return old->at == new->at &&
	       before->base == after->base &&equal_at_depth(before, after, depth + 1, NULL);
}

static gchar *describe(const SutureLink *link)
{
	g_autofree gchar *name = NULL;

	if (!link->target)
		return g_strdup(link->symbol ? link->symbol->name : "something else");
	if (link->target->kind == SUTURE_ATOM_STRING)
		return g_strdup("another string");
	name = suture_atom_name(link->target);
	return g_steal_pointer(&name);
}

static gboolean differs(gchar **ret_why, gchar *why)
{
	if (ret_why)
		*ret_why = why;
	else
		g_free(why);
	return FALSE;
}

static gboolean entry_equal(SutureAtom *before, SutureAtom *after, guint depth)
{
	return strcmp(before->section->name, after->section->name) == 0 &&
	       equal_at_depth(before, after, depth + 1, NULL);
}

static gboolean entries_equal(SutureAtom *before, SutureAtom *after, guint depth, gchar **ret_why)
{
	guint old = before->entries ? before->entries->len : 0,
	      new = after->entries ? after->entries->len : 0;

	for (guint i = 0; i < MAX(old, new); i++) {
		SutureAtom *entry = i < new ? after->entries->pdata[i] : before->entries->pdata[i];

		if (i >= old || i >= new || !entry_equal(before->entries->pdata[i], entry, depth))
			return differs(ret_why,
				       g_strdup_printf("its entries in %s changed", entry->section->name));
	}
	return TRUE;
}

/* That an entry describes the other's twin is why the two are compared. */
static gboolean is_owner(const SutureAtom *before, const SutureAtom *after, const SutureLink *old,
			 const SutureLink *new)
{
	return after->owner && new->target == after->owner && before->owner && old->target == before->owner;
}

static gboolean equal_at_depth(SutureAtom *before, SutureAtom *after, guint depth, gchar **ret_why)
{
	const gchar *what = after->kind == SUTURE_ATOM_FUNCTION ? "instructions" : "bytes";
	gboolean masked = FALSE;

	if (!same_places(before, after) || !bytes_equal(before, after, &masked))
		return differs(ret_why, g_strdup_printf("its %s changed", what));
	for (guint i = 0; i < after->n_links; i++) {
		const SutureLink *new = suture_atom_link(after, i);
		g_autofree gchar *name = NULL;

		if (is_owner(before, after, suture_atom_link(before, i), new)
			    ? suture_atom_link(before, i)->at == new->at
			    : links_equal(suture_atom_link(before, i), new, depth))
			continue;
		name = describe(new);
		return differs(ret_why, g_strdup_printf("it refers to %s now", name));
	}
	after->masked |= masked;
	return entries_equal(before, after, depth, ret_why);
}

gboolean suture_atom_equal(SutureAtom *before, SutureAtom *after, gchar **ret_why)
{
	return equal_at_depth(before, after, 0, ret_why);
}

/* What an anonymous atom says, as far as it can be hashed. */
static gchar *content_of(const SutureAtom *atom)
{
	GString *content = g_string_new(NULL);
	const guint8 *bytes = suture_atom_bytes(atom);

	g_string_append_printf(content, "%d %u %s ", atom->kind, atom->n_links, atom->base ? atom->base : "");
	for (guint64 i = 0, link = 0; bytes && i < atom->size; i++) {
		while (link < atom->n_links &&
		       end_of_link(suture_atom_link(atom, (guint)link)) <= atom->start + i)
			link++;
		if (link < atom->n_links && suture_atom_link(atom, (guint)link)->offset <= atom->start + i)
			continue;
		g_string_append_printf(content, "%02x", bytes[i] & ~mask_of(atom, i));
	}
	for (guint i = 0; i < atom->n_links; i++) {
		const SutureLink *link = suture_atom_link(atom, i);
		const gchar *name = link->target   ? link->target->base
				    : link->symbol ? link->symbol->name
						   : NULL;

		g_string_append_printf(content, " %s", name ? name : "-");
	}
	return g_string_free(content, FALSE);
}

/* What has no twin by its nature: what is anonymous, and entries that describe nothing of the object. */
static gboolean is_hashed(const SutureAtom *atom)
{
	return suture_atom_is_anonymous(atom) || (atom->kind == SUTURE_ATOM_ENTRY && !atom->owner);
}

static void compare_anonymous(SutureObject *before, SutureObject *after)
{
	g_autoptr(GHashTable) known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

	for (guint i = 0; i < before->atoms->len; i++)
		if (is_hashed(before->atoms->pdata[i]))
			g_hash_table_add(known, content_of(before->atoms->pdata[i]));
	for (guint i = 0; i < after->atoms->len; i++) {
		SutureAtom *atom = after->atoms->pdata[i];
		g_autofree gchar *content = is_hashed(atom) && !atom->twin ? content_of(atom) : NULL;

		if (content)
			atom->state =
				g_hash_table_contains(known, content) ? SUTURE_ATOM_SAME : SUTURE_ATOM_NEW;
	}
}

void suture_object_compare(SutureObject *before, SutureObject *after)
{
	for (guint i = 0; i < after->atoms->len; i++) {
		SutureAtom *atom = after->atoms->pdata[i];
		gchar *why = NULL;

		atom->state = atom->twin ? SUTURE_ATOM_SAME : SUTURE_ATOM_NEW;
		if (!atom->twin || atom->kind == SUTURE_ATOM_ENTRY ||
		    suture_atom_equal(atom->twin, atom, &why))
			continue;
		atom->state = SUTURE_ATOM_CHANGED;
		atom->reasons = g_ptr_array_new_with_free_func(g_free);
		g_ptr_array_add(atom->reasons, why);
	}
	compare_anonymous(before, after);
	for (guint i = 0; i < after->atoms->len; i++) {
		SutureAtom *atom = after->atoms->pdata[i];

		if (atom->kind == SUTURE_ATOM_ENTRY && atom->owner)
			atom->state = atom->owner->state;
	}
}
