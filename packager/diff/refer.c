// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/diff/refer.h"

#include <string.h>

struct _SutureReferences {
	const SutureDiffRequest *request;
	GHashTable *known; /* "<l or g> <name>" -> SutureReference* */
};

static void reference_free(SutureReference *reference)
{
	suture_diff_target_clear(&reference->target);
	g_free(reference->name);
	g_free(reference->elf_name);
	g_free(reference->problem);
	g_free(reference);
}

SutureReferences *suture_references_new(const SutureDiffRequest *request)
{
	SutureReferences *references = g_new0(SutureReferences, 1);

	references->request = request;
	references->known =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)reference_free);
	return references;
}

void suture_references_free(SutureReferences *references)
{
	g_hash_table_unref(references->known);
	g_free(references);
}

gboolean suture_link_is_direct(const SutureAtom *from, const SutureLink *link)
{
	const SutureAtom *target = link->target;

	if (!target || !target->included)
		return FALSE;
	if (target->kind != SUTURE_ATOM_FUNCTION || !target->twin || target->cold || target->carried)
		return TRUE;
	return from->kind == SUTURE_ATOM_ENTRY || link->at != (gint64)(target->entry - target->start);
}

gboolean suture_link_is_replaced(const SutureAtom *from, const SutureLink *link)
{
	return from->keyless && link->offset == from->start + SUTURE_JUMP_KEY_AT;
}

static void resolve(SutureReferences *references, SutureReference *reference)
{
	const SutureDiffRequest *request = references->request;
	g_autoptr(GError) error = NULL;

	if (!request->resolve) {
		reference->target.object = g_strdup(request->object);
		reference->target.symbol = g_strdup(reference->name);
	} else if (!request->resolve(request->data, reference->name, reference->local, &reference->target,
				     &error)) {
		reference->problem = g_strdup(error ? error->message : "it is not known");
	}
}

SutureReference *suture_references_name(SutureReferences *references, const gchar *name, gboolean local)
{
	g_autofree gchar *key = g_strdup_printf("%c %s", local ? 'l' : 'g', name);
	SutureReference *reference = g_hash_table_lookup(references->known, key);

	if (reference)
		return reference;
	reference = g_new0(SutureReference, 1);
	reference->name = g_strdup(name);
	reference->local = local;
	resolve(references, reference);
	g_hash_table_insert(references->known, g_steal_pointer(&key), reference);
	return reference;
}

SutureReference *suture_references_original(SutureReferences *references, const SutureAtom *function)
{
	const SutureAtom *original = function->twin ? function->twin : function;

	return suture_references_name(references, original->symbol->name, suture_atom_is_local(original));
}

SutureReference *suture_references_find(SutureReferences *references, const SutureLink *link)
{
	if (!link->target)
		return link->symbol ? suture_references_name(references, link->symbol->name, FALSE) : NULL;
	return link->target->symbol ? suture_references_original(references, link->target) : NULL;
}

/*
 * Static calls: objtool makes a site of each call of a trampoline by its name, for which the kernel wants a
 * key that it knows. A call of the trampoline under another name stays one, and that is always right.
 * __this_module: the linker would take the patch's own.
 */
static gboolean needs_own_name(const SutureReference *reference, GHashTable *defined)
{
	if (strcmp(reference->name, "__this_module") == 0 || g_hash_table_contains(defined, reference->name))
		return TRUE;
	if (reference->target.exported)
		return FALSE;
	return reference->local || g_str_has_prefix(reference->name, "__SCT__");
}

static gint compare_references(gconstpointer left, gconstpointer right)
{
	const SutureReference *a = *(SutureReference *const *)left, *b = *(SutureReference *const *)right;

	return strcmp(a->elf_name, b->elf_name);
}

GPtrArray *suture_references_settle(SutureReferences *references, GHashTable *defined)
{
	GPtrArray *all = g_ptr_array_new();
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, references->known);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		SutureReference *reference = value;

		if (!reference->used)
			continue;
		g_clear_pointer(&reference->elf_name, g_free);
		if (needs_own_name(reference, defined) && reference->target.object)
			reference->elf_name = g_strdup_printf(
				".suture.sym.%s.%s,%" G_GUINT64_FORMAT, reference->target.object,
				reference->target.symbol, reference->target.sympos);
		else
			reference->elf_name = g_strdup(reference->name);
		g_ptr_array_add(all, reference);
	}
	g_ptr_array_sort(all, compare_references);
	return all;
}
