/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "fetcher/mirror/error.h"

/* What a mirror has (spec/media.md): all that need not be on media for it. */
typedef struct {
	gint64 root, timestamp, snapshot, targets; /* 0: none */
	GHashTable *roles;                         /* name -> SutureMirrorStateRole* */
} SutureMirrorState;
typedef struct {
	gint64 version;
	gchar *repomd; /* SHA-256 of its repomd.xml; NULL: no rpm-md */
} SutureMirrorStateRole;

/* STATE when it is not what suture_mirror_state() gives. */
SutureMirrorState *suture_mirror_state_read(const gchar *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Of a mirror that has nothing. */
SutureMirrorState *suture_mirror_state_empty(void);
void suture_mirror_state_free(SutureMirrorState *state);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureMirrorState, suture_mirror_state_free)

/* NULL when the mirror has not that role. */
const SutureMirrorStateRole *suture_mirror_state_role(const SutureMirrorState *state, const gchar *name);
