// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/diff/diff.h"

#include "packager/diff/compare.h"
#include "packager/diff/correlate.h"
#include "packager/diff/emit.h"
#include "packager/diff/inlined.h"
#include "packager/diff/layout.h"
#include "packager/diff/spread.h"
#include "packager/diff/statics.h"

#include <string.h>

void suture_diff_target_clear(SutureDiffTarget *target)
{
	g_clear_pointer(&target->object, g_free);
	g_clear_pointer(&target->symbol, g_free);
}

static void function_free(SutureDiffFunction *function)
{
	g_free(function->name);
	g_free(function->before);
	g_free(function->alias);
	g_strfreev(function->reasons);
	g_strfreev(function->inlined);
	suture_diff_target_clear(&function->target);
	g_free(function);
}

static void reference_free(SutureDiffReference *reference)
{
	g_free(reference->name);
	suture_diff_target_clear(&reference->target);
	g_free(reference);
}

static void section_free(SutureDiffSection *section)
{
	g_free(section->name);
	g_free(section->sentence);
	g_free(section);
}

static void refusal_free(SutureDiffRefusal *refusal)
{
	g_free(refusal->name);
	g_free(refusal->sentence);
	g_free(refusal);
}

void suture_diff_free(SutureDiff *diff)
{
	g_clear_pointer(&diff->extracted, g_bytes_unref);
	g_clear_pointer(&diff->functions, g_ptr_array_unref);
	g_clear_pointer(&diff->references, g_ptr_array_unref);
	g_clear_pointer(&diff->sections, g_ptr_array_unref);
	g_clear_pointer(&diff->refusals, g_ptr_array_unref);
	g_clear_pointer(&diff->layouts, g_ptr_array_unref);
	g_clear_pointer(&diff->notes, g_ptr_array_unref);
	g_clear_pointer(&diff->callbacks, g_ptr_array_unref);
	g_clear_pointer(&diff->states, g_array_unref);
	g_free(diff);
}

static void callback_free(SutureDiffCallback *callback)
{
	g_free(callback->name);
	g_free(callback->alias);
	g_free(callback);
}

static SutureDiff *diff_new(void)
{
	SutureDiff *diff = g_new0(SutureDiff, 1);

	diff->functions = g_ptr_array_new_with_free_func((GDestroyNotify)function_free);
	diff->references = g_ptr_array_new_with_free_func((GDestroyNotify)reference_free);
	diff->sections = g_ptr_array_new_with_free_func((GDestroyNotify)section_free);
	diff->refusals = g_ptr_array_new_with_free_func((GDestroyNotify)refusal_free);
	diff->notes = g_ptr_array_new_with_free_func(g_free);
	diff->callbacks = g_ptr_array_new_with_free_func((GDestroyNotify)callback_free);
	diff->states = g_array_new(FALSE, FALSE, sizeof(SutureDiffState));
	return diff;
}

static void copy_target(const SutureReference *from, SutureDiffTarget *to)
{
	*to = from->target;
	to->object = g_strdup(from->target.object);
	to->symbol = g_strdup(from->target.symbol);
}

static gchar **strings_of(const GPtrArray *list)
{
	GPtrArray *copy = g_ptr_array_new();

	for (guint i = 0; list && i < list->len; i++)
		g_ptr_array_add(copy, g_strdup(list->pdata[i]));
	g_ptr_array_add(copy, NULL);
	return (gchar **)g_ptr_array_free(copy, FALSE);
}

static gboolean is_reported(const SutureAtom *atom)
{
	return atom->included && atom->kind == SUTURE_ATOM_FUNCTION && !atom->cold;
}

/* What the source calls it, for DWARF: "f" of "f.isra.0". */
static gchar *source_name(const SutureAtom *function)
{
	return g_strndup(function->symbol->name, strcspn(function->symbol->name, "."));
}

static void report_original(SutureSpread *spread, SutureAtom *atom, SutureDiffFunction *function, guint index)
{
	SutureReference *original = suture_references_original(spread->references, atom);

	function->kind = SUTURE_DIFF_CHANGED;
	function->before = g_strdup(atom->twin->symbol->name);
	function->size_before = atom->twin->size;
	function->alias = suture_emit_alias(spread->request, index);
	copy_target(original, &function->target);
	if (original->problem) {
		atom->refused = TRUE;
		suture_spread_refuse(spread, SUTURE_DIFF_ERROR_UNRESOLVED, original->name,
				     "%s: it changed, and it cannot be named in the running kernel: %s",
				     original->name, original->problem);
	}
}

/* A function that the fix does not touch itself comes with those that it was inlined with. */
static void add_inlined_reasons(SutureAtom *function, const gchar *source, const GPtrArray *inlined,
				GHashTable *touched)
{
	for (guint i = 0; function->twin && inlined && i < inlined->len; i++)
		if (g_hash_table_contains(touched, inlined->pdata[i]) &&
		    strcmp(inlined->pdata[i], source) != 0)
			suture_spread_reason(function,
					     g_strdup_printf("has inlined %s, which the fix changes",
							     (const gchar *)inlined->pdata[i]));
}

