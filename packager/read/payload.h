/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/read/rpm-file.h"

/* The unpacked files of a bundle's RPM payload, in memory. */
typedef struct {
	gchar *folder;         /* "<uname -r>/<id>" as the payload has it */
	GHashTable *files;     /* name -> GBytes*: the manifest, its signature, modules */
	guint folders;         /* entries of folders so far */
	guint64 unpacked_size; /* of the cpio archive */
} SuturePayload;
void suture_payload_free(SuturePayload *payload);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SuturePayload, suture_payload_free)

#define SUTURE_PAYLOAD_SIGNATURE_MAX (64 * 1024)

/*
 * Unpacks the payload through an allow-list: regular files "./usr/lib/suture/<release>/<id>/<name>", each
 * once, and their folders. Codes RPM-MALFORMED, PAYLOAD-PATH, PAYLOAD-TYPE, PAYLOAD-EXTRA, PAYLOAD-SIZE,
 * PAYLOAD-MISSING (manifest or its signature).
 */
SuturePayload *suture_payload_read(const SutureRpmFile *file, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Splits "<store>/<release>/<id>/<name>" ("/usr/lib/suture/..."); PAYLOAD-PATH when @path is anything else.
 * *@ret_name "" for the folder itself; *@ret_folder NULL for the folders above it.
 */
gboolean suture_payload_split(const SutureRpmFile *file, const gchar *path, gchar **ret_folder,
			      gchar **ret_name, GError **error);
