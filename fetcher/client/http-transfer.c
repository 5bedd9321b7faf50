// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fetcher/client/http-transfer.h"

#include "common/cancel.h"
#include "common/file.h"

#include <errno.h>
#include <string.h>

#define MAX_PEM_BYTES (1024 * 1024)
#define MAX_REDIRECTS 5L
#define MAX_HEADER_BYTES (256 * 1024)
/* An error page is read to its end, so that the connection can be kept, unless it is longer than this. */
#define MAX_ERROR_PAGE_BYTES (64 * 1024)
/* What gzip may add to bytes that do not compress: less than a part in this many, and its frame. */
#define GZIP_SLACK_PART 64
#define GZIP_SLACK 4096

void suture_http_transfer_clear(SutureHttpTransfer *transfer)
{
	g_clear_pointer(&transfer->digest, suture_digest_free);
	g_clear_pointer(&transfer->label, g_free);
	g_clear_pointer(&transfer->content_range, g_free);
	g_clear_pointer(&transfer->content_encoding, g_free);
	g_clear_pointer(&transfer->gunzip, suture_gunzip_free);
	g_clear_error(&transfer->error);
}

gchar *suture_http_label(const gchar *url)
{
	g_autoptr(GUri) uri = g_uri_parse(url, G_URI_FLAGS_HAS_PASSWORD | G_URI_FLAGS_ENCODED, NULL);

	return uri ? g_uri_to_string_partial(uri, G_URI_HIDE_PASSWORD) : g_strdup(url);
}

/* The value of header @name in the line @data, in *@value. */
static void take_header(const gchar *data, gsize size, const gchar *name, gchar **value)
{
	gsize length = strlen(name);

	if (size < length || g_ascii_strncasecmp(data, name, length) != 0)
		return;
	g_free(*value);
	*value = g_strstrip(g_strndup(data + length, size - length));
}

static size_t on_header(char *data, size_t one, size_t size, void *user)
{
	SutureHttpTransfer *transfer = user;

	(void)one;
	transfer->header_bytes += size;
	if (transfer->header_bytes > MAX_HEADER_BYTES) {
		g_set_error(&transfer->error, SUTURE_FETCH_ERROR, SUTURE_FETCH_ERROR_ENDLESS,
			    "%s: the server sends headers without end; try another server", transfer->label);
		return 0;
	}
	/* A redirect's headers come first and do not count. */
	if (size >= 5 && g_ascii_strncasecmp(data, "HTTP/", 5) == 0) {
		g_clear_pointer(&transfer->content_range, g_free);
		g_clear_pointer(&transfer->content_encoding, g_free);
	}
	take_header(data, size, "content-range:", &transfer->content_range);
	take_header(data, size, "content-encoding:", &transfer->content_encoding);
	return size;
}

/* Whether the server sends the rest of the very file that we hold the start of. */
static gboolean range_fits(const SutureHttpTransfer *transfer)
{
	const gchar *range = transfer->content_range;
	gchar *end;
	guint64 first;

	if (!range || g_ascii_strncasecmp(range, "bytes ", 6) != 0 || !g_ascii_isdigit(range[6]))
		return FALSE;
	first = g_ascii_strtoull(range + 6, &end, 10);
	end = strchr(end, '/');
	return first == transfer->offset && end &&
	       (end[1] == '*' || g_ascii_strtoull(end + 1, NULL, 10) == transfer->limit);
}

static glong status_of(const SutureHttpTransfer *transfer)
{
	glong status = 0;

	curl_easy_getinfo(transfer->handle->easy, CURLINFO_RESPONSE_CODE, &status);
	return status;
}

/* The server sends the file from its start, whatever was asked for. */
static gboolean from_the_start(SutureHttpTransfer *transfer)
{
	transfer->offset = transfer->have = 0;
	if (transfer->fd >= 0 && (ftruncate(transfer->fd, 0) < 0 || lseek(transfer->fd, 0, SEEK_SET) < 0))
		return suture_error_set_errno(&transfer->error, errno, "%s", transfer->label);
	return TRUE;
}

/* How many bytes may come on the wire. */
static guint64 wire_limit(const SutureHttpTransfer *transfer)
{
	guint64 limit = transfer->limit - transfer->offset;

	return transfer->gunzip ? limit + limit / GZIP_SLACK_PART + GZIP_SLACK : limit;
}

