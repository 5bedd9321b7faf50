// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fetcher/mirror/download.h"
#include "fetcher/mirror/prefetch.h"
#include "fetcher/mirror/session.h"
#include "fetcher/mirror/sync-rpm-md.h"

typedef struct {
	const SutureMirrorSync *request;
	SutureHttp *http;
	SutureHttp *front; /* over @prefetch: what the client asks */
	SutureMirrorPrefetch prefetch;
	SutureHttpPool *pool;
	gchar *metadata_url, *targets_url;
	SutureMirrorSession session;
} Sync;

static void sync_clear(Sync *sync)
{
	suture_mirror_session_clear(&sync->session);
	g_clear_pointer(&sync->pool, suture_http_pool_free);
	g_clear_pointer(&sync->front, suture_http_free);
	g_clear_pointer(&sync->http, suture_http_free);
	g_free(sync->metadata_url);
	g_free(sync->targets_url);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Sync, sync_clear)

static gboolean open_sync(Sync *sync, GError **error)
{
	const SutureMirrorSync *request = sync->request;

	sync->metadata_url = suture_http_join(request->url, "metadata");
	sync->targets_url = suture_http_join(request->url, "targets");
	sync->session.kernels = g_strdupv((gchar **)request->kernels);
	sync->http = suture_http_new(&request->http, error);
	sync->pool = sync->http ? suture_http_pool_new(&request->http, request->jobs, error) : NULL;
	if (!sync->pool ||
	    !suture_mirror_session_open(&sync->session, request->folder, request->root, error) ||
	    !suture_mirror_empty_spool(sync->session.folder, error))
		return FALSE;
	sync->prefetch = (SutureMirrorPrefetch){sync->session.folder, sync->http};
	sync->front = suture_http_new_source(suture_mirror_prefetch_source, &sync->prefetch);
	return suture_mirror_session_refresh(&sync->session, sync->front, sync->metadata_url, request->now,
					     error);
}

/* Roles first of all, then files, then rpm-md, which names them. */
static gboolean bring(Sync *sync, GError **error)
{
	SutureMirrorSession *session = &sync->session;
	g_autoptr(GHashTable) failed =
		g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)g_error_free);
	const SutureMirrorDownload download = {.folder = session->folder,
					       .arrivals = session->arrivals,
					       .pool = sync->pool,
					       .targets_url = sync->targets_url,
					       .step = "packages",
					       .failed = failed};
	SutureMirrorReport *report = session->report;

	return suture_mirror_prefetch(session->folder, session->client,
				      (const gchar *const *)session->kernels, sync->pool, sync->metadata_url,
				      error) &&
	       suture_mirror_session_plan(session, error) &&
	       suture_mirror_empty_spool(session->folder, error) &&
	       suture_mirror_download(&download, session->plan->files, &report->new_files, &report->new_bytes,
				      error) &&
	       suture_mirror_session_judge(session, failed, error) &&
	       (report->held_back ||
		suture_mirror_sync_rpm_md(session, &download, sync->request->now, error)) &&
	       suture_mirror_session_publish(session, sync->http, sync->metadata_url, error);
}

SutureMirrorReport *suture_mirror_sync(const SutureMirrorSync *request, GError **error)
{
	g_auto(Sync) sync = {.request = request};
	SutureHttpCount one, many;

	if (!open_sync(&sync, error))
		return NULL;
	if ((request->again || !suture_mirror_session_is_complete(&sync.session)) && !bring(&sync, error))
		return NULL;
	one = suture_http_count(sync.http);
	many = suture_http_pool_count(sync.pool);
	sync.session.report->count =
		(SutureHttpCount){.requests = one.requests + many.requests, .bytes = one.bytes + many.bytes};
	return g_steal_pointer(&sync.session.report);
}
