/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/error.h"

/* Why a change of an object file cannot be made a patch of the running kernel. Exit code INPUT. */
#define SUTURE_DIFF_ERROR suture_diff_error_quark()
GQuark suture_diff_error_quark(void);
typedef enum {
	SUTURE_DIFF_ERROR_MALFORMED, /* "diff-malformed": not an x86-64 object file that can be read */

	SUTURE_DIFF_ERROR_CHANGED_DATA, /* "diff-changed-data": the initial value or the size of data changed
					   that the running kernel has already */
	SUTURE_DIFF_ERROR_INIT, /* "diff-init": code or data changed that is used once, at boot, or at exit */
	SUTURE_DIFF_ERROR_UNTRACEABLE, /* "diff-untraceable": a changed function without the call of ftrace */
	SUTURE_DIFF_ERROR_UNKNOWN_SECTION, /* "diff-unknown-section": changed or used, and nobody knows what
					      it means */
	SUTURE_DIFF_ERROR_MODULE_KEY,      /* "diff-module-key": a static key that a module owns */
	SUTURE_DIFF_ERROR_FROZEN_KEY,      /* "diff-frozen-key": a static key that is read-only after boot */
	SUTURE_DIFF_ERROR_EXPORT,          /* "diff-export": a changed export */
	SUTURE_DIFF_ERROR_PARAMETER,       /* "diff-parameter": a new or changed module or boot parameter */
	SUTURE_DIFF_ERROR_INITCALL,        /* "diff-initcall": a new or changed initcall or exitcall */
	SUTURE_DIFF_ERROR_SYSCALL,         /* "diff-syscall": new or changed syscall metadata */
	SUTURE_DIFF_ERROR_TRACE_EVENT,  /* "diff-trace-event": a new or changed tracepoint or trace event */
	SUTURE_DIFF_ERROR_REGISTRATION, /* "diff-registration": another table that is read at boot or load */
	SUTURE_DIFF_ERROR_RELOCATION, /* "diff-relocation": a kind of relocation, or a short jump, that cannot
					 be carried */
	SUTURE_DIFF_ERROR_AMBIGUOUS,  /* "diff-ambiguous": static variables that cannot be told apart */
	SUTURE_DIFF_ERROR_UNRESOLVED, /* "diff-unresolved": the running kernel has no such symbol, or too many
				       */
	SUTURE_DIFF_ERROR_SEALED,   /* "diff-sealed": a new pointer to a function that the kernel sealed (IBT)
				     */
	SUTURE_DIFF_ERROR_LAYOUT,   /* "diff-layout": the layout of a type changed */
	SUTURE_DIFF_ERROR_MOVED,    /* "diff-moved": a new global has a name that the running kernel has
				       elsewhere */
	SUTURE_DIFF_ERROR_CALLBACK, /* "diff-callback": what the author names as a callback is none */
	SUTURE_DIFF_ERROR_STATE,    /* "diff-state": what the author declares as a state is none */
	/* "diff-inlined": a changed function that is only part of others, none of which can be redirected */
	SUTURE_DIFF_ERROR_INLINED,
	SUTURE_DIFF_ERROR_UNEXPLAINED, /* "diff-unexplained": a change that nothing accounts for */
} SutureDiffError;