static gboolean check_announced(SutureHttpTransfer *transfer)
{
	curl_off_t announced = -1;

	curl_easy_getinfo(transfer->handle->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &announced);
	if (announced < 0 || (guint64)announced <= wire_limit(transfer))
		return TRUE;
	g_set_error(&transfer->error, SUTURE_FETCH_ERROR, SUTURE_FETCH_ERROR_TOO_LARGE,
		    "%s: the server announces %" G_GINT64_FORMAT " bytes more, at most %" G_GUINT64_FORMAT
		    " are allowed; the server or its metadata is wrong",
		    transfer->label, (gint64)announced, wire_limit(transfer));
	return FALSE;
}

/* Only what was asked for: gzip, once, of a body in a buffer. A file is what it is, and is hashed. */
static gboolean choose_decoding(SutureHttpTransfer *transfer)
{
	const gchar *encoding = transfer->content_encoding;

	if (!transfer->body || !encoding || !encoding[0] || g_ascii_strcasecmp(encoding, "identity") == 0)
		return TRUE;
	if (g_ascii_strcasecmp(encoding, "gzip") == 0 || g_ascii_strcasecmp(encoding, "x-gzip") == 0) {
		transfer->gunzip = suture_gunzip_new();
		return TRUE;
	}
	g_set_error(&transfer->error, SUTURE_FETCH_ERROR, SUTURE_FETCH_ERROR_ENCODING,
		    "%s: the server sends it encoded in a way that was not asked for; try another server",
		    transfer->label);
	return FALSE;
}

/* Once the headers are there: is this the body that was asked for? FALSE ends the transfer. */
static gboolean start_body(SutureHttpTransfer *transfer)
{
	glong status = status_of(transfer);

	transfer->started = TRUE;
	/* A file URL has no status. */
	transfer->wanted = status == 0 || status == 200 || (status == 206 && transfer->offset > 0);
	if (transfer->offset > 0 && (status == 416 || (status == 206 && !range_fits(transfer)))) {
		transfer->restart = TRUE;
		return FALSE;
	}
	if (!transfer->wanted)
		return TRUE;
	if (status == 200 && transfer->offset > 0 && !from_the_start(transfer))
		return FALSE;
	return choose_decoding(transfer) && check_announced(transfer);
}

static gboolean set_endless(const SutureHttpTransfer *transfer, GError **error)
{
	g_set_error(error, SUTURE_FETCH_ERROR, SUTURE_FETCH_ERROR_ENDLESS,
		    "%s: the server did not stop at the limit of %" G_GUINT64_FORMAT
		    " bytes; try another server",
		    transfer->label, transfer->limit);
	return FALSE;
}

static gboolean store(gconstpointer data, gsize size, gpointer user, GError **error)
{
	SutureHttpTransfer *transfer = user;

	if (size > transfer->limit - transfer->have)
		return set_endless(transfer, error);
	transfer->have += size;
	if (transfer->digest)
		suture_digest_update(transfer->digest, data, size);
	if (!transfer->body)
		return suture_file_write_fd(transfer->fd, data, size, error);
	g_byte_array_append(transfer->body, data, (guint)size);
	return TRUE;
}

/* Compressed bytes that decode to nothing may be without end too. */
static gboolean decode(SutureHttpTransfer *transfer, gconstpointer data, gsize size)
{
	if (transfer->received > wire_limit(transfer))
		return set_endless(transfer, &transfer->error);
	if (suture_gunzip_feed(transfer->gunzip, data, size, store, transfer, &transfer->error))
		return TRUE;
	if (g_error_matches(transfer->error, SUTURE_FETCH_ERROR, SUTURE_FETCH_ERROR_ENCODING))
		g_prefix_error(&transfer->error, "%s: ", transfer->label);
	return FALSE;
}

static gboolean take(SutureHttpTransfer *transfer, gconstpointer data, gsize size)
{
	transfer->received += size;
	return transfer->gunzip ? decode(transfer, data, size)
				: store(data, size, transfer, &transfer->error);
}

static size_t on_body(char *data, size_t one, size_t size, void *user)
{
	SutureHttpTransfer *transfer = user;

	(void)one;
	transfer->count->bytes += size;
	if (!transfer->started && !start_body(transfer))
		return 0;
	if (transfer->wanted)
		return take(transfer, data, size) ? size : 0;
	transfer->discarded += size;
	return transfer->discarded <= MAX_ERROR_PAGE_BYTES ? size : 0;
}

static int on_progress(void *user, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up_now)
{
	SutureHttpTransfer *transfer = user;

	(void)total, (void)now, (void)up_total, (void)up_now;
	if (transfer->progress)
		transfer->progress(transfer->label, transfer->have, transfer->limit, transfer->progress_data);
	return suture_cancel_check(transfer->error ? NULL : &transfer->error) ? 0 : 1;
}

