/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "policy/policy.h"

#include <string.h>

/* Candidates for one kernel, made from a line of words, and what policy says to them. */
typedef struct {
	SuturePolicy *policy;
	SutureKernel kernel;
	GPtrArray *patches;    /* SuturePatch* */
	GPtrArray *candidates; /* SutureCandidate*, owned */
	GPtrArray *decisions;
} Field;

static inline gint field_compare(const gchar *version_a, const gchar *release_a, const gchar *version_b,
				 const gchar *release_b)
{
	gint64 a = g_ascii_strtoll(version_a, NULL, 10), b = g_ascii_strtoll(version_b, NULL, 10);

	return a != b ? (a > b) - (a < b) : strcmp(release_a, release_b);
}

static inline void field_init(Field *field)
{
	*field = (Field){
		.policy = suture_policy_new(),
		.kernel = {g_strdup("6.1.0-49"), g_strdup("x86_64"), g_strdup("0123456789abcdef"), NULL},
		.patches = g_ptr_array_new_with_free_func((GDestroyNotify)suture_patch_free),
		.candidates = g_ptr_array_new_with_free_func(g_free),
	};
}

static inline void field_clear(Field *field)
{
	g_clear_pointer(&field->decisions, g_ptr_array_unref);
	g_ptr_array_unref(field->candidates);
	g_ptr_array_unref(field->patches);
	suture_kernel_clear(&field->kernel);
	suture_policy_free(field->policy);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Field, field_clear)

static inline void field_set_id(SuturePatch *patch, const gchar *id)
{
	const gchar *release = strrchr(id, '-'), *version = release;

	while (version[-1] != '-')
		version--;
	patch->name = g_strndup(id, (gsize)(version - 1 - id));
	patch->version = g_strndup(version, (gsize)(release - version));
	patch->release = g_strdup(release + 1);
}

/*
 * Words: the id first, then "live", "tuf", "withdrawn", "cumulative", "framework", "+NAME" (requires),
 * ">NAME" (supersedes), "!NAME" (conflicts),
 * "@TIME" (issued).
 */
static inline SuturePatch *field_add(Field *field, const gchar *line)
{
	g_auto(GStrv) words = g_strsplit(line, " ", -1);
	SuturePatch *patch = suture_patch_new();
	SutureCandidate *candidate = g_new0(SutureCandidate, 1);

	field_set_id(patch, words[0]);
	patch->issued = g_strdup("2026-01-01T00:00:00Z");
	patch->severity = SUTURE_SEVERITY_MODERATE;
	suture_kernel_copy(&patch->kernel, &field->kernel);
	candidate->patch = patch;
	for (gchar **word = words + 1; *word; word++) {
		if (strcmp(*word, "live") == 0)
			candidate->live = TRUE;
		else if (strcmp(*word, "tuf") == 0)
			candidate->tuf = TRUE;
		else if (strcmp(*word, "withdrawn") == 0)
			candidate->withdrawn = "slows machines down";
		else if (strcmp(*word, "cumulative") == 0)
			patch->stack.cumulative = TRUE;
		else if (strcmp(*word, "framework") == 0)
			patch->provider = SUTURE_PROVIDER_FRAMEWORK;
		else if (**word == '+')
			g_ptr_array_add(patch->stack.requires, g_strdup(*word + 1));
		else if (**word == '>')
			g_ptr_array_add(patch->stack.supersedes, g_strdup(*word + 1));
		else if (**word == '!')
			g_ptr_array_add(patch->stack.conflicts, g_strdup(*word + 1));
		else if (**word == '@') {
			g_free(patch->issued);
			patch->issued = g_strdup(*word + 1);
		} else
			g_assert_not_reached();
	}
	g_ptr_array_add(field->patches, patch);
	g_ptr_array_add(field->candidates, candidate);
	return patch;
}

static inline void field_shuffle(Field *field)
{
	GPtrArray *array = field->candidates;

	for (guint i = array->len; i > 1; i--) {
		guint j = (guint)g_test_rand_int_range(0, (gint)i);
		gpointer swapped = array->pdata[i - 1];

		array->pdata[i - 1] = array->pdata[j];
		array->pdata[j] = swapped;
	}
}

static inline void field_decide(Field *field)
{
	g_clear_pointer(&field->decisions, g_ptr_array_unref);
	field->decisions =
		suture_policy_decide(field->policy, &field->kernel, field->candidates, field_compare);
	g_assert_cmpuint(field->decisions->len, ==, field->candidates->len);
}

static inline const SutureDecision *field_decision(const Field *field, const gchar *id)
{
	for (guint i = 0; i < field->decisions->len; i++) {
		const SutureDecision *decision = field->decisions->pdata[i];
		g_autofree gchar *each = suture_patch_id(decision->candidate->patch);

		if (strcmp(each, id) == 0)
			return decision;
	}
	g_assert_not_reached();
}

static inline void field_assert(const Field *field, const gchar *id, const gchar *verdict, const gchar *rule)
{
	const SutureDecision *decision = field_decision(field, id);

	g_test_message("%s: %s by %s: %s", id, suture_verdict_name(decision->verdict), decision->rule,
		       decision->detail);
	g_assert_cmpstr(suture_verdict_name(decision->verdict), ==, verdict);
	g_assert_cmpstr(decision->rule, ==, rule);
	g_assert_nonnull(decision->detail);
}

static inline gchar *field_text(GPtrArray *order)
{
	g_autoptr(GString) text = g_string_new(NULL);

	for (guint i = 0; i < order->len; i++) {
		const SutureCandidate *candidate = order->pdata[i];
		g_autofree gchar *id = suture_patch_id(candidate->patch);

		g_string_append_printf(text, "%s%s", i > 0 ? " " : "", id);
	}
	return g_strdup(text->str);
}
