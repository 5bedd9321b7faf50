/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/error.h"

/* Refusals of the verifying half of signer/. Exit code UNTRUSTED unless said otherwise. */
#define SUTURE_VERIFY_ERROR suture_verify_error_quark()
GQuark suture_verify_error_quark(void);
typedef enum {
	SUTURE_VERIFY_ERROR_CMS_MALFORMED, /* "cms-malformed": not DER CMS SignedData, not detached, trailing
					      bytes, not exactly one signer */
	SUTURE_VERIFY_ERROR_CMS_SIGNATURE, /* "cms-signature": does not fit the content */
	SUTURE_VERIFY_ERROR_CMS_DIGEST,  /* "cms-weak": digest or key below the floor (SHA-1; RSA < 3072; not
					    P-256/P-384) */
	SUTURE_VERIFY_ERROR_CMS_CHAIN,   /* "cms-chain": no path to the configured CA */
	SUTURE_VERIFY_ERROR_CMS_PURPOSE, /* "cms-purpose": without EKU codeSigning, with another EKU beside
					    it, or keyUsage without digitalSignature */
	SUTURE_VERIFY_ERROR_CMS_EXPIRED, /* "cms-expired": certificate time, at first acceptance only */
	SUTURE_VERIFY_ERROR_CMS_REVOKED, /* "cms-revoked": on the CA's CRL */
	SUTURE_VERIFY_ERROR_CMS_CRL,     /* "cms-crl": the CRL is not the CA's or does not verify */
	SUTURE_VERIFY_ERROR_MODULE_UNSIGNED,  /* "module-unsigned" */
	SUTURE_VERIFY_ERROR_MODULE_MALFORMED, /* "module-signature-malformed": trailer or PKCS#7 broken */
	SUTURE_VERIFY_ERROR_MODULE_SIGNATURE, /* "module-signature": does not verify with the trusted module
						 certificates */
	SUTURE_VERIFY_ERROR_MODULE_KEY,       /* "module-key-unknown": signed by none of the trusted module
						 certificates */
	SUTURE_VERIFY_ERROR_MODULE_WEAK, /* "module-signature-weak": digest or key below the floor (SHA-1; RSA
					    < 2048; not P-256/P-384) */
	SUTURE_VERIFY_ERROR_KEY, /* "key-malformed": a public key or certificate cannot be read (exit INPUT)
				  */
	SUTURE_VERIFY_ERROR_SIGNATURE, /* "signature": a raw (TUF) signature does not verify */
} SutureVerifyError;
