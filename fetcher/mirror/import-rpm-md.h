/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "fetcher/mirror/media.h"
#include "fetcher/mirror/session.h"

/* rpm-md as it comes from a media: of one kernel after the other, signature and repomd.xml before what they
 * list. */
typedef struct _SutureMirrorImportRpmMd SutureMirrorImportRpmMd;
SutureMirrorImportRpmMd *suture_mirror_import_rpm_md_new(SutureMirrorSession *session,
							 SutureMirrorMedia *media, gint64 now);
void suture_mirror_import_rpm_md_free(SutureMirrorImportRpmMd *import);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureMirrorImportRpmMd, suture_mirror_import_rpm_md_free)

/*
 * Takes @entry, all targets having come before. MEDIA-UNSIGNED when nothing leads to it. rpm-md that is
 * refused stays as it was, and is the report's refusal.
 */
gboolean suture_mirror_import_rpm_md_take(SutureMirrorImportRpmMd *import, const SutureMirrorEntry *entry,
					  GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Shows the last kernel's. */
gboolean suture_mirror_import_rpm_md_finish(SutureMirrorImportRpmMd *import,
					    GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The media's entry to partial/, as the file @file that it is to be, checked. -1 on failure. */
int suture_mirror_import_file(const SutureMirrorFolder *folder, SutureMirrorMedia *media,
			      const SutureMirrorFile *file, GError **error) G_GNUC_WARN_UNUSED_RESULT;
