// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/image/run-pre-private.h"

#include <elf.h>

#define CANDIDATES_MAX 1024 /* places that are tried for one section */

static const SutureUnitSymbol *symbol_of(const SutureRunPre *run_pre, guint index)
{
	return suture_unit_symbol(run_pre->unit, suture_run_pre_function(run_pre, index)->symbol);
}

/* A function without a verdict in @section. */
static gboolean waits(const SutureRunPre *run_pre, guint index, guint section)
{
	return suture_run_pre_function(run_pre, index)->state == SUTURE_RUN_PRE_UNKNOWN &&
	       symbol_of(run_pre, index)->section == section;
}

static gint compare_addresses(gconstpointer left, gconstpointer right)
{
	guint64 a = *(const guint64 *)left, b = *(const guint64 *)right;

	return a < b ? -1 : a > b;
}

/* Where @section would be by any symbol of the name of any of its functions; sorted. */
static GArray *candidates_of(const SutureRunPre *run_pre, guint section)
{
	GArray *candidates = g_array_new(FALSE, FALSE, sizeof(guint64));
	guint kept = 0;

	for (guint i = 0; i < run_pre->functions->len; i++) {
		const SutureUnitSymbol *symbol = symbol_of(run_pre, i);
		SutureRunningSymbol found;

		for (guint n = 0; waits(run_pre, i, section) && candidates->len < CANDIDATES_MAX &&
				  suture_running_symbol(run_pre->running, symbol->name, n, &found);
		     n++) {
			guint64 start = found.address - symbol->value;

			g_array_append_val(candidates, start);
		}
	}
	g_array_sort(candidates, compare_addresses);
	for (guint i = 0; i < candidates->len; i++)
		if (i == 0 ||
		    g_array_index(candidates, guint64, i) != g_array_index(candidates, guint64, i - 1))
			g_array_index(candidates, guint64, kept++) = g_array_index(candidates, guint64, i);
	g_array_set_size(candidates, kept);
	return candidates;
}

/* Whether all functions that wait in @section are what is there when it is at @start. */
static gboolean fits(const SutureRunPre *run_pre, guint section, guint64 start)
{
	g_autoptr(GArray) inferences = g_array_new(FALSE, FALSE, sizeof(SutureInference));

	for (guint i = 0; i < run_pre->functions->len; i++) {
		guint64 address = start + symbol_of(run_pre, i)->value;
		SutureDifference difference;

		if (waits(run_pre, i, section) &&
		    !suture_run_pre_compare_function(run_pre, i, address, TRUE, inferences, &difference))
			return FALSE;
	}
	return TRUE;
}

/*
 * Functions with sections of their own stand side by side in the image, in the order of the sections: those
 * that the linker puts into one part of it. NULL: of no such part.
 */
static const gchar *part_of(const SutureUnitSection *section)
{
	static const gchar *const parts[] = {".text.unlikely.", ".text.hot.", ".text.startup.", ".text.exit.",
					     ".text."};

	for (gsize i = 0; i < G_N_ELEMENTS(parts); i++)
		if ((section->flags & SHF_EXECINSTR) && g_str_has_prefix(section->name, parts[i]))
			return parts[i];
	return NULL;
}

/* The section of the same part before (@step -1) or behind @section; NULL: none. */
static const SutureUnitSection *neighbour(const SutureRunPre *run_pre, guint section, gint step,
					  const SuturePlace **ret_place)
{
	const gchar *part = part_of(suture_unit_section(run_pre->unit, section));

	for (guint i = section + (guint)step; part && i > 0 && i < run_pre->sections->len; i += (guint)step) {
		const SutureUnitSection *other = suture_unit_section(run_pre->unit, i);

		if (other->size && part_of(other) == part) {
			*ret_place = suture_run_pre_place(run_pre, i);
			return other;
		}
	}
	return NULL;
}

/* Whether nothing but padding is between the @size bytes at @start and what is aligned so at @next. */
static gboolean adjoins(guint64 start, guint64 size, guint64 alignment, guint64 next)
{
	guint64 end = start + size;

	return next >= end && next - end < alignment && next % alignment == 0;
}

static gboolean place_beside(SutureRunPre *run_pre, guint section)
{
	const SutureUnitSection *own = suture_unit_section(run_pre->unit, section), *before, *behind;
	g_autoptr(GArray) candidates = candidates_of(run_pre, section);
	SuturePlace *place = suture_run_pre_place(run_pre, section);
	const SuturePlace *before_place = NULL, *behind_place = NULL;

	before = neighbour(run_pre, section, -1, &before_place);
	behind = neighbour(run_pre, section, 1, &behind_place);
	for (guint i = 0; i < candidates->len && !place->known; i++) {
		guint64 start = g_array_index(candidates, guint64, i);

		place->address = start;
		place->known = (before && before_place->known &&
				adjoins(before_place->address, before->size, own->alignment, start)) ||
			       (behind && behind_place->known &&
				adjoins(start, own->size, behind->alignment, behind_place->address));
	}
	return place->known;
}

