/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "fetcher/client/error.h"

/*
 * One body with Content-Encoding gzip (RFC 9110, section 8.4.1.3), as it comes. Not by libcurl, which would
 * take any encoding that the server likes, and several on top of each other.
 */
typedef struct _SutureGunzip SutureGunzip;
SutureGunzip *suture_gunzip_new(void);
void suture_gunzip_free(SutureGunzip *gunzip);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureGunzip, suture_gunzip_free)

/* Takes decoded bytes, a limited piece at a time. FALSE with @error set: enough. */
typedef gboolean (*SutureGunzipSink)(gconstpointer data, gsize size, gpointer user, GError **error);

/* Decodes the next @size bytes. ENCODING for what is no gzip or comes after its end, or what @sink sets. */
gboolean suture_gunzip_feed(SutureGunzip *gunzip, gconstpointer data, gsize size, SutureGunzipSink sink,
			    gpointer user, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Whether the stream has come to its own end. ENCODING. */
gboolean suture_gunzip_finish(const SutureGunzip *gunzip, GError **error) G_GNUC_WARN_UNUSED_RESULT;
