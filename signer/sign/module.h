/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "signer/sign/signer.h"

/* "sha256", "sha384" or "sha512"; NULL in the functions below stands for the first. */
gboolean suture_module_hash_is_known(const gchar *hash);

/*
 * @module with its signature appended as the kernel wants it (Documentation/admin-guide/module-signing.rst).
 * The key must be RSA of 2048 bits or more, P-256 or P-384 (KEY-UNUSABLE). A module that carries a signature
 * gives ALREADY-SIGNED, or with @replace has its last one replaced.
 */
GBytes *suture_module_sign(const SutureSigner *signer, const gchar *hash, gboolean replace, GBytes *module,
			   GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The same for a file, in place: it has the old content or the new, and keeps its mode. */
gboolean suture_module_sign_file(const SutureSigner *signer, const gchar *hash, gboolean replace,
				 const gchar *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;
