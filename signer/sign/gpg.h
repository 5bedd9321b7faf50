/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "signer/sign/key.h"

/*
 * The vendor's RPM key lives in a GnuPG home folder and is named by "gpg:FINGERPRINT" or
 * "gpg:FINGERPRINT?homedir=/path" (default: gpg's own home). Signing is done by gpg and its agent; no private
 * key passes through Suture.
 */

/* How an RPM key is made. */
typedef struct {
	const gchar *user_id;   /* "Vendor <security@vendor.example>" */
	const gchar *home;      /* made with mode 0700 if absent; absolute */
	guint bits;             /* RSA */
	guint days;             /* until it expires; 0: never */
	gboolean no_passphrase; /* else gpg's agent asks for one */
} SutureGpgRequest;

/* Makes an RSA signing key and returns its URI. KEY-EXISTS when @home has a secret key of that user id. */
gchar *suture_gpg_create(const SutureGpgRequest *request, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* ASCII-armoured detached signature of @data by @key_uri, SHA-256 digest (for repomd.xml.asc). */
GBytes *suture_gpg_sign_detached(const gchar *key_uri, GBytes *data,
				 GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The public key of @key_uri, ASCII-armoured, with its revocation if any: what hosts get as rpm-keyring.asc.
 */
GBytes *suture_gpg_export(const gchar *key_uri, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Puts a header signature (RSA, SHA-256) on the RPM file at @path, in place (librpmsign). A signed package
 * gives ALREADY-SIGNED. */
gboolean suture_rpm_sign(const gchar *key_uri, const gchar *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Whether the RPM file at @path carries a signed manifest (manifest.json.p7s among its files): SIGN-ORDER if
 * not. */
gboolean suture_rpm_carries_manifest(const gchar *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;
