// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/fix/report.h"

#include "packager/fix/selection.h"

static const gchar *const dispositions[] = {
	[SUTURE_DIFF_INCLUDED] = "included",
	[SUTURE_DIFF_HARMLESS] = "harmless",
	[SUTURE_DIFF_REFUSED] = "refused",
};

static json_t *strings(gchar **texts)
{
	json_t *list = json_array();

	for (; texts && *texts; texts++)
		json_array_append_new(list, json_string(*texts));
	return list;
}

static json_t *describe_function(const SutureDiffFunction *function)
{
	gboolean changed = function->kind == SUTURE_DIFF_CHANGED;

	return json_pack("{s:s, s:s, s:s?, s:I, s:b, s:I, s:I, s:o, s:o}", "name", function->name, "kind",
			 changed ? "changed" : "new", "replaces", changed ? function->target.symbol : NULL,
			 "sympos", (json_int_t)function->target.sympos, "static", function->local,
			 "size_before", (json_int_t)function->size_before, "size_after",
			 (json_int_t)function->size_after, "reasons", strings(function->reasons), "inlined",
			 strings(function->inlined));
}

static json_t *describe_functions(GPtrArray *functions)
{
	json_t *list = json_array();

	for (guint i = 0; i < functions->len; i++)
		json_array_append_new(list, describe_function(functions->pdata[i]));
	return list;
}

static json_t *describe_references(GPtrArray *references)
{
	json_t *list = json_array();

	for (guint i = 0; i < references->len; i++) {
		const SutureDiffReference *reference = references->pdata[i];

		json_array_append_new(list, json_pack("{s:s, s:s, s:I}", "object", reference->target.object,
						      "symbol", reference->target.symbol, "sympos",
						      (json_int_t)reference->target.sympos));
	}
	return list;
}

static json_t *describe_sections(GPtrArray *sections)
{
	json_t *list = json_array();

	for (guint i = 0; i < sections->len; i++) {
		const SutureDiffSection *section = sections->pdata[i];

		json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "name", section->name, "disposition",
						      dispositions[section->disposition], "sentence",
						      section->sentence));
	}
	return list;
}

static json_t *describe_refusals(GPtrArray *refusals)
{
	json_t *list = json_array();

	for (guint i = 0; i < refusals->len; i++) {
		const SutureDiffRefusal *refusal = refusals->pdata[i];
		g_autoptr(GError) code = g_error_new_literal(SUTURE_DIFF_ERROR, (gint)refusal->code, "");

		json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "reason", suture_error_reason(code),
						      "name", refusal->name, "sentence", refusal->sentence));
	}
	return list;
}

static json_t *describe_layouts(GPtrArray *layouts)
{
	json_t *list = json_array();

	for (guint i = 0; i < layouts->len; i++) {
		const SutureDiffLayout *layout = layouts->pdata[i];

		json_array_append_new(list,
				      json_pack("{s:s, s:s}", "type", layout->name, "what", layout->what));
	}
	return list;
}

static json_t *describe_callbacks(GPtrArray *callbacks)
{
	json_t *list = json_array();

	for (guint i = 0; i < callbacks->len; i++) {
		const SutureDiffCallback *callback = callbacks->pdata[i];

		json_array_append_new(list, json_pack("{s:s, s:s}", "moment",
						      suture_diff_moment_name(callback->moment), "function",
						      callback->name));
	}
	return list;
}

static json_t *describe_states(const GArray *states)
{
	json_t *list = json_array();

	for (guint i = 0; i < states->len; i++) {
		const SutureDiffState *state = &g_array_index(states, SutureDiffState, i);

		json_array_append_new(list, json_pack("{s:I, s:I}", "id", (json_int_t)state->id, "version",
						      (json_int_t)state->version));
	}
	return list;
}

static json_t *describe_notes(GPtrArray *notes)
{
	json_t *list = json_array();

	for (guint i = 0; i < notes->len; i++)
		json_array_append_new(list, json_string(notes->pdata[i]));
	return list;
}

json_t *suture_report_unit(const SutureFixUnit *unit)
{
	const SutureDiff *diff = unit->diff;

	return json_pack("{s:s, s:s, s:s, s:o, s:o, s:I, s:o, s:o, s:o, s:o, s:o, s:o}", "unit",
			 unit->line->unit, "source", unit->line->source, "object", unit->object, "functions",
			 describe_functions(diff->functions), "references",
			 describe_references(diff->references), "relocations",
			 (json_int_t)diff->n_relocations, "sections", describe_sections(diff->sections),
			 "layouts", describe_layouts(diff->layouts), "refusals",
			 describe_refusals(diff->refusals), "callbacks", describe_callbacks(diff->callbacks),
			 "states", describe_states(diff->states), "notes", describe_notes(diff->notes));
}

json_t *suture_report_new(const SutureProfile *profile, GPtrArray *notes, GPtrArray *units)
{
	json_t *listed = json_array(), *compared = json_array(), *same = json_array();

	for (guint i = 0; i < notes->len; i++) {
		const SutureNote *note = notes->pdata[i];

		json_array_append_new(listed,
				      json_pack("{s:s, s:s}", "subject", note->subject, "text", note->text));
	}
	for (guint i = 0; i < units->len; i++) {
		const SutureFixUnit *unit = units->pdata[i];

		if (unit->diff)
			json_array_append_new(compared, suture_report_unit(unit));
		else if (unit->same)
			json_array_append_new(same, json_string(unit->line->unit));
	}
	return json_pack("{s:i, s:s, s:s, s:s, s:o, s:o, s:o}", "format", 1, "kernel", profile->release,
			 "build_id", profile->build_id, "profile", profile->id, "units", compared,
			 "unchanged", same, "notes", listed);
}
