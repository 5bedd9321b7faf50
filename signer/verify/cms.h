/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "signer/verify/error.h"

/* The CA and CRLs that manifest signers are judged by. Immutable; usable from several threads. */
typedef struct _SutureCmsTrust SutureCmsTrust;

/*
 * @ca_pem: one or more self-signed CA certificates. @crl_pem: CRLs in PEM, each signed by one of them, or
 * NULL. Malformed: KEY; a CRL that no CA of @ca_pem signed: CMS-CRL. A CRL past its nextUpdate still revokes
 * what it lists.
 */
SutureCmsTrust *suture_cms_trust_new(GBytes *ca_pem, GBytes *crl_pem,
				     GError **error) G_GNUC_WARN_UNUSED_RESULT;
void suture_cms_trust_free(SutureCmsTrust *trust);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureCmsTrust, suture_cms_trust_free)

/* Who signed. Strings owned. */
typedef struct {
	gchar *subject;               /* RFC 2253 form */
	gchar *certificate;           /* SHA-256 of the DER certificate, hex */
	gint64 not_before, not_after; /* seconds since the epoch */
} SutureCmsSigner;
void suture_cms_signer_free(SutureCmsSigner *signer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureCmsSigner, suture_cms_signer_free)

/*
 * Verifies @signature (DER, RFC 5652 SignedData, detached, the signer's certificate inside) over @content:
 * structure, digest and key floor, signature, chain to @trust, keyUsage and EKU codeSigning (RFC
 * 5280 4.2.1.12; judged here), CRL. Certificate time is judged at @now (seconds since the epoch), or not at
 * all when @now is 0: for what a receipt says was judged before.
 */
gboolean suture_cms_verify(const SutureCmsTrust *trust, GBytes *content, GBytes *signature, gint64 now,
			   SutureCmsSigner **ret_signer, GError **error) G_GNUC_WARN_UNUSED_RESULT;
