/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/*
 * Removes what killed runs left below @root's /var/lib/suture: temporary files of metadata, notes, recalls
 * and receipts, and folders that were to become bundles or trust anchors. Call it under SUTURE_FETCH_LOCK.
 */
gboolean suture_fetch_sweep(const gchar *root, GError **error) G_GNUC_WARN_UNUSED_RESULT;
