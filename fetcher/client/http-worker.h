/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "fetcher/client/http.h"

/*
 * Transfers in a process of their own: TLS, HTTP and decompression of what a network sends happen as an
 * unprivileged user who can write to one folder alone, and who has neither new privileges nor (where the
 * kernel has Landlock) other paths to write to. Bodies come back as files that are copied before anything
 * judges them: what the process does to its own copy afterwards changes nothing.
 */
typedef struct _SutureHttpWorker SutureHttpWorker;

/* Starts this program's command SUTURE_HTTP_WORKER_COMMAND as @options->user, with @options->folder (made,
 * and given to that user). WORKER when there is no such user, or it does not start. */
#define SUTURE_HTTP_WORKER_COMMAND "http-worker"
#define SUTURE_HTTP_WORKER_FD 3
SutureHttpWorker *suture_http_worker_start(const SutureHttpOptions *options,
					   GError **error) G_GNUC_WARN_UNUSED_RESULT;
void suture_http_worker_free(SutureHttpWorker *worker);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureHttpWorker, suture_http_worker_free)

/* As suture_http_get() and suture_http_get_file(); what broke off is kept in the worker's folder. @count goes
 * up. */
GBytes *suture_http_worker_get(SutureHttpWorker *worker, const gchar *url, guint64 limit,
			       SutureHttpCount *count, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean suture_http_worker_get_file(SutureHttpWorker *worker, const gchar *url, int fd, guint64 length,
				     gboolean *ret_resumed, SutureHttpCount *count,
				     GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* What the process does: serves requests on the socket @fd until it is closed. */
gboolean suture_http_worker_serve(int fd, GError **error) G_GNUC_WARN_UNUSED_RESULT;
