/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/*
 * What gpg says of a public key or subkey whose self-signatures it checked. A subkey's limits include those
 * of its primary key.
 */
typedef struct {
	gchar *fingerprint; /* upper-case hex */
	gchar *id;          /* 16 upper-case hex digits */
	gchar *user_id;     /* of the primary key; for people */
	gint64 algorithm;   /* RFC 4880 section 9.1 */
	gint64 bits;
	gint64 created;
	gint64 expires;       /* 0: never */
	gint64 revoked;       /* 0: not, or not known when */
	gboolean compromised; /* revoked with a reason that voids its earlier signatures as well */
	gboolean signs;
} SutureOpenpgpKey;
void suture_openpgp_key_free(SutureOpenpgpKey *key);

/*
 * Parses the output of `gpg --with-colons --check-sigs` (GnuPG's doc/DETAILS). SutureOpenpgpKey*, without
 * those that gpg holds for invalid.
 */
GPtrArray *suture_gpg_listing_parse(const gchar *listing);
