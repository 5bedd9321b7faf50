/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "fetcher/mirror/error.h"

/*
 * The list of contents that a media begins with (spec/media.md): what else is on it, in that order. It is not
 * signed: it says early what is damaged, and everything on it is judged by what is signed besides.
 */
#define SUTURE_MIRROR_CONTENTS_FILE "suture-media"
#define SUTURE_MIRROR_MAX_CONTENTS_BYTES (64 * 1024 * 1024)

/* Where an entry belongs; the order in which they come. */
typedef enum {
	SUTURE_MIRROR_METADATA, /* "metadata/..." */
	SUTURE_MIRROR_TARGET,   /* "targets/..." */
	SUTURE_MIRROR_REPODATA, /* "targets/<kernel>/repodata/..." */
} SutureMirrorKind;

typedef struct {
	SutureMirrorKind kind;
	gchar *path; /* below the mirror; safe */
	gchar *sha256;
	guint64 size;
} SutureMirrorEntry;

typedef struct {
	gchar **kernels;     /* patterns that the mirror was made with; NULL: all */
	GPtrArray *entries;  /* SutureMirrorEntry* */
	GHashTable *by_path; /* path -> entry */
	guint64 bytes;       /* of all entries */
} SutureMirrorContents;

SutureMirrorContents *suture_mirror_contents_new(const gchar *const *kernels);
void suture_mirror_contents_free(SutureMirrorContents *contents);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureMirrorContents, suture_mirror_contents_free)

/* FALSE with MEDIA-PATH, or MEDIA-LIST: twice there, out of order, too large. */
gboolean suture_mirror_contents_add(SutureMirrorContents *contents, const gchar *path, const gchar *sha256,
				    guint64 size, GError **error) G_GNUC_WARN_UNUSED_RESULT;

GBytes *suture_mirror_contents_write(const SutureMirrorContents *contents);
/* MEDIA-LIST, MEDIA-PATH. */
SutureMirrorContents *suture_mirror_contents_read(GBytes *text, GError **error) G_GNUC_WARN_UNUSED_RESULT;
