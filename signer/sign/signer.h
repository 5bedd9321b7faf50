/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "signer/sign/key.h"

/* A private key with the certificate that says whose it is: what signs modules and manifests. */
typedef struct _SutureSigner SutureSigner;

/* @certificate_path: PEM, one certificate. A certificate of another key: KEY-UNUSABLE. */
SutureSigner *suture_signer_open(const gchar *key_uri, const gchar *certificate_path,
				 GError **error) G_GNUC_WARN_UNUSED_RESULT;
void suture_signer_free(SutureSigner *signer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureSigner, suture_signer_free)
