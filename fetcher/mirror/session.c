// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fetcher/mirror/session.h"

#include "fetcher/client/partial.h"
#include "fetcher/client/tuf-target.h"
#include "fetcher/mirror/publish.h"
#include "fetcher/mirror/record.h"

#include <string.h>

static void refusal_free(gpointer data)
{
	SutureMirrorRefusal *refusal = data;

	g_free(refusal->kernel);
	g_clear_error(&refusal->cause);
	g_free(refusal);
}

void suture_mirror_report_free(SutureMirrorReport *report)
{
	g_clear_pointer(&report->refused, g_ptr_array_unref);
	g_clear_error(&report->refusal);
	g_free(report);
}

void suture_mirror_session_clear(SutureMirrorSession *session)
{
	g_clear_pointer(&session->arrivals, suture_mirror_arrivals_free);
	g_clear_pointer(&session->plan, suture_mirror_plan_free);
	g_clear_pointer(&session->client, suture_tuf_client_free);
	g_clear_pointer(&session->folder, suture_mirror_folder_free);
	g_clear_pointer(&session->report, suture_mirror_report_free);
	g_clear_pointer(&session->kernels, g_strfreev);
}

/* TUF has no trust on first use: somebody says which root it begins with. */
static gboolean init_trust(const SutureMirrorFolder *folder, const gchar *root, GError **error)
{
	g_autoptr(GBytes) bytes = NULL;

	if (suture_tuf_is_initialised(folder->trusted))
		return TRUE;
	if (!root) {
		g_set_error(error, SUTURE_TUF_ERROR, SUTURE_TUF_ERROR_NOT_INITIALISED,
			    "%s: a new mirror; give --trusted-root with the publisher's root.json, got in a "
			    "way that you trust",
			    folder->path);
		return FALSE;
	}
	bytes = suture_file_read(root, SUTURE_TUF_MAX_ROOT_BYTES, error);
	return bytes && suture_tuf_init(folder->trusted, bytes, error);
}

gboolean suture_mirror_session_open(SutureMirrorSession *session, const gchar *path, const gchar *root,
				    GError **error)
{
	session->report = g_new0(SutureMirrorReport, 1);
	session->report->refused = g_ptr_array_new_with_free_func(refusal_free);
	session->folder = suture_mirror_folder_open(path, error);
	if (!session->folder || !init_trust(session->folder, root, error))
		return FALSE;
	session->arrivals = suture_mirror_arrivals_new(session->folder);
	return TRUE;
}

static gint64 version_of(const SutureMirrorSession *session, SutureTufType type)
{
	return suture_tuf_client_metadata(session->client, type)->version;
}

gboolean suture_mirror_session_refresh(SutureMirrorSession *session, SutureHttp *http,
				       const gchar *metadata_url, gint64 now, GError **error)
{
	SutureMirrorReport *report = session->report;

	session->client = suture_tuf_client_new(session->folder->trusted, metadata_url, http, now, error);
	if (!session->client)
		return FALSE;
	suture_tuf_client_set_max_stale(session->client, session->max_stale);
	if (!suture_tuf_client_refresh(session->client, error))
		return FALSE;
	report->stale_since = suture_tuf_client_stale_since(session->client, SUTURE_TUF_TIMESTAMP)
				      ?: suture_tuf_client_stale_since(session->client, SUTURE_TUF_SNAPSHOT);
	report->root = version_of(session, SUTURE_TUF_ROOT);
	report->timestamp = version_of(session, SUTURE_TUF_TIMESTAMP);
	report->snapshot = version_of(session, SUTURE_TUF_SNAPSHOT);
	report->targets = version_of(session, SUTURE_TUF_TARGETS);
	return TRUE;
}

