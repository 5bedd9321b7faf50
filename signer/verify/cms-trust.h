/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Private to signer/verify: what suture_cms_verify() reads of a SutureCmsTrust. */

#include "signer/verify/cms.h"
#include "signer/verify/openssl.h"

/* The CA certificates, and nothing else; owned by @trust. Its lookups take their own lock. */
X509_STORE *suture_cms_trust_store(const SutureCmsTrust *trust);

/* Whether a CRL of @issuer lists @certificate. */
gboolean suture_cms_trust_revokes(const SutureCmsTrust *trust, X509 *certificate, const X509 *issuer);
