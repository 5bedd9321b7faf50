/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/error.h"

/* What a server, or the way to it, did wrong. Exit code NETWORK. */
#define SUTURE_FETCH_ERROR suture_fetch_error_quark()
GQuark suture_fetch_error_quark(void);
typedef enum {
	SUTURE_FETCH_ERROR_URL,       /* "fetch-url": not a usable http, https or file URL */
	SUTURE_FETCH_ERROR_CONNECT,   /* "fetch-connect": no address, or nobody answers there */
	SUTURE_FETCH_ERROR_TLS,       /* "fetch-tls": certificate or handshake */
	SUTURE_FETCH_ERROR_STATUS,    /* "fetch-http-status": another HTTP status than asked for */
	SUTURE_FETCH_ERROR_NOT_FOUND, /* "fetch-not-found": HTTP 404 or 403, or no such file */
	SUTURE_FETCH_ERROR_REDIRECT,  /* "fetch-redirect": too many, or away from https */
	SUTURE_FETCH_ERROR_STALLED,   /* "fetch-stalled": slower than the floor for the whole stall time, or
					metadata that is not there in time */
	SUTURE_FETCH_ERROR_TRUNCATED, /* "fetch-truncated": the connection broke before the end */
	SUTURE_FETCH_ERROR_TOO_LARGE, /* "fetch-too-large": announces more bytes than the limit */
	SUTURE_FETCH_ERROR_ENDLESS,   /* "fetch-endless": sends more bytes than the limit without announcing
					 them */
	SUTURE_FETCH_ERROR_ENCODING,  /* "fetch-encoding": broken gzip, or an encoding that was not asked for
				       */
	SUTURE_FETCH_ERROR_WORKER, /* "fetch-worker": the process that downloads cannot be used (exit FAILURE)
				    */
	SUTURE_FETCH_ERROR_LAST = SUTURE_FETCH_ERROR_WORKER,
} SutureFetchError;

