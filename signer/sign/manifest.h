/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "signer/sign/signer.h"

/*
 * Detached CMS signature (RFC 5652, DER) of the exact bytes @manifest, SHA-256, with the signer's certificate
 * and those of @chain_pem (intermediate CAs; NULL for none) inside. A certificate that hosts would refuse
 * (not for code signing alone, weak key) gives KEY-UNUSABLE.
 */
GBytes *suture_manifest_sign(const SutureSigner *signer, GBytes *chain_pem, GBytes *manifest,
			     GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Signs every module of the bundle folder @folder (manifest.json and the .ko files it names) and writes their
 * new sizes and digests into manifest.json. A module that is not the manifest's gives SIGN-ORDER; a signed
 * module or manifest ALREADY-SIGNED, or with @replace is signed anew (the manifest's old signature is
 * removed). @hash as for suture_module_sign().
 */
gboolean suture_bundle_sign_modules(const SutureSigner *signer, const gchar *hash, gboolean replace,
				    const gchar *folder, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Writes manifest.json.p7s in @folder. First the manifest must parse, and each of its modules be there,
 * signed, and as the manifest says: else SIGN-ORDER. An existing signature gives ALREADY-SIGNED, or with
 * @replace is replaced.
 */
gboolean suture_bundle_sign_manifest(const SutureSigner *signer, GBytes *chain_pem, gboolean replace,
				     const gchar *folder, GError **error) G_GNUC_WARN_UNUSED_RESULT;
