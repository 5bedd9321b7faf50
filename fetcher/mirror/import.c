// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fetcher/mirror/mirror.h"

#include "common/mutation.h"
#include "fetcher/mirror/import-rpm-md.h"
#include "fetcher/mirror/media.h"
#include "fetcher/mirror/record.h"
#include "fetcher/mirror/served.h"
#include "fetcher/mirror/session.h"

#include <fcntl.h>
#include <string.h>

typedef struct {
	const SutureMirrorImport *request;
	int fd;
	SutureMirrorMedia *media;
	SutureHttp *http; /* over the spool; opens no socket */
	SutureMirrorSession session;
	GHashTable *wanted; /* paths of files that are missing -> SutureMirrorFile* */
	guint64 done;       /* bytes of the entries so far */
} Run;

static void run_clear(Run *run)
{
	suture_mirror_session_clear(&run->session);
	g_clear_pointer(&run->http, suture_http_free);
	g_clear_pointer(&run->wanted, g_hash_table_unref);
	g_clear_pointer(&run->media, suture_mirror_media_free);
	suture_fd_clear(&run->fd);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Run, run_clear)

/* A mirror of some kernels whose snapshot came from a media of others would lead readers astray. */
static gboolean take_kernels(Run *run, GError **error)
{
	const json_t *record = run->session.folder->record;
	g_auto(GStrv) ours = suture_mirror_record_kernels(record);
	gchar **theirs = suture_mirror_media_contents(run->media)->kernels;
	gboolean served = suture_mirror_size(run->session.folder->metadata, "timestamp.json") >= 0;

	if (served && !suture_mirror_kernels_equal((const gchar *const *)ours, (const gchar *const *)theirs))
		return suture_mirror_refuse(
			error, SUTURE_MIRROR_ERROR_MEDIA_KERNELS,
			"the media was made for other kernels than %s has; export with the same "
			"--kernel, or import into another folder",
			run->request->folder);
	run->session.kernels = g_strdupv(theirs);
	return TRUE;
}

static gboolean open_run(Run *run, GError **error)
{
	const SutureMirrorImport *request = run->request;

	run->fd = suture_file_open(request->media, O_RDONLY, error);
	if (run->fd < 0 || !suture_mirror_session_open(&run->session, request->folder, request->root, error))
		return FALSE;
	run->media = suture_mirror_media_open(run->fd, error);
	return run->media && take_kernels(run, error);
}

static gboolean spool(const Run *run, const SutureMirrorEntry *entry, GError **error)
{
	SUTURE_AUTO_FD fd = -1;

	if (entry->size > SUTURE_TUF_MAX_TARGETS_BYTES)
		return suture_mirror_refuse(error, SUTURE_MIRROR_ERROR_MEDIA_SIZE,
					    "%s is larger than metadata may be", entry->path);
	fd = suture_file_open_beneath(run->session.folder->spool, suture_mirror_base(entry->path),
				      O_WRONLY | O_CREAT | O_EXCL, 0600, error);
	return fd >= 0 && suture_mirror_media_take(run->media, fd, error);
}

/* All metadata, unverified, to where the client asks for it. *@ret_entry: the first entry that is none. */
static gboolean spool_metadata(Run *run, const SutureMirrorEntry **ret_entry, GError **error)
{
	const SutureMirrorEntry *entry;
	GError *cause = NULL;

	while ((entry = suture_mirror_media_next(run->media, &cause)) &&
	       entry->kind == SUTURE_MIRROR_METADATA) {
		if (!spool(run, entry, error))
			return FALSE;
		run->done += entry->size;
	}
	if (cause)
		g_propagate_error(error, cause);
	*ret_entry = entry;
	return cause == NULL;
}

/* What the client misses is neither here nor on the media. */
static gboolean missed(GError *cause, GError **error)
{
	g_autoptr(GError) held = cause;

	if (!g_error_matches(held, SUTURE_FETCH_ERROR, SUTURE_FETCH_ERROR_NOT_FOUND)) {
		g_propagate_error(error, g_steal_pointer(&held));
		return FALSE;
	}
	return suture_mirror_refuse(
		error, SUTURE_MIRROR_ERROR_MEDIA_INCOMPLETE,
		"%s: neither in the mirror nor on the media; export without --since, or since this "
		"mirror's state",
		suture_mirror_base(held->message));
}

