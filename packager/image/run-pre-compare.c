// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/image/run-pre-private.h"

#include <elf.h>
#include <string.h>

#define JUMP 0xe9       /* with 32 bits */
#define SHORT_JUMP 0xeb /* with 8 */

/* One comparison under way. */
typedef struct {
	const SutureRunPre *run_pre;
	const SutureUnitSection *section;
	guint64 offset, size, address;
	const guint8 *found;
	SutureDifference *difference;
} Comparison;

static gboolean differ(const Comparison *comparison, guint64 offset, guint64 key)
{
	const guint8 expected = comparison->section->bytes[comparison->offset + offset];

	*comparison->difference = (SutureDifference){
		.offset = offset,
		.expected = expected,
		.found = comparison->found ? comparison->found[offset] : expected,
		.key = key,
		.bytes = key == SUTURE_NO_KEY,
	};
	return FALSE;
}

static gboolean compare_bytes(const Comparison *comparison, guint64 from, guint64 to)
{
	const guint8 *expected = comparison->section->bytes + comparison->offset;

	guint64 relocated;

	if (from >= to)
		return TRUE;
	if (suture_running_relocated(comparison->run_pre->running, comparison->address + from,
				     comparison->address + to, &relocated))
		return differ(comparison, relocated - comparison->address, SUTURE_NO_KEY);
	if (memcmp(expected + from, comparison->found + from, to - from) == 0)
		return TRUE;
	while (expected[from] == comparison->found[from])
		from++;
	return differ(comparison, from, SUTURE_NO_KEY);
}

/*
 * The linker keeps one of each string or constant of all units, so that such a section has no place: what is
 * referred to must be the same.
 */
static gboolean same_constant(const SutureRunPre *run_pre, const SutureUnitSymbol *symbol,
			      const SutureUnitSection *section, gint64 addend, guint64 target)
{
	gboolean named = symbol->type != STT_SECTION;
	guint64 start = named ? symbol->value : symbol->value + (guint64)addend, length;
	guint64 address = named ? target - (guint64)addend : target;
	const guint8 *found;

	if (!section->bytes || start >= section->size || section->entry_size == 0)
		return FALSE;
	if (section->flags & SHF_STRINGS) {
		length = strnlen((const gchar *)section->bytes + start, section->size - start) + 1;
	} else {
		address -= start % section->entry_size;
		start -= start % section->entry_size;
		length = section->entry_size;
	}
	if (length > section->size - start)
		return FALSE;
	found = suture_running_bytes(run_pre->running, address, length);
	return found && memcmp(section->bytes + start, found, length) == 0;
}

/* What decides where a reference to @symbol leads: the section that has it or, when that may be overridden
 * by another object's or is another object's, the symbol itself. */
static guint64 key_of(const SutureUnit *unit, guint index)
{
	const SutureUnitSymbol *symbol = suture_unit_symbol(unit, index);

	if (symbol->section == 0 || symbol->section == G_MAXUINT || symbol->bind == STB_WEAK)
		return (guint64)index << 32;
	return symbol->section;
}

/* What a module has at a place that is still to be relocated is the compiler's, too. */
static gboolean same_field(const Comparison *comparison, guint64 at, guint32 type)
{
	guint64 place = comparison->address + at, found;

	return !comparison->found ||
	       !suture_running_relocated(comparison->run_pre->running, place, place + 1, &found) ||
	       memcmp(comparison->section->bytes + comparison->offset + at, comparison->found + at,
		      suture_relocation_bytes(type)) == 0;
}

/* What a reference to @target, in the instruction's bytes at @at, says about the place of its symbol. */
static gboolean judge_target(const Comparison *comparison, const SutureUnitRelocation *relocation, guint64 at,
			     guint64 target, gboolean strict, GArray *inferences, guint function)
{
	const SutureRunPre *run_pre = comparison->run_pre;
	const SutureUnitSymbol *symbol = suture_unit_symbol(run_pre->unit, relocation->symbol);
	guint64 key = key_of(run_pre->unit, relocation->symbol);
	const SutureUnitSection *section =
		key < G_MAXUINT32 ? suture_unit_section(run_pre->unit, (guint)key) : NULL;
	const SuturePlace *place = suture_run_pre_place(run_pre, key);
	const SutureInference inference = {
		.key = key,
		.address = target - (guint64)relocation->addend - (section ? symbol->value : 0),
		.function = function,
		.offset = at,
	};

	if (section && (section->flags & SHF_MERGE))
		return same_constant(run_pre, symbol, section, relocation->addend, target) ||
		       differ(comparison, at, key);
	if (strict && (place->known ? place->address != inference.address
				    : !suture_run_pre_acceptable(run_pre, key, inference.address)))
		return differ(comparison, at, key);
	g_array_append_val(inferences, inference);
	return TRUE;
}

