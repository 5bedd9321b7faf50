/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/fix/source-diff.h"

/*
 * A kernel's source tree with some of its files changed, at the cost of those files: a folder of symlinks to
 * the prepared tree, with real folders along the paths of the changed files and real copies of these.
 * Commands recorded for the tree run in it unchanged, since all their paths are relative, and __FILE__ stays
 * what it was.
 */
typedef struct _SutureShadow SutureShadow;

/* Makes it at @folder (which must not exist) for the files @paths, which are copied; NO-SOURCE for one that
 * the tree has not, KIND for one that is no regular file there. */
SutureShadow *suture_shadow_new(const gchar *tree, const gchar *folder, GPtrArray *paths,
				GError **error) G_GNUC_WARN_UNUSED_RESULT;
void suture_shadow_free(SutureShadow *shadow);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureShadow, suture_shadow_free)

const gchar *suture_shadow_folder(const SutureShadow *shadow);

/* Makes real the folders that hold @path, so that "../" leads from there to other files of the shadow. */
gboolean suture_shadow_reach(const SutureShadow *shadow, const gchar *path,
			     GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * PRISTINE when one of @read, files that a compiler read (relative to the shadow, "." and ".." and symlinks
 * in them), is the unchanged original of a copied file: that happens where "../" leads out of a symlinked
 * folder.
 */
gboolean suture_shadow_check(const SutureShadow *shadow, GPtrArray *read,
			     GError **error) G_GNUC_WARN_UNUSED_RESULT;
