// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/fetch-run.h"

#include "cli/entitlement.h"
#include "cli/policy-load.h"
#include "cli/terminal.h"
#include "packager/read/bundle.h"

#define CONFIG_PATH "/etc/suture/suture.conf"

void suture_fetch_command_clear(SutureFetchCommand *command)
{
	g_strfreev(command->urls);
	g_free(command->proxy);
}

GOptionGroup *suture_fetch_command_options(SutureFetchCommand *command)
{
	const GOptionEntry entries[] = {
		{"url", 'u', 0, G_OPTION_ARG_STRING_ARRAY, &command->urls,
		 "the repository; again for mirrors, tried in this order (suture.conf: [repository] url)",
		 "URL"},
		{"proxy", 'x', 0, G_OPTION_ARG_STRING, &command->proxy,
		 "proxy for http and https (suture.conf: [fetch] proxy; else as curl(1))", "URL"},
		{NULL},
	};
	GOptionGroup *group =
		g_option_group_new("repository", "The repository:", "Options of the repository", NULL, NULL);

	g_option_group_add_entries(group, entries);
	return group;
}

/* What decides over the listing. */
typedef struct {
	const SuturePolicy *policy;
	const gchar *name;
} Selection;

static gboolean name_matches(const Selection *selection, const SutureFetchResult *result)
{
	return !selection->name ||
	       (result->target && (g_pattern_match_simple(selection->name, result->target->patch.name) ||
				   g_pattern_match_simple(selection->name, result->id)));
}

static void take_verdict(const SutureDecision *decision)
{
	SutureFetchResult *result = decision->candidate->data;

	gboolean held = decision->verdict == SUTURE_VERDICT_HELD;

	if (!held && decision->verdict != SUTURE_VERDICT_SUPERSEDED)
		return;
	if (result->outcome == SUTURE_FETCH_WANTED)
		suture_fetch_result_set(result, held ? SUTURE_FETCH_HELD : SUTURE_FETCH_SUPERSEDED,
					decision->rule, decision->detail);
	/* Here already, and it stays; but why it is not to be live is worth telling. */
	else if (result->outcome == SUTURE_FETCH_PRESENT)
		suture_fetch_result_set(result, SUTURE_FETCH_PRESENT, decision->rule, decision->detail);
}

/* Policy sees all that the repository has for this kernel, whatever --name asks for. */
static void select_bundles(const SutureKernel *kernel, GPtrArray *results, gpointer data)
{
	const Selection *selection = data;
	g_autoptr(GPtrArray) candidates = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GPtrArray) decisions = NULL;

	for (guint i = 0; i < results->len; i++) {
		SutureFetchResult *result = results->pdata[i];
		SutureCandidate *candidate;

		if (!result->target)
			continue;
		candidate = g_new0(SutureCandidate, 1);
		candidate->patch = &result->target->patch;
		candidate->tuf = TRUE;
		candidate->data = result;
		g_ptr_array_add(candidates, candidate);
	}
	decisions = suture_policy_decide(selection->policy, kernel, candidates, suture_version_compare);
	for (guint i = 0; i < decisions->len; i++)
		take_verdict(decisions->pdata[i]);
	for (guint i = results->len; i-- > 0;)
		if (!name_matches(selection, results->pdata[i]))
			g_ptr_array_remove_index(results, i);
}

static gboolean choose_urls(const SutureFetchCommand *command, const SutureFetchConfig *config,
			    SutureFetchRequest *request, GError **error)
{
	request->urls = (const gchar *const *)(command->urls ? command->urls : config->urls);
	if (request->urls && request->urls[0] && *request->urls[0])
		return TRUE;
	g_set_error(error, SUTURE_COMMON_ERROR, SUTURE_COMMON_ERROR_CONFIG,
		    "no repository: put url=... under [repository] in %s, or give --url", CONFIG_PATH);
	return FALSE;
}

/* For the first of the URLs that a certificate can be shown to. */
static gboolean choose_certificate(const SutureContext *context, const SutureFetchConfig *config,
				   const gchar *const *urls, gchar **ret, GError **error)
{
	for (; *urls && !*ret; urls++)
		if (!suture_host_entitlement_choose(context, *urls, config->client_certificate, ret, error))
			return FALSE;
	return TRUE;
}

static void tell_skipped(const SutureContext *context, const SutureFetchReport *report)
{
	for (guint i = 0; i < report->skipped->len && !context->quiet; i++) {
		const GError *skipped = report->skipped->pdata[i];
		g_autofree gchar *text = suture_terminal_text(skipped->message);

		g_printerr("%s: a mirror was passed over: %s [%s]\n", context->program, text,
			   suture_error_reason(skipped));
	}
}

static SutureFetchReport *run(const SutureContext *context, const SutureFetchCommand *command,
			      const SutureFetchConfig *config, SutureFetchRequest *request, GError **error)
{
	g_autoptr(SuturePolicy) policy = suture_policy_load(context, error);
	Selection selection = {policy, command->name};
	g_autofree gchar *certificate = NULL;
	SutureFetchReport *report;

	if (!policy || !choose_urls(command, config, request, error) ||
	    !choose_certificate(context, config, request->urls, &certificate, error))
		return NULL;
	request->http = suture_fetch_config_http(config);
	request->http.client_certificate = certificate;
	if (command->proxy)
		request->http.proxy = command->proxy;
	request->max_stale = policy->max_stale;
	request->select = select_bundles;
	request->select_data = &selection;
	report = suture_fetch_run(request, error);
	if (report)
		tell_skipped(context, report);
	return report;
}

SutureFetchReport *suture_fetch_command_run(const SutureContext *context, const SutureFetchCommand *command,
					    SutureSession *session, GPtrArray *kernels, GError **error)
{
	g_auto(SutureFetchConfig) config = {NULL};
	SutureFetchRequest request = {
		.root = context->root,
		.kernels = kernels,
		.now = g_get_real_time() / G_USEC_PER_SEC,
		.dry_run = command->dry_run,
		.sink = suture_session_record,
		.sink_data = session,
	};

	return suture_fetch_config_load(context, &config, error)
		       ? run(context, command, &config, &request, error)
		       : NULL;
}
