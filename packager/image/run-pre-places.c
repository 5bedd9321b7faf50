// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/image/run-pre-private.h"

#include <elf.h>
#include <string.h>

/* Sections whose bytes nothing changes after the compiler. */
static const gchar *const plain_data[] = {".rodata", ".data", ".init.rodata", ".init.data"};

SuturePlace *suture_run_pre_place(const SutureRunPre *run_pre, guint64 key)
{
	if (key > G_MAXUINT32)
		return &g_array_index(run_pre->symbols, SuturePlace, key >> 32);
	return &g_array_index(run_pre->sections, SuturePlace, key);
}

const gchar *suture_run_pre_place_name(const SutureRunPre *run_pre, guint64 key)
{
	if (key > G_MAXUINT32)
		return suture_unit_symbol(run_pre->unit, (guint)(key >> 32))->name;
	return suture_unit_section(run_pre->unit, (guint)key)->name;
}

gboolean suture_run_pre_is_plain_data(const SutureUnitSection *section)
{
	if (!section->bytes || (section->flags & SHF_EXECINSTR) || !(section->flags & SHF_ALLOC))
		return FALSE;
	for (gsize i = 0; i < G_N_ELEMENTS(plain_data); i++)
		if (g_str_has_prefix(section->name, plain_data[i]))
			return TRUE;
	return FALSE;
}

/* Whether the image has the section's bytes at @address, but for what is relocated. */
static gboolean holds_section(const SutureRunPre *run_pre, guint index, guint64 address)
{
	const SutureUnitSection *section = suture_unit_section(run_pre->unit, index);
	const guint8 *found = suture_running_bytes(run_pre->running, address, section->size);
	guint64 done = 0;

	if (!found)
		return FALSE;
	for (guint i = 0; i < section->relocations->len; i++) {
		const SutureUnitRelocation *relocation =
			&g_array_index(section->relocations, SutureUnitRelocation, i);

		if (relocation->offset < done)
			return FALSE;
		if (memcmp(section->bytes + done, found + done, relocation->offset - done) != 0)
			return FALSE;
		done = MIN(relocation->offset + suture_relocation_bytes(relocation->type), section->size);
	}
	return memcmp(section->bytes + done, found + done, section->size - done) == 0;
}

static gboolean symbol_acceptable(const SutureRunPre *run_pre, guint index, guint64 address)
{
	const SutureUnitSymbol *symbol = suture_unit_symbol(run_pre->unit, index);
	guint count = suture_running_count(run_pre->running, symbol->name);
	guint64 elsewhere, sympos;

	if (symbol->section == G_MAXUINT)
		return address == symbol->value;
	if (suture_running_undefined(run_pre->running, symbol->name, &elsewhere) && address == elsewhere)
		return TRUE;
	/* A kernel may be built to know functions alone. */
	if (count == 0)
		return run_pre->running->undefined == NULL;
	return suture_running_sympos(run_pre->running, symbol->name, address, &sympos);
}

gboolean suture_run_pre_acceptable(const SutureRunPre *run_pre, guint64 key, guint64 address)
{
	const SutureUnitSection *section;

	if (key > G_MAXUINT32)
		return symbol_acceptable(run_pre, (guint)(key >> 32), address);
	section = suture_unit_section(run_pre->unit, (guint)key);
	return suture_run_pre_is_plain_data(section)
		       ? holds_section(run_pre, (guint)key, address)
		       : suture_memory_find(run_pre->running->memory, address, section->size) != NULL;
}

static gint compare_inferences(gconstpointer left, gconstpointer right)
{
	const SutureInference *a = left, *b = right;

	if (a->key != b->key)
		return a->key < b->key ? -1 : 1;
	return a->address < b->address ? -1 : a->address > b->address;
}

/* The end of the inferences from @start on that have its key and, with @address, its address. */
static guint group_end(const GArray *sorted, guint start, gboolean address)
{
	const SutureInference *first = &g_array_index(sorted, SutureInference, start);
	guint end = start + 1;

	for (; end < sorted->len; end++) {
		const SutureInference *next = &g_array_index(sorted, SutureInference, end);

		if (next->key != first->key || (address && next->address != first->address))
			break;
	}
	return end;
}

/* The address that most of [@start, @end) say; FALSE: none that @checked lets through. */
static gboolean most(const SutureRunPre *run_pre, const GArray *sorted, guint start, guint end,
		     gboolean checked, guint64 *ret)
{
	guint best = 0;

	for (guint i = start; i < end;) {
		const SutureInference *first = &g_array_index(sorted, SutureInference, i);
		guint behind = group_end(sorted, i, TRUE);

		if (behind - i > best &&
		    (!checked || suture_run_pre_acceptable(run_pre, first->key, first->address))) {
			best = behind - i;
			*ret = first->address;
		}
		i = behind;
	}
	return best > 0;
}

static gboolean place_groups(SutureRunPre *run_pre, GArray *inferences, gboolean checked)
{
	gboolean more = FALSE;

	g_array_sort(inferences, compare_inferences);
	for (guint i = 0; i < inferences->len;) {
		const SutureInference *first = &g_array_index(inferences, SutureInference, i);
		SuturePlace *place = suture_run_pre_place(run_pre, first->key);
		guint end = group_end(inferences, i, FALSE);

		if (!place->known && most(run_pre, inferences, i, end, checked, &place->address))
			more = place->known = TRUE;
		i = end;
	}
	return more;
}

gboolean suture_run_pre_place_by_references(SutureRunPre *run_pre)
{
	return place_groups(run_pre, run_pre->inferences, TRUE);
}

/* A weak symbol may be another object's in the image. */
static gboolean tells_place(const SutureUnit *unit, const SutureUnitSymbol *symbol)
{
	return symbol->section != 0 && symbol->section != G_MAXUINT && symbol->bind != STB_WEAK &&
	       symbol->type != STT_SECTION && symbol->type != STT_FILE && *symbol->name &&
	       !(suture_unit_section(unit, symbol->section)->flags & SHF_MERGE);
}

void suture_run_pre_place_by_names(SutureRunPre *run_pre)
{
	g_autoptr(GArray) votes = g_array_new(FALSE, FALSE, sizeof(SutureInference));

	for (guint i = 1; i < run_pre->unit->symbols->len; i++) {
		const SutureUnitSymbol *symbol = suture_unit_symbol(run_pre->unit, i);
		SutureInference vote = {.key = symbol->section};
		SutureRunningSymbol found;

		if (!tells_place(run_pre->unit, symbol) ||
		    suture_running_count(run_pre->running, symbol->name) != 1 ||
		    !suture_running_symbol(run_pre->running, symbol->name, 0, &found))
			continue;
		vote.address = found.address - symbol->value;
		g_array_append_val(votes, vote);
	}
	place_groups(run_pre, votes, FALSE);
}
