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

/* Gives @role in @root the public halves of @keys (SuturePrivateKey*) alone. THRESHOLD when these are fewer
 * different keys than @threshold, or @threshold is 0. Keys that no role has any more leave @root. */
gboolean suture_repo_root_set_role(json_t *root, SutureRepoRole role, GPtrArray *keys, guint threshold,
				   GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Opens the private keys named by @uris (SuturePrivateKey*). */
GPtrArray *suture_repo_keys_open(const gchar *const *uris, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * That each of @keys is one of @role's in @root (the "signed" object of root metadata), and that together
 * they reach the role's threshold: KEY, THRESHOLD.
 */
gboolean suture_repo_keys_check(json_t *root, SutureRepoRole role, GPtrArray *keys, GError **error);

/*
 * The document {"signatures", "signed"}: each of @keys signs the canonical JSON of @signed_. The bytes are
 * that same form (members sorted, no white space) with control characters escaped, since the canonical form
 * of a PEM key is not JSON.
 */
GBytes *suture_repo_document(json_t *signed_, GPtrArray *keys, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* A document that we wrote before. DAMAGED when it is not a signed @role, naming @what. */
typedef struct {
	GBytes *bytes;
	json_t *document;
	json_t *signed_; /* borrowed from document */
	gint64 version;
	gint64 expires; /* seconds since the epoch */
} SutureRepoDocument;
SutureRepoDocument *suture_repo_document_parse(GBytes *bytes, SutureRepoRole role, const gchar *what,
					       GError **error) G_GNUC_WARN_UNUSED_RESULT;
void suture_repo_document_free(SutureRepoDocument *document);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureRepoDocument, suture_repo_document_free)

/* Whether keys that @root gives @role now signed @document often enough; after a change of keys the answer is
 * no. */
gboolean suture_repo_document_signed_by_role(const SutureRepoDocument *document, json_t *root,
					     SutureRepoRole role);

/* What the document above says of @document: {"version", "length", "hashes"}. New reference. */
json_t *suture_repo_document_meta(const SutureRepoDocument *document);
