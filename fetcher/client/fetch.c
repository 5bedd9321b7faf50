// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fetcher/client/fetch.h"

#include "common/cancel.h"
#include "common/file.h"
#include "common/lock.h"
#include "fetcher/client/anchors.h"
#include "fetcher/client/fetch-list.h"
#include "fetcher/client/fetch-sweep.h"
#include "fetcher/client/partial.h"
#include "fetcher/client/refresh-note.h"
#include "packager/read/kernel.h"
#include "packager/read/recall-store.h"
#include "packager/read/store.h"
#include "spec/time.h"

#include <string.h>

/* One run. */
typedef struct {
	const SutureFetchRequest *request;
	SutureTrust *trust;
	SutureHttp *http;
	SutureTufClient *client;
	guint mirror; /* index of the one that the metadata came from */
	int lock, partial;
	GPtrArray *distrusted; /* SutureStored*: fetched before, and do not verify any more */
	SutureFetchReport *report;
} Run;

static void run_clear(Run *run)
{
	g_clear_pointer(&run->trust, suture_trust_free);
	g_clear_pointer(&run->distrusted, g_ptr_array_unref);
	g_clear_pointer(&run->client, suture_tuf_client_free);
	g_clear_pointer(&run->http, suture_http_free);
	g_clear_pointer(&run->report, suture_fetch_report_free);
	suture_fd_clear(&run->partial);
	suture_fd_clear(&run->lock);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Run, run_clear)

