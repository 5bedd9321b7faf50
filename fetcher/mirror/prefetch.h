/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "fetcher/client/http-many.h"
#include "fetcher/client/tuf-client.h"
#include "fetcher/mirror/folder.h"

/*
 * Delegated roles, many at a time: the client asks for them one after the other, which takes a round trip
 * each. What comes is not verified; it waits for the client, which verifies it as if it had come when it
 * asked.
 */
typedef struct {
	const SutureMirrorFolder *folder; /* its spool is where it waits */
	SutureHttp *http;                 /* for all else */
} SutureMirrorPrefetch;

/* A source (http.h) with @data a SutureMirrorPrefetch: what waits, or else what @http has. */
GBytes *suture_mirror_prefetch_source(const gchar *url, guint64 limit, gpointer data, GError **error);

/*
 * Brings what refreshed metadata delegates to, matches @kernels (patterns; NULL: all), and is not served yet.
 * A role that cannot be had is left to the client, to tell why.
 */
gboolean suture_mirror_prefetch(const SutureMirrorFolder *folder, const SutureTufClient *client,
				const gchar *const *kernels, SutureHttpPool *pool, const gchar *metadata_url,
				GError **error) G_GNUC_WARN_UNUSED_RESULT;
