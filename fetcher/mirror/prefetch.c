// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fetcher/mirror/prefetch.h"

#include "fetcher/client/tuf-path.h"
#include "fetcher/mirror/record.h"

/* Fewer than these are had sooner one after the other. */
#define MIN_ROLES 4

typedef struct {
	const SutureMirrorFolder *folder;
	const gchar *metadata_url;
	GPtrArray *names; /* of files, encoded as in a URL */
	guint next;
} Run;

GBytes *suture_mirror_prefetch_source(const gchar *url, guint64 limit, gpointer data, GError **error)
{
	const SutureMirrorPrefetch *prefetch = data;
	const gchar *name = suture_mirror_base(url);

	if (suture_file_name_is_safe(name) && suture_mirror_size(prefetch->folder->spool, name) >= 0)
		return suture_file_read_at(prefetch->folder->spool, name, limit, error);
	return suture_http_get(prefetch->http, url, limit, error);
}

static gboolean next(SutureHttpFile *ret, gpointer data, GError **error)
{
	Run *run = data;

	(void)error;
	if (run->next >= run->names->len)
		return FALSE;
	ret->data = run->names->pdata[run->next++];
	ret->url = suture_http_join_encoded(run->metadata_url, ret->data);
	ret->body = g_byte_array_new();
	ret->length = SUTURE_TUF_MAX_TARGETS_BYTES;
	return TRUE;
}

static SutureHttpVerdict done(const SutureHttpFile *file, gboolean resumed, const GError *failure,
			      gpointer data, GError **error)
{
	const Run *run = data;
	g_autoptr(GBytes) bytes = NULL;

	(void)resumed;
	if (failure)
		return SUTURE_HTTP_NEXT;
	bytes = g_bytes_new(file->body->data, file->body->len);
	return suture_file_write_atomic(run->folder->spool, file->data, bytes, 0600, error)
		       ? SUTURE_HTTP_NEXT
		       : SUTURE_HTTP_STOP;
}

/* The file of @name at the version that snapshot metadata lists; NULL when it need not, or cannot, be had. */
static gchar *file_to_get(const SutureMirrorFolder *folder, const SutureTufMetadata *snapshot,
			  const gchar *name)
{
	g_autofree gchar *path = g_strconcat(name, ".json", NULL);
	const SutureTufFile *listed = suture_tuf_metadata_file(snapshot, path);
	g_autofree gchar *encoded = suture_tuf_role_file(name);
	g_autofree gchar *served =
		listed ? g_strdup_printf("%" G_GINT64_FORMAT ".%s", listed->version, path) : NULL;
	g_autofree gchar *file = NULL;

	if (!served || !suture_file_name_is_safe(served) || suture_mirror_size(folder->metadata, served) >= 0)
		return NULL;
	file = g_strdup_printf("%" G_GINT64_FORMAT ".%s", listed->version, encoded);
	return suture_file_name_is_safe(file) ? g_steal_pointer(&file) : NULL;
}

gboolean suture_mirror_prefetch(const SutureMirrorFolder *folder, const SutureTufClient *client,
				const gchar *const *kernels, SutureHttpPool *pool, const gchar *metadata_url,
				GError **error)
{
	const SutureTufMetadata *snapshot = suture_tuf_client_metadata(client, SUTURE_TUF_SNAPSHOT);
	const GPtrArray *delegations = suture_tuf_client_metadata(client, SUTURE_TUF_TARGETS)->delegations;
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	Run run = {.folder = folder, .metadata_url = metadata_url, .names = names};
	const SutureHttpWork work = {.next = next, .done = done, .data = &run};

	for (guint i = 0; i < delegations->len; i++) {
		const SutureTufDelegation *delegation = delegations->pdata[i];
		gchar *file = suture_mirror_kernels_match(kernels, delegation->role->name)
				      ? file_to_get(folder, snapshot, delegation->role->name)
				      : NULL;

		if (file)
			g_ptr_array_add(names, file);
	}
	return names->len < MIN_ROLES || suture_http_pool_run(pool, &work, error);
}
