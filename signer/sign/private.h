/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Private to signer/sign: what is behind a key's URI. */

#include "signer/sign/key.h"
#include "signer/verify/openssl.h"

/* Owned by @key. */
EVP_PKEY *suture_private_key_evp(const SuturePrivateKey *key);

/* Sets SIGN-FAILED with @what and OpenSSL's reason; FALSE. */
gboolean suture_sign_failed(GError **error, const gchar *what);

/* The key of a "gpg:" URI. */
typedef struct {
	gchar *fingerprint;
	gchar *home; /* NULL: gpg's own */
} SutureGpgKey;
SutureGpgKey *suture_gpg_key_parse(const gchar *uri, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void suture_gpg_key_free(SutureGpgKey *key);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureGpgKey, suture_gpg_key_free)