gboolean suture_run_pre_place_by_neighbours(SutureRunPre *run_pre)
{
	gboolean more = FALSE;

	for (guint i = 1; i < run_pre->sections->len; i++)
		if (!suture_run_pre_place(run_pre, i)->known)
			more = place_beside(run_pre, i) || more;
	return more;
}

/* A weak function is no witness: another object's may have its name, and its bytes as well. */
static gboolean has_witness(const SutureRunPre *run_pre, guint section)
{
	for (guint i = 0; i < run_pre->functions->len; i++)
		if (waits(run_pre, i, section) && symbol_of(run_pre, i)->bind != STB_WEAK)
			return TRUE;
	return FALSE;
}

static gboolean place_section(SutureRunPre *run_pre, guint section)
{
	g_autoptr(GArray) candidates = candidates_of(run_pre, section);
	SuturePlace *place = suture_run_pre_place(run_pre, section);
	guint fitting = 0;

	for (guint i = 0; i < candidates->len && fitting < 2; i++)
		if (fits(run_pre, section, g_array_index(candidates, guint64, i))) {
			place->address = g_array_index(candidates, guint64, i);
			fitting++;
		}
	place->known = fitting == 1;
	return place->known;
}

gboolean suture_run_pre_place_by_bytes(SutureRunPre *run_pre)
{
	gboolean more = FALSE;

	for (guint i = 1; i < run_pre->sections->len; i++)
		if (!suture_run_pre_place(run_pre, i)->known && has_witness(run_pre, i))
			more = place_section(run_pre, i) || more;
	return more;
}

/* Compares with each symbol of its name, wherever it is. */
static void conclude_by_name(SutureRunPre *run_pre, guint index)
{
	const SutureUnitSymbol *symbol = symbol_of(run_pre, index);
	SutureDifference difference, nearest = {0};
	SutureRunningSymbol found;
	guint64 address = 0;
	guint fitting = 0;

	for (guint n = 0; suture_running_symbol(run_pre->running, symbol->name, n, &found); n++) {
		if (suture_run_pre_compare_function(run_pre, index, found.address, TRUE, run_pre->inferences,
						    &difference)) {
			fitting++;
			address = found.address;
		} else if (fitting == 0 && (n == 0 || difference.offset > nearest.offset)) {
			nearest = difference;
			address = found.address;
		}
	}
	if (fitting == 1)
		suture_run_pre_conclude(run_pre, index, SUTURE_RUN_PRE_MATCHES, address, NULL);
	else if (fitting > 1)
		suture_run_pre_conclude(run_pre, index, SUTURE_RUN_PRE_SKIPPED, 0,
					"several functions of its name are the same");
	else
		suture_run_pre_conclude_difference(run_pre, index, address, &nearest);
}

/* The image has no symbol of its name. */
static void conclude_nameless(SutureRunPre *run_pre, guint index)
{
	const SutureUnitSymbol *symbol = symbol_of(run_pre, index);
	const SuturePlace *place = suture_run_pre_place(run_pre, symbol->section);
	g_autoptr(GArray) inferences = g_array_new(FALSE, FALSE, sizeof(SutureInference));
	SutureDifference difference;

	if (place->known && suture_run_pre_compare_function(run_pre, index, place->address + symbol->value,
							    TRUE, inferences, &difference))
		suture_run_pre_conclude(run_pre, index, SUTURE_RUN_PRE_SKIPPED, 0,
					"the kernel has no symbol for it");
	else
		suture_run_pre_conclude(run_pre, index, SUTURE_RUN_PRE_ABSENT, 0,
					"no function of that name is in what runs");
}

void suture_run_pre_conclude_rest(SutureRunPre *run_pre)
{
	for (guint i = 0; i < run_pre->functions->len; i++) {
		const SutureRunPreFunction *function = suture_run_pre_function(run_pre, i);
		const SutureUnitSymbol *symbol = symbol_of(run_pre, i);

		if (function->state != SUTURE_RUN_PRE_UNKNOWN)
			continue;
		if (symbol->bind == STB_WEAK)
			suture_run_pre_conclude(run_pre, i, SUTURE_RUN_PRE_SKIPPED, 0,
						suture_run_pre_place(run_pre, symbol->section)->known
							? "another definition of this weak function is used"
							: "nothing tells whether this weak function is used");
		else if (suture_running_count(run_pre->running, symbol->name))
			conclude_by_name(run_pre, i);
		else
			conclude_nameless(run_pre, i);
	}
}
