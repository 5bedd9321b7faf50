/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "signer/verify/tuf-key.h"

/* Refusals of the signing half. Exit code INPUT unless said otherwise. */
#define SUTURE_SIGN_ERROR suture_sign_error_quark()
GQuark suture_sign_error_quark(void);
typedef enum {
	SUTURE_SIGN_ERROR_URI, /* "key-uri": a scheme that this build does not serve, or not a URI */
	SUTURE_SIGN_ERROR_KEY, /* "key-unusable": cannot be read, wrong type for the purpose, does not fit the
				  certificate */
	SUTURE_SIGN_ERROR_MODE,   /* "key-mode": a private key file that others may read (group or world bits)
				   */
	SUTURE_SIGN_ERROR_EXISTS, /* "key-exists": would overwrite a key */
	SUTURE_SIGN_ERROR_FAILED, /* "sign-failed": the library or gpg could not sign (exit FAILURE) */
	SUTURE_SIGN_ERROR_ALREADY, /* "already-signed": the module, manifest or package carries a signature */
	SUTURE_SIGN_ERROR_ORDER,   /* "sign-order": the manifest before its modules, or the package before its
				      manifest */
} SutureSignError;

/*
 * A private key, named by URI: "file:/path/key.pem" or a plain path (PKCS#8 PEM, mode 0600 or 0400).
 * "pkcs11:" (RFC 7512) is reserved and gives KEY-URI until an engine serves it.
 */
typedef struct _SuturePrivateKey SuturePrivateKey;
SuturePrivateKey *suture_private_key_open(const gchar *uri, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void suture_private_key_free(SuturePrivateKey *key);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SuturePrivateKey, suture_private_key_free)

/* @uri as it can be kept: a key file is found again from wherever a program is run. */
gchar *suture_private_key_absolute(const gchar *uri);

/* The public half as TUF key (P-256, Ed25519 or RSA); another type gives KEY-UNUSABLE. */
SutureTufKey *suture_private_key_tuf_public(const SuturePrivateKey *key,
					    GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* A TUF signature over the exact bytes @data, in hex, by the scheme of suture_private_key_tuf_public(). */
gchar *suture_private_key_sign_tuf(const SuturePrivateKey *key, GBytes *data,
				   GError **error) G_GNUC_WARN_UNUSED_RESULT;