static void report_functions(SutureSpread *spread, GHashTable *inlined)
{
	g_autoptr(GHashTable) touched = suture_inlined_touched(spread);
	guint index = 0;

	for (guint i = 0; i < spread->after->atoms->len; i++) {
		SutureAtom *atom = spread->after->atoms->pdata[i];
		SutureDiffFunction *function;
		g_autofree gchar *source = NULL;

		if (!is_reported(atom))
			continue;
		function = g_new0(SutureDiffFunction, 1);
		source = source_name(atom);
		function->name = g_strdup(atom->symbol->name);
		function->kind = SUTURE_DIFF_NEW;
		function->local = suture_atom_is_local(atom);
		function->size_after = atom->size;
		add_inlined_reasons(atom, source, g_hash_table_lookup(inlined, source), touched);
		function->reasons = strings_of(atom->reasons);
		function->inlined = strings_of(g_hash_table_lookup(inlined, source));
		if (atom->twin && !atom->carried)
			report_original(spread, atom, function, index++);
		g_ptr_array_add(spread->diff->functions, function);
	}
}

static GHashTable *read_inlined(SutureSpread *spread)
{
	g_autoptr(GHashTable) functions = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

	for (guint i = 0; i < spread->after->atoms->len; i++)
		if (is_reported(spread->after->atoms->pdata[i]))
			g_hash_table_add(functions, source_name(spread->after->atoms->pdata[i]));
	return suture_layout_inlined(&spread->after_debug, functions);
}

static void report_references(SutureSpread *spread, const GPtrArray *used)
{
	for (guint i = 0; used && i < used->len; i++) {
		const SutureReference *from = used->pdata[i];
		SutureDiffReference *reference;

		/* One under another name is not what the loader looks for, exported or not. */
		if (from->problem || (from->target.exported && strcmp(from->elf_name, from->name) == 0))
			continue;
		reference = g_new0(SutureDiffReference, 1);
		reference->name = g_strdup(from->elf_name);
		copy_target(from, &reference->target);
		g_ptr_array_add(spread->diff->references, reference);
	}
}

static void report_section(SutureSpread *spread, const gchar *name, SutureDiffDisposition disposition,
			   const gchar *sentence)
{
	SutureDiffSection *section = g_new0(SutureDiffSection, 1);

	section->name = g_strdup(name);
	section->disposition = disposition;
	section->sentence = g_strdup(sentence);
	g_ptr_array_add(spread->diff->sections, section);
}

/* The section of @within of that name, and with as many of that name in front of it. */
static const SutureSection *same_section(const SutureObject *within, const SutureSection *section)
{
	guint nth = 0;

	for (guint i = 1; i < section->index; i++)
		nth += strcmp(((SutureSection *)section->object->sections->pdata[i])->name, section->name) ==
		       0;
	for (guint i = 1; i < within->sections->len; i++) {
		const SutureSection *other = within->sections->pdata[i];

		if (strcmp(other->name, section->name) == 0 && nth-- == 0)
			return other;
	}
	return NULL;
}

static gboolean same_bytes(const SutureSection *before, const SutureSection *after)
{
	if (!before || before->header.sh_size != after->header.sh_size || !before->bytes != !after->bytes)
		return FALSE;
	return !after->bytes || memcmp(before->bytes, after->bytes, after->header.sh_size) == 0;
}

static gboolean is_relocations(const SutureSection *section)
{
	return section->header.sh_type == SHT_RELA;
}

/* What the atoms of a section came to. */
typedef struct {
	guint included, refused, explained, gone;
	const gchar *sentence;
} Account;

static void account(const SutureSection *before, const SutureSection *after, Account *ret)
{
	for (guint i = 0; i < after->atoms->len; i++) {
		const SutureAtom *atom = after->atoms->pdata[i];

		ret->included += atom->included;
		ret->refused += atom->refused;
		ret->explained += atom->sentence != NULL;
		if (atom->sentence)
			ret->sentence = atom->sentence;
	}
	for (guint i = 0; before && i < before->atoms->len; i++) {
		const SutureAtom *atom = before->atoms->pdata[i];

		ret->gone += !atom->twin && atom->symbol && !atom->own;
	}
}

static void report_account(SutureSpread *spread, const SutureSection *section, const Account *counts)
{
	g_autofree gchar *text = NULL;

	if (counts->refused) {
		report_section(spread, section->name, SUTURE_DIFF_REFUSED, "see the refusals");
	} else if (counts->included) {
		text = g_strdup_printf("%u of %u parts of it are in the patch", counts->included,
				       section->atoms->len);
		report_section(spread, section->name, SUTURE_DIFF_INCLUDED, text);
	} else if (counts->sentence) {
		report_section(spread, section->name, SUTURE_DIFF_HARMLESS, counts->sentence);
	} else if (counts->gone) {
		report_section(
			spread, section->name, SUTURE_DIFF_HARMLESS,
			"something is gone from it: the running kernel keeps it, and nothing in the patch "
			"refers to it");
	}
}

