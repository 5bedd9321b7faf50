/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/diff/debug.h"
#include "packager/diff/object.h"
#include "packager/diff/refer.h"

/* One comparison under way. */
typedef struct {
	const SutureDiffRequest *request;
	SutureObject *before, *after;
	SutureDebug before_debug, after_debug;
	GPtrArray *functions; /* SutureSourceFunction*, of the object before (inlined.h) */
	SutureDiff *diff;
	SutureReferences *references;
	GQueue *queue; /* SutureAtom*: included, not yet looked at */
} SutureSpread;

/*
 * Marks what of the object after must be included, with the reasons, once it is compared; refuses in
 * @spread->diff what cannot be. In the end each atom that differs is included, has a sentence why it need not
 * be, or is refused.
 */
void suture_spread_run(SutureSpread *spread);

/* Adds a reason why @atom is in the patch, once; takes it over. */
void suture_spread_reason(SutureAtom *atom, gchar *reason);

/* Makes @function one that changed, for that reason, which is taken over. */
void suture_spread_change(SutureAtom *function, gchar *reason);

/* Whether the running kernel can redirect the function @original, of the object before. */
gboolean suture_spread_is_traceable(const SutureSpread *spread, const SutureAtom *original);

/* Adds a refusal, once for each code and name. @name is for the sentence's start; the sentence follows it. */
void suture_spread_refuse(SutureSpread *spread, SutureDiffError code, const gchar *name, const gchar *format,
			  ...) G_GNUC_PRINTF(4, 5);
