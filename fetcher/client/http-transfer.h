/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "fetcher/client/http-gunzip.h"
#include "fetcher/client/http.h"

#include "signer/verify/digest.h"

#include <curl/curl.h>

/* What http.c and http-many.c share; the only header that knows libcurl. */

/* A libcurl handle with the limits of http.h set, for one request after another. Must not move in memory. */
typedef struct {
	CURL *easy;
	struct curl_slist *accept; /* header lines of a request for a buffer */
	gchar message[CURL_ERROR_SIZE];
} SutureHttpHandle;

/* CONNECT when libcurl lacks what we need. */
gboolean suture_http_handle_init(SutureHttpHandle *handle, const SutureHttpOptions *options,
				 GError **error) G_GNUC_WARN_UNUSED_RESULT;
void suture_http_handle_clear(SutureHttpHandle *handle);

/* One request for one body. The first part is the caller's to fill in, @offset and @have with one value. */
typedef struct {
	SutureHttpHandle *handle;
	const gchar *url;
	SutureHttpCount *count;  /* goes up */
	GByteArray *body;        /* where to: a buffer, or */
	int fd;                  /* a file, at its position */
	guint64 limit;           /* of the whole body */
	guint64 offset;          /* asked for from here on; 0 when the server sends all of it */
	guint64 have;            /* bytes of the whole that are there */
	SutureProgress progress; /* told of @have; NULL allowed */
	gpointer progress_data;
	SutureDigest
		*digest; /* gets the bytes of a file as they come; the transfer's own; NULL: not wanted */

	gchar *label; /* the URL without its password, for messages */
	guint64 header_bytes, discarded;
	guint64 received; /* bytes of the body on the wire */
	gchar *content_range, *content_encoding;
	SutureGunzip *gunzip; /* of a body in a buffer that comes compressed; NULL otherwise */
	gboolean started, wanted;
	gboolean restart; /* not what was asked for: ask once more, for the whole */
	GError *error;    /* of a callback, which made curl stop */
} SutureHttpTransfer;
void suture_http_transfer_clear(SutureHttpTransfer *transfer);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SutureHttpTransfer, suture_http_transfer_clear)

/* Sets the handle up for @transfer, all of which has to be there within @seconds (0: no such limit). */
void suture_http_transfer_prepare(SutureHttpTransfer *transfer, guint seconds);

/* What curl's @result means. FALSE with an error, or without one and @restart set. */
gboolean suture_http_transfer_finish(SutureHttpTransfer *transfer, CURLcode result,
				     GError **error) G_GNUC_WARN_UNUSED_RESULT;