/* curl refuses the whole list when it was built without one of them, and then has no limit at all. */
static gboolean set_protocols(CURL *easy)
{
	/* A redirect never leads to file:, nor (see prepare()) from https to http. */
#if LIBCURL_VERSION_NUM >= 0x075500
	return curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https,file") == CURLE_OK;
#else
	return curl_easy_setopt(easy, CURLOPT_PROTOCOLS, CURLPROTO_HTTP | CURLPROTO_HTTPS | CURLPROTO_FILE) ==
	       CURLE_OK;
#endif
}

static void set_redirect_protocols(CURL *easy, const gchar *url)
{
	gboolean secure = g_ascii_strncasecmp(url, "https:", 6) == 0;
#if LIBCURL_VERSION_NUM >= 0x075500
	curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, secure ? "https" : "http,https");
#else
	curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS,
			 secure ? CURLPROTO_HTTPS : CURLPROTO_HTTP | CURLPROTO_HTTPS);
#endif
}

static gboolean set_blob(CURL *easy, CURLoption option, const gchar *path, GError **error)
{
	g_autoptr(GBytes) pem = suture_file_read(path, MAX_PEM_BYTES, error);
	struct curl_blob blob = {.flags = CURL_BLOB_COPY};

	if (!pem)
		return FALSE;
	blob.data = (void *)g_bytes_get_data(pem, &blob.len);
	curl_easy_setopt(easy, option, &blob);
	return TRUE;
}

static gboolean set_certificate(CURL *easy, const SutureHttpOptions *options, GError **error)
{
	const gchar *key = options->client_key ? options->client_key : options->client_certificate;

	if (!options->client_certificate)
		return TRUE;
	if (options->in_memory)
		return set_blob(easy, CURLOPT_SSLCERT_BLOB, options->client_certificate, error) &&
		       set_blob(easy, CURLOPT_SSLKEY_BLOB, key, error);
	curl_easy_setopt(easy, CURLOPT_SSLCERT, options->client_certificate);
	if (options->client_key)
		curl_easy_setopt(easy, CURLOPT_SSLKEY, options->client_key);
	return TRUE;
}

static void set_options(SutureHttpHandle *handle, const SutureHttpOptions *options)
{
	CURL *easy = handle->easy;
	guint stall = options->stall_seconds ? options->stall_seconds : SUTURE_HTTP_STALL_SECONDS;
	guint wait = options->connect_seconds ? options->connect_seconds : SUTURE_HTTP_CONNECT_SECONDS;

	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, handle->message);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "suture/" SUTURE_VERSION);
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
	curl_easy_setopt(easy, CURLOPT_MAXREDIRS, MAX_REDIRECTS);
	curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, (long)wait);
	curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, (long)stall);
	curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, (long)SUTURE_HTTP_FLOOR_BYTES_PER_SECOND);
	if (options->ca_folder)
		curl_easy_setopt(easy, CURLOPT_CAPATH, options->ca_folder);
	if (options->proxy)
		curl_easy_setopt(easy, CURLOPT_PROXY, options->proxy);
	if (options->no_proxy)
		curl_easy_setopt(easy, CURLOPT_NOPROXY, options->no_proxy);
	if (options->proxy_ca_file)
		curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO, options->proxy_ca_file);
	if (options->ca_file)
		curl_easy_setopt(easy, CURLOPT_CAINFO, options->ca_file);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
}

gboolean suture_http_handle_init(SutureHttpHandle *handle, const SutureHttpOptions *options, GError **error)
{
	static gsize once;

	if (g_once_init_enter(&once))
		g_once_init_leave(&once, curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? 1 : 2);
	handle->easy = once == 1 ? curl_easy_init() : NULL;
	if (!handle->easy || !set_protocols(handle->easy)) {
		g_set_error_literal(error, SUTURE_FETCH_ERROR, SUTURE_FETCH_ERROR_CONNECT,
				    "libcurl could not be set up");
		return FALSE;
	}
	handle->accept = curl_slist_append(NULL, "Accept-Encoding: gzip");
	set_options(handle, options);
	return set_certificate(handle->easy, options, error);
}

void suture_http_handle_clear(SutureHttpHandle *handle)
{
	g_clear_pointer(&handle->easy, curl_easy_cleanup);
	g_clear_pointer(&handle->accept, curl_slist_free_all);
}

