/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/diff/spread.h"

/* A function of the source, as DWARF tells of it. */
typedef struct {
	gchar *name;       /* in the source */
	gchar *file;       /* as the compiler was told, made absolute */
	guint first, last; /* lines, from the one with its name to the next declaration's */
	gboolean inlined;  /* at least once */
	gboolean code;     /* has code of its own, whole or in part */
} SutureSourceFunction;

/* SutureSourceFunction*, those that a file defines or includes; empty where there is no DWARF. */
GPtrArray *suture_inlined_functions(SutureDebug *debug) G_GNUC_WARN_UNUSED_RESULT;

/* What the source calls the functions in which the fix touches a line (a set of gchar*); empty where nobody
 * says which lines these are. */
GHashTable *suture_inlined_touched(const SutureSpread *spread) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Where the fix touches functions that were inlined wherever they are called, and all functions that came out
 * otherwise for it are refused as being no such that can be redirected: puts a refusal in front of these that
 * says so (INLINED), for each function touched. Wants @spread->request->touched.
 */
void suture_inlined_refuse(SutureSpread *spread);