static gboolean compare_reference(const Comparison *comparison, const SutureUnitRelocation *relocation,
				  gboolean strict, GArray *inferences, guint function)
{
	guint64 at = relocation->offset - comparison->offset, target;

	if (!suture_running_target(comparison->run_pre->running, comparison->address + at, relocation->type,
				   &target) ||
	    !same_field(comparison, at, relocation->type))
		return differ(comparison, at, SUTURE_NO_KEY);
	return judge_target(comparison, relocation, at, target, strict, inferences, function);
}

/*
 * With sections of their own, functions end in long jumps where the assembler has put short ones in the
 * image.
 */
static gboolean is_short_jump(const Comparison *comparison, const SutureUnitRelocation *relocation,
			      guint64 done)
{
	guint64 at = relocation->offset - comparison->offset;

	return at > done && at + sizeof(gint32) == comparison->size &&
	       (relocation->type == R_X86_64_PLT32 || relocation->type == R_X86_64_PC32) &&
	       comparison->section->bytes[relocation->offset - 1] == JUMP &&
	       comparison->found[at - 1] == SHORT_JUMP;
}

static gboolean compare_short_jump(const Comparison *comparison, const SutureUnitRelocation *relocation,
				   guint64 done, gboolean strict, GArray *inferences, guint function)
{
	guint64 at = relocation->offset - comparison->offset;
	guint64 behind = comparison->address + at + 1;

	/* A long jump's reference is made relative to its own end by the addend. */
	return compare_bytes(comparison, done, at - 1) &&
	       judge_target(comparison, relocation, at - 1,
			    behind + (guint64)(gint64)(gint8)comparison->found[at] - sizeof(gint32), strict,
			    inferences, function);
}

static gboolean compare_all(const Comparison *comparison, gboolean strict, guint function, GArray *inferences)
{
	guint64 done = 0, end = comparison->offset + comparison->size;
	const SutureUnitRelocation *relocation;
	guint left;

	relocation = suture_unit_relocations(comparison->section, comparison->offset, &left);
	for (; left && relocation->offset < end; relocation++, left--) {
		guint64 at = relocation->offset - comparison->offset;
		gsize width = suture_relocation_bytes(relocation->type);

		if (at < done || width == 0 || width > comparison->size - at)
			return differ(comparison, at, SUTURE_NO_KEY);
		if (is_short_jump(comparison, relocation, done))
			return compare_short_jump(comparison, relocation, done, strict, inferences, function);
		if (!compare_bytes(comparison, done, at) ||
		    !compare_reference(comparison, relocation, strict, inferences, function))
			return FALSE;
		done = at + width;
	}
	return compare_bytes(comparison, done, comparison->size);
}

gboolean suture_run_pre_compare(const SutureRunPre *run_pre, guint section, guint64 offset, guint64 size,
				guint64 address, gboolean strict, guint function, GArray *inferences,
				SutureDifference *ret)
{
	Comparison comparison = {
		.run_pre = run_pre,
		.section = suture_unit_section(run_pre->unit, section),
		.offset = offset,
		.size = size,
		.address = address,
		.found = suture_running_bytes(run_pre->running, address, size),
		.difference = ret,
	};
	guint before = inferences->len;

	if (comparison.found ? compare_all(&comparison, strict, function, inferences)
			     : differ(&comparison, 0, SUTURE_NO_KEY))
		return TRUE;
	g_array_set_size(inferences, before);
	return FALSE;
}

gboolean suture_run_pre_compare_function(const SutureRunPre *run_pre, guint index, guint64 address,
					 gboolean strict, GArray *inferences, SutureDifference *ret)
{
	const SutureRunPreFunction *function = suture_run_pre_function(run_pre, index);
	const SutureUnitSymbol *symbol = suture_unit_symbol(run_pre->unit, function->symbol);

	return suture_run_pre_compare(run_pre, symbol->section, symbol->value, symbol->size, address, strict,
				      index, inferences, ret);
}

void suture_run_pre_read_data(const SutureRunPre *run_pre, guint section, guint64 address, GArray *inferences)
{
	SutureDifference difference;
	const Comparison comparison = {
		.run_pre = run_pre,
		.section = suture_unit_section(run_pre->unit, section),
		.size = suture_unit_section(run_pre->unit, section)->size,
		.address = address,
		.difference = &difference,
	};

	for (guint i = 0; i < comparison.section->relocations->len; i++)
		/* Data that differs is no function's fault. */
		(void)compare_reference(
			&comparison, &g_array_index(comparison.section->relocations, SutureUnitRelocation, i),
			FALSE, inferences, G_MAXUINT);
}
