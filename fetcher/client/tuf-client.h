/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "fetcher/client/http.h"
#include "fetcher/client/tuf-metadata.h"

/*
 * The client workflow of the TUF specification 1.0, section 5, over one folder of trusted metadata:
 * root.json, timestamp.json, snapshot.json, targets.json and "<encoded role>.json" of delegated roles, each
 * byte for byte as it was served. The caller holds whatever lock guards the folder.
 */
#define SUTURE_TUF_MAX_ROOT_BYTES (512 * 1024)
#define SUTURE_TUF_MAX_TIMESTAMP_BYTES (16 * 1024)
#define SUTURE_TUF_MAX_SNAPSHOT_BYTES (2 * 1024 * 1024)
#define SUTURE_TUF_MAX_TARGETS_BYTES (64 * 1024 * 1024)
/* Delegated roles that one search visits (5.6.7.1), and how deep they may be nested. */
#define SUTURE_TUF_MAX_DELEGATIONS 64
/* Roles that suture_tuf_client_list() looks into, and suture_tuf_client_walk() visits. */
#define SUTURE_TUF_MAX_LISTED_ROLES 1024
#define SUTURE_TUF_MAX_WALKED_ROLES 65536
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
 * since the epoch) is what the local clock says; the update's one time for every expiry is never before what
 * clock.h knows. @http is borrowed. NOT-INITIALISED without a root.
 */
SutureTufClient *suture_tuf_client_new(const gchar *folder, const gchar *metadata_url, SutureHttp *http,
				       gint64 now, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void suture_tuf_client_free(SutureTufClient *client);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureTufClient, suture_tuf_client_free)

/*
 * Lets the next refreshes use timestamp and snapshot metadata for so many @days after their end (default 0):
 * for hosts that a carrier reaches late. Everything else is as ever, rollback above all.
 */
void suture_tuf_client_set_max_stale(SutureTufClient *client, guint days);

/*
 * Has walks visit delegated roles that expired, with their metadata: for mirrors, whose readers judge that by
 * themselves.
 */
void suture_tuf_client_take_expired(SutureTufClient *client);

/*
 * Brings root, timestamp, snapshot and targets up to date, in that order, storing each as soon as it is
 * trusted. A refusal leaves the refused role and those after it as they were. With nothing new it makes two
 * requests.
 */
gboolean suture_tuf_client_refresh(SutureTufClient *client, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* After a refresh: the time that expiry was judged by, and since when @type was used after its end (0: it was
 * not). */
gint64 suture_tuf_client_now(const SutureTufClient *client);
gint64 suture_tuf_client_stale_since(const SutureTufClient *client, SutureTufType type);

/* Trusted metadata of @type after a refresh; borrowed. */
const SutureTufMetadata *suture_tuf_client_metadata(const SutureTufClient *client, SutureTufType type);

/*
 * What trusted metadata says of the target @name (5.6.7): the top-level targets role first, then delegated
 * roles whose paths fit, depth first in their order, each once, until a terminating delegation ends it. A
 * delegated role's stored file is used when its CURRENT delegator's keys vouch for it and snapshot lists its
 * version; else it is downloaded, and stored once trusted. A role that several delegate to is verified
 * against each by whom it is reached. Borrowed, until the next refresh. TARGET-UNKNOWN, TOO-MANY-ROLES,
 * codes DELEGATED-*, those of metadata's form and of SUTURE_FETCH_ERROR.
 */
const SutureTufTarget *suture_tuf_client_find(SutureTufClient *client, const gchar *name,
					      GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Every target below "@folder/" as suture_tuf_client_find() has it: SutureTufTarget*, by name, borrowed until
 * the next refresh. Only roles whose paths could be below that folder are loaded. Codes as of find().
 */
GPtrArray *suture_tuf_client_list(SutureTufClient *client, const gchar *folder,
				  GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * The role @name as the top-level targets role delegates to it, verified; for its extra members. NULL without
 * an error when it does not. Borrowed until the next refresh.
 */
const SutureTufMetadata *suture_tuf_client_role(SutureTufClient *client, const gchar *name, GError **error);

/* Called for each delegated role that was loaded since the refresh, by name. */
typedef void (*SutureTufLoaded)(const gchar *name, const SutureTufMetadata *metadata, gpointer data);
void suture_tuf_client_foreach_loaded(const SutureTufClient *client, SutureTufLoaded call, gpointer data);

/* A delegated role on a walk. */
typedef struct _SutureTufWalked SutureTufWalked;
struct _SutureTufWalked {
	const gchar *name;
	const SutureTufWalked *delegator; /* NULL: the top-level targets role */
	const SutureTufDelegation *delegation;
	const gchar *served; /* its file below the metadata URL, encoded: "7.6.1.0-47-amd64.json" */
	const gchar *stored; /* its file in the client's folder; it is there when @metadata is */
	const SutureTufMetadata *metadata; /* trusted; NULL when @refusal says why not */
	const GError *refusal;
};

/* Whether the walk is to go into a role at all, which is not loaded yet. */
typedef gboolean (*SutureTufWanted)(const gchar *role, gpointer data);
/* What it points to is gone after the call. FALSE with @error set ends the walk. */
typedef gboolean (*SutureTufVisit)(const SutureTufWalked *role, gpointer data, GError **error);

/*
 * Visits every delegated role that can be reached, each name once, a delegator before those it delegates to,
 * holding in memory only the one visited and those above it. A role that several delegate to must be vouched
 * for by each. What a role's refusal means is for @visit to say; none of its delegations are followed.
 * @wanted may be NULL: all. TOO-MANY-ROLES, or what @visit sets.
 */
gboolean suture_tuf_client_walk(SutureTufClient *client, SutureTufWanted wanted, SutureTufVisit visit,
				gpointer data, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Whether the delegations from the top-level role down to @role allow it to list the target @name. */
gboolean suture_tuf_walked_allows(const SutureTufWalked *role, const gchar *name);

/*
 * Downloads @target from below @base_url into @fd (going on after what is there, see http.h) and checks its
 * length and hashes on that descriptor (5.7.3). TARGET-LENGTH or TARGET-HASH: what is in @fd is worthless.
 */
gboolean suture_tuf_client_download(SutureTufClient *client, const SutureTufTarget *target,
				    const gchar *base_url, int fd, GError **error) G_GNUC_WARN_UNUSED_RESULT;
