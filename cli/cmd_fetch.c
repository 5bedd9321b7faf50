// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/command.h"
#include "cli/entitlement.h"
#include "cli/policy-load.h"
#include "cli/session.h"
#include "cli/terminal.h"
#include "fetcher/client/fetch.h"
#include "packager/read/bundle.h"
#include "policy/policy.h"
#include "spec/time.h"

#include <jansson.h>
#include <string.h>

#define CONFIG_PATH "/etc/suture/suture.conf"
#define MAX_SECONDS 3600

typedef struct {
	gchar *url, *name;
	gchar *release, *build_id, *arch;
	gboolean dry_run;
} Options;

static void options_clear(Options *options)
{
	g_free(options->url);
	g_free(options->name);
	g_free(options->release);
	g_free(options->build_id);
	g_free(options->arch);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Options, options_clear)

/* [repository] and [fetch] of suture.conf. */
typedef struct {
	gchar *url, *ca_file, *client_certificate, *client_key;
	guint stall_seconds, connect_seconds;
} Config;

static void config_clear(Config *config)
{
	g_free(config->url);
	g_free(config->ca_file);
	g_free(config->client_certificate);
	g_free(config->client_key);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Config, config_clear)

/* What decides over the listing. */
typedef struct {
	const SuturePolicy *policy;
	const SutureKernel *kernel;
	const gchar *name;
} Selection;

static gboolean parse(Options *options, int *argc, char ***argv, GError **error)
{
	const GOptionEntry entries[] = {
		{"url", 'u', 0, G_OPTION_ARG_STRING, &options->url,
		 "the repository (suture.conf: [repository] url)", "URL"},
		{"name", 'N', 0, G_OPTION_ARG_STRING, &options->name,
		 "only bundles whose name or id matches, with * and ?", "PATTERN"},
		{"dry-run", 'n', 0, G_OPTION_ARG_NONE, &options->dry_run,
		 "refresh metadata and say what would be fetched", NULL},
		{"kernel-release", 0, 0, G_OPTION_ARG_STRING, &options->release,
		 "for this uname -r instead of the running kernel's", "RELEASE"},
		{"kernel-build-id", 0, 0, G_OPTION_ARG_STRING, &options->build_id,
		 "for this build-id instead of the running kernel's", "HEX"},
		{"kernel-arch", 0, 0, G_OPTION_ARG_STRING, &options->arch,
		 "for this machine instead of the running kernel's", "ARCH"},
		{NULL},
	};
	g_autoptr(GOptionContext) parser = g_option_context_new("- fetch bundles from the repository");

	g_option_context_set_summary(
		parser,
		"Brings the repository's signed metadata up to date and downloads the bundles for this "
		"kernel that policy lets\nand that are not there yet. Each one is verified (length and "
		"SHA-256, package signature, manifest signature,\nmodule signatures, kernel match) "
		"before it is put into the store. One that is refused leaves nothing behind\nand does "
		"not stop the others; a download that broke off is continued by the next run.");
	g_option_context_add_main_entries(parser, entries, NULL);
	if (!g_option_context_parse(parser, argc, argv, error))
		return FALSE;
	if (*argc > 1)
		g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED, "%s: fetch takes options only",
			    (*argv)[1]);
	else if (options->release && !options->build_id)
		g_set_error_literal(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
				    "--kernel-release needs --kernel-build-id: a release alone is no kernel");
	else
		return TRUE;
	return FALSE;
}

static gboolean only_known_keys(GKeyFile *file, const gchar *path, const gchar *group,
				const gchar *const *known, GError **error)
{
	g_auto(GStrv) keys = g_key_file_get_keys(file, group, NULL, NULL);

	for (gchar **key = keys; key && *key; key++)
		if (!g_strv_contains(known, *key)) {
			g_set_error(error, SUTURE_COMMON_ERROR, SUTURE_COMMON_ERROR_CONFIG,
				    "%s: [%s] has no key '%s'; suture.conf(5) lists them", path, group, *key);
			return FALSE;
		}
	return TRUE;
}

/* Leaves *@ret at 0 where the file does not say. */
static gboolean get_seconds(GKeyFile *file, const gchar *path, const gchar *key, guint *ret, GError **error)
{
	g_autofree gchar *text = g_key_file_get_string(file, "fetch", key, NULL);
	guint64 value;

	if (!text)
		return TRUE;
	if (!g_ascii_string_to_unsigned(text, 10, 1, MAX_SECONDS, &value, NULL)) {
		g_set_error(error, SUTURE_COMMON_ERROR, SUTURE_COMMON_ERROR_CONFIG,
			    "%s: [fetch] %s=%s: give seconds from 1 to %d", path, key, text, MAX_SECONDS);
		return FALSE;
	}
	*ret = (guint)value;
	return TRUE;
}

