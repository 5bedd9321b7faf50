/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Private to signer/sign: private keys on PKCS#11 tokens. */

#include "signer/sign/key.h"
#include "signer/verify/openssl.h"

/* The key of a "pkcs11:" URI, of which the token does the work. Owned by the caller. */
EVP_PKEY *suture_pkcs11_key_open(const gchar *uri, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * The key @uri, which names one object of one token, through OpenSSL's engine for PKCS#11 with the module at
 * @module. @pin is for a token that this process has logged in to already. TOKEN.
 */
EVP_PKEY *suture_pkcs11_engine_load(const gchar *module, const gchar *uri, const gchar *pin,
				    GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * The PIN of @token (words for a person), from the file @source (NULL for none) or by the prompt; wipe it
 * with suture_pin_free(). PIN-NEEDED, KEY-MODE, KEY-URI, COMMON-CANCELLED.
 */
gchar *suture_pin_get(const gchar *token, const gchar *source, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void suture_pin_free(gchar *pin);
