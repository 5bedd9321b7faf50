/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/fix/error.h"

/* Which lines of the kernel's source a fix touches: two trees, looked at file by file as it is asked for. */
typedef struct _SutureTouched SutureTouched;
SutureTouched *suture_touched_new(const gchar *before, const gchar *after);
void suture_touched_free(SutureTouched *touched);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureTouched, suture_touched_free)

/* Whether one of the lines @first to @last of @file (as it was; a path below the tree before, or within it)
 * is touched. */
gboolean suture_touched_lines(SutureTouched *touched, const gchar *file, guint first, guint last);
