/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/error.h"

/* Refusals on the way from a unified diff to a patch module. Exit code INPUT unless said otherwise. */
#define SUTURE_FIX_ERROR suture_fix_error_quark()
GQuark suture_fix_error_quark(void);
typedef enum {
	SUTURE_FIX_ERROR_DIFF,      /* "fix-diff": not a unified diff, or damaged */
	SUTURE_FIX_ERROR_REJECTED,  /* "fix-rejected": the diff does not apply to the kernel's source */
	SUTURE_FIX_ERROR_NO_SOURCE, /* "fix-no-source": it changes a file that the source has not */
	SUTURE_FIX_ERROR_KIND, /* "fix-file-kind": it changes what no live patch can carry: assembly, Kconfig,
				  Makefiles, linker scripts, new or removed sources */
	SUTURE_FIX_ERROR_NOTHING,  /* "fix-nothing": nothing that the kernel was built of changes (exit
				    * NOTHING)
				    */
	SUTURE_FIX_ERROR_TOO_MANY, /* "fix-too-many-units": more objects than the limit include what changed
				    */
	SUTURE_FIX_ERROR_BEFORE, /* "fix-compile-before": the unpatched source does not compile (exit FAILURE)
				  */
	SUTURE_FIX_ERROR_COMPILE,  /* "fix-compile": the patched source does not compile */
	SUTURE_FIX_ERROR_PRISTINE, /* "fix-include": the compiler read an unpatched copy of a patched file */
	SUTURE_FIX_ERROR_APART,    /* "fix-apart": it changes the vDSO, or another image within the kernel */
	SUTURE_FIX_ERROR_OBJTOOL,  /* "fix-objtool": objtool found fault with the module */
	SUTURE_FIX_ERROR_MODPOST,  /* "fix-modpost": modpost found fault with the module */
	SUTURE_FIX_ERROR_LINK,     /* "fix-link": the module could not be put together (exit FAILURE) */
} SutureFixError;