/* Refusals of the TUF client workflow (specification 1.0, section 5). Exit code UNTRUSTED unless said. */
#define SUTURE_TUF_ERROR suture_tuf_error_quark()
GQuark suture_tuf_error_quark(void);
typedef enum {
	SUTURE_TUF_ERROR_NOT_INITIALISED, /* "tuf-not-initialised": no trusted root yet (exit INPUT) */
	SUTURE_TUF_ERROR_MALFORMED,       /* "tuf-metadata-malformed": not the JSON that section 4 asks for */
	SUTURE_TUF_ERROR_TOO_LARGE,       /* "tuf-metadata-too-large": over SUTURE_TUF_MAX_* */
	SUTURE_TUF_ERROR_TYPE,            /* "tuf-type": metadata of another role */
	SUTURE_TUF_ERROR_SPEC_VERSION,    /* "tuf-spec-version": not 1.x */
	SUTURE_TUF_ERROR_THRESHOLD,       /* "tuf-threshold": a role that needs no signature */
	SUTURE_TUF_ERROR_DUPLICATE_KEYID, /* "tuf-duplicate-keyid": in a role or among the signatures */

	SUTURE_TUF_ERROR_ROOT_SIGNATURE, /* "tuf-root-signature": 5.3.4, by old and by new threshold */
	SUTURE_TUF_ERROR_ROOT_VERSION,   /* "tuf-root-version": 5.3.5, not exactly one more */
	SUTURE_TUF_ERROR_ROOT_EXPIRED,   /* "tuf-root-expired": 5.3.10 */

	SUTURE_TUF_ERROR_TIMESTAMP_SIGNATURE, /* "tuf-timestamp-signature": 5.4.2 */
	SUTURE_TUF_ERROR_TIMESTAMP_ROLLBACK,  /* "tuf-timestamp-rollback": 5.4.3.1 */
	SUTURE_TUF_ERROR_TIMESTAMP_SNAPSHOT,  /* "tuf-timestamp-snapshot-rollback": 5.4.3.2 */
	SUTURE_TUF_ERROR_TIMESTAMP_ISSUED,    /* "tuf-timestamp-issued": says to be signed after it expires */
	SUTURE_TUF_ERROR_TIMESTAMP_EXPIRED,   /* "tuf-timestamp-expired": 5.4.4 */

	SUTURE_TUF_ERROR_SNAPSHOT_LENGTH,    /* "tuf-snapshot-length": 5.5.1 */
	SUTURE_TUF_ERROR_SNAPSHOT_HASH,      /* "tuf-snapshot-hash": 5.5.2 */
	SUTURE_TUF_ERROR_SNAPSHOT_SIGNATURE, /* "tuf-snapshot-signature": 5.5.3 */
	SUTURE_TUF_ERROR_SNAPSHOT_VERSION,   /* "tuf-snapshot-version": 5.5.4, a mix of old and new */
	SUTURE_TUF_ERROR_SNAPSHOT_ROLLBACK, /* "tuf-snapshot-rollback": 5.5.5, a role went back or vanished */
	SUTURE_TUF_ERROR_SNAPSHOT_EXPIRED,  /* "tuf-snapshot-expired": 5.5.6 */

	SUTURE_TUF_ERROR_TARGETS_LENGTH,    /* "tuf-targets-length": 5.6.1 */
	SUTURE_TUF_ERROR_TARGETS_HASH,      /* "tuf-targets-hash": 5.6.2 */
	SUTURE_TUF_ERROR_TARGETS_SIGNATURE, /* "tuf-targets-signature": 5.6.3 */
	SUTURE_TUF_ERROR_TARGETS_VERSION,   /* "tuf-targets-version": 5.6.4, a mix of old and new */
	SUTURE_TUF_ERROR_TARGETS_EXPIRED,   /* "tuf-targets-expired": 5.6.5 */

	SUTURE_TUF_ERROR_DELEGATED_UNLISTED,  /* "tuf-delegated-unlisted": snapshot says nothing of it */
	SUTURE_TUF_ERROR_DELEGATED_LENGTH,    /* "tuf-delegated-length": 5.6.1 for a delegated role */
	SUTURE_TUF_ERROR_DELEGATED_HASH,      /* "tuf-delegated-hash": 5.6.2 */
	SUTURE_TUF_ERROR_DELEGATED_SIGNATURE, /* "tuf-delegated-signature": 5.6.3, by its delegator's keys */
	SUTURE_TUF_ERROR_DELEGATED_VERSION,   /* "tuf-delegated-version": 5.6.4, a mix of old and new */
	SUTURE_TUF_ERROR_DELEGATED_EXPIRED,   /* "tuf-delegated-expired": 5.6.5 */
	SUTURE_TUF_ERROR_TOO_MANY_ROLES,      /* "tuf-too-many-roles": 5.6.7.1, delegations without end */

	SUTURE_TUF_ERROR_TARGET_UNKNOWN, /* "tuf-target-unknown": 5.7.2 */
	SUTURE_TUF_ERROR_TARGET_LENGTH,  /* "tuf-target-length": 5.7.3 */
	SUTURE_TUF_ERROR_TARGET_HASH,    /* "tuf-target-hash": 5.7.3; or no hash that we can compute */
	SUTURE_TUF_ERROR_TARGET_CUSTOM,  /* "tuf-target-custom": a bundle's data that is malformed or belies
					    its path */

	SUTURE_TUF_ERROR_ANCHORS, /* "tuf-anchors": trust anchors that are incomplete or cannot be used */

	SUTURE_TUF_ERROR_METADATA_EXPIRING, /* "tuf-metadata-expiring": what is trusted ends soon (exit
					       EXPIRING) */
	SUTURE_TUF_ERROR_METADATA_ENDED,    /* "tuf-metadata-ended": it has, and nothing newer came (exit
					       NETWORK) */
} SutureTufError;
