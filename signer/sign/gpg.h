/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "signer/sign/key.h"

/*
 * The vendor's RPM key lives in a GnuPG home folder and is named by "gpg:FINGERPRINT" or
 * "gpg:FINGERPRINT?homedir=/path" (default: gpg's own home). Signing is done by gpg and its agent; no private
 * key passes through Suture.
 */

/* ASCII-armoured detached signature of @data by @key_uri, SHA-256 digest (for repomd.xml.asc). */
GBytes *suture_gpg_sign_detached(const gchar *key_uri, GBytes *data,
				 GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The public key of @key_uri, ASCII-armoured, with its revocation if any: what hosts get as rpm-keyring.asc.
 */
GBytes *suture_gpg_export(const gchar *key_uri, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Puts a header signature (RSA, SHA-256) on the RPM file at @path, in place (librpmsign). A signed package
 * gives ALREADY-SIGNED. */
gboolean suture_rpm_sign(const gchar *key_uri, const gchar *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;