void suture_fetch_report_free(SutureFetchReport *report)
{
	g_clear_pointer(&report->results, g_ptr_array_unref);
	g_clear_pointer(&report->skipped, g_ptr_array_unref);
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
	g_autofree gchar *path = host_path(request, SUTURE_FETCH_ROOT);
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

	run->lock = suture_lock_take(lock, TRUE, error);
	if (run->lock < 0 || !suture_fetch_sweep(request->root, error) ||
	    !init_metadata(request, folder, error))
		return FALSE;
	run->partial = suture_partial_folder(partial, error);
	run->http = run->partial >= 0 ? suture_http_new(&request->http, error) : NULL;
	return run->http != NULL;
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
	const gchar *url = request->urls[run->mirror] ? request->urls[run->mirror] : request->urls[0];
	g_autoptr(GError) error = NULL;
	g_autoptr(SutureRefresh) noted = NULL;

	if (!run->client)
		return;
	noted = suture_refresh_note(request->root, url, run->client, cause, &error);
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

/* With a client of the mirror @index from here on, whatever came of its refresh. */
static gboolean refresh_from(Run *run, guint index, GError **error)
{
	const SutureFetchRequest *request = run->request;
	g_autofree gchar *folder = host_path(request, SUTURE_FETCH_METADATA);
	g_autofree gchar *url = suture_http_join(request->urls[index], "metadata");

	g_clear_pointer(&run->client, suture_tuf_client_free);
	run->client = suture_tuf_client_new(folder, url, run->http, request->now, error);
	if (!run->client)
		return FALSE;
	suture_tuf_client_set_max_stale(run->client, request->max_stale);
	return suture_tuf_client_refresh(run->client, error);
}

/* No mirror was of use: the first one's code, everybody's words. */
static GError *all_mirrors(const Run *run)
{
	const GError *first = run->report->skipped->pdata[0];
	GError *all = g_error_copy(first);
	g_autoptr(GString) words = g_string_new(first->message);

	for (guint i = 1; i < run->report->skipped->len; i++) {
		const GError *next = run->report->skipped->pdata[i];

		g_string_append_printf(words, "; then %s [%s]", next->message, suture_error_reason(next));
	}
	g_free(all->message);
	all->message = g_strdup(words->str);
	return all;
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

/* Of the mirrors that were passed over, what was wrong with each. */
static gboolean record_skipped(const Run *run, GError **error)
{
	for (guint i = 0; i < run->report->skipped->len; i++) {
		const GError *skipped = run->report->skipped->pdata[i];

		if (!record(run, "refuse", NULL, suture_error_reason(skipped), skipped->message, error))
			return FALSE;
	}
	return TRUE;
}

static gboolean note_refresh(Run *run, GError **error)
{
	SutureFetchReport *report = run->report;
	g_autoptr(GString) detail = g_string_new("repository metadata: ");

	note_versions(run);
	g_string_append_printf(detail,
			       "root %" G_GINT64_FORMAT ", timestamp %" G_GINT64_FORMAT
			       ", snapshot %" G_GINT64_FORMAT ", targets %" G_GINT64_FORMAT,
			       report->root, report->timestamp, report->snapshot, report->targets);
	add_stale(run, detail);
	return record(run, "verify", NULL, "ok", detail->str, error);
}

/* The repository's trust anchors, before anything is judged by them. */
static gboolean take_anchors(Run *run, GError **error)
{
	g_autofree gchar *url = suture_http_join(run->request->urls[run->mirror], "targets");
	g_autofree gchar *folder = NULL;
	gboolean changed;

	if (!suture_anchors_adopt(run->client, run->request->root, url, &changed, error))
		return FALSE;
	run->report->new_anchors |= changed;
	folder = suture_trust_folder(run->request->root);
	g_clear_pointer(&run->trust, suture_trust_free);
	run->trust = suture_trust_load(folder, error);
	return run->trust != NULL;
}

/* From the mirror that the metadata came from, then from those after it. */
static gboolean download_any(Run *run, const SutureTufTarget *listed, int fd, GError **error)
{
	const gchar *const *urls = run->request->urls;
	g_autoptr(GError) first = NULL;

	for (guint i = run->mirror; urls[i]; i++) {
		g_autofree gchar *url = suture_http_join(urls[i], "targets");
		g_autoptr(GError) cause = NULL;

		if (suture_tuf_client_download(run->client, listed, url, fd, &cause))
			return TRUE;
		if (is_cancelled(cause) || cause->domain == SUTURE_COMMON_ERROR) {
			g_propagate_error(error, g_steal_pointer(&cause));
			return FALSE;
		}
		if (!first)
			first = g_steal_pointer(&cause);
		else
			g_prefix_error(&first, "%s; before that, ", cause->message);
	}
	g_propagate_error(error, g_steal_pointer(&first));
	return FALSE;
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
	if (download_any(run, listed, fd, &cause))
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
	const SutureTufTarget *listed = suture_tuf_client_find(run->client, result->name, error);
	SUTURE_AUTO_FD fd = listed ? download(run, listed, result->sha256, error) : -1;
	SutureBundle *bundle;
	SutureReceipt *receipt;

	if (fd < 0)
		return NULL;
	bundle = suture_bundle_verify(fd, result->name, run->trust, result->target, result->kernel,
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

/* Bundles for a release that are all for other builds of it: that kernel is not the one it is taken for. */
static void note_mismatch(Run *run, const SutureKernel *kernel)
{
	const SutureFetchResult *mismatch = NULL;

	for (guint i = 0; i < run->report->results->len; i++) {
		const SutureFetchResult *result = run->report->results->pdata[i];

		if (result->kernel != kernel || result->outcome == SUTURE_FETCH_WITHDRAWN)
			continue;
		if (result->outcome != SUTURE_FETCH_MISMATCH)
			return;
		mismatch = mismatch ? mismatch : result;
	}
	if (mismatch && !run->report->refusal)
		suture_kernel_match(&mismatch->target->patch.kernel, kernel, mismatch->id,
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

static void add_recalls(const SutureKernel *kernel, GPtrArray *recalls, GPtrArray *results)
{
	for (guint i = 0; i < recalls->len; i++) {
		const SutureRecall *recall = recalls->pdata[i];
		SutureFetchResult *result = suture_fetch_result_new(kernel);

		result->name = g_build_filename(kernel->release, recall->id, NULL);
		result->id = g_strdup(recall->id);
		suture_fetch_result_set(result, SUTURE_FETCH_WITHDRAWN, "withdrawn", recall->reason);
		g_ptr_array_add(results, result);
	}
}

/* What the publisher recalled for @kernel is kept for apply and status, and is among the results. */
static gboolean take_recalls(Run *run, const SutureKernel *kernel, GPtrArray *results, GError **error)
{
	g_autoptr(GError) cause = NULL;
	const SutureTufMetadata *role = suture_tuf_client_role(run->client, kernel->release, &cause);
	g_autoptr(GPtrArray) recalls = NULL;
	json_t *list = NULL;

	if (cause) {
		g_propagate_error(error, g_steal_pointer(&cause));
		return FALSE;
	}
	if (role)
		list = json_object_get(json_object_get(role->document, "signed"), "x-suture-withdrawn");
	recalls = suture_recalls_read(list, &cause);
	if (!recalls) {
		g_set_error(error, SUTURE_TUF_ERROR, SUTURE_TUF_ERROR_TARGET_CUSTOM,
			    "role %s: %s; tell the publisher, or update Suture", kernel->release,
			    cause->message);
		return FALSE;
	}
	add_recalls(kernel, recalls, results);
	return suture_recall_store_save(run->request->root, kernel->release, recalls, error);
}

/* What the metadata has for @kernel, where the roles for it can be trusted. */
static GPtrArray *list_kernel(Run *run, const SutureKernel *kernel, GError **error)
{
	g_autoptr(GPtrArray) results = suture_fetch_list(run->client, run->request->root, run->trust, kernel,
							 run->distrusted, error);

	return results && take_recalls(run, kernel, results, error) ? g_steal_pointer(&results) : NULL;
}

/* What one mirror had to say, and what was wrong with it. */
typedef struct {
	GPtrArray *results; /* of each kernel; owning */
	guint missing;      /* kernels whose role is refused or not there */
	GError *refusal;    /* the first of these */
} Survey;

static void survey_clear(Survey *survey)
{
	g_clear_pointer(&survey->results, g_ptr_array_unref);
	g_clear_error(&survey->refusal);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Survey, survey_clear)

/* This host's own trouble is no mirror's fault, and ends the run. */
static gboolean is_ours(const GError *error)
{
	return error->domain != SUTURE_FETCH_ERROR && error->domain != SUTURE_TUF_ERROR;
}

static gboolean list_all(Run *run, Survey *survey, GError **error)
{
	for (guint i = 0; i < run->request->kernels->len; i++) {
		g_autoptr(GError) cause = NULL;
		GPtrArray *results = list_kernel(run, run->request->kernels->pdata[i], &cause);

		if (results) {
			g_ptr_array_extend_and_steal(survey->results, results);
			continue;
		}
		if (is_ours(cause)) {
			g_propagate_error(error, g_steal_pointer(&cause));
			return FALSE;
		}
		survey->missing++;
		if (!survey->refusal)
			survey->refusal = g_steal_pointer(&cause);
	}
	return TRUE;
}

/* All that is wanted of a mirror before files are. */
static gboolean look_at(Run *run, guint index, Survey *survey, GError **error)
{
	run->mirror = index;
	survey->results = suture_fetch_results_new();
	g_ptr_array_set_size(run->distrusted, 0);
	if (!refresh_from(run, index, error))
		return FALSE;
	return take_anchors(run, error) && list_all(run, survey, error);
}

/* The first mirror that has everything good; else the last one of those that had something, kernel by kernel.
 */
static gboolean choose_mirror(Run *run, GError **error)
{
	const gchar *const *urls = run->request->urls;

	for (guint i = 0; urls[i]; i++) {
		g_auto(Survey) survey = {NULL, 0, NULL};
		g_autoptr(GError) cause = NULL;
		gboolean seen = look_at(run, i, &survey, &cause);
		gboolean some = seen && survey.missing < MAX(run->request->kernels->len, 1);

		if (cause && (is_cancelled(cause) || is_ours(cause))) {
			if (is_cancelled(cause))
				g_propagate_error(error, g_steal_pointer(&cause));
			else
				refuse_all(run, g_steal_pointer(&cause), error);
			return FALSE;
		}
		if (seen && (survey.missing == 0 || (some && !urls[i + 1]))) {
			g_ptr_array_extend_and_steal(run->report->results, g_steal_pointer(&survey.results));
			run->report->refusal = g_steal_pointer(&survey.refusal);
			return TRUE;
		}
		g_ptr_array_add(run->report->skipped,
				cause ? g_steal_pointer(&cause) : g_steal_pointer(&survey.refusal));
	}
	return refuse_all(run, all_mirrors(run), error);
}

/* In the ledger: the mirrors that were passed over, what is trusted now, and the kernels that could not be
 * seen to. */
static gboolean record_survey(Run *run, GError **error)
{
	SutureFetchReport *report = run->report;

	if (!record_skipped(run, error) || !note_refresh(run, error) ||
	    (report->new_anchors &&
	     !record(run, "accept", NULL, "ok", "trust anchors of the repository", error)))
		return FALSE;
	if (report->refusal && !record(run, "refuse", NULL, suture_error_reason(report->refusal),
				       report->refusal->message, error))
		return FALSE;
	report->refresh = suture_refresh_note(run->request->root, run->request->urls[run->mirror],
					      run->client, NULL, error);
	return report->refresh != NULL;
}

/* What policy says to the results, which are in the order of the kernels. */
static void select_all(Run *run)
{
	const SutureFetchRequest *request = run->request;
	g_autoptr(GPtrArray) all = g_steal_pointer(&run->report->results);

	run->report->results = suture_fetch_results_new();
	for (guint i = 0; i < request->kernels->len; i++) {
		GPtrArray *of_kernel = suture_fetch_results_new();

		while (all->len > 0 &&
		       ((SutureFetchResult *)all->pdata[0])->kernel == request->kernels->pdata[i])
			g_ptr_array_add(of_kernel, g_ptr_array_steal_index(all, 0));
		if (request->select)
			request->select(request->kernels->pdata[i], of_kernel, request->select_data);
		g_ptr_array_extend_and_steal(run->report->results, of_kernel);
	}
}

/*
 * A bundle whose signer was revoked, or that came under trust anchors that are gone, would keep all others
 * from being applied. One that was damaged and is fetched anew by now is whole again; what is live has its
 * copy elsewhere.
 */
static gboolean drop_distrusted(const Run *run, GError **error)
{
	for (guint i = 0; i < run->distrusted->len; i++) {
		const SutureStored *stored = run->distrusted->pdata[i];
		g_autoptr(GError) why = NULL;
		SutureEvent event = {
			.event = "remove", .bundle = stored->id, .manifest_sha256 = stored->manifest_sha256};

		if (suture_store_verifies(run->request->root, stored, run->trust, &why))
			continue;
		event.reason = suture_error_reason(why);
		event.detail = why->message;
		if (!run->request->sink(&event, run->request->sink_data, error) ||
		    !suture_store_remove(run->request->root, stored, error))
			return FALSE;
	}
	return TRUE;
}

static void skipped_free(gpointer error)
{
	g_error_free(error);
}

SutureFetchReport *suture_fetch_run(const SutureFetchRequest *request, GError **error)
{
	g_auto(Run)
		run = {.request = request, .lock = -1, .partial = -1, .report = g_new0(SutureFetchReport, 1)};

	run.report->results = suture_fetch_results_new();
	run.distrusted = g_ptr_array_new_with_free_func((GDestroyNotify)suture_stored_free);
	run.report->skipped = g_ptr_array_new_with_free_func(skipped_free);
	if (!open_run(&run, error) || !choose_mirror(&run, error) || !record_survey(&run, error))
		return NULL;
	select_all(&run);
	if (!record_listing(&run, error) ||
	    (!request->dry_run && (!fetch_all(&run, error) || !drop_distrusted(&run, error))))
		return NULL;
	for (guint i = 0; i < request->kernels->len; i++)
		note_mismatch(&run, request->kernels->pdata[i]);
	run.report->count = suture_http_count(run.http);
	return g_steal_pointer(&run.report);
}
