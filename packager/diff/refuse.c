// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/diff/refuse.h"

#include <string.h>

void suture_spread_refuse(SutureSpread *spread, SutureDiffError code, const gchar *name, const gchar *format,
			  ...)
{
	g_autofree gchar *sentence = NULL;
	SutureDiffRefusal *refusal;
	va_list args;

	for (guint i = 0; i < spread->diff->refusals->len; i++) {
		refusal = spread->diff->refusals->pdata[i];
		if (refusal->code == code && strcmp(refusal->name, name) == 0)
			return;
	}
	va_start(args, format);
	sentence = g_strdup_vprintf(format, args);
	va_end(args);
	refusal = g_new0(SutureDiffRefusal, 1);
	refusal->code = code;
	refusal->name = g_strdup(name);
	refusal->sentence = g_steal_pointer(&sentence);
	g_ptr_array_add(spread->diff->refusals, refusal);
}

static const gchar *state_of(const SutureAtom *atom)
{
	return atom->state == SUTURE_ATOM_NEW ? "is new" : "changed";
}

void suture_refuse_atom(SutureSpread *spread, SutureAtom *atom)
{
	const SutureSectionRule *rule = atom->section->rule;
	g_autofree gchar *name = suture_atom_name(atom);

	atom->refused = TRUE;
	if (rule->kind == SUTURE_SECTION_DATA || rule->kind == SUTURE_SECTION_TEXT)
		suture_spread_refuse(
			spread, SUTURE_DIFF_ERROR_CHANGED_DATA, name,
			"%s: the initial value or the size of this data changed, but the running kernel "
			"has it already: set the value in a callback of the patch, or use a shadow "
			"variable or new data",
			name);
	else
		suture_spread_refuse(spread, rule->code, name, "%s in section %s %s: %s", name,
				     atom->section->name, state_of(atom), rule->sentence);
}

void suture_refuse_moved(SutureSpread *spread, SutureAtom *atom)
{
	const gchar *name = atom->symbol->name;

	atom->refused = TRUE;
	suture_spread_refuse(
		spread, SUTURE_DIFF_ERROR_MOVED, name,
		"%s: is new in this file, but the running kernel has it in another, or as another "
		"name or kind of something: leave it where and what it was, or give the new one a "
		"name of its own",
		name);
}

void suture_refuse_data(SutureSpread *spread, SutureAtom *constant, const SutureAtom *reader)
{
	g_autofree gchar *name = suture_atom_name(constant), *from = suture_atom_name(reader);

	constant->refused = TRUE;
	suture_spread_refuse(
		spread, SUTURE_DIFF_ERROR_CHANGED_DATA, name,
		"%s: its value changed, and %s, which stays in the running kernel, points at it: write "
		"the new value where it is needed in a callback of the patch, or let functions choose "
		"between the old and a new constant",
		name, from);
}

void suture_refuse_address(SutureSpread *spread, SutureAtom *constant, const SutureAtom *reader)
{
	g_autofree gchar *name = suture_atom_name(constant), *from = suture_atom_name(reader);

	constant->refused = TRUE;
	suture_spread_refuse(spread, SUTURE_DIFF_ERROR_CHANGED_DATA, name,
			     "%s: its value changed, and %s hands out its address: what keeps that would "
			     "point into the patch "
			     "when it is gone, or is compared with the address of the old one: let functions "
			     "choose between "
			     "the old and a new constant",
			     name, from);
}

void suture_refuse_untraceable(SutureSpread *spread, SutureAtom *function)
{
	const gchar *name = function->symbol->name;

	function->refused = TRUE;
	suture_spread_refuse(
		spread, SUTURE_DIFF_ERROR_UNTRACEABLE, name,
		"%s: changed, but has no call of ftrace (notrace, noinstr or inline assembly) and cannot "
		"be redirected: change the functions that call it instead",
		name);
}

