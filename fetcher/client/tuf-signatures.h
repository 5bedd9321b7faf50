/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "fetcher/client/tuf-metadata.h"

/*
 * Whether @metadata is signed by a threshold of @role's keys out of @keys (keyid -> SutureTufKey*): root's
 * for the top-level roles, the delegating targets' for delegated ones. A key counts once, under however many
 * ids; signatures that do not verify, or by other keys, do not count and do not harm. Sets @code on failure.
 */
gboolean suture_tuf_signatures_verify(const SutureTufMetadata *metadata, const SutureTufRole *role,
				      GHashTable *keys, SutureTufError code,
				      GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Whether a key that could sign for role @name by @before no longer can by @after: a rotation (5.3.11). */
gboolean suture_tuf_keys_rotated(const SutureTufMetadata *before, const SutureTufMetadata *after,
				 const gchar *name);
