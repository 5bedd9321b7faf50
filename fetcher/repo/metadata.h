/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "fetcher/repo/settings.h"
#include "signer/sign/key.h"
#include "spec/json.h"

/* Writing TUF metadata (specification 1.0, sections 4.2 to 4.6): documents, who may sign them, how long they
 * live. */

#define SUTURE_REPO_METADATA_MAX_BYTES (256 * 1024 * 1024)

/* RFC 3339 in UTC, as TUF wants it: "2030-01-02T03:04:05Z". */
gchar *suture_repo_time(gint64 time);

/* The header members of a "signed" object: _type, spec_version, version, expires. New reference. */
json_t *suture_repo_signed_new(SutureRepoRole role, gint64 version, gint64 expires);

/* Root's "signed" object without keys or roles yet; consistent snapshots. New reference. */
json_t *suture_repo_root_new(gint64 version, gint64 expires);

/* The keys that URIs name. A file of a public key in PEM stands for a key that is kept elsewhere. */
typedef struct {
	GPtrArray *public;  /* SutureTufKey*, of every URI */
	GPtrArray *private; /* SuturePrivateKey*, of those that are private keys, */
	GPtrArray *uris;    /* and their URIs (gchar*), ended by NULL */
} SutureRepoKeys;
SutureRepoKeys *suture_repo_keys_open(const gchar *const *uris, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void suture_repo_keys_free(SutureRepoKeys *keys);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureRepoKeys, suture_repo_keys_free)

/*
 * Who may sign a role's documents: root's word on a top-level role, or top-level targets' word on a kernel's.
 * All borrowed.
 */
typedef struct {
	const gchar *name; /* of the role */
	json_t *keys;      /* keyid -> key object */
	json_t *role;      /* {"keyids", "threshold"} */
} SutureRepoAuthority;
SutureRepoAuthority suture_repo_root_authority(json_t *root, SutureRepoRole role);
guint suture_repo_threshold(const SutureRepoAuthority *authority);
/* Whether the key with @id is one of the role's. */
gboolean suture_repo_authority_has(const SutureRepoAuthority *authority, const gchar *id);

/*
 * {"keyids", "threshold"} for @keys (SutureTufKey*), whose objects go into @objects (keyid -> key object).
 * @name is the role's. THRESHOLD when these are fewer different keys than @threshold, or @threshold is 0. New
 * reference.
 */
json_t *suture_repo_role_new(const gchar *name, GPtrArray *keys, guint threshold, json_t *objects,
			     GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Gives @role in @root the @keys (SutureTufKey*) alone: THRESHOLD as above. Keys that no role has any more
 * leave @root. */
gboolean suture_repo_root_set_role(json_t *root, SutureRepoRole role, GPtrArray *keys, guint threshold,
				   GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* That each of @keys (SuturePrivateKey*) is one of the role's: KEY. */
gboolean suture_repo_keys_check(const SutureRepoAuthority *authority, GPtrArray *keys, GError **error);

/*
 * The document {"signatures", "signed"}: those of @signatures (an array, NULL for none) whose key none of
 * @keys (NULL for none) is, and one by each of @keys over the canonical JSON of @signed_. The bytes are that
 * same form (members sorted, no white space) with control characters escaped, since the canonical form of a
 * PEM key is not JSON.
 */
GBytes *suture_repo_document(json_t *signed_, json_t *signatures, GPtrArray *keys,
			     GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Puts @signature ({"keyid", "sig"}) into the array @signatures in place of the one by that key: the
 * specification wants their key ids to differ. */
void suture_repo_signature_put(json_t *signatures, json_t *signature);

/* A document that we wrote before, of the type that @role names (a kernel's role has the type targets).
 * DAMAGED when it is not a signed @role, naming @what. */
typedef struct {
	GBytes *bytes;
	json_t *document;
	json_t *signed_; /* borrowed from document */
	gint64 version;
	gint64 expires; /* seconds since the epoch */
} SutureRepoDocument;
SutureRepoDocument *suture_repo_document_parse(GBytes *bytes, SutureRepoRole role, const gchar *what,
					       GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Frees @document's JSON: bytes, version and expiry stay. */
void suture_repo_document_pack(SutureRepoDocument *document);
void suture_repo_document_free(SutureRepoDocument *document);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureRepoDocument, suture_repo_document_free)

/* Whether @signature ({"keyid", "sig"}) is one of @document by a key of the role. */
gboolean suture_repo_signature_fits(const SutureRepoDocument *document, const SutureRepoAuthority *authority,
				    json_t *signature);
/* How many of the role's keys signed @document, each counted once. */
guint suture_repo_document_count(const SutureRepoDocument *document, const SutureRepoAuthority *authority);
/* Whether these reach the threshold; after a change of keys the answer is no. */
gboolean suture_repo_document_signed_by(const SutureRepoDocument *document,
					const SutureRepoAuthority *authority);

/* What timestamp says of the snapshot @document: {"version", "length", "hashes"}. New reference. */
json_t *suture_repo_document_meta(const SutureRepoDocument *document);
