/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "signer/sign/key.h"

/*
 * What is in the PEM file, or behind the "gpg:" or "pkcs11:" URI, @name: a list with one object for each
 * private key, public key, certificate or CRL. Members: "type", then what applies of algorithm, bits,
 * fingerprint (of a certificate, of a key's SubjectPublicKeyInfo, or OpenPGP), tuf_key_id, subject, issuer,
 * serial, key_id, not_before, not_after (RFC 3339), purposes and revoked (lists of strings), state (gpg's
 * letter for validity). KEY-UNUSABLE when there is nothing of these.
 */
json_t *suture_key_describe(const gchar *name, GError **error) G_GNUC_WARN_UNUSED_RESULT;