void suture_refuse_key(SutureSpread *spread, SutureAtom *entry, const SutureReference *key)
{
	g_autofree gchar *name = suture_atom_name(entry->owner);

	entry->refused = TRUE;
	suture_spread_refuse(
		spread, SUTURE_DIFF_ERROR_MODULE_KEY, name,
		"%s: has a branch on the static key %s of %s, which the patch module knows too late: "
		"use static_key_enabled() in the changed function instead of static_branch_likely() or "
		"static_branch_unlikely()",
		name, key->name, key->target.object);
}

void suture_refuse_frozen_key(SutureSpread *spread, SutureAtom *entry, const SutureReference *key)
{
	g_autofree gchar *name = suture_atom_name(entry->owner);

	entry->refused = TRUE;
	suture_spread_refuse(
		spread, SUTURE_DIFF_ERROR_FROZEN_KEY, name,
		"%s: has a branch on the static key %s, which is read-only after boot: this kernel would "
		"write to it when the patch is loaded, and crash: use static_key_enabled() in the changed "
		"function instead of static_branch_likely() or static_branch_unlikely()",
		name, key->name);
}

void suture_refuse_relocation(SutureSpread *spread, SutureAtom *from, const SutureLink *link)
{
	g_autofree gchar *name = suture_atom_name(from);

	suture_spread_refuse(
		spread, SUTURE_DIFF_ERROR_RELOCATION, name,
		link->symbol ? "%s: has a relocation of type %u, which a module cannot have: leave the "
			       "code that needs it as it is"
			     : "%s: jumps to another function by a short jump (type %u), which cannot "
			       "reach it from a module: let it call the function",
		name, link->type);
}

void suture_refuse_sealed(SutureSpread *spread, SutureAtom *from, const SutureReference *reference)
{
	g_autofree gchar *name = suture_atom_name(from);

	suture_spread_refuse(
		spread, SUTURE_DIFF_ERROR_SEALED, name,
		"%s: has a pointer to %s, which the kernel sealed (IBT), since it had none: let a new "
		"function call it, and point at that",
		name, reference->name);
}

void suture_refuse_reference(SutureSpread *spread, SutureAtom *from, const SutureLink *link,
			     const SutureReference *reference)
{
	g_autofree gchar *name = suture_atom_name(from), *to = NULL;

	from->refused = TRUE;
	if (reference) {
		suture_spread_refuse(spread, SUTURE_DIFF_ERROR_UNRESOLVED, reference->name,
				     "%s: %s refers to it, and it cannot be named in the running kernel: %s",
				     reference->name, name, reference->problem);
		return;
	}
	to = link->target ? suture_atom_name(link->target) : g_strdup("a place without a symbol");
	suture_spread_refuse(spread, SUTURE_DIFF_ERROR_UNRESOLVED, to,
			     "%s: %s refers to it, and it has no name in the running kernel: give it one", to,
			     name);
}

gboolean suture_refuse_target(SutureSpread *spread, SutureAtom *from, const SutureAtom *target)
{
	g_autofree gchar *name = suture_atom_name(from), *to = suture_atom_name(target);
	const SutureSectionRule *rule = target->section->rule;

	if (target->ambiguous && !target->twin) {
		from->refused = TRUE;
		suture_spread_refuse(
			spread, SUTURE_DIFF_ERROR_AMBIGUOUS, target->base,
			"%s: %s had another number of static variables of that name before, so that nobody "
			"can tell which is which: give the new one a name of its own",
			target->base, name);
		return TRUE;
	}
	from->refused |= rule->kind == SUTURE_SECTION_BOOT || rule->kind == SUTURE_SECTION_UNKNOWN;
	if (rule->kind == SUTURE_SECTION_BOOT)
		suture_spread_refuse(spread, rule->code, name, "%s: refers to %s in section %s: %s", name, to,
				     target->section->name, rule->sentence);
	else if (rule->kind == SUTURE_SECTION_UNKNOWN)
		suture_spread_refuse(spread, rule->code, target->section->name, "%s: %s refers to it: %s",
				     target->section->name, name, rule->sentence);
	return rule->kind == SUTURE_SECTION_BOOT || rule->kind == SUTURE_SECTION_UNKNOWN;
}

