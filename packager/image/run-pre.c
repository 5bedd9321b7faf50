// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/image/run-pre-private.h"

#include <elf.h>
#include <string.h>

#define NAMED_MAX 8 /* functions in a message */

void suture_run_pre_free(SutureRunPre *run_pre)
{
	g_clear_pointer(&run_pre->running, suture_running_unref);
	g_clear_pointer(&run_pre->unit, suture_unit_free);
	g_clear_pointer(&run_pre->functions, g_array_unref);
	g_clear_pointer(&run_pre->by_name, g_hash_table_unref);
	g_clear_pointer(&run_pre->sections, g_array_unref);
	g_clear_pointer(&run_pre->symbols, g_array_unref);
	g_clear_pointer(&run_pre->inferences, g_array_unref);
	g_string_chunk_free(run_pre->texts);
	g_free(run_pre->name);
	g_free(run_pre);
}

static gboolean is_function(const SutureUnit *unit, const SutureUnitSymbol *symbol)
{
	const SutureUnitSection *section;

	if (symbol->type != STT_FUNC || symbol->section == 0 || symbol->section == G_MAXUINT ||
	    symbol->size == 0)
		return FALSE;
	section = suture_unit_section(unit, symbol->section);
	return section->bytes && (section->flags & SHF_ALLOC) && (section->flags & SHF_EXECINSTR) &&
	       symbol->value <= section->size && symbol->size <= section->size - symbol->value;
}

static void collect_functions(SutureRunPre *run_pre)
{
	for (guint i = 1; i < run_pre->unit->symbols->len; i++) {
		const SutureUnitSymbol *symbol = suture_unit_symbol(run_pre->unit, i);
		SutureRunPreFunction function = {
			.name = symbol->name,
			.symbol = i,
			.size = symbol->size,
			.state = SUTURE_RUN_PRE_UNKNOWN,
		};

		if (!is_function(run_pre->unit, symbol))
			continue;
		g_array_append_val(run_pre->functions, function);
		g_hash_table_insert(run_pre->by_name, (gpointer)symbol->name,
				    GUINT_TO_POINTER(run_pre->functions->len));
	}
}

void suture_run_pre_conclude(SutureRunPre *run_pre, guint index, SutureRunPreState state, guint64 address,
			     const gchar *reason)
{
	SutureRunPreFunction *function = suture_run_pre_function(run_pre, index);

	function->state = state;
	function->address = address;
	function->reason = reason ? g_string_chunk_insert(run_pre->texts, reason) : NULL;
}

void suture_run_pre_conclude_difference(SutureRunPre *run_pre, guint index, guint64 address,
					const SutureDifference *difference)
{
	SutureRunPreFunction *function = suture_run_pre_function(run_pre, index);
	g_autofree gchar *reason = NULL;

	function->offset = difference->offset;
	function->expected = difference->expected;
	function->found = difference->found;
	if (difference->key != SUTURE_NO_KEY)
		reason = g_strdup_printf(
			"at +0x%" G_GINT64_MODIFIER "x what runs refers to something other than %s",
			difference->offset, suture_run_pre_place_name(run_pre, difference->key));
	else if (difference->expected == difference->found)
		reason = g_strdup_printf("at +0x%" G_GINT64_MODIFIER "x one has a reference where the other "
					 "has none",
					 difference->offset);
	else
		reason = g_strdup_printf("the byte at +0x%" G_GINT64_MODIFIER
					 "x is 0x%02x, and 0x%02x in what runs",
					 difference->offset, difference->expected, difference->found);
	suture_run_pre_conclude(run_pre, index, SUTURE_RUN_PRE_DIFFERS, address, reason);
}

