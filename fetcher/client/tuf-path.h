/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "fetcher/client/tuf-metadata.h"

/* Names of delegated roles as files, and which target paths a delegation is for. */

/* The longest that suture_tuf_role_file() may be: room is left for a version, and for a temporary file. */
#define SUTURE_TUF_MAX_ROLE_FILE 220

/*
 * "<role>.json" with every byte of @role outside RFC 3986's unreserved ones percent-encoded, also '/': what
 * the file is called in a URL, after "<version>." with consistent snapshots. Newly allocated.
 */
gchar *suture_tuf_role_file(const gchar *role);
/* The same as a file of our own: a leading '.' is encoded too. Newly allocated. */
gchar *suture_tuf_role_local_file(const gchar *role);

/*
 * Whether @delegation is for the target @path. Patterns match part by part between slashes as fnmatch(3) has
 * it in the C locale: '*', '?' and [...] are for bytes and never for a slash, a backslash is a character.
 */
gboolean suture_tuf_delegation_matches(const SutureTufDelegation *delegation, const gchar *path);

/* Whether @delegation could be for any target below @folder (without its final slash). */
gboolean suture_tuf_delegation_reaches(const SutureTufDelegation *delegation, const gchar *folder);