gboolean suture_mirror_session_is_complete(const SutureMirrorSession *session)
{
	const json_t *record = session->folder->record;
	g_auto(GStrv) kernels = suture_mirror_record_kernels(record);

	return suture_mirror_is_published(session->folder, session->client) &&
	       suture_mirror_record_complete(record) == session->report->timestamp &&
	       suture_mirror_kernels_equal((const gchar *const *)kernels,
					   (const gchar *const *)session->kernels);
}

/* What broke off is worth keeping for files that are still wanted. */
static gboolean sweep(const SutureMirrorFolder *folder, const SutureMirrorPlan *plan, GError **error)
{
	g_autoptr(GHashTable) wanted = g_hash_table_new(g_str_hash, g_str_equal);

	for (guint i = 0; i < plan->files->len; i++)
		g_hash_table_add(wanted, ((SutureMirrorFile *)plan->files->pdata[i])->sha256);
	return suture_partial_sweep(folder->partial, wanted, error);
}

/* Whether readers were led to the version of a role that snapshot lists before: its files came with it. */
static gboolean is_shown(const SutureMirrorFolder *folder, const gchar *served, const SutureTufFile *listed)
{
	g_autoptr(GBytes) bytes = served && listed ? suture_file_read_at(folder->metadata, served,
									 SUTURE_TUF_MAX_TARGETS_BYTES, NULL)
						   : NULL;

	return bytes && (listed->length < 0 || (gint64)g_bytes_get_size(bytes) == listed->length) &&
	       (!listed->hashes ||
		suture_tuf_hashes_check_bytes(listed, bytes, served, SUTURE_TUF_ERROR_DELEGATED_HASH, NULL));
}

/* @stays: readers may be shown the new metadata nevertheless. */
static void refuse(SutureMirrorReport *report, const gchar *kernel, const GError *cause, gboolean stays)
{
	SutureMirrorRefusal *refusal = g_new(SutureMirrorRefusal, 1);

	*refusal = (SutureMirrorRefusal){g_strdup(kernel), g_error_copy(cause)};
	g_ptr_array_add(report->refused, refusal);
	/* The one that holds all others back is what the user has to hear of. */
	if (!stays && !report->held_back)
		g_clear_error(&report->refusal);
	report->held_back |= !stays;
	if (report->refusal)
		return;
	report->refusal = g_error_copy(cause);
	g_prefix_error(&report->refusal, "kernel %s%s: ", kernel,
		       stays ? "" : ", for which readers of all are shown the old state");
}

gboolean suture_mirror_session_plan(SutureMirrorSession *session, GError **error)
{
	SutureMirrorReport *report = session->report;
	SutureMirrorPlan *plan =
		suture_mirror_plan_new(session->client, (const gchar *const *)session->kernels, error);

	if (!plan)
		return FALSE;
	session->plan = plan;
	report->kernels = plan->roles->len;
	report->files = plan->files->len;
	report->bytes = plan->bytes;
	for (guint i = 0; i < plan->refused->len; i++) {
		const SutureMirrorRefused *refused = plan->refused->pdata[i];

		refuse(report, refused->name, refused->cause,
		       refused->expired || is_shown(session->folder, refused->served, refused->listed));
	}
	return sweep(session->folder, plan, error);
}

static void mark_incomplete(const SutureMirrorPlan *plan, const gchar *kernel)
{
	for (guint i = 0; i < plan->roles->len; i++) {
		SutureMirrorRole *role = plan->roles->pdata[i];

		if (strcmp(role->top, kernel) == 0)
			role->incomplete = TRUE;
	}
}

static void judge_role(SutureMirrorSession *session, SutureMirrorRole *role, GHashTable *failed)
{
	for (guint i = role->first; i < role->first + role->count; i++) {
		const SutureMirrorFile *file = session->plan->files->pdata[i];
		const GError *cause = g_hash_table_lookup(failed, file->path);

		if (!cause)
			continue;
		refuse(session->report, role->top, cause,
		       !file->shared && is_shown(session->folder, role->served, role->listed));
		role->failed = TRUE;
		mark_incomplete(session->plan, role->top);
		return;
	}
}

