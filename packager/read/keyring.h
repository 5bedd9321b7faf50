/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/read/error.h"

/* The OpenPGP keys that RPM headers may be signed by: a private keyring, never the host's rpm database. */
typedef struct _SutureKeyring SutureKeyring;

/* @armored: one or more ASCII-armoured public keys, with their expiry and revocations. KEYRING when malformed
 * or empty. */
SutureKeyring *suture_keyring_new(GBytes *armored, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void suture_keyring_free(SutureKeyring *keyring);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureKeyring, suture_keyring_free)

/*
 * Whether @armored is one OpenPGP signature over @data by a key of @keyring that may sign, was in force when
 * it did, and signs as rpm headers may be signed. @what names the data. Codes RPM-SIGNATURE, RPM-KEY-*,
 * RPM-FUTURE, RPM-WEAK.
 */
gboolean suture_keyring_verify(const SutureKeyring *keyring, const gchar *what, GBytes *data, GBytes *armored,
			       gint64 now, GError **error) G_GNUC_WARN_UNUSED_RESULT;
