/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "fetcher/client/http.h"
#include "fetcher/client/tuf-metadata.h"

/*
 * Whether @bytes, or all of @fd, have the hashes that @file lists: every one that we can compute (sha256,
 * sha512), and at least one. Sets @code on failure. @what names the file.
 */
gboolean suture_tuf_hashes_check_bytes(const SutureTufFile *file, GBytes *bytes, const gchar *what,
				       SutureTufError code, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean suture_tuf_hashes_check_fd(const SutureTufFile *file, int fd, const gchar *what, SutureTufError code,
				    GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Check 2 of the trust model: length, then hashes, of all of @fd. TARGET-LENGTH, TARGET-HASH. */
gboolean suture_tuf_target_check(const SutureTufTarget *target, int fd,
				 GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* "<dir>/<hash>.<basename>" with consistent snapshots (5.7.3), else the name itself. Newly allocated. */
gchar *suture_tuf_target_path(const SutureTufTarget *target, gboolean consistent_snapshot);

/* See suture_tuf_client_download(). */
gboolean suture_tuf_target_download(const SutureTufTarget *target, SutureHttp *http, const gchar *url, int fd,
				    GError **error) G_GNUC_WARN_UNUSED_RESULT;
