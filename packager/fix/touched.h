/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/fix/error.h"

/* Which lines of the kernel's source a fix touches: those of the files @paths (gchar*, within both trees)
 * that the two have otherwise. */
typedef struct _SutureTouched SutureTouched;
SutureTouched *suture_touched_new(const gchar *before, const gchar *after, const GPtrArray *paths);
void suture_touched_free(SutureTouched *touched);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureTouched, suture_touched_free)

/* Whether one of the lines @first to @last of @file (as it was; a path below the tree before, or within it)
 * is touched. */
gboolean suture_touched_lines(const SutureTouched *touched, const gchar *file, guint first, guint last);