static void report_sections(SutureSpread *spread)
{
	for (guint i = 1; i < spread->after->sections->len; i++) {
		const SutureSection *section = spread->after->sections->pdata[i];
		const SutureSection *before = same_section(spread->before, section);
		SutureSectionKind kind = section->rule->kind;
		Account counts = {0};

		/* Relocations belong to the section that they fill. */
		if (is_relocations(section))
			continue;
		if (kind == SUTURE_SECTION_FILE || kind == SUTURE_SECTION_HARMLESS) {
			if (!same_bytes(before, section))
				report_section(spread, section->name, SUTURE_DIFF_HARMLESS,
					       kind == SUTURE_SECTION_FILE ? "of the object file itself"
									   : section->rule->sentence);
			continue;
		}
		account(before, section, &counts);
		if (kind == SUTURE_SECTION_AUTHOR)
			counts.included = counts.explained;
		report_account(spread, section, &counts);
	}
}

/* Whole sections that only the unit before has: with one for each function and variable, all that is gone. */
static void report_gone_sections(SutureSpread *spread)
{
	for (guint i = 1; i < spread->before->sections->len; i++) {
		const SutureSection *section = spread->before->sections->pdata[i];
		Account counts = {0};

		if (is_relocations(section) || section->rule->kind == SUTURE_SECTION_FILE ||
		    same_section(spread->after, section))
			continue;
		account(section, section, &counts);
		report_section(
			spread, section->name, SUTURE_DIFF_HARMLESS,
			counts.gone
				? "is gone from the source: it stays in the running kernel, and nothing in "
				  "the patch refers to it"
				: "what it holds is in another section of the patched source");
	}
}

/* What was registered stays registered. */
static void report_gone(SutureSpread *spread)
{
	for (guint i = 0; i < spread->before->atoms->len; i++) {
		const SutureAtom *atom = spread->before->atoms->pdata[i];

		if (!atom->twin && atom->symbol && !atom->own &&
		    atom->section->rule->kind == SUTURE_SECTION_REGISTRY)
			g_ptr_array_add(
				spread->diff->notes,
				g_strdup_printf("%s in section %s is gone from the source, but stays in the "
						"running kernel",
						atom->symbol->name, atom->section->name));
	}
}

static void refuse_layouts(SutureSpread *spread)
{
	spread->diff->layouts = suture_layout_compare(&spread->before_debug, &spread->after_debug);
	if (!suture_debug_is_known(&spread->before_debug) || !suture_debug_is_known(&spread->after_debug))
		g_ptr_array_add(
			spread->diff->notes,
			g_strdup("the layouts of types were not compared: the objects have no DWARF"));
	for (guint i = 0; i < spread->diff->layouts->len; i++) {
		const SutureDiffLayout *layout = spread->diff->layouts->pdata[i];

		suture_spread_refuse(
			spread, SUTURE_DIFF_ERROR_LAYOUT, layout->name,
			"%s: its layout changed (%s), but the running kernel has objects of the old one: "
			"keep new members in a shadow variable",
			layout->name, layout->what);
	}
}

static void spread_clear(SutureSpread *spread)
{
	g_clear_pointer(&spread->before, suture_object_free);
	g_clear_pointer(&spread->after, suture_object_free);
	g_clear_pointer(&spread->diff, suture_diff_free);
	g_clear_pointer(&spread->references, suture_references_free);
	g_clear_pointer(&spread->queue, g_queue_free);
	g_clear_pointer(&spread->functions, g_ptr_array_unref);
	suture_debug_clear(&spread->before_debug);
	suture_debug_clear(&spread->after_debug);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SutureSpread, spread_clear)

static void read_debug(SutureSpread *spread)
{
	suture_debug_read(&spread->before_debug, spread->request->before);
	suture_debug_read(&spread->after_debug, spread->request->after);
	spread->functions = suture_inlined_functions(&spread->before_debug);
}

SutureDiff *suture_diff_run(const SutureDiffRequest *request, GError **error)
{
	g_auto(SutureSpread) spread = {.request = request};
	g_autofree gchar *before = g_strdup_printf("%s (before)", request->unit);
	g_autofree gchar *after = g_strdup_printf("%s (after)", request->unit);
	g_autoptr(GHashTable) inlined = NULL;
	g_autoptr(GPtrArray) used = NULL;

	spread.before = suture_object_read(request->before, before, error);
	spread.after = spread.before ? suture_object_read(request->after, after, error) : NULL;
	if (!spread.after)
		return NULL;
	spread.diff = diff_new();
	spread.references = suture_references_new(request);
	spread.queue = g_queue_new();
	read_debug(&spread);
	suture_statics_pair(spread.before, spread.after, &spread.before_debug, &spread.after_debug);
	suture_object_correlate(spread.before, spread.after);
	suture_object_compare(spread.before, spread.after);
	refuse_layouts(&spread);
	suture_spread_run(&spread);
	suture_inlined_refuse(&spread);
	inlined = read_inlined(&spread);
	report_functions(&spread, inlined);
	spread.diff->extracted = suture_emit(&spread, &used, &spread.diff->n_relocations);
	report_references(&spread, used);
	report_sections(&spread);
	report_gone_sections(&spread);
	report_gone(&spread);
	return g_steal_pointer(&spread.diff);
}
