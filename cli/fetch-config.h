/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli/command.h"
#include "fetcher/client/http.h"

/* [repository] and [fetch] of suture.conf: where to fetch from, and how. */
typedef struct {
	GStrv urls; /* in the order to try; NULL when there is none */
	gchar *ca_file, *ca_folder, *client_certificate, *client_key; /* of this host, below its root */
	gchar *proxy, *no_proxy, *proxy_ca_file;
	gchar *user;   /* that downloads run as; NULL: the caller's */
	gchar *folder; /* theirs */
	guint stall_seconds, connect_seconds;
} SutureFetchConfig;
void suture_fetch_config_clear(SutureFetchConfig *config);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SutureFetchConfig, suture_fetch_config_clear)

/* What the file says; an absent file says nothing. COMMON-CONFIG. */
gboolean suture_fetch_config_load(const SutureContext *context, SutureFetchConfig *ret,
				  GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The options of one HTTP client; borrowed from @config. */
SutureHttpOptions suture_fetch_config_http(const SutureFetchConfig *config);