/* Where the image has a symbol of its name at the place of its section, there and nowhere else is it. */
static gboolean compare_in_place(SutureRunPre *run_pre, guint index)
{
	const SutureRunPreFunction *function = suture_run_pre_function(run_pre, index);
	const SutureUnitSymbol *symbol = suture_unit_symbol(run_pre->unit, function->symbol);
	const SuturePlace *place = suture_run_pre_place(run_pre, symbol->section);
	guint64 address = place->address + symbol->value, sympos;
	SutureDifference difference;

	if (!place->known || !suture_running_sympos(run_pre->running, function->name, address, &sympos))
		return FALSE;
	if (suture_run_pre_compare_function(run_pre, index, address, FALSE, run_pre->inferences, &difference))
		suture_run_pre_conclude(run_pre, index, SUTURE_RUN_PRE_MATCHES, address, NULL);
	else
		suture_run_pre_conclude_difference(run_pre, index, address, &difference);
	return TRUE;
}

/* Data whose place is known tells where what it points at is. */
static gboolean read_data(SutureRunPre *run_pre, guint index, GArray *done)
{
	const SuturePlace *place = suture_run_pre_place(run_pre, index);
	gboolean *read = &g_array_index(done, gboolean, index);

	if (!place->known || *read ||
	    !suture_run_pre_is_plain_data(suture_unit_section(run_pre->unit, index)))
		return FALSE;
	*read = TRUE;
	suture_run_pre_read_data(run_pre, index, place->address, run_pre->inferences);
	return TRUE;
}

static gboolean advance(SutureRunPre *run_pre, GArray *data_done)
{
	gboolean more = FALSE;

	for (guint i = 0; i < run_pre->functions->len; i++)
		if (suture_run_pre_function(run_pre, i)->state == SUTURE_RUN_PRE_UNKNOWN)
			more = compare_in_place(run_pre, i) || more;
	for (guint i = 1; i < run_pre->sections->len; i++)
		more = read_data(run_pre, i, data_done) || more;
	return suture_run_pre_place_by_references(run_pre) || more;
}

/* What most references say is right; a function that says otherwise is another than the one that runs. */
static void judge_references(SutureRunPre *run_pre)
{
	for (guint i = 0; i < run_pre->inferences->len; i++) {
		const SutureInference *inference = &g_array_index(run_pre->inferences, SutureInference, i);
		const SuturePlace *place = suture_run_pre_place(run_pre, inference->key);
		SutureDifference difference = {.offset = inference->offset, .key = inference->key};
		SutureRunPreFunction *function;

		if (inference->function == G_MAXUINT ||
		    (place->known && place->address == inference->address))
			continue;
		function = suture_run_pre_function(run_pre, inference->function);
		if (function->state == SUTURE_RUN_PRE_MATCHES || inference->offset < function->offset)
			suture_run_pre_conclude_difference(run_pre, inference->function, function->address,
							   &difference);
	}
}

static void set_positions(SutureRunPre *run_pre)
{
	for (guint i = 0; i < run_pre->functions->len; i++) {
		SutureRunPreFunction *function = suture_run_pre_function(run_pre, i);

		if (function->state == SUTURE_RUN_PRE_MATCHES)
			suture_running_sympos(run_pre->running, function->name, function->address,
					      &function->sympos);
	}
}

static void compare_unit(SutureRunPre *run_pre)
{
	g_autoptr(GArray) data_done = g_array_new(FALSE, TRUE, sizeof(gboolean));

	g_array_set_size(data_done, run_pre->sections->len);
	suture_run_pre_place_by_names(run_pre);
	do {
		while (advance(run_pre, data_done))
			;
	} while (suture_run_pre_place_by_neighbours(run_pre) || suture_run_pre_place_by_bytes(run_pre));
	suture_run_pre_conclude_rest(run_pre);
	suture_run_pre_place_by_references(run_pre);
	judge_references(run_pre);
	set_positions(run_pre);
}

SutureRunPre *suture_run_pre(SutureRunning *running, GBytes *plain, const gchar *unit, GError **error)
{
	SutureUnit *read = suture_unit_read(plain, unit, error);
	SutureRunPre *run_pre;

	if (!read)
		return NULL;
	run_pre = g_new0(SutureRunPre, 1);
	run_pre->name = g_strdup(unit);
	run_pre->running = suture_running_ref(running);
	run_pre->unit = read;
	run_pre->functions = g_array_new(FALSE, FALSE, sizeof(SutureRunPreFunction));
	run_pre->by_name = g_hash_table_new(g_str_hash, g_str_equal);
	run_pre->sections = g_array_new(FALSE, TRUE, sizeof(SuturePlace));
	g_array_set_size(run_pre->sections, read->sections->len);
	run_pre->symbols = g_array_new(FALSE, TRUE, sizeof(SuturePlace));
	g_array_set_size(run_pre->symbols, read->symbols->len);
	run_pre->inferences = g_array_new(FALSE, FALSE, sizeof(SutureInference));
	run_pre->texts = g_string_chunk_new(4096);
	collect_functions(run_pre);
	compare_unit(run_pre);
	return run_pre;
}

