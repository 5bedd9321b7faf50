// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fetcher/client/fetch.h"

#include "common/cancel.h"
#include "common/file.h"
#include "common/lock.h"
#include "fetcher/client/fetch-list.h"
#include "fetcher/client/partial.h"
#include "fetcher/client/refresh-note.h"
#include "packager/read/kernel.h"
#include "packager/read/store.h"
#include "spec/time.h"

#include <string.h>

/* One run. */
typedef struct {
	const SutureFetchRequest *request;
	SutureTrust *trust;
	SutureHttp *http;
	SutureTufClient *client;
	gchar *targets_url;
	int lock, partial;
	SutureFetchReport *report;
} Run;

static void run_clear(Run *run)
{
	g_clear_pointer(&run->trust, suture_trust_free);
	g_clear_pointer(&run->client, suture_tuf_client_free);
	g_clear_pointer(&run->http, suture_http_free);
	g_clear_pointer(&run->report, suture_fetch_report_free);
	g_free(run->targets_url);
	suture_fd_clear(&run->partial);
	suture_fd_clear(&run->lock);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Run, run_clear)

void suture_fetch_report_free(SutureFetchReport *report)
{
	g_clear_pointer(&report->results, g_ptr_array_unref);
	g_clear_pointer(&report->refresh, suture_refresh_free);
	g_clear_error(&report->refusal);
	g_free(report);
}

static gchar *host_path(const SutureFetchRequest *request, const gchar *absolute)
{
	return request->root ? g_build_filename(request->root, absolute, NULL) : g_strdup(absolute);
}

static gboolean record(const Run *run, const gchar *event, const SutureFetchResult *result,
		       const gchar *reason, const gchar *detail, GError **error)
{
	const SutureTarget *target = result ? result->target : NULL;
	const SutureEvent what = {
		.event = event,
		.bundle = !result      ? NULL
			  : result->id ? result->id
				       : result->name,
		.manifest_sha256 = target ? target->manifest_sha256 : NULL,
		.package_sha256 = result ? result->sha256 : NULL,
		.reason = reason,
		.detail = detail,
	};

	return run->request->sink(&what, run->request->sink_data, error);
}

static gboolean is_cancelled(const GError *error)
{
	return g_error_matches(error, SUTURE_COMMON_ERROR, SUTURE_COMMON_ERROR_CANCELLED);
}

/* TUF has no trust on first use: somebody put the first root there. */
static gboolean init_metadata(const SutureFetchRequest *request, const gchar *folder, GError **error)
{
	g_autofree gchar *path = host_path(request, SUTURE_FETCH_TRUST "/root.json");
	g_autoptr(GBytes) root = NULL;
	g_autoptr(GError) cause = NULL;

	if (suture_tuf_is_initialised(folder))
		return TRUE;
	root = suture_file_read(path, SUTURE_TUF_MAX_ROOT_BYTES, &cause);
	if (!root) {
		g_set_error(error, SUTURE_TUF_ERROR, SUTURE_TUF_ERROR_NOT_INITIALISED,
			    "%s; put the publisher's root.json there, got in a way that you trust",
			    cause->message);
		return FALSE;
	}
	return suture_tuf_init(folder, root, error);
}

static gboolean open_run(Run *run, GError **error)
{
	const SutureFetchRequest *request = run->request;
	g_autofree gchar *lock = host_path(request, SUTURE_FETCH_LOCK);
	g_autofree gchar *folder = host_path(request, SUTURE_FETCH_METADATA);
	g_autofree gchar *partial = host_path(request, SUTURE_FETCH_PARTIAL);
	g_autofree gchar *trust = host_path(request, SUTURE_FETCH_TRUST);
	g_autofree gchar *metadata_url = suture_http_join(request->url, "metadata");

	run->targets_url = suture_http_join(request->url, "targets");
	run->lock = suture_lock_take(lock, TRUE, error);
	if (run->lock < 0 || !init_metadata(request, folder, error))
		return FALSE;
	run->partial = suture_partial_folder(partial, error);
	run->trust = run->partial >= 0 ? suture_trust_load(trust, error) : NULL;
	run->http = run->trust ? suture_http_new(&request->http, error) : NULL;
	if (!run->http)
		return FALSE;
	run->client = suture_tuf_client_new(folder, metadata_url, run->http, request->now, error);
	if (!run->client)
		return FALSE;
	suture_tuf_client_set_max_stale(run->client, request->max_stale);
	return TRUE;
}

static void note_versions(Run *run)
{
	run->report->root = suture_tuf_client_metadata(run->client, SUTURE_TUF_ROOT)->version;
	run->report->timestamp = suture_tuf_client_metadata(run->client, SUTURE_TUF_TIMESTAMP)->version;
	run->report->snapshot = suture_tuf_client_metadata(run->client, SUTURE_TUF_SNAPSHOT)->version;
	run->report->targets = suture_tuf_client_metadata(run->client, SUTURE_TUF_TARGETS)->version;
}

