/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "signer/sign/key.h"

/* What a certificate is for; the profiles of RFC 5280. */
typedef enum {
	SUTURE_CERTIFICATE_MODULE, /* self-signed: keyUsage digitalSignature, subject key identifier */
	SUTURE_CERTIFICATE_CMS_CA, /* self-signed: CA with path length 0, keyCertSign, cRLSign */
	SUTURE_CERTIFICATE_CMS,    /* issued by a CMS CA: digitalSignature, EKU codeSigning (critical) */
	SUTURE_CERTIFICATE_ENTITLEMENT_CA, /* self-signed: as a CMS CA, but EKU clientAuth (critical): no
					      signer of manifests can be of it */
	SUTURE_CERTIFICATE_ENTITLEMENT, /* issued by that: digitalSignature, EKU clientAuth (critical), a name
					   for each channel (spec/entitlement.md) */
} SutureCertificatePurpose;

typedef struct {
	SutureCertificatePurpose purpose;
	const gchar *subject; /* "CN=name" or "O=organisation,CN=name": attributes joined by ',' or '/'; an
				 entitlement CA gets its key's fingerprint as serialNumber added */
	gint64 not_before, not_after; /* seconds since the epoch */
	/* For what a CA issues, else NULL. */
	const SuturePrivateKey *ca_key;
	GBytes *ca_pem;
	/* For SUTURE_CERTIFICATE_ENTITLEMENT alone, instead of a subject: both valid names. */
	const gchar *customer;
	const gchar *const *channels;
} SutureCertificateRequest;

/*
 * A certificate for @key, PEM. A key that the purpose does not take (module and entitlement: RSA, P-256,
 * P-384; CMS: RSA of 3072 bits or more, P-256, P-384), a CA that is none or has another key, a malformed
 * subject, times in the wrong order or after the CA's end: KEY-UNUSABLE.
 */
GBytes *suture_certificate_make(const SuturePrivateKey *key, const SutureCertificateRequest *request,
				GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* A certificate that a CRL lists. */
typedef struct {
	const gchar *serial; /* hex */
	gint64 time;         /* seconds since the epoch */
	guint reason;        /* CRLReason of RFC 5280 section 5.3.1; 0: not said */
} SutureRevocation;

/* The CRL of the CA @ca_pem, of that number, that lists @revocations (SutureRevocation*). */
GBytes *suture_crl_list(const SuturePrivateKey *ca_key, GBytes *ca_pem, GPtrArray *revocations, gint64 number,
			gint64 this_update, gint64 next_update, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * The CRL (RFC 5280 section 5) of the CA @ca_pem that lists the certificates @revoked_pem (GBytes*, PEM, each
 * issued by that CA: else KEY-UNUSABLE) and all that @previous (PEM; NULL for none) lists, with the number
 * after @previous's. Times in seconds since the epoch.
 */
GBytes *suture_crl_make(const SuturePrivateKey *ca_key, GBytes *ca_pem, GPtrArray *revoked_pem,
			GBytes *previous, gint64 this_update, gint64 next_update,
			GError **error) G_GNUC_WARN_UNUSED_RESULT;
