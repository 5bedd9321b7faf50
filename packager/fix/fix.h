/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/fix/error.h"
#include "packager/profile/profile.h"
#include "spec/patch.h"

#include <jansson.h>

/* From a unified diff to a patch module for one kernel. */

typedef struct {
	const SutureProfile *profile;
	const gchar *const *diffs; /* paths of unified diffs, applied in this order; NULL-terminated */
	const gchar *name;         /* of the module */
	const gchar *description;  /* one line, for modinfo */
	gboolean replace;          /* cumulative */
	SutureProvider provider;
	SutureConsistency consistency; /* for provider framework */
	const gchar *include;          /* for provider framework: its include folder, */
	const gchar *more_symvers;     /* and its Module.symvers; else NULL */
	guint max_units;               /* 0: SUTURE_SELECTION_UNITS */
	guint jobs;                    /* 0: one for each processor */
	SutureProgress progress;       /* NULL: none */
	gpointer progress_data;
} SutureFixRequest;

typedef struct {
	GBytes *module; /* NULL when the fix was refused */
	/*
	 * What happened and why, also after a refusal: spec/explain.md. Functions with the reason for each,
	 * sizes, relocations, what happened to each changed section, notes, seconds of each step.
	 */
	json_t *report;
	gchar *words; /* of the compiler, objtool or modpost; "" for none */
} SutureFix;
void suture_fix_free(SutureFix *fix);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureFix, suture_fix_free)

/*
 * Makes it. Always returns a result, whose module is NULL when @error is set: codes of SUTURE_FIX_ERROR, of
 * SUTURE_DIFF_ERROR for the first thing refused (the report has them all), of SUTURE_IMAGE_ERROR from the
 * run-pre check. Leaves nothing behind but that. Same request, same module, bit for bit.
 */
SutureFix *suture_fix_make(const SutureFixRequest *request, GError **error);