/* For `suture status`; that it cannot be told there changes nothing of the failure. */
static void note_failure(const Run *run, const GError *cause)
{
	const SutureFetchRequest *request = run->request;
	g_autoptr(GError) error = NULL;
	g_autoptr(SutureRefresh) noted =
		suture_refresh_note(request->root, request->url, run->client, cause, &error);

	if (!noted)
		g_info("%s", error->message);
}

/* Takes @cause, which ends the run. Always FALSE. */
static gboolean refuse_all(const Run *run, GError *cause, GError **error)
{
	if (is_cancelled(cause)) {
		g_propagate_error(error, cause);
		return FALSE;
	}
	note_failure(run, cause);
	if (record(run, "refuse", NULL, suture_error_reason(cause), cause->message, error))
		g_propagate_error(error, cause);
	else
		g_error_free(cause);
	return FALSE;
}

/* What the host's policy bore with. */
static void add_stale(const Run *run, GString *detail)
{
	for (SutureTufType type = SUTURE_TUF_TIMESTAMP; type <= SUTURE_TUF_SNAPSHOT; type++) {
		gint64 since = suture_tuf_client_stale_since(run->client, type);
		g_autofree gchar *text = suture_time_text(since);

		if (since > 0)
			g_string_append_printf(detail, "; %s used after its end at %s, as max-stale lets",
					       suture_tuf_type_name(type), text);
	}
}

static gboolean refresh(Run *run, GError **error)
{
	SutureFetchReport *report = run->report;
	GError *cause = NULL;
	g_autoptr(GString) detail = g_string_new("repository metadata: ");

	if (!suture_tuf_client_refresh(run->client, &cause))
		return refuse_all(run, cause, error);
	note_versions(run);
	g_string_append_printf(detail,
			       "root %" G_GINT64_FORMAT ", timestamp %" G_GINT64_FORMAT
			       ", snapshot %" G_GINT64_FORMAT ", targets %" G_GINT64_FORMAT,
			       report->root, report->timestamp, report->snapshot, report->targets);
	add_stale(run, detail);
	return record(run, "verify", NULL, "ok", detail->str, error);
}

/* Downloads into a file that has no name any more once it is whole: from here on nobody else can reach it. */
static int download(Run *run, const SutureTufTarget *listed, const gchar *sha256, GError **error)
{
	SUTURE_AUTO_FD fd = -1;
	g_autoptr(GError) cause = NULL;

	if (!sha256 || listed->file.length > SUTURE_BUNDLE_MAX_PACKAGE_BYTES) {
		g_set_error(
			error, SUTURE_TUF_ERROR,
			g_hash_table_contains(listed->file.hashes, "sha256") ? SUTURE_TUF_ERROR_TARGET_LENGTH
									     : SUTURE_TUF_ERROR_TARGET_HASH,
			"%s: listed without a SHA-256, or larger than a bundle may be; tell the publisher",
			listed->name);
		return -1;
	}
	fd = suture_partial_open(run->partial, sha256, error);
	if (fd < 0)
		return -1;
	if (suture_tuf_client_download(run->client, listed, run->targets_url, fd, &cause))
		return suture_partial_unlink(run->partial, sha256, error) ? suture_fd_steal(&fd) : -1;
	/* What broke off is worth keeping, what was refused is not. */
	if (!is_cancelled(cause) &&
	    (suture_error_exit(cause) != SUTURE_EXIT_NETWORK ||
	     g_error_matches(cause, SUTURE_FETCH_ERROR, SUTURE_FETCH_ERROR_ENDLESS)) &&
	    !suture_partial_unlink(run->partial, sha256, error))
		return -1;
	g_propagate_error(error, g_steal_pointer(&cause));
	return -1;
}

static SutureBundle *verify(Run *run, const SutureFetchResult *result, GError **error)
{
	const SutureFetchRequest *request = run->request;
	const SutureTufTarget *listed = suture_tuf_client_find(run->client, result->name, error);
	SUTURE_AUTO_FD fd = listed ? download(run, listed, result->sha256, error) : -1;
	SutureBundle *bundle;
	SutureReceipt *receipt;

	if (fd < 0)
		return NULL;
	bundle = suture_bundle_verify(fd, result->name, run->trust, result->target, request->kernel,
				      suture_tuf_client_now(run->client), NULL, error);
	if (!bundle)
		return NULL;
	receipt = bundle->receipt;
	g_free(receipt->origin);
	receipt->origin = g_strdup("tuf");
	receipt->tuf_root = run->report->root;
	receipt->tuf_timestamp = run->report->timestamp;
	receipt->tuf_snapshot = run->report->snapshot;
	receipt->tuf_targets = run->report->targets;
	return bundle;
}

