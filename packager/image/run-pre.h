/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/image/running.h"

/*
 * The run-pre check: whether a unit, compiled from the pristine source with the recorded commands, gives the
 * functions that run. Bytes are compared one by one; where the unit has a relocation, the value in the image
 * tells where its symbol is, which must be the same for all references of the unit and where the symbols of
 * the image say that it is.
 */
typedef struct _SutureRunPre SutureRunPre;

typedef enum {
	SUTURE_RUN_PRE_MATCHES,
	SUTURE_RUN_PRE_DIFFERS,
	SUTURE_RUN_PRE_ABSENT,  /* no symbol of the image has its name */
	SUTURE_RUN_PRE_SKIPPED, /* nothing tells which one it is, or it is not used: it cannot be patched, and
				   the reason says why; the rest of the unit can */
} SutureRunPreState;

typedef struct {
	const gchar *name;
	guint symbol; /* index in the unit's symbol table */
	guint64 size;
	SutureRunPreState state;
	guint64 address;        /* MATCHES, DIFFERS: where it was compared; else 0 */
	guint64 sympos;         /* MATCHES: of the symbol of its name at that address */
	guint64 offset;         /* DIFFERS: of the first difference */
	guint8 expected, found; /* DIFFERS: what is there in the unit and in the image; equal when the
				   difference is what a reference refers to */
	const gchar *reason;    /* DIFFERS, ABSENT, SKIPPED: a sentence part for messages; else NULL */
} SutureRunPreFunction;

/*
 * Compares the functions of @plain, an object file compiled with the recorded command and run through objtool
 * where the record says so, with @running. It may be compiled with -ffunction-sections and -fdata-sections as
 * well: only a function with a short jump in its middle, where this makes a long one, differs then without
 * being another. @unit names it in messages. NULL with IMAGE-OBJECT when @plain
 * cannot be read; differences are in the result. The result keeps a reference to both.
 */
SutureRunPre *suture_run_pre(SutureRunning *running, GBytes *plain, const gchar *unit,
			     GError **error) G_GNUC_WARN_UNUSED_RESULT;
void suture_run_pre_free(SutureRunPre *run_pre);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureRunPre, suture_run_pre_free)

/* The functions in the order of the unit's symbol table, and the one called @name or NULL. */
guint suture_run_pre_count(const SutureRunPre *run_pre);
const SutureRunPreFunction *suture_run_pre_at(const SutureRunPre *run_pre, guint index);
const SutureRunPreFunction *suture_run_pre_find(const SutureRunPre *run_pre, const gchar *name);

/*
 * Whether no function of the unit is in state DIFFERS or ABSENT. Else RUN-PRE-DIFFERS or RUN-PRE-ABSENT,
 * naming the unit, the functions, and what to do about it.
 */
gboolean suture_run_pre_check(const SutureRunPre *run_pre, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Where the unit's symbol @symbol (function, data, or what it refers to, by its name in the unit) is in the
 * image, as functions that match say. FALSE: nothing says, or the unit has several of that name.
 */
gboolean suture_run_pre_address(const SutureRunPre *run_pre, const gchar *symbol, guint64 *ret_address);