/* A table that nobody knows and that points into new code would need an entry for it. */
static void refuse_unknown_table(SutureSpread *spread, const SutureAtom *table)
{
	for (guint i = 0; i < table->n_links; i++) {
		const SutureLink *link = suture_atom_link(table, i);
		const SutureAtom *target = link->target;

		if (!target || !target->included ||
		    (target->kind != SUTURE_ATOM_FUNCTION && target->kind != SUTURE_ATOM_CODE) ||
		    (target->kind == SUTURE_ATOM_FUNCTION &&
		     link->at == (gint64)(target->entry - target->start)))
			continue;
		suture_spread_refuse(
			spread, SUTURE_DIFF_ERROR_UNKNOWN_SECTION, table->section->name,
			"%s: says something about the inside of %s, which must be in the patch: %s",
			table->section->name, target->symbol ? target->symbol->name : "code",
			table->section->rule->kind == SUTURE_SECTION_UNKNOWN
				? table->section->rule->sentence
				: "leave what makes it as it is");
	}
}

static const gchar *sentence_of(const SutureAtom *atom)
{
	if (atom->state == SUTURE_ATOM_SAME && atom->masked)
		return "only line numbers differ";
	if (atom->dropped)
		return "left out, with a note on what that means";
	if (atom->kind == SUTURE_ATOM_ENTRY)
		return "describes code that did not change";
	return "nothing in the patch refers to it";
}

/* What only the atoms that include it could need, or what a sentence accounts for. */
static gboolean is_optional(const SutureAtom *atom)
{
	if (atom->dropped || atom->state == SUTURE_ATOM_SAME)
		return TRUE;
	if (atom->kind == SUTURE_ATOM_ENTRY)
		return atom->owner && !atom->owner->included;
	return atom->kind == SUTURE_ATOM_DATA || suture_atom_is_anonymous(atom);
}

static void settle(SutureSpread *spread, SutureAtom *atom)
{
	g_autofree gchar *name = suture_atom_name(atom);

	if (atom->included || atom->refused || atom->sentence)
		return;
	if (is_optional(atom)) {
		atom->sentence = g_strdup(sentence_of(atom));
		return;
	}
	atom->refused = TRUE;
	suture_spread_refuse(
		spread, SUTURE_DIFF_ERROR_UNEXPLAINED, name,
		"%s in section %s differs, and nothing accounts for it: this is a mistake of the diff, "
		"report it",
		name, atom->section->name);
}

/* Who reads such an atom is not known to read the constant, and may have stayed as it is. */
static void refuse_anonymous_reader(SutureSpread *spread, const SutureAtom *reader)
{
	for (guint i = 0; i < reader->n_links; i++) {
		SutureAtom *target = suture_atom_link(reader, i)->target;

		if (target && target->kind == SUTURE_ATOM_DATA && target->state == SUTURE_ATOM_CHANGED &&
		    !target->refused)
			suture_refuse_data(spread, target, reader);
	}
}

void suture_refuse_rest(SutureSpread *spread)
{
	for (guint i = 0; i < spread->after->atoms->len; i++) {
		SutureAtom *atom = spread->after->atoms->pdata[i];
		SutureSectionKind kind = atom->section->rule->kind;

		if (kind == SUTURE_SECTION_UNKNOWN || kind == SUTURE_SECTION_REGISTRY)
			refuse_unknown_table(spread, atom);
		if (suture_atom_is_anonymous(atom) && !atom->included)
			refuse_anonymous_reader(spread, atom);
		if (atom->state != SUTURE_ATOM_SAME || atom->dropped || atom->masked)
			settle(spread, atom);
	}
}
