/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* SHA-256 (FIPS 180-4) as 64 lower-case hex digits. Newly allocated; never NULL. */
gchar *suture_digest_bytes(GBytes *bytes);

/* SHA-256 of all of @fd, read by pread(2) in constant memory; *@ret_size, when not NULL, gets the number of
 * bytes. */
gchar *suture_digest_fd(int fd, guint64 *ret_size, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Running SHA-256, for data that passes by once. _finish() frees it and returns the hex digest. */
typedef struct _SutureDigest SutureDigest;
SutureDigest *suture_digest_new(void);
void suture_digest_update(SutureDigest *digest, gconstpointer data, gsize size);
gchar *suture_digest_finish(SutureDigest *digest);
void suture_digest_free(SutureDigest *digest);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureDigest, suture_digest_free)
