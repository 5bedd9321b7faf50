/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Private to signer/: clean-up by scope for OpenSSL's types, and the few things both halves do with them. */

#include "signer/verify/error.h"

#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ASN1_ENUMERATED, ASN1_ENUMERATED_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ASN1_INTEGER, ASN1_INTEGER_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ASN1_TIME, ASN1_TIME_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BIO, BIO_free_all)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CMS_ContentInfo, CMS_ContentInfo_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EVP_MD_CTX, EVP_MD_CTX_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EVP_PKEY, EVP_PKEY_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EVP_PKEY_CTX, EVP_PKEY_CTX_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EXTENDED_KEY_USAGE, EXTENDED_KEY_USAGE_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GENERAL_NAMES, GENERAL_NAMES_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(X509, X509_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(X509_CRL, X509_CRL_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(X509_EXTENSION, X509_EXTENSION_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(X509_NAME, X509_NAME_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(X509_REQ, X509_REQ_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(X509_REVOKED, X509_REVOKED_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(X509_STORE, X509_STORE_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(X509_STORE_CTX, X509_STORE_CTX_free)

/* A stack that owns a reference to each certificate. */
typedef STACK_OF(X509) SutureCertificates;
static inline void suture_certificates_free(SutureCertificates *certificates)
{
	sk_X509_pop_free(certificates, X509_free);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureCertificates, suture_certificates_free)

/* What OpenSSL said last, in its words; empties this thread's queue of errors. Static. */
const gchar *suture_openssl_error(void);

/* A PEM password callback that never asks: an encrypted key is an error, not a prompt. */
int suture_openssl_no_password(char *buffer, int size, int writing, void *data);

/* Lower-case hex. */
gchar *suture_hex(const guint8 *data, gsize size);

/* A read-only BIO over @bytes, which must outlive it. NULL when larger than OpenSSL can take. */
BIO *suture_bio_of(GBytes *bytes);

/* Whether the last PEM_read_bio_*() stopped because there are no more blocks, not because one is broken. */
gboolean suture_pem_ended(void);

/* Everything written to the memory BIO @memory so far. */
GBytes *suture_bio_bytes(BIO *memory);

/* All certificates of @pem, at least one, at most 64. KEY when malformed; @what names the file's role. */
SutureCertificates *suture_certificates_from_pem(GBytes *pem, const gchar *what,
						 GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* @name in the form of RFC 2253: ASCII, control characters escaped. */
gchar *suture_name_text(const X509_NAME *name);

/* Subject in that form. */
gchar *suture_certificate_subject(const X509 *certificate);

/* Subject key identifier, hex; "" when there is none. */
gchar *suture_certificate_key_id(X509 *certificate);

/* SHA-256 of the DER form, hex. */
gchar *suture_certificate_fingerprint(const X509 *certificate);

/* Seconds since the epoch; G_MININT64 for a time that cannot be read, which is before every time. */
gint64 suture_asn1_time(const ASN1_TIME *time);

/* Whether @nid is SHA-256, SHA-384 or SHA-512. */
gboolean suture_digest_is_strong(int nid);

/*
 * Whether @key is RSA of @rsa_bits or more, or on P-256 or P-384 (as a named curve). On FALSE *@ret_what gets
 * a description of what it is instead.
 */
gboolean suture_key_is_strong(const EVP_PKEY *key, int rsa_bits, gchar **ret_what);

/* The floor for RSA keys that sign manifests. */
#define SUTURE_CMS_RSA_BITS 3072

/*
 * Why @certificate may not sign manifests by its own extensions: the words of a refusal, static, or NULL when
 * it may. EKU exactly codeSigning (RFC 5280 section 4.2.1.12), keyUsage with digitalSignature, not a CA.
 */
const gchar *suture_code_signer_fault(X509 *certificate);

/*
 * Whether a SignedData signer with the algorithms @digest and @signature stays with SHA-2 and PKCS#1 v1.5 or
 * ECDSA, both naming the same digest, and @key is one that @signature uses.
 */
gboolean suture_signer_algorithms_fit(const X509_ALGOR *digest, const X509_ALGOR *signature,
				      const EVP_PKEY *key);

/*
 * Parses CMS strictly: DER alone (what OpenSSL writes for what it read is what was given), 1 to @limit bytes,
 * nothing after it. NULL when it is not that.
 */
CMS_ContentInfo *suture_cms_from_der(GBytes *der, gsize limit);

/* Whether @info names @certificate as its signer's, byte for byte. */
gboolean suture_cms_is_by(CMS_SignerInfo *info, X509 *certificate);
