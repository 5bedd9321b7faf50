/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/read/keyring.h"
#include "packager/read/rpm-file.h"

/* Who signed the header, and when. */
typedef struct {
	gchar *fingerprint; /* of the signing key or subkey, upper-case hex */
	gchar *user_id;
	gint64 signed_at; /* seconds since the epoch */
} SutureRpmSigner;
void suture_rpm_signer_free(SutureRpmSigner *signer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureRpmSigner, suture_rpm_signer_free)

/*
 * Check 3 of the trust model: header signature by a key of @keyring, digests of header and payload
 * (rpmVerifySignatures), and what librpm leaves to its callers: algorithms, key sizes, and the times of
 * signature, expiry and revocation. All codes RPM-*.
 */
SutureRpmSigner *suture_rpm_signature_verify(const SutureRpmFile *file, const SutureKeyring *keyring,
					     gint64 now, GError **error) G_GNUC_WARN_UNUSED_RESULT;
