/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/fix/error.h"
#include "packager/profile/profile.h"

/* Which object files of the kernel a changed set of source files reaches. */

/* Something that the author should know although it stops nothing. */
typedef struct {
	gchar *subject; /* a file, a unit or a symbol */
	gchar *text;    /* a sentence */
} SutureNote;
SutureNote *suture_note_new(const gchar *subject, const gchar *text);
void suture_note_free(SutureNote *note);

typedef struct {
	GPtrArray *lines; /* SutureCommandLine*, sorted by unit: of vmlinux and of modules */
	GPtrArray *apart; /* SutureCommandLine*, sorted by unit: of neither as such (see apart.h) */
	GPtrArray *notes; /* SutureNote* */
} SutureSelection;
void suture_selection_free(SutureSelection *selection);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureSelection, suture_selection_free)

/* The objects that one change may reach: each costs two compilations. */
#define SUTURE_SELECTION_UNITS 100

/*
 * Units that are compiled from one of @paths (gchar*), or read one of them. The latter are found by the
 * profile's index, and where that names a unit the preprocessor says whether it is so. @scratch: for its
 * files. KIND for files that no live patch can change; TOO-MANY, with their number, over @limit units.
 */
SutureSelection *suture_selection_make(const SutureProfile *profile, GPtrArray *paths, const gchar *scratch,
				       guint limit, guint jobs, GError **error) G_GNUC_WARN_UNUSED_RESULT;
