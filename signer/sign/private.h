/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Private to signer/sign: what is behind a key's URI. */

#include "signer/sign/signer.h"
#include "signer/verify/openssl.h"

/* Owned by @key. */
EVP_PKEY *suture_private_key_evp(const SuturePrivateKey *key);

/* Takes over @key. */
SuturePrivateKey *suture_private_key_take(EVP_PKEY *key);

/* Owned by @signer. */
EVP_PKEY *suture_signer_key(const SutureSigner *signer);
X509 *suture_signer_certificate(const SutureSigner *signer);

/* The DER of @cms over @content with @signer's key by @digest: detached, binary; @flags are added. Consumes
 * nothing; @cms was made partial. */
GBytes *suture_signer_finish(const SutureSigner *signer, CMS_ContentInfo *cms, const EVP_MD *digest,
			     guint flags, GBytes *content, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The CA of @ca_pem, when it is one certificate, a CA, and @ca_key's: else KEY-UNUSABLE. */
X509 *suture_ca_open(const SuturePrivateKey *ca_key, GBytes *ca_pem,
		     GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The number of @crl; 0 when it has none, -1 when it is none. */
gint64 suture_crl_number(const X509_CRL *crl);

/* Sets KEY-UNUSABLE with the words that follow; FALSE. */
gboolean suture_key_unusable(GError **error, const gchar *format, ...) G_GNUC_PRINTF(2, 3);

/* Sets SIGN-FAILED with @what and OpenSSL's reason; FALSE. */
gboolean suture_sign_failed(GError **error, const gchar *what);

/* The key of a "gpg:" URI. */
typedef struct {
	gchar *fingerprint;
	gchar *home; /* NULL: gpg's own */
} SutureGpgUri;
SutureGpgUri *suture_gpg_uri_parse(const gchar *uri, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void suture_gpg_uri_free(SutureGpgUri *key);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureGpgUri, suture_gpg_uri_free)

/* gpg's colon listing of the public key @uri. */
gchar *suture_gpg_list(const gchar *uri, GError **error) G_GNUC_WARN_UNUSED_RESULT;
