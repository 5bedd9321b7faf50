/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "fetcher/mirror/contents.h"

/* A media that is read once, from its start to its end; its list of contents has been read. */
typedef struct _SutureMirrorMedia SutureMirrorMedia;

/* @fd is borrowed, read at its position. MEDIA-FORMAT, MEDIA-LIST, MEDIA-PATH, MEDIA-TRUNCATED. */
SutureMirrorMedia *suture_mirror_media_open(int fd, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void suture_mirror_media_free(SutureMirrorMedia *media);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureMirrorMedia, suture_mirror_media_free)

const SutureMirrorContents *suture_mirror_media_contents(const SutureMirrorMedia *media);

/*
 * The next entry, which is the next one of the list; NULL without an error at the end of both. MEDIA-ORDER,
 * MEDIA-TYPE, MEDIA-SIZE, MEDIA-FORMAT, MEDIA-TRUNCATED. Its bytes are skipped when nobody takes them.
 */
const SutureMirrorEntry *suture_mirror_media_next(SutureMirrorMedia *media, GError **error);

/* Writes the bytes of the entry to the position of @fd, and compares them with the list: MEDIA-DIGEST. */
gboolean suture_mirror_media_take(SutureMirrorMedia *media, int fd, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The same in memory, at most @limit bytes: MEDIA-SIZE. */
GBytes *suture_mirror_media_take_bytes(SutureMirrorMedia *media, guint64 limit,
				       GError **error) G_GNUC_WARN_UNUSED_RESULT;
