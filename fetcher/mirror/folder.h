/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/file.h"
#include "fetcher/mirror/error.h"

#include <jansson.h>

/*
 * A mirror on disk:
 *     DIR/metadata DIR/targets DIR/RPM-GPG-KEY-suture    as a web server serves them
 *     DIR/.state/                                        ours, mode 0700
 *         lock record.json
 *         metadata/    what the TUF client trusts; may be ahead of what is served
 *         partial/     files on their way, each under the SHA-256 that it is to have
 *         spool/       metadata and rpm-md on their way
 */
typedef struct {
	gchar *path;
	gchar *trusted; /* path of DIR/.state/metadata */
	int lock;       /* -1 when opened to read */
	int top, metadata, targets;
	int state, partial, spool; /* -1 when opened to read */
	json_t *record;            /* what the last sync or import left; see record.h */
} SutureMirrorFolder;

/* Opens @path, makes what is missing and takes its lock (waits for it). */
SutureMirrorFolder *suture_mirror_folder_open(const gchar *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Opens the served half and the record of a mirror that is there. INCOMPLETE when nothing is served yet. */
SutureMirrorFolder *suture_mirror_folder_open_served(const gchar *path,
						     GError **error) G_GNUC_WARN_UNUSED_RESULT;
void suture_mirror_folder_free(SutureMirrorFolder *folder);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureMirrorFolder, suture_mirror_folder_free)

/* Whether @path is one to eight safe file names joined by '/' (common/file.h). */
gboolean suture_mirror_path_is_safe(const gchar *path);

/* Opens the folder that the safe path @path is in, below @dirfd; makes it when @create. */
int suture_mirror_parent(int dirfd, const gchar *path, gboolean create,
			 GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The last name of @path. */
const gchar *suture_mirror_base(const gchar *path);

/* Size of the regular file @path below @dirfd; -1 when there is none. */
gint64 suture_mirror_size(int dirfd, const gchar *path);

/* Makes @to a second name of @from, replacing what is there; nothing when it is that file already. */
gboolean suture_mirror_link(int from_dir, const gchar *from, int to_dir, const gchar *to,
			    GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* All that was written to the mirror's file system is on disk. */
gboolean suture_mirror_folder_sync(const SutureMirrorFolder *folder,
				   GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Removes what is in spool/. */
gboolean suture_mirror_empty_spool(const SutureMirrorFolder *folder,
				   GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The names in @dirfd, sorted; gchar*. */
GPtrArray *suture_mirror_names(int dirfd, GError **error) G_GNUC_WARN_UNUSED_RESULT;
