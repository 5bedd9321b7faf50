/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "fetcher/mirror/contents.h"

/* Writes a media under a hidden name beside its own, which it gets when it is whole. */
typedef struct _SutureMirrorMediaWriter SutureMirrorMediaWriter;
SutureMirrorMediaWriter *suture_mirror_media_writer_new(const gchar *path,
							GError **error) G_GNUC_WARN_UNUSED_RESULT;
void suture_mirror_media_writer_free(SutureMirrorMediaWriter *writer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureMirrorMediaWriter, suture_mirror_media_writer_free)

/* The list of contents, then its entries in their order. DAMAGED when @fd does not hold what @entry says. */
gboolean suture_mirror_media_writer_begin(SutureMirrorMediaWriter *writer,
					  const SutureMirrorContents *contents,
					  GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean suture_mirror_media_writer_add(SutureMirrorMediaWriter *writer, const SutureMirrorEntry *entry,
					int fd, GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean suture_mirror_media_writer_finish(SutureMirrorMediaWriter *writer,
					   GError **error) G_GNUC_WARN_UNUSED_RESULT;