/* A file of this host, below its root; NULL when the key is not there. */
static gchar *get_path(const SutureContext *context, GKeyFile *file, const gchar *key)
{
	g_autofree gchar *path = g_key_file_get_string(file, "repository", key, NULL);

	return path ? suture_context_path(context, path) : NULL;
}

static gboolean load_config(const SutureContext *context, Config *config, GError **error)
{
	static const gchar *const repository_keys[] = {
		"url", "ca-file", "client-certificate", "client-key", "entitlement-warn-days", NULL};
	static const gchar *const fetch_keys[] = {"stall-seconds", "connect-seconds", NULL};
	g_autofree gchar *path = suture_context_path(context, CONFIG_PATH);
	g_autoptr(GKeyFile) file = g_key_file_new();

	if (!g_file_test(path, G_FILE_TEST_EXISTS))
		return TRUE;
	if (!g_key_file_load_from_file(file, path, G_KEY_FILE_NONE, error)) {
		g_prefix_error(error, "%s: ", path);
		return FALSE;
	}
	if (!only_known_keys(file, path, "repository", repository_keys, error) ||
	    !only_known_keys(file, path, "fetch", fetch_keys, error) ||
	    !get_seconds(file, path, "stall-seconds", &config->stall_seconds, error) ||
	    !get_seconds(file, path, "connect-seconds", &config->connect_seconds, error))
		return FALSE;
	config->url = g_key_file_get_string(file, "repository", "url", NULL);
	config->ca_file = get_path(context, file, "ca-file");
	config->client_certificate = get_path(context, file, "client-certificate");
	config->client_key = get_path(context, file, "client-key");
	return TRUE;
}

static gboolean choose_url(const Options *options, const Config *config, const gchar **ret, GError **error)
{
	*ret = options->url ? options->url : config->url;
	if (*ret && **ret)
		return TRUE;
	g_set_error(error, SUTURE_COMMON_ERROR, SUTURE_COMMON_ERROR_CONFIG,
		    "no repository: put url=... under [repository] in %s, or give --url", CONFIG_PATH);
	return FALSE;
}

static gboolean name_matches(const Selection *selection, const SutureFetchResult *result)
{
	return !selection->name ||
	       (result->target && (g_pattern_match_simple(selection->name, result->target->patch.name) ||
				   g_pattern_match_simple(selection->name, result->id)));
}

static void take_verdict(const SutureDecision *decision)
{
	SutureFetchResult *result = decision->candidate->data;

	if (result->outcome != SUTURE_FETCH_WANTED)
		return;
	if (decision->verdict == SUTURE_VERDICT_HELD)
		suture_fetch_result_set(result, SUTURE_FETCH_HELD, decision->rule, decision->detail);
	else if (decision->verdict == SUTURE_VERDICT_SUPERSEDED)
		suture_fetch_result_set(result, SUTURE_FETCH_SUPERSEDED, decision->rule, decision->detail);
}

/* Policy sees all that the repository has for this kernel, whatever --name asks for. */
static void select_bundles(GPtrArray *results, gpointer data)
{
	const Selection *selection = data;
	g_autoptr(GPtrArray) candidates = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GPtrArray) decisions = NULL;

	for (guint i = 0; i < results->len; i++) {
		SutureFetchResult *result = results->pdata[i];
		SutureCandidate *candidate;

		if (!result->target)
			continue;
		candidate = g_new(SutureCandidate, 1);
		*candidate = (SutureCandidate){&result->target->patch, FALSE, TRUE, result};
		g_ptr_array_add(candidates, candidate);
	}
	decisions = suture_policy_decide(selection->policy, selection->kernel, candidates,
					 suture_version_compare);
	for (guint i = 0; i < decisions->len; i++)
		take_verdict(decisions->pdata[i]);
	for (guint i = results->len; i-- > 0;)
		if (!name_matches(selection, results->pdata[i]))
			g_ptr_array_remove_index(results, i);
}

static void print_stale(const SutureRefresh *refresh)
{
	for (guint i = 0; i < refresh->roles->len; i++) {
		const SutureRefreshRole *role = refresh->roles->pdata[i];
		g_autofree gchar *end = suture_time_text(role->expires);

		if (role->stale)
			g_print("%-10s %s metadata ended at %s; used as policy max-stale lets\n", "stale",
				role->name, end);
	}
}

