/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/error.h"

/* Downloads that broke off, each under the SHA-256 that it is to have, in a folder of mode 0700. */

/* Opens the folder @path, made if absent. -1 with IO. */
int suture_partial_folder(const gchar *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Opens @sha256's file for going on with it, made if absent; one that is not ours alone is replaced. -1: IO.
 */
int suture_partial_open(int folder, const gchar *sha256, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Removes @sha256's name; an open descriptor keeps the content to itself. */
gboolean suture_partial_unlink(int folder, const gchar *sha256, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Removes every file whose name is not in @wanted (a set of SHA-256). */
gboolean suture_partial_sweep(int folder, GHashTable *wanted, GError **error) G_GNUC_WARN_UNUSED_RESULT;
