/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "fetcher/client/clock.h"
#include "fetcher/client/tuf-client.h"

/* What the refresh (tuf-client.c) and the search through delegations (tuf-delegations.c) share. */
struct _SutureTufClient {
	int folder;
	gchar *url;
	SutureHttp *http;      /* borrowed */
	gint64 local;          /* what the local clock says */
	gint64 now;            /* the update's one time, never before the clock's floor */
	gint64 max_stale;      /* seconds after its end that timestamp and snapshot may be used */
	gboolean take_expired; /* of delegated roles */
	SutureClock clock;
	gint64 stale[SUTURE_TUF_TARGETS + 1]; /* since when a role is used after its end; 0: it is not */
	SutureTufMetadata *trusted[SUTURE_TUF_TARGETS + 1];
	GHashTable *vouched;  /* const SutureTufDelegation* -> the metadata that it vouches for; borrowed */
	GPtrArray *delegated; /* SutureTufMetadata*: all that was loaded since the refresh */
	GHashTable *by_role;  /* role name -> the first of these; borrowed */
};

/* A role that another one lists by version: its file, and the codes of 5.5.1 to 5.5.4, 5.6.1 to 5.6.4. */
typedef struct {
	const gchar *file; /* encoded */
	SutureTufType type;
	guint64 limit;
	SutureTufError length, hash, version;
} SutureTufListed;

/* Always FALSE. */
gboolean suture_tuf_client_refuse(GError **error, SutureTufError code, const gchar *format, ...)
	G_GNUC_PRINTF(3, 4);

/* Whether @metadata is current at the update's one time; @code otherwise. */
gboolean suture_tuf_client_check_expiry(const SutureTufClient *client, const SutureTufMetadata *metadata,
					const gchar *file, SutureTufError code, GError **error);

/* Whether stored metadata is the very one that @listed asks for, so that nothing need be downloaded. */
gboolean suture_tuf_client_is_listed(const SutureTufMetadata *local, const SutureTufFile *listed);

/* Downloads and parses @what; length and hashes are checked, signatures and version are not. */
SutureTufMetadata *suture_tuf_client_get_listed(SutureTufClient *client, const SutureTufListed *what,
						const SutureTufFile *listed, GError **error);
gboolean suture_tuf_client_check_version(const SutureTufListed *what, const SutureTufFile *listed,
					 const SutureTufMetadata *metadata, GError **error);

/* @file as the server has it: "<version>.<file>" with consistent snapshots. Newly allocated. */
gchar *suture_tuf_client_served_name(const SutureTufClient *client, const gchar *file, gint64 version);

/* Drops all delegated metadata from memory. */
void suture_tuf_client_forget_delegated(SutureTufClient *client);

/* Removes stored metadata of delegated roles that the trusted snapshot does not list. */
void suture_tuf_client_sweep(const SutureTufClient *client);
