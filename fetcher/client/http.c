// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fetcher/client/http.h"

#include "common/cancel.h"
#include "fetcher/client/http-transfer.h"
#include "fetcher/client/http-worker.h"

#include <errno.h>
#include <sys/stat.h>

struct _SutureHttp {
	SutureHttpHandle handle;  /* unused with @source */
	SutureHttpWorker *worker; /* NULL: transfers happen here */
	SutureHttpSource source;
	gpointer source_data;
	SutureProgress progress;
	gpointer progress_data;
	SutureHttpCount count;
	guint get_seconds;
};

SutureHttp *suture_http_new(const SutureHttpOptions *options, GError **error)
{
	g_autoptr(SutureHttp) http = g_new0(SutureHttp, 1);

	if (!suture_http_handle_init(&http->handle, options, error))
		return NULL;
	if (options->user && !(http->worker = suture_http_worker_start(options, error)))
		return NULL;
	http->progress = options->progress;
	http->progress_data = options->progress_data;
	http->get_seconds = options->get_seconds ? options->get_seconds : SUTURE_HTTP_GET_SECONDS;
	return g_steal_pointer(&http);
}

SutureHttp *suture_http_new_source(SutureHttpSource source, gpointer data)
{
	SutureHttp *http = g_new0(SutureHttp, 1);

	http->source = source;
	http->source_data = data;
	return http;
}

void suture_http_free(SutureHttp *http)
{
	g_clear_pointer(&http->worker, suture_http_worker_free);
	suture_http_handle_clear(&http->handle);
	g_free(http);
}

SutureHttpCount suture_http_count(const SutureHttp *http)
{
	return http->count;
}

/* What this machine's own files say is no network's word. */
static gboolean is_remote(const gchar *url)
{
	return g_ascii_strncasecmp(url, "file:", 5) != 0;
}

static gboolean perform(SutureHttpTransfer *transfer, guint seconds, GError **error)
{
	if (!suture_cancel_check(error))
		return FALSE;
	suture_http_transfer_prepare(transfer, seconds);
	return suture_http_transfer_finish(transfer, curl_easy_perform(transfer->handle->easy), error);
}

static GBytes *get_from_source(SutureHttp *http, const gchar *url, guint64 limit, GError **error)
{
	GBytes *bytes;

	if (!suture_cancel_check(error))
		return NULL;
	http->count.requests++;
	bytes = http->source(url, limit, http->source_data, error);
	if (bytes)
		http->count.bytes += g_bytes_get_size(bytes);
	return bytes;
}

GBytes *suture_http_get(SutureHttp *http, const gchar *url, guint64 limit, GError **error)
{
	g_autoptr(GByteArray) body = g_byte_array_new();
	g_auto(SutureHttpTransfer) transfer = {.handle = &http->handle,
					       .url = url,
					       .count = &http->count,
					       .body = body,
					       .fd = -1,
					       .limit = limit};

	g_assert(limit < G_MAXUINT);
	if (http->source)
		return get_from_source(http, url, limit, error);
	if (http->worker && is_remote(url))
		return suture_http_worker_get(http->worker, url, limit, &http->count, error);
	if (!perform(&transfer, http->get_seconds, error))
		return NULL;
	return g_byte_array_free_to_bytes(g_steal_pointer(&body));
}

/* @offset bytes are kept; *@ret_restart asks for another try from the start. */
static gboolean get_rest(SutureHttp *http, const gchar *url, int fd, guint64 length, guint64 *offset,
			 gboolean *ret_restart, GError **error)
{
	g_auto(SutureHttpTransfer) transfer = {.handle = &http->handle,
					       .url = url,
					       .count = &http->count,
					       .fd = fd,
					       .limit = length,
					       .offset = *offset,
					       .have = *offset,
					       .progress = http->progress,
					       .progress_data = http->progress_data};
	gboolean done;

	if (ftruncate(fd, (off_t)*offset) < 0 || lseek(fd, (off_t)*offset, SEEK_SET) < 0)
		return suture_error_set_errno(error, errno, "%s", url);
	done = perform(&transfer, 0, error);
	*offset = transfer.offset;
	*ret_restart = transfer.restart;
	return done;
}

gboolean suture_http_get_file(SutureHttp *http, const gchar *url, int fd, guint64 length,
			      gboolean *ret_resumed, GError **error)
{
	gboolean restart = FALSE, done;
	guint64 offset;
	struct stat st;

	g_return_val_if_fail(!http->source, FALSE);
	if (http->worker && is_remote(url))
		return suture_http_worker_get_file(http->worker, url, fd, length, ret_resumed, &http->count,
						   error);
	if (fstat(fd, &st) < 0)
		return suture_error_set_errno(error, errno, "%s", url);
	offset = (guint64)st.st_size;
	*ret_resumed = offset > 0 && offset == length;
	if (*ret_resumed)
		return TRUE;
	if (offset > length)
		offset = 0;
	done = get_rest(http, url, fd, length, &offset, &restart, error);
	if (restart) {
		offset = 0;
		done = get_rest(http, url, fd, length, &offset, &restart, error);
	}
	*ret_resumed = offset > 0;
	return done;
}

gchar *suture_http_join(const gchar *base, const gchar *path)
{
	g_autofree gchar *escaped = g_uri_escape_string(path, "/", FALSE);

	return suture_http_join_encoded(base, escaped);
}

gchar *suture_http_join_encoded(const gchar *base, const gchar *encoded)
{
	return g_strconcat(base, g_str_has_suffix(base, "/") ? "" : "/", encoded, NULL);
}
