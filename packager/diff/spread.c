// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/diff/spread.h"

#include "packager/diff/author.h"
#include "packager/diff/carry.h"
#include "packager/diff/constant.h"
#include "packager/diff/handout.h"
#include "packager/diff/names.h"
#include "packager/diff/prototype.h"
#include "packager/diff/refuse.h"

#include <string.h>

void suture_spread_reason(SutureAtom *atom, gchar *reason)
{
	if (!atom->reasons)
		atom->reasons = g_ptr_array_new_with_free_func(g_free);
	if (g_ptr_array_find_with_equal_func(atom->reasons, reason, g_str_equal, NULL))
		g_free(reason);
	else
		g_ptr_array_add(atom->reasons, reason);
}

void suture_spread_change(SutureAtom *function, gchar *reason)
{
	if (function->state == SUTURE_ATOM_SAME)
		function->state = SUTURE_ATOM_CHANGED;
	suture_spread_reason(function, reason);
}

static void include(SutureSpread *spread, SutureAtom *atom)
{
	if (atom->included || atom->dropped)
		return;
	atom->included = TRUE;
	g_queue_push_tail(spread->queue, atom);
}

static gboolean is_boot(const SutureAtom *atom)
{
	return atom->section->rule->kind == SUTURE_SECTION_BOOT;
}

/* A function in two parts is replaced as a whole. */
static void change_parents(SutureSpread *spread)
{
	for (guint i = 0; i < spread->after->atoms->len; i++) {
		SutureAtom *part = spread->after->atoms->pdata[i];

		if (part->parent && part->state != SUTURE_ATOM_SAME &&
		    part->parent->state == SUTURE_ATOM_SAME)
			suture_spread_change(part->parent,
					     g_strdup_printf("its part %s changed", part->symbol->name));
	}
}

/* TRUE: something became changed that others may read in turn. */
static gboolean change_reader(SutureSpread *spread, SutureAtom *reader, SutureAtom *constant)
{
	if (reader->kind == SUTURE_ATOM_FUNCTION && !is_boot(reader)) {
		g_autofree gchar *name = suture_atom_name(constant);

		suture_spread_change(reader, g_strdup_printf("reads %s, whose value changed", name));
		return FALSE;
	}
	if (reader->kind == SUTURE_ATOM_DATA && reader->twin && !suture_atom_is_writable(reader) &&
	    reader->section->rule->kind == SUTURE_SECTION_DATA && suture_atom_is_local(reader)) {
		gboolean more = reader->state == SUTURE_ATOM_SAME;

		suture_spread_change(reader, g_strdup("what it points at changed"));
		return more;
	}
	if (reader->state != SUTURE_ATOM_NEW && !suture_atom_is_anonymous(reader))
		suture_refuse_data(spread, constant, reader);
	return FALSE;
}

static gboolean change_readers_once(SutureSpread *spread)
{
	gboolean more = FALSE;

	for (guint i = 0; i < spread->after->atoms->len; i++) {
		SutureAtom *reader = spread->after->atoms->pdata[i];

		for (guint k = 0; k < reader->n_links; k++) {
			SutureAtom *target = suture_atom_link(reader, k)->target;

			if (target && target != reader && suture_constant_is_changed(target))
				more |= change_reader(spread, reader, target);
		}
	}
	return more;
}

static gboolean has_ftrace_call(const SutureAtom *function)
{
	guint64 start = function->entry - function->start;

	for (guint i = 0; i < function->n_links; i++) {
		const SutureLink *link = suture_atom_link(function, i);
		guint64 at = link->offset - function->start;

		if (link->symbol && !link->target && strcmp(link->symbol->name, "__fentry__") == 0 &&
		    at >= start && at - start <= 8)
			return TRUE;
	}
	for (guint i = 0; function->entries && i < function->entries->len; i++) {
		const SutureAtom *entry = function->entries->pdata[i];

		if (strcmp(entry->section->name, "__mcount_loc") == 0)
			return TRUE;
	}
	return FALSE;
}

gboolean suture_spread_is_traceable(const SutureSpread *spread, const SutureAtom *original)
{
	const SutureDiffRequest *request = spread->request;

	if (request->traceable)
		return request->traceable(request->data, original->symbol->name,
					  suture_atom_is_local(original));
	return has_ftrace_call(original);
}

/* The patch would have a copy of its own where the kernel goes on with what it has. */
static gboolean is_taken(const SutureSpread *spread, const SutureAtom *atom)
{
	const SutureDiffRequest *request = spread->request;

	return request->taken && atom->state == SUTURE_ATOM_NEW && !suture_atom_is_local(atom) &&
	       request->taken(request->data, atom->symbol->name, FALSE);
}

static void start_function(SutureSpread *spread, SutureAtom *function)
{
	if (function->state == SUTURE_ATOM_SAME)
		return;
	if (is_taken(spread, function)) {
		suture_refuse_moved(spread, function);
		return;
	}
	if (is_boot(function)) {
		suture_refuse_atom(spread, function);
		return;
	}
	if (function->state == SUTURE_ATOM_NEW)
		suture_spread_reason(function, g_strdup("new function"));
	else if (!function->cold && !function->carried && !suture_spread_is_traceable(spread, function->twin))
		suture_refuse_untraceable(spread, function);
	include(spread, function);
}

