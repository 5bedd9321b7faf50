/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "signer/sign/key.h"

/*
 * A new private key. @algorithm: "rsa" (@bits 2048 to 8192; 0 for 3072), "ec" (@bits 256 or 384; 0 for 256),
 * "ed25519" (@bits 0). Anything else: KEY-UNUSABLE.
 */
SuturePrivateKey *suture_private_key_create(const gchar *algorithm, guint bits,
					    GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Writes @key as PKCS#8 PEM to the new file @path, mode 0600 from its first byte; KEY-EXISTS if there is one.
 */
gboolean suture_private_key_save(const SuturePrivateKey *key, const gchar *path,
				 GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The public half, SubjectPublicKeyInfo in PEM. */
GBytes *suture_private_key_public_pem(const SuturePrivateKey *key, GError **error) G_GNUC_WARN_UNUSED_RESULT;
