/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* SHA-256 as 64 hex digits of what a profile is made of; new. IO. */

gchar *suture_digest_file(const gchar *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Of all that is in a folder: paths, kinds, whether executable, contents; not times and owners. */
gchar *suture_digest_folder(const gchar *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Whichever @path is. */
gchar *suture_digest_path(const gchar *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;
