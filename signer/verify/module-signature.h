/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "signer/verify/error.h"

/* Certificates whose keys may sign modules. */
typedef struct _SutureModuleTrust SutureModuleTrust;
/* @certificates_pem: one or more certificates. Malformed or none: KEY. */
SutureModuleTrust *suture_module_trust_new(GBytes *certificates_pem,
					   GError **error) G_GNUC_WARN_UNUSED_RESULT;
void suture_module_trust_free(SutureModuleTrust *trust);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureModuleTrust, suture_module_trust_free)

typedef struct {
	guint64 content_size; /* bytes of the module that the signature covers */
	gchar *key_id;  /* subject key identifier of the signer's certificate, hex, as /proc/keys shows it */
	gchar *subject; /* of the signer's certificate */
} SutureModuleSigner;
void suture_module_signer_free(SutureModuleSigner *signer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureModuleSigner, suture_module_signer_free)

/*
 * Verifies the signature appended to @module as the kernel would
 * (Documentation/admin-guide/module-signing.rst; trailer of 12 bytes and the magic string; PKCS#7 without
 * certificates), against @trust.
 */
gboolean suture_module_signature_verify(const SutureModuleTrust *trust, GBytes *module,
					SutureModuleSigner **ret_signer,
					GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Bytes of @module without an appended signature: its size when there is none. MODULE-MALFORMED for a broken
 * trailer. */
gboolean suture_module_signature_strip(GBytes *module, gsize *ret_content_size,
				       GError **error) G_GNUC_WARN_UNUSED_RESULT;
