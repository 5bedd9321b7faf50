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
	SUTURE_SIGN_ERROR_MODE, /* "key-mode": a private key file that others may read (group or world bits)
				 */
	SUTURE_SIGN_ERROR_PIN_URI,       /* "pin-in-uri": a key's URI with pin-value= */
	SUTURE_SIGN_ERROR_PIN_NEEDED,    /* "pin-needed": nobody to ask for it, or none was given */
	SUTURE_SIGN_ERROR_PIN_WRONG,     /* "pin-wrong" */
	SUTURE_SIGN_ERROR_PIN_LOCKED,    /* "pin-locked": the token takes no PIN any more */
	SUTURE_SIGN_ERROR_TOKEN_MISSING, /* "token-missing": none that the URI means is there */
	SUTURE_SIGN_ERROR_KEY_MISSING,   /* "key-missing": the token has no such private key */
	SUTURE_SIGN_ERROR_AMBIGUOUS,     /* "key-ambiguous": the URI means several tokens, or several keys */
	SUTURE_SIGN_ERROR_TOKEN,   /* "token-failed": a token, its module or OpenSSL's engine failed (exit
				      FAILURE) */
	SUTURE_SIGN_ERROR_EXISTS,  /* "key-exists": would overwrite a key */
	SUTURE_SIGN_ERROR_FAILED,  /* "sign-failed": the library or gpg could not sign (exit FAILURE) */
	SUTURE_SIGN_ERROR_ALREADY, /* "already-signed": the module, manifest or package carries a signature */
	SUTURE_SIGN_ERROR_ORDER,   /* "sign-order": the manifest before its modules, or the package before its
				      manifest */
} SutureSignError;

/*
 * A private key, named by URI: "file:/path/key.pem" or a plain path (PKCS#8 PEM, mode 0600 or 0400), or
 * "pkcs11:" (RFC 7512) for one that stays on a token. A token is logged in to once in a process, with the PIN
 * from the file pin-source=, or else asked for by the prompt. One thread at a time.
 */
typedef struct _SuturePrivateKey SuturePrivateKey;
SuturePrivateKey *suture_private_key_open(const gchar *uri, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void suture_private_key_free(SuturePrivateKey *key);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SuturePrivateKey, suture_private_key_free)

/* Whether @uri is a "pkcs11:" one. */
gboolean suture_private_key_is_on_token(const gchar *uri);

/*
 * Who is asked for PINs: a function that returns the PIN of @token (words for a person), newly allocated, or
 * NULL with PIN-NEEDED or COMMON-CANCELLED. Without one nobody is.
 */
typedef gchar *(*SuturePinPrompt)(const gchar *token, GError **error);
void suture_private_key_set_prompt(SuturePinPrompt prompt);

/* @uri as it can be kept: a key file is found again from wherever a program is run. */
gchar *suture_private_key_absolute(const gchar *uri);

/* The public half as TUF key (P-256, Ed25519 or RSA); another type gives KEY-UNUSABLE. */
SutureTufKey *suture_private_key_tuf_public(const SuturePrivateKey *key,
					    GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* A TUF signature over the exact bytes @data, in hex, by the scheme of suture_private_key_tuf_public(). */
gchar *suture_private_key_sign_tuf(const SuturePrivateKey *key, GBytes *data,
				   GError **error) G_GNUC_WARN_UNUSED_RESULT;