guint suture_run_pre_count(const SutureRunPre *run_pre)
{
	return run_pre->functions->len;
}

const SutureRunPreFunction *suture_run_pre_at(const SutureRunPre *run_pre, guint index)
{
	return suture_run_pre_function(run_pre, index);
}

const SutureRunPreFunction *suture_run_pre_find(const SutureRunPre *run_pre, const gchar *name)
{
	guint index = GPOINTER_TO_UINT(g_hash_table_lookup(run_pre->by_name, name));

	return index ? suture_run_pre_at(run_pre, index - 1) : NULL;
}

/* The first functions in @state with their reasons, and how many there are. */
static guint list(const SutureRunPre *run_pre, SutureRunPreState state, GString *text)
{
	guint count = 0;

	for (guint i = 0; i < run_pre->functions->len; i++) {
		const SutureRunPreFunction *function = suture_run_pre_at(run_pre, i);

		if (function->state == state && count++ < NAMED_MAX)
			g_string_append_printf(text, "%s%s (%s)", count > 1 ? ", " : "", function->name,
					       function->reason);
	}
	if (count > NAMED_MAX)
		g_string_append_printf(text, " and %u more", count - NAMED_MAX);
	return count;
}

gboolean suture_run_pre_check(const SutureRunPre *run_pre, GError **error)
{
	g_autoptr(GString) text = g_string_new(NULL);
	const gchar *object = suture_running_object(run_pre->running);

	if (list(run_pre, SUTURE_RUN_PRE_DIFFERS, text)) {
		g_set_error(error, SUTURE_IMAGE_ERROR, SUTURE_IMAGE_ERROR_DIFFERS,
			    "%s: is not compiled as in %s, in %s: give the source, configuration and "
			    "compiler of the kernel that runs",
			    run_pre->name, object, text->str);
		return FALSE;
	}
	if (list(run_pre, SUTURE_RUN_PRE_ABSENT, text)) {
		g_set_error(error, SUTURE_IMAGE_ERROR, SUTURE_IMAGE_ERROR_ABSENT,
			    "%s: has functions that %s has not: %s: give the source, configuration and "
			    "compiler of the kernel that runs",
			    run_pre->name, object, text->str);
		return FALSE;
	}
	return TRUE;
}

static gboolean address_of(const SutureRunPre *run_pre, guint index, guint64 *ret)
{
	const SutureUnitSymbol *symbol = suture_unit_symbol(run_pre->unit, index);
	const SuturePlace *place = &g_array_index(run_pre->symbols, SuturePlace, index);
	guint64 offset = 0;

	if (symbol->section != 0 && symbol->section != G_MAXUINT && symbol->bind != STB_WEAK) {
		place = &g_array_index(run_pre->sections, SuturePlace, symbol->section);
		offset = symbol->value;
	}
	*ret = place->address + offset;
	return place->known;
}

gboolean suture_run_pre_address(const SutureRunPre *run_pre, const gchar *symbol, guint64 *ret_address)
{
	gboolean found = FALSE;
	guint64 address = 0;

	for (guint i = 1; i < run_pre->unit->symbols->len; i++) {
		const SutureUnitSymbol *candidate = suture_unit_symbol(run_pre->unit, i);
		guint64 other;

		if (candidate->type == STT_SECTION || candidate->type == STT_FILE ||
		    strcmp(candidate->name, symbol) != 0)
			continue;
		if (!address_of(run_pre, i, &other) || (found && other != address))
			return FALSE;
		address = other;
		found = TRUE;
	}
	if (found)
		*ret_address = address;
	return found;
}
