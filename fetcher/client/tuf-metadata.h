/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "fetcher/client/error.h"
#include "signer/verify/tuf-key.h"

/* TUF metadata (specification 1.0, section 4), parsed and checked for form; trust is tuf-signatures.h's. */
typedef enum {
	SUTURE_TUF_ROOT,
	SUTURE_TUF_TIMESTAMP,
	SUTURE_TUF_SNAPSHOT,
	SUTURE_TUF_TARGETS,
} SutureTufType;
/* The signed member of timestamp metadata that says when it was signed, in the form of "expires". */
#define SUTURE_TUF_ISSUED "x-suture-issued"

const gchar *suture_tuf_type_name(SutureTufType type); /* "root" "timestamp" "snapshot" "targets" */

/* Who may sign a role: its object in root metadata or in a delegation. */
typedef struct {
	gchar *name;
	gint64 threshold;  /* 1 or more */
	GPtrArray *keyids; /* gchar*, no two equal */
} SutureTufRole;

/* Whom targets metadata trusts for which targets: section 4.5, one of "delegations.roles". */
typedef struct {
	SutureTufRole *role; /* its keys are in the "keys" of the same metadata */
	GPtrArray *paths;    /* gchar*, patterns; NULL when by hash */
	GPtrArray *prefixes; /* gchar*, lower-case hex that the SHA-256 of a path may start with; NULL
				otherwise */
	gboolean terminating;
} SutureTufDelegation;

/* What one role says of another's metadata file, or of a target: section 4.4 METAPATH, 4.5 TARGETPATH. */
typedef struct {
	gint64 version;     /* of a metadata file; 0 for a target */
	gint64 length;      /* bytes; -1 where not said */
	GHashTable *hashes; /* algorithm -> lower-case hex; NULL where not said */
} SutureTufFile;

typedef struct {
	gchar *name; /* TARGETPATH as it stands */
	SutureTufFile file;
	json_t *custom; /* borrowed from the metadata; NULL when absent */
} SutureTufTarget;

typedef struct {
	gchar *keyid;
	gchar *signature; /* hex, unchecked */
} SutureTufSignature;

typedef struct {
	SutureTufType type;
	gint64 version;        /* 1 or more */
	gint64 expires;        /* seconds since the epoch */
	gint64 issued;         /* timestamp: SUTURE_TUF_ISSUED; 0 when absent */
	GBytes *bytes;         /* the file as served */
	GBytes *signed_bytes;  /* canonical form of its "signed" member: what signatures are over */
	GPtrArray *signatures; /* SutureTufSignature*, no two with one keyid */
	json_t *document;      /* all of it: extra members are read from its "signed" */

	gboolean consistent_snapshot; /* root */
	GHashTable *keys;             /* root; targets that delegate: keyid -> SutureTufKey*; without those of
					 unknown kinds */
	GHashTable *roles;            /* root: name -> SutureTufRole*, the four top-level roles */
	GHashTable *files;            /* timestamp, snapshot: METAPATH -> SutureTufFile* */
	GPtrArray *targets;           /* targets: SutureTufTarget*, by name */
	GPtrArray *delegations;       /* targets: SutureTufDelegation*, in their order; empty when absent */
} SutureTufMetadata;

void suture_tuf_metadata_free(SutureTufMetadata *metadata);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureTufMetadata, suture_tuf_metadata_free)

/*
 * Parses @bytes as metadata of @type. @what names it in errors. Members that the specification does not know
 * are kept in the signed bytes and otherwise left alone. Codes MALFORMED, TYPE, SPEC-VERSION, THRESHOLD,
 * DUPLICATE-KEYID.
 */
SutureTufMetadata *suture_tuf_metadata_parse(GBytes *bytes, SutureTufType type, const gchar *what,
					     GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* What timestamp or snapshot metadata says of @path ("snapshot.json"); NULL when nothing. Borrowed. */
const SutureTufFile *suture_tuf_metadata_file(const SutureTufMetadata *metadata, const gchar *path);

/* The target @name of targets metadata; NULL when it has none. Borrowed. */
const SutureTufTarget *suture_tuf_metadata_target(const SutureTufMetadata *metadata, const gchar *name);
