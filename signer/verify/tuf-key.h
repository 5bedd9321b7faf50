/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "signer/verify/error.h"
#include "spec/json.h"

/*
 * A public key of TUF metadata (specification 1.0, section 4.2). Read: ed25519 (hex), ecdsa /
 * ecdsa-sha2-nistp256 (PEM), rsa / rsassa-pss-sha256 or
 * rsa-pkcs1v15-sha256 (PEM, 2048 bits or more).
 */
typedef struct _SutureTufKey SutureTufKey;

/* From a key object of root metadata. An unknown keytype or scheme, or a broken key: KEY. */
SutureTufKey *suture_tuf_key_parse(json_t *key, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* From a public key in PEM (SubjectPublicKeyInfo). */
SutureTufKey *suture_tuf_key_from_pem(GBytes *pem, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void suture_tuf_key_free(SutureTufKey *key);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureTufKey, suture_tuf_key_free)

/* The key object as it stands in metadata; new reference. */
json_t *suture_tuf_key_json(const SutureTufKey *key);
/* SHA-256 of the canonical JSON of the key object, hex. Newly allocated. */
gchar *suture_tuf_key_id(const SutureTufKey *key);
/* SHA-256 of the public key itself (SubjectPublicKeyInfo), hex: equal for one key under two key ids. Newly
 * allocated. */
gchar *suture_tuf_key_fingerprint(const SutureTufKey *key);
/* Verifies @signature_hex over the exact bytes @data. SIGNATURE on a mismatch or bad hex. */
gboolean suture_tuf_key_verify(const SutureTufKey *key, GBytes *data, const gchar *signature_hex,
			       GError **error) G_GNUC_WARN_UNUSED_RESULT;