static void print_text(const SutureFetchReport *report, const gchar *release)
{
	print_stale(report->refresh);
	for (guint i = 0; i < report->results->len; i++) {
		const SutureFetchResult *result = report->results->pdata[i];
		g_autofree gchar *name = suture_terminal_text(result->id ? result->id : result->name);
		g_autofree gchar *detail = suture_terminal_text(result->detail ? result->detail : "");

		g_print("%-10s %s%s%s%s%s%s\n", suture_fetch_outcome_name(result->outcome), name,
			result->reason ? " [" : "", result->reason ? result->reason : "",
			result->reason ? "]" : "", *detail ? " " : "", detail);
	}
	if (report->results->len == 0)
		g_print("the repository has no bundle for %s\n", release);
}

static json_t *result_json(const SutureFetchResult *result)
{
	/* It may quote a server, which need not write UTF-8. */
	g_autofree gchar *detail = result->detail ? g_utf8_make_valid(result->detail, -1) : NULL;

	return json_pack("{s:s, s:s?, s:s, s:s?, s:s?, s:s?, s:I}", "target", result->name, "id", result->id,
			 "outcome", suture_fetch_outcome_name(result->outcome), "reason", result->reason,
			 "detail", detail, "manifest_sha256",
			 result->target ? result->target->manifest_sha256 : NULL, "size",
			 (json_int_t)result->size);
}

static json_t *stale_json(const SutureRefresh *refresh)
{
	json_t *list = json_array();

	for (guint i = 0; i < refresh->roles->len; i++) {
		const SutureRefreshRole *role = refresh->roles->pdata[i];

		if (role->stale)
			json_array_append_new(list, json_string(role->name));
	}
	return list;
}

static void print_json(const SutureFetchReport *report)
{
	json_t *bundles = json_array();
	SUTURE_AUTO_JSON *document =
		json_pack("{s:{s:I, s:I, s:I, s:I}, s:o, s:o, s:I, s:I}", "metadata", "root",
			  (json_int_t)report->root, "timestamp", (json_int_t)report->timestamp, "snapshot",
			  (json_int_t)report->snapshot, "targets", (json_int_t)report->targets, "stale",
			  stale_json(report->refresh), "bundles", bundles, "requests",
			  (json_int_t)report->count.requests, "bytes", (json_int_t)report->count.bytes);
	g_autoptr(GBytes) text = NULL;

	for (guint i = 0; i < report->results->len; i++)
		json_array_append_new(bundles, result_json(report->results->pdata[i]));
	text = suture_json_pretty(document);
	g_print("%.*s", (int)g_bytes_get_size(text), (const gchar *)g_bytes_get_data(text, NULL));
}

static SutureFetchReport *fetch(const SutureContext *context, const Options *options, const Config *config,
				const SutureKernel *kernel, SutureSession *session, GError **error)
{
	g_autoptr(SuturePolicy) policy = suture_policy_load(context, error);
	g_autofree gchar *certificate = NULL;
	Selection selection = {policy, kernel, options->name};
	SutureFetchRequest request = {
		.root = context->root,
		.http = {.ca_file = config->ca_file,
			 .client_key = config->client_certificate ? config->client_key : NULL,
			 .stall_seconds = config->stall_seconds,
			 .connect_seconds = config->connect_seconds,
			 .progress = suture_terminal_progress},
		.kernel = kernel,
		.now = g_get_real_time() / G_USEC_PER_SEC,
		.dry_run = options->dry_run,
		.select = select_bundles,
		.select_data = &selection,
		.sink = suture_session_record,
		.sink_data = session,
	};

	if (!policy || !choose_url(options, config, &request.url, error) ||
	    !suture_host_entitlement_choose(context, request.url, config->client_certificate, &certificate,
					    error))
		return NULL;
	request.http.client_certificate = certificate;
	request.max_stale = policy->max_stale;
	return suture_fetch_run(&request, error);
}

gboolean cmd_fetch(SutureContext *context, int argc, char **argv, GError **error)
{
	g_auto(Options) options = {0};
	g_auto(Config) config = {0};
	g_autoptr(SutureSession) session = NULL;
	g_autoptr(SutureFetchReport) report = NULL;
	const SutureKernel *running;
	SutureKernel kernel;

	if (!parse(&options, &argc, &argv, error) || !load_config(context, &config, error))
		return FALSE;
	session = suture_session_open(context, "fetch", TRUE, error);
	if (!session)
		return FALSE;
	running = suture_session_kernel(session);
	kernel = (SutureKernel){
		.release = options.release ? options.release : running->release,
		.arch = options.arch ? options.arch : running->arch,
		.build_id = options.build_id ? options.build_id : running->build_id,
	};
	report = fetch(context, &options, &config, &kernel, session, error);
	if (!report)
		return FALSE;
	suture_terminal_clear();
	if (context->json)
		print_json(report);
	else if (!context->quiet)
		print_text(report, kernel.release);
	if (!report->refusal)
		return TRUE;
	g_propagate_error(error, g_steal_pointer(&report->refusal));
	return FALSE;
}