void suture_http_transfer_prepare(SutureHttpTransfer *transfer, guint seconds)
{
	g_autofree gchar *range = g_strdup_printf("%" G_GUINT64_FORMAT "-", transfer->offset);
	CURL *easy = transfer->handle->easy;

	g_free(transfer->label);
	transfer->label = suture_http_label(transfer->url);
	curl_easy_setopt(easy, CURLOPT_URL, transfer->url);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT, (long)seconds);
	curl_easy_setopt(easy, CURLOPT_RANGE, transfer->offset > 0 ? range : NULL);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->body ? transfer->handle->accept : NULL);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
	curl_easy_setopt(easy, CURLOPT_XFERINFODATA, transfer);
	set_redirect_protocols(easy, transfer->url);
	transfer->handle->message[0] = '\0';
	transfer->count->requests++;
}

static gboolean refuse_status(const SutureHttpTransfer *transfer, glong status, GError **error)
{
	gboolean absent = status == 404 || status == 403;

	g_set_error(error, SUTURE_FETCH_ERROR,
		    absent ? SUTURE_FETCH_ERROR_NOT_FOUND : SUTURE_FETCH_ERROR_STATUS,
		    "%s: the server answers %ld; check the repository's URL", transfer->label, status);
	return FALSE;
}

/* A time-out before the request could be sent is one of connecting. */
static SutureFetchError timeout_code(CURL *easy)
{
	curl_off_t ready = 0;

	curl_easy_getinfo(easy, CURLINFO_PRETRANSFER_TIME_T, &ready);
	return ready == 0 ? SUTURE_FETCH_ERROR_CONNECT : SUTURE_FETCH_ERROR_STALLED;
}

static SutureFetchError code_of(const SutureHttpTransfer *transfer, CURLcode result)
{
	glong redirects = 0;

	switch (result) {
	case CURLE_URL_MALFORMAT:
		return SUTURE_FETCH_ERROR_URL;
	case CURLE_UNSUPPORTED_PROTOCOL:
		curl_easy_getinfo(transfer->handle->easy, CURLINFO_REDIRECT_COUNT, &redirects);
		return redirects > 0 || status_of(transfer) / 100 == 3 ? SUTURE_FETCH_ERROR_REDIRECT
								       : SUTURE_FETCH_ERROR_URL;
	case CURLE_TOO_MANY_REDIRECTS:
		return SUTURE_FETCH_ERROR_REDIRECT;
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_CONNECT:
		return SUTURE_FETCH_ERROR_CONNECT;
	case CURLE_OPERATION_TIMEDOUT:
		return timeout_code(transfer->handle->easy);
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_ISSUER_ERROR:
		return SUTURE_FETCH_ERROR_TLS;
	case CURLE_FILE_COULDNT_READ_FILE:
		return SUTURE_FETCH_ERROR_NOT_FOUND;
	default:
		return SUTURE_FETCH_ERROR_TRUNCATED;
	}
}

static const gchar *advice_of(SutureFetchError code)
{
	switch (code) {
	case SUTURE_FETCH_ERROR_TLS:
		return "check the TLS files in suture.conf";
	case SUTURE_FETCH_ERROR_URL:
	case SUTURE_FETCH_ERROR_NOT_FOUND:
		return "check the repository's URL";
	case SUTURE_FETCH_ERROR_REDIRECT:
		return "use the final address as the repository's URL";
	default:
		return "try again, or use another server";
	}
}

gboolean suture_http_transfer_finish(SutureHttpTransfer *transfer, CURLcode result, GError **error)
{
	const gchar *said = transfer->handle->message;
	SutureFetchError code;

	/* No body came, but what the headers say of it counts. */
	if (!transfer->started && (result == CURLE_OK || result == CURLE_PARTIAL_FILE))
		start_body(transfer);
	if (transfer->error) {
		g_propagate_error(error, g_steal_pointer(&transfer->error));
		return FALSE;
	}
	if (transfer->offset > 0 && (result == CURLE_RANGE_ERROR || result == CURLE_BAD_DOWNLOAD_RESUME))
		transfer->restart = TRUE;
	if (transfer->restart)
		return FALSE;
	if (transfer->started && !transfer->wanted)
		return refuse_status(transfer, status_of(transfer), error);
	if (result == CURLE_OK && transfer->gunzip && !suture_gunzip_finish(transfer->gunzip, error)) {
		g_prefix_error(error, "%s: ", transfer->label);
		return FALSE;
	}
	if (result == CURLE_OK)
		return TRUE;
	code = code_of(transfer, result);
	g_set_error(error, SUTURE_FETCH_ERROR, (gint)code, "%s: %s; %s", transfer->label,
		    said[0] ? said : curl_easy_strerror(result), advice_of(code));
	return FALSE;
}