gboolean suture_mirror_session_judge(SutureMirrorSession *session, GHashTable *failed, GError **error)
{
	const SutureMirrorPlan *plan = session->plan;

	for (guint i = 0; i < plan->top_level; i++) {
		const SutureMirrorFile *file = plan->files->pdata[i];
		const GError *cause = g_hash_table_lookup(failed, file->path);

		if (cause) {
			g_propagate_error(error, g_error_copy(cause));
			return FALSE;
		}
	}
	for (guint i = 0; i < plan->roles->len; i++)
		judge_role(session, plan->roles->pdata[i], failed);
	return TRUE;
}

/* The files that readers of new metadata are led to; those of a role that failed were missing before. */
static GPtrArray *needed(const SutureMirrorPlan *plan)
{
	GPtrArray *files = g_ptr_array_new();

	for (guint i = 0; i < plan->top_level; i++)
		g_ptr_array_add(files, plan->files->pdata[i]);
	for (guint i = 0; i < plan->roles->len; i++) {
		const SutureMirrorRole *role = plan->roles->pdata[i];

		for (guint at = role->first; !role->failed && at < role->first + role->count; at++)
			g_ptr_array_add(files, plan->files->pdata[at]);
	}
	return files;
}

static gboolean is_all_there(const SutureMirrorSession *session, GError **error)
{
	guint64 bytes;
	g_autoptr(GPtrArray) files = needed(session->plan);
	g_autoptr(GPtrArray) missing = suture_mirror_missing(session->folder, files, &bytes);
	const SutureMirrorFile *first = missing->len ? missing->pdata[0] : NULL;

	return !first || suture_mirror_refuse(
				 error, SUTURE_MIRROR_ERROR_INCOMPLETE,
				 "%s and %u more are not there: readers are shown the old state; try again",
				 first->path, missing->len - 1);
}

static gboolean save_record(const SutureMirrorSession *session, GError **error)
{
	json_t *record = session->folder->record;

	suture_mirror_record_set_kernels(record, (const gchar *const *)session->kernels);
	suture_mirror_record_set_complete(record, session->report->refusal ? 0 : session->report->timestamp);
	suture_mirror_record_set_shown(record, session->report->timestamp);
	return suture_mirror_record_save(session->folder->state, record, error);
}

static gboolean hold_back(const SutureMirrorSession *session, GError **error)
{
	json_t *record = session->folder->record;

	suture_mirror_record_set_shown(record, suture_mirror_record_shown(record));
	suture_mirror_record_set_complete(record, 0);
	return suture_mirror_record_save(session->folder->state, record, error);
}

gboolean suture_mirror_session_publish(SutureMirrorSession *session, SutureHttp *http,
				       const gchar *metadata_url, GError **error)
{
	if (session->report->held_back) {
		session->report->changed = session->report->new_files > 0 || session->report->rpm_md > 0;
		return suture_mirror_arrivals_flush(session->arrivals, error) && hold_back(session, error);
	}
	session->report->changed = session->report->new_files > 0 || session->report->rpm_md > 0 ||
				   !suture_mirror_is_published(session->folder, session->client);
	return suture_mirror_arrivals_flush(session->arrivals, error) && is_all_there(session, error) &&
	       suture_mirror_publish(session->folder, session->client, session->plan, http, metadata_url,
				     error) &&
	       save_record(session, error);
}

gboolean suture_mirror_session_note(SutureMirrorSession *session, GError *cause, GError **error)
{
	SutureExit class = suture_error_exit(cause);

	if (class != SUTURE_EXIT_UNTRUSTED && class != SUTURE_EXIT_NETWORK) {
		g_propagate_error(error, cause);
		return FALSE;
	}
	if (session->report->refusal)
		g_error_free(cause);
	else
		session->report->refusal = cause;
	return TRUE;
}