/* Nobody in the running kernel knows of it, and what the patch links together needs no export. */
static gboolean is_new_export(const SutureAtom *atom)
{
	return atom->state == SUTURE_ATOM_NEW && atom->section->rule->kind == SUTURE_SECTION_REGISTRY &&
	       atom->section->rule->code == SUTURE_DIFF_ERROR_EXPORT;
}

static void leave_export(SutureSpread *spread, SutureAtom *atom)
{
	const gchar *name = atom->symbol ? suture_name_exported(atom->symbol->name) : NULL;

	atom->sentence = g_strdup("a new export: only the patch can use what it names");
	if (name)
		g_ptr_array_add(
			spread->diff->notes,
			g_strdup_printf("%s: is exported now, but not to other modules by the patch", name));
}

static void start_data(SutureSpread *spread, SutureAtom *atom)
{
	SutureSectionKind kind = atom->section->rule->kind;

	if (is_new_export(atom)) {
		leave_export(spread, atom);
		return;
	}

	if (atom->state == SUTURE_ATOM_SAME || kind == SUTURE_SECTION_AUTHOR ||
	    (suture_atom_is_anonymous(atom) && kind == SUTURE_SECTION_DATA))
		return;
	if (kind == SUTURE_SECTION_DATA && atom->state == SUTURE_ATOM_NEW) {
		if (is_taken(spread, atom))
			suture_refuse_moved(spread, atom);
		else if (!suture_atom_is_local(atom))
			include(spread, atom);
		return;
	}
	if (kind == SUTURE_SECTION_DATA && suture_constant_is_changed(atom) && suture_atom_is_local(atom))
		return;
	suture_refuse_atom(spread, atom);
}

static void start(SutureSpread *spread)
{
	for (guint i = 0; i < spread->after->atoms->len; i++) {
		SutureAtom *atom = spread->after->atoms->pdata[i];

		if (atom->kind == SUTURE_ATOM_FUNCTION)
			start_function(spread, atom);
		else if (atom->kind == SUTURE_ATOM_DATA)
			start_data(spread, atom);
		else if (atom->kind == SUTURE_ATOM_CODE && atom->state != SUTURE_ATOM_SAME && is_boot(atom))
			suture_refuse_atom(spread, atom);
	}
}

/* A table of labels within the function, say: it must lead into the new code. */
static gboolean leads_into_included(const SutureAtom *data)
{
	for (guint i = 0; i < data->n_links; i++) {
		const SutureLink *link = suture_atom_link(data, i);
		const SutureAtom *target = link->target;

		if (target && target->kind == SUTURE_ATOM_FUNCTION && target->included &&
		    link->at != (gint64)(target->entry - target->start))
			return TRUE;
	}
	return FALSE;
}

static gboolean is_wanted(const SutureAtom *target)
{
	SutureSectionKind kind = target->section->rule->kind;

	if (kind == SUTURE_SECTION_BOOT || kind == SUTURE_SECTION_UNKNOWN || kind == SUTURE_SECTION_REGISTRY)
		return FALSE;
	if (suture_atom_is_anonymous(target))
		return TRUE;
	if (target->kind == SUTURE_ATOM_FUNCTION)
		return target->cold && target->parent->included && target->parent->state != SUTURE_ATOM_SAME;
	if (target->kind != SUTURE_ATOM_DATA)
		return FALSE;
	if (target->state == SUTURE_ATOM_NEW)
		return target->symbol && !(target->ambiguous && !target->twin);
	return !suture_atom_is_writable(target) &&
	       (target->state == SUTURE_ATOM_CHANGED || leads_into_included(target));
}

static const SutureLink *link_at(const SutureAtom *atom, guint64 at)
{
	for (guint i = 0; i < atom->n_links; i++)
		if (suture_atom_link(atom, i)->offset == atom->start + at)
			return suture_atom_link(atom, i);
	return NULL;
}

/* Nobody can switch the tracepoint on for the new code, which is as if it were off. */
static void replace_key(SutureSpread *spread, SutureAtom *entry, const SutureReference *key)
{
	g_autofree gchar *function = suture_atom_name(entry->owner);

	entry->keyless = TRUE;
	g_ptr_array_add(spread->diff->notes,
			g_strdup_printf("%s: the tracepoint %s of %s does not fire in the new code", function,
					key->name + strlen("__tracepoint_"), key->target.object));
}

static gboolean is_frozen(const SutureSpread *spread, const SutureReference *key)
{
	const SutureDiffRequest *request = spread->request;

	return request->frozen && strcmp(key->target.object, "vmlinux") == 0 &&
	       request->frozen(request->data, key->target.symbol, FALSE);
}