static gboolean trust_metadata(Run *run, GError **error)
{
	GError *cause = NULL;

	run->http = suture_http_new_source(suture_mirror_source, &run->session.folder->spool);
	run->session.max_stale = run->request->max_stale;
	if (suture_mirror_session_refresh(&run->session, run->http, SUTURE_MIRROR_SOURCE_URL,
					  run->request->now, &cause) &&
	    suture_mirror_session_plan(&run->session, &cause)) {
		if (!run->session.report->held_back)
			return TRUE;
		cause = g_steal_pointer(&run->session.report->refusal);
	}
	return missed(cause, error);
}

/* Before anything is unpacked: is all there that this mirror misses? */
static gboolean find_missing(Run *run, GError **error)
{
	const GHashTable *on_media = suture_mirror_media_contents(run->media)->by_path;
	guint64 bytes;
	g_autoptr(GPtrArray) missing =
		suture_mirror_missing(run->session.folder, run->session.plan->files, &bytes);

	run->wanted = g_hash_table_new(g_str_hash, g_str_equal);
	for (guint i = 0; i < missing->len; i++) {
		SutureMirrorFile *file = missing->pdata[i];
		g_autofree gchar *path = g_strconcat("targets/", file->path, NULL);

		if (!g_hash_table_contains((GHashTable *)on_media, path))
			return suture_mirror_refuse(
				error, SUTURE_MIRROR_ERROR_MEDIA_INCOMPLETE,
				"%s: neither in the mirror nor on the media; export without --since, "
				"or since this mirror's state",
				path);
		g_hash_table_insert(run->wanted, file->path, file);
	}
	return TRUE;
}

static gboolean unsigned_entry(const SutureMirrorEntry *entry, GError **error)
{
	return suture_mirror_refuse(
		error, SUTURE_MIRROR_ERROR_MEDIA_UNSIGNED,
		"%s: on the media, but nothing signed leads to it so; do not use this media", entry->path);
}

static gboolean take_target(Run *run, const SutureMirrorEntry *entry, GError **error)
{
	SutureMirrorSession *session = &run->session;
	const gchar *path = entry->path + strlen("targets/");
	const SutureMirrorFile *file = suture_mirror_plan_file(session->plan, path);
	SUTURE_AUTO_FD fd = -1;

	if (!file || (!suture_check_skipped("media-unsigned") &&
		      (strcmp(file->sha256, entry->sha256) != 0 || file->length != entry->size)))
		return unsigned_entry(entry, error);
	if (!g_hash_table_contains(run->wanted, path))
		return TRUE;
	fd = suture_mirror_import_file(session->folder, run->media, file, error);
	if (fd < 0)
		return FALSE;
	session->report->new_files++;
	session->report->new_bytes += file->length;
	return suture_mirror_arrivals_add(session->arrivals, file, error);
}

static void tell_progress(Run *run, const SutureMirrorEntry *entry)
{
	const SutureMirrorImport *request = run->request;

	run->done += entry->size;
	if (request->progress)
		request->progress("importing", run->done, suture_mirror_media_contents(run->media)->bytes,
				  request->progress_data);
}

static gboolean take_entries(Run *run, const SutureMirrorEntry *entry, GError **error)
{
	g_autoptr(SutureMirrorImportRpmMd) rpm_md =
		suture_mirror_import_rpm_md_new(&run->session, run->media, run->request->now);
	GError *cause = NULL;

	for (; entry; entry = suture_mirror_media_next(run->media, &cause)) {
		if (!(entry->kind == SUTURE_MIRROR_TARGET
			      ? take_target(run, entry, error)
			      : suture_mirror_import_rpm_md_take(rpm_md, entry, error)))
			return FALSE;
		tell_progress(run, entry);
	}
	if (cause) {
		g_propagate_error(error, cause);
		return FALSE;
	}
	return suture_mirror_import_rpm_md_finish(rpm_md, error);
}

static gboolean import(Run *run, GError **error)
{
	const SutureMirrorEntry *entry = NULL;

	return open_run(run, error) && suture_mirror_empty_spool(run->session.folder, error) &&
	       spool_metadata(run, &entry, error) && trust_metadata(run, error) && find_missing(run, error) &&
	       take_entries(run, entry, error) &&
	       suture_mirror_session_publish(&run->session, run->http, SUTURE_MIRROR_SOURCE_URL, error) &&
	       suture_mirror_empty_spool(run->session.folder, error);
}

SutureMirrorReport *suture_mirror_import(const SutureMirrorImport *request, GError **error)
{
	g_auto(Run) run = {.request = request, .fd = -1};

	if (import(&run, error))
		return g_steal_pointer(&run.session.report);
	/* What arrived whole need not come again. */
	if (run.session.arrivals && !suture_mirror_arrivals_flush(run.session.arrivals, NULL))
		g_debug("what arrived is not kept");
	return NULL;
}
