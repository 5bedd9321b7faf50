// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/command.h"
#include "cli/policy-field.h"
#include "cli/row-json.h"

#include <stdio.h>
#include <string.h>

/* Whether the user asked for this one; without any wish all are shown. */
static gboolean is_wanted(const SuturePatch *patch, GPtrArray *wanted)
{
	for (guint i = 0; i < wanted->len; i++)
		if (suture_patch_matches(patch, wanted->pdata[i]))
			return TRUE;
	return wanted->len == 0;
}

/* Ids and names as they are; bundle files become candidates first. */
static gboolean take_arguments(SuturePolicyField *field, const SutureContext *context, char **arguments,
			       GPtrArray *wanted, GError **error)
{
	for (; *arguments; arguments++) {
		gchar *id = NULL;

		if (!g_str_has_suffix(*arguments, ".rpm"))
			id = g_strdup(*arguments);
		else if (!suture_policy_field_add_file(field, context, *arguments, &id, error))
			return FALSE;
		g_ptr_array_add(wanted, id);
	}
	return TRUE;
}

static gboolean check_wanted(const SuturePolicyField *field, GPtrArray *wanted, GError **error)
{
	for (guint i = 0; i < wanted->len; i++) {
		gboolean found = FALSE;

		for (guint j = 0; j < field->candidates->len && !found; j++) {
			const SutureCandidate *candidate = field->candidates->pdata[j];

			found = suture_patch_matches(candidate->patch, wanted->pdata[i]);
		}
		if (found)
			continue;
		g_set_error(
			error, SUTURE_APPLY_ERROR, SUTURE_APPLY_ERROR_NOT_INSTALLED,
			"%s: no bundle of this id or name is installed for %s; 'suture list' shows what is",
			(const gchar *)wanted->pdata[i], field->kernel.release);
		return FALSE;
	}
	return TRUE;
}

static json_t *decision_json(const SutureDecision *decision)
{
	const SuturePatch *patch = decision->candidate->patch;
	g_autofree gchar *id = suture_patch_id(patch);

	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:b, s:s}", "id", id, "verdict",
			 suture_verdict_name(decision->verdict), "rule", decision->rule, "detail",
			 decision->detail, "severity", suture_severity_name(patch->severity), "issued",
			 patch->issued, "live", decision->candidate->live, "tuf", decision->candidate->tuf,
			 "manifest_sha256", (const gchar *)decision->candidate->data);
}

/* @order NULL: @problem says why there is none. */
static void print_json(const SuturePolicyField *field, GPtrArray *wanted, GPtrArray *order,
		       const GError *problem)
{
	SUTURE_AUTO_JSON *json = json_pack("{s:{s:s, s:s, s:s?}}", "kernel", "release", field->kernel.release,
					   "arch", field->kernel.arch, "build_id", field->kernel.build_id);
	json_t *decisions = json_array(), *stack = json_array();

	for (guint i = 0; i < field->decisions->len; i++) {
		const SutureDecision *decision = field->decisions->pdata[i];

		if (is_wanted(decision->candidate->patch, wanted))
			json_array_append_new(decisions, decision_json(decision));
	}
	for (guint i = 0; order && i < order->len; i++) {
		const SutureCandidate *candidate = order->pdata[i];
		g_autofree gchar *id = suture_patch_id(candidate->patch);

		json_array_append_new(stack, json_string(id));
	}
	json_object_set_new(json, "decisions", decisions);
	json_object_set_new(json, "order", order ? stack : json_null());
	if (!order)
		json_decref(stack);
	json_object_set_new(json, "problem",
			    problem ? json_pack("{s:s, s:s}", "reason", suture_error_reason(problem),
						"message", problem->message)
				    : json_null());
	suture_print_json(json);
}

static void print_text(const SuturePolicyField *field, GPtrArray *wanted, GPtrArray *order)
{
	gsize width = 0;

	for (guint i = 0; i < field->candidates->len; i++) {
		const SutureCandidate *candidate = field->candidates->pdata[i];
		g_autofree gchar *id = suture_patch_id(candidate->patch);

		width = MAX(width, strlen(id));
	}
	for (guint i = 0; i < field->decisions->len; i++) {
		const SutureDecision *decision = field->decisions->pdata[i];
		g_autofree gchar *id = suture_patch_id(decision->candidate->patch);

		if (is_wanted(decision->candidate->patch, wanted))
			printf("%-*s  %-10s  %-15s  %s\n", (int)width, id,
			       suture_verdict_name(decision->verdict), decision->rule, decision->detail);
	}
	if (field->decisions->len == 0)
		printf("no bundle is installed for %s\n", field->kernel.release);
	for (guint i = 0; order && i < order->len; i++) {
		const SutureCandidate *candidate = order->pdata[i];
		g_autofree gchar *id = suture_patch_id(candidate->patch);

		printf("%s%s%s", i > 0 ? " " : "stack, bottom first: ", id, i + 1 < order->len ? "" : "\n");
	}
}

static gboolean explain(const SutureContext *context, SuturePolicyField *field, char **arguments,
			GError **error)
{
	g_autoptr(GPtrArray) wanted = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GPtrArray) order = NULL;
	g_autoptr(GError) problem = NULL;

	if (!take_arguments(field, context, arguments, wanted, error) || !check_wanted(field, wanted, error))
		return FALSE;
	suture_policy_field_decide(field);
	order = suture_policy_field_order(field, &problem);
	if (context->json)
		print_json(field, wanted, order, problem);
	else
		print_text(field, wanted, order);
	if (problem)
		g_propagate_error(error, g_steal_pointer(&problem));
	return order != NULL;
}

static gboolean policy_explain(SutureContext *context, int argc, char **argv, GError **error)
{
	g_auto(SutureKernel) kernel = {0};
	const GOptionEntry entries[] = {
		{"kernel-release", 0, 0, G_OPTION_ARG_STRING, &kernel.release,
		 "for this uname -r instead of the running kernel's", "RELEASE"},
		{"kernel-build-id", 0, 0, G_OPTION_ARG_STRING, &kernel.build_id,
		 "for this build-id instead of the running kernel's", "HEX"},
		{"kernel-arch", 0, 0, G_OPTION_ARG_STRING, &kernel.arch,
		 "for this machine instead of the running kernel's", "ARCH"},
		{NULL},
	};
	g_autoptr(GOptionContext) options =
		g_option_context_new("[FILE.rpm|ID|NAME ...] - what policy decides, and by which rule");
	g_autoptr(SuturePolicyField) field = NULL;

	g_option_context_set_summary(
		options,
		"For each candidate: its id, the verdict (apply, live, superseded, held, mismatch), the "
		"rule and\nwhy; then the stack that 'suture apply' would make, bottom first. Changes "
		"nothing.\nCandidates are what is live, what both stores have for the kernel, and the "
		"bundle files given.");
	g_option_context_add_main_entries(options, entries, NULL);
	if (!g_option_context_parse(options, &argc, &argv, error))
		return FALSE;
	if (!kernel.release != !kernel.build_id || (kernel.arch && !kernel.release)) {
		g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
			    "another kernel needs both --kernel-release and --kernel-build-id");
		return FALSE;
	}
	field = kernel.release ? suture_policy_field_of_kernel(context, &kernel, error)
			       : suture_policy_field_of_host(context, error);
	return field && explain(context, field, argv + 1, error);
}

gboolean cmd_policy(SutureContext *context, int argc, char **argv, GError **error)
{
	const SutureCommand commands[] = {
		{"explain", policy_explain, "what is decided for each candidate, and by which rule"},
		{NULL},
	};

	return suture_subcommand(context, commands, argc, argv, error);
}
