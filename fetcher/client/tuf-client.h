/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "fetcher/client/http.h"
#include "fetcher/client/tuf-metadata.h"

/*
 * The client workflow of the TUF specification 1.0, section 5, over one folder of trusted metadata:
 * root.json, timestamp.json, snapshot.json and targets.json, each byte for byte as it was served. The caller
 * holds whatever lock guards the folder.
 */
#define SUTURE_TUF_MAX_ROOT_BYTES (512 * 1024)
#define SUTURE_TUF_MAX_TIMESTAMP_BYTES (16 * 1024)
#define SUTURE_TUF_MAX_SNAPSHOT_BYTES (2 * 1024 * 1024)
#define SUTURE_TUF_MAX_TARGETS_BYTES (64 * 1024 * 1024)
/* New versions of root that one refresh follows (5.3.3); the next refresh goes on. */
#define SUTURE_TUF_MAX_ROOTS 256

/*
 * Makes @root, which came to this host on a trusted way, the trusted root of @folder (made if absent). It
 * must be root metadata signed by its own threshold; its expiry does not matter yet (5.3.6). No network.
 */
gboolean suture_tuf_init(const gchar *folder, GBytes *root, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Whether @folder has a trusted root. */
gboolean suture_tuf_is_initialised(const gchar *folder);

typedef struct _SutureTufClient SutureTufClient;

/*
 * Opens @folder and verifies its root. @metadata_url is where the repository's metadata is. @now (seconds
 * since the epoch) is the update's one time for every expiry. @http is borrowed. NOT-INITIALISED without a
 * root.
 */
SutureTufClient *suture_tuf_client_new(const gchar *folder, const gchar *metadata_url, SutureHttp *http,
				       gint64 now, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void suture_tuf_client_free(SutureTufClient *client);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureTufClient, suture_tuf_client_free)

/*
 * Brings root, timestamp, snapshot and targets up to date, in that order, storing each as soon as it is
 * trusted. A refusal leaves the refused role and those after it as they were. With nothing new it makes two
 * requests.
 */
gboolean suture_tuf_client_refresh(SutureTufClient *client, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Trusted metadata of @type after a refresh; borrowed. */
const SutureTufMetadata *suture_tuf_client_metadata(const SutureTufClient *client, SutureTufType type);

/* What the trusted targets metadata says of @name (5.6.7); TARGET-UNKNOWN. Borrowed. */
const SutureTufTarget *suture_tuf_client_find(const SutureTufClient *client, const gchar *name,
					      GError **error);

/* Called for every trusted target, by name. Return FALSE to stop. */
typedef gboolean (*SutureTufVisit)(const SutureTufTarget *target, gpointer data);
void suture_tuf_client_walk(const SutureTufClient *client, SutureTufVisit visit, gpointer data);

/*
 * Downloads @target from below @base_url into @fd (going on after what is there, see http.h) and checks its
 * length and hashes on that descriptor (5.7.3). TARGET-LENGTH or TARGET-HASH: what is in @fd is worthless.
 */
gboolean suture_tuf_client_download(SutureTufClient *client, const SutureTufTarget *target,
				    const gchar *base_url, int fd, GError **error) G_GNUC_WARN_UNUSED_RESULT;
