/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/progress.h"
#include "fetcher/client/error.h"

/* One HTTP client: connections are kept and reused. http, https and file URLs. One thread at a time. */
typedef struct _SutureHttp SutureHttp;

#define SUTURE_HTTP_STALL_SECONDS 30
#define SUTURE_HTTP_CONNECT_SECONDS 20
/* Slower than this, on average over the stall time, is a stall: a server cannot hold us for ever. */
#define SUTURE_HTTP_FLOOR_BYTES_PER_SECOND 1024
/* For a whole suture_http_get(): a server just above the floor could drag metadata out for hours. */
#define SUTURE_HTTP_GET_SECONDS 600

typedef struct {
	const gchar *ca_file;       /* PEM certificates that TLS servers are judged by; NULL: the system's */
	const gchar *ca_folder;     /* the same, a folder that openssl-rehash(1) has seen; NULL: none */
	const gchar *proxy;         /* URL; NULL: as the environment says, "" for none */
	const gchar *no_proxy;      /* hosts that are reached without it, separated by commas; NULL: the
				       environment's */
	const gchar *proxy_ca_file; /* PEM certificates that an https proxy is judged by */
	const gchar *client_certificate; /* PEM file that we show to TLS servers; NULL: none */
	const gchar *client_key;         /* its private key, PEM file; NULL: in the same file */
	guint stall_seconds;             /* 0: SUTURE_HTTP_STALL_SECONDS */
	guint connect_seconds;           /* 0: SUTURE_HTTP_CONNECT_SECONDS */
	guint get_seconds;               /* 0: SUTURE_HTTP_GET_SECONDS */
	gboolean in_memory;              /* read these two files now, for a process that cannot later */
	const gchar *user;   /* transfers from networks happen in a process of this user (http-worker.h), */
	const gchar *folder; /* which may write here alone; NULL: in this one */
	SutureProgress progress; /* told of bytes; NULL allowed */
	gpointer progress_data;
} SutureHttpOptions;

/* Without @options' word proxies come from the environment as curl(1) takes them. @options are copied. */
SutureHttp *suture_http_new(const SutureHttpOptions *options, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Where bodies come from instead of a network: a medium, a folder, memory. NOT-FOUND when it has no such URL;
 * more than @limit bytes: TOO-LARGE.
 */
typedef GBytes *(*SutureHttpSource)(const gchar *url, guint64 limit, gpointer data, GError **error);

/* Gets every body from @source, and opens no socket. Not for suture_http_get_file(). */
SutureHttp *suture_http_new_source(SutureHttpSource source, gpointer data);

void suture_http_free(SutureHttp *http);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureHttp, suture_http_free)

/*
 * The body at @url, which may come compressed by gzip, at most @limit bytes decoded: TOO-LARGE when the
 * server announces more, ENDLESS when it sends more, STALLED when it is not there in time. Codes of
 * SUTURE_FETCH_ERROR, or COMMON-CANCELLED.
 */
GBytes *suture_http_get(SutureHttp *http, const gchar *url, guint64 limit,
			GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Downloads @url, of at most @length bytes, into @fd, going on after what @fd holds already (RFC 9110 section
 * 14: a Range request; a server that does not honour it is asked for the whole). *@ret_resumed says whether
 * old bytes were kept. A failure keeps what came until then, for the next try. The content is not checked:
 * hash it.
 */
gboolean suture_http_get_file(SutureHttp *http, const gchar *url, int fd, guint64 length,
			      gboolean *ret_resumed, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* What the client did so far. */
typedef struct {
	guint64 requests;
	guint64 bytes; /* of bodies, on the wire */
} SutureHttpCount;
SutureHttpCount suture_http_count(const SutureHttp *http);

/* "<base>/<path>" with every byte of @path outside unreserved characters and '/' percent-encoded (RFC 3986).
 */
gchar *suture_http_join(const gchar *base, const gchar *path);
/* "<base>/<encoded>", which is taken as it stands. */
gchar *suture_http_join_encoded(const gchar *base, const gchar *encoded);

/* @url without its password, for messages. Newly allocated. */
gchar *suture_http_label(const gchar *url);