/* The kernel takes keys over when the module is loaded, before anything of another module is known. */
static gboolean key_is_known(SutureSpread *spread, SutureAtom *entry)
{
	gboolean jump = strcmp(entry->section->name, "__jump_table") == 0;
	const SutureLink *link = link_at(entry, jump ? SUTURE_JUMP_KEY_AT : SUTURE_STATIC_CALL_KEY_AT);
	SutureReference *key;

	if ((!jump && strcmp(entry->section->name, ".static_call_sites") != 0) || !link)
		return TRUE;
	if (link->target && (link->target->included || is_wanted(link->target)))
		return TRUE;
	key = suture_references_find(spread->references, link);
	if (!key || key->problem)
		return TRUE;
	if (jump && is_frozen(spread, key)) {
		suture_refuse_frozen_key(spread, entry, key);
		return FALSE;
	}
	if (key->target.exported || (!spread->request->late && strcmp(key->target.object, "vmlinux") == 0))
		return TRUE;
	if (jump && g_str_has_prefix(key->name, "__tracepoint_")) {
		replace_key(spread, entry, key);
		return TRUE;
	}
	if (jump)
		suture_refuse_key(spread, entry, key);
	else
		entry->dropped = TRUE; /* a call of the trampoline does as well */
	return FALSE;
}

static void check_link(SutureSpread *spread, SutureAtom *from, const SutureLink *link)
{
	const SutureDiffRequest *request = spread->request;
	SutureReference *reference;

	/* What the module loader does not do. */
	if (link->size < 4) {
		suture_refuse_relocation(spread, from, link);
		return;
	}
	if (link->target && suture_refuse_target(spread, from, link->target))
		return;
	if (suture_link_is_direct(from, link) || suture_link_is_replaced(from, link))
		return;
	reference = suture_references_find(spread->references, link);
	if (!reference || reference->problem)
		suture_refuse_reference(spread, from, link, reference);
	else if (request->sealed && !link->branch && from->kind != SUTURE_ATOM_ENTRY &&
		 (!link->target || link->target->kind == SUTURE_ATOM_FUNCTION) &&
		 request->sealed(request->data, reference->name, reference->local))
		suture_refuse_sealed(spread, from, reference);
}

static void follow(SutureSpread *spread, SutureAtom *atom)
{
	for (guint i = 0; i < atom->n_links; i++) {
		SutureAtom *target = suture_atom_link(atom, i)->target;

		if (target && is_wanted(target))
			include(spread, target);
	}
	for (guint i = 0; atom->entries && i < atom->entries->len; i++) {
		SutureAtom *entry = atom->entries->pdata[i];

		if (!entry->dropped && !entry->included && key_is_known(spread, entry))
			include(spread, entry);
	}
}

static const SutureAtom *target_at(const SutureAtom *atom, guint64 at)
{
	const SutureLink *link = link_at(atom, at);

	return link ? link->target : NULL;
}

/* struct pi_entry has the name of the function second, and that is all that ties it to one. */
static const gchar *printk_function(const SutureAtom *pointer)
{
	const SutureAtom *entry = target_at(pointer, 0), *name = entry ? target_at(entry, 8) : NULL;
	const guint8 *bytes = name ? suture_atom_bytes(name) : NULL;

	return bytes && name->size && bytes[name->size - 1] == '\0' ? (const gchar *)bytes : NULL;
}

static gboolean is_name_of(const gchar *name, const SutureAtom *function)
{
	gsize length = strlen(name);

	return function->kind == SUTURE_ATOM_FUNCTION && function->included &&
	       strncmp(function->symbol->name, name, length) == 0 &&
	       (function->symbol->name[length] == '\0' || function->symbol->name[length] == '.');
}

static void include_printk_index(SutureSpread *spread)
{
	for (guint i = 0; i < spread->after->atoms->len; i++) {
		SutureAtom *atom = spread->after->atoms->pdata[i];
		const gchar *name;

		if (strcmp(atom->section->name, ".printk_index") != 0 || !(name = printk_function(atom)))
			continue;
		for (guint k = 0; k < spread->after->atoms->len; k++)
			if (is_name_of(name, spread->after->atoms->pdata[k]))
				include(spread, atom);
	}
}

static void close_over(SutureSpread *spread)
{
	SutureAtom *atom;

	while ((atom = g_queue_pop_head(spread->queue)))
		follow(spread, atom);
}

static void check_included(SutureSpread *spread)
{
	for (guint i = 0; i < spread->after->atoms->len; i++) {
		SutureAtom *atom = spread->after->atoms->pdata[i];

		for (guint k = 0; atom->included && k < atom->n_links; k++)
			check_link(spread, atom, suture_atom_link(atom, k));
	}
}

void suture_spread_run(SutureSpread *spread)
{
	change_parents(spread);
	while (change_readers_once(spread))
		;
	change_parents(spread);
	suture_carry_untraceable(spread);
	start(spread);
	suture_author_read(spread);
	close_over(spread);
	include_printk_index(spread);
	close_over(spread);
	check_included(spread);
	suture_constants_refuse(spread);
	suture_variables_refuse(spread);
	suture_variables_note(spread);
	suture_prototypes_note(spread);
	suture_handouts_note(spread);
	suture_refuse_rest(spread);
}