/* FALSE without @refusal: a failure of this host, which ends the run. */
static gboolean fetch(Run *run, SutureFetchResult *result, GError **refusal, GError **error)
{
	g_autoptr(SutureBundle) bundle = verify(run, result, refusal);

	if (!bundle)
		return FALSE;
	if (!record(run, "verify", result, "ok", "target, package, manifest and modules", error) ||
	    !suture_store_add(run->request->root, bundle, error) ||
	    !record(run, "accept", result, "ok", "fetched from the repository", error))
		return FALSE;
	suture_fetch_result_set(result, SUTURE_FETCH_FETCHED, NULL, NULL);
	return TRUE;
}

static gboolean refuse(Run *run, SutureFetchResult *result, GError *cause, GError **error)
{
	gboolean recorded = record(run, "refuse", result, suture_error_reason(cause), cause->message, error);

	suture_fetch_result_set(result, SUTURE_FETCH_REFUSED, suture_error_reason(cause), cause->message);
	if (run->report->refusal)
		g_error_free(cause);
	else
		run->report->refusal = cause;
	return recorded;
}

static gboolean fetch_wanted(Run *run, SutureFetchResult *result, GError **error)
{
	GError *refusal = NULL;

	if (fetch(run, result, &refusal, error))
		return TRUE;
	if (!refusal)
		return FALSE;
	if (!is_cancelled(refusal))
		return refuse(run, result, refusal, error);
	g_propagate_error(error, refusal);
	return FALSE;
}

/* What the listing refused already, and what policy said, is on record before anything is downloaded. */
static gboolean record_listing(Run *run, GError **error)
{
	for (guint i = 0; i < run->report->results->len; i++) {
		SutureFetchResult *result = run->report->results->pdata[i];
		gboolean recorded = TRUE;

		switch (result->outcome) {
		case SUTURE_FETCH_REFUSED:
			recorded = refuse(run, result,
					  g_error_new_literal(SUTURE_TUF_ERROR,
							      SUTURE_TUF_ERROR_TARGET_CUSTOM, result->detail),
					  error);
			break;
		case SUTURE_FETCH_MISMATCH:
			recorded = record(run, "refuse", result, result->reason, result->detail, error);
			break;
		case SUTURE_FETCH_HELD:
		case SUTURE_FETCH_SUPERSEDED:
			recorded = record(run, "policy", result, result->reason, result->detail, error);
			break;
		default:
			break;
		}
		if (!recorded)
			return FALSE;
	}
	return TRUE;
}

static gboolean sweep(const Run *run, GError **error)
{
	g_autoptr(GHashTable) wanted = g_hash_table_new(g_str_hash, g_str_equal);

	for (guint i = 0; i < run->report->results->len; i++) {
		const SutureFetchResult *result = run->report->results->pdata[i];

		if (result->outcome == SUTURE_FETCH_WANTED && result->sha256)
			g_hash_table_add(wanted, result->sha256);
	}
	return suture_partial_sweep(run->partial, wanted, error);
}

/* Bundles for this release that are all for other builds of it: that kernel is not the one it is taken for.
 */
static void note_mismatch(Run *run)
{
	const SutureFetchResult *mismatch = NULL;
	const SutureKernel *have = run->request->kernel;

	for (guint i = 0; i < run->report->results->len; i++) {
		const SutureFetchResult *result = run->report->results->pdata[i];

		if (result->outcome != SUTURE_FETCH_MISMATCH)
			return;
		mismatch = mismatch ? mismatch : result;
	}
	if (mismatch && !run->report->refusal)
		suture_kernel_match(&mismatch->target->patch.kernel, have, mismatch->id,
				    &run->report->refusal);
}

static gboolean fetch_all(Run *run, GError **error)
{
	GPtrArray *results = run->report->results;

	if (!sweep(run, error))
		return FALSE;
	for (guint i = 0; i < results->len; i++) {
		SutureFetchResult *result = results->pdata[i];

		if (!suture_cancel_check(error))
			return FALSE;
		if (result->outcome == SUTURE_FETCH_WANTED && !fetch_wanted(run, result, error))
			return FALSE;
	}
	return TRUE;
}

/* What the metadata has for this kernel, where the roles for it can be trusted. */
static gboolean list(Run *run, GError **error)
{
	const SutureFetchRequest *request = run->request;
	SutureFetchReport *report = run->report;
	GError *cause = NULL;

	report->results = suture_fetch_list(run->client, request->root, run->trust, request->kernel, &cause);
	if (!report->results)
		return refuse_all(run, cause, error);
	report->refresh = suture_refresh_note(request->root, request->url, run->client, NULL, error);
	return report->refresh != NULL;
}

SutureFetchReport *suture_fetch_run(const SutureFetchRequest *request, GError **error)
{
	g_auto(Run)
		run = {.request = request, .lock = -1, .partial = -1, .report = g_new0(SutureFetchReport, 1)};

	if (!open_run(&run, error) || !refresh(&run, error) || !list(&run, error))
		return NULL;
	if (request->select)
		request->select(run.report->results, request->select_data);
	if (!record_listing(&run, error) || (!request->dry_run && !fetch_all(&run, error)))
		return NULL;
	note_mismatch(&run);
	run.report->count = suture_http_count(run.http);
	return g_steal_pointer(&run.report);
}
