/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "fetcher/mirror/error.h"

/* One file that repomd.xml lists. */
typedef struct {
	gchar *type; /* "primary" */
	gchar *href; /* "repodata/<safe name>" */
	gchar *sha256;
	guint64 size;
} SutureMirrorMdFile;

/* Parses repomd.xml; SutureMirrorMdFile*, one of them primary. RPM-MD. */
GPtrArray *suture_mirror_repomd_parse(GBytes *repomd, const gchar *what,
				      GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Called for each package that primary.xml lists. FALSE with @error set ends the parse. */
typedef gboolean (*SutureMirrorPackageVisit)(const gchar *href, const gchar *sha256, gpointer data,
					     GError **error);

/* Reads primary.xml from @fd, compressed or not, in constant memory. RPM-MD, or what @visit sets. */
gboolean suture_mirror_primary_parse(int fd, const gchar *what, SutureMirrorPackageVisit visit, gpointer data,
				     GError **error) G_GNUC_WARN_UNUSED_RESULT;
