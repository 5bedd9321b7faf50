/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/error.h"

/* Refusals and failures while patches are made live or taken back. Exit code KERNEL unless said otherwise. */
#define SUTURE_APPLY_ERROR suture_apply_error_quark()
GQuark suture_apply_error_quark(void);
typedef enum {
	/* what the kernel said to a module */
	SUTURE_APPLY_ERROR_MODULE_KEY,       /* "module-rejected-key": EKEYREJECTED or ENOKEY */
	SUTURE_APPLY_ERROR_MODULE_SIGNATURE, /* "module-rejected-signature": EBADMSG */
	SUTURE_APPLY_ERROR_MODULE_FORMAT, /* "module-rejected-format": ENOEXEC: vermagic, symbol versions, ELF
					   */
	SUTURE_APPLY_ERROR_MODULE_EXISTS, /* "module-exists": EEXIST, or a loaded module has its name */
	SUTURE_APPLY_ERROR_MODULE_DEVICE, /* "module-rejected-device": ENODEV: livepatch is off in this kernel
					   */
	SUTURE_APPLY_ERROR_MODULE_PATCH,  /* "module-rejected-patch": EINVAL: the kernel does not take its
					     klp_patch */
	SUTURE_APPLY_ERROR_MODULE_SYMBOL, /* "module-rejected-symbol": ENOENT: a function or symbol is not in
					     this kernel */
	SUTURE_APPLY_ERROR_MODULE_BUSY,   /* "module-rejected-busy": EBUSY: another transition is under way */
	SUTURE_APPLY_ERROR_MODULE_FORBIDDEN,  /* "module-load-forbidden": EPERM: no CAP_SYS_MODULE, or
						 kernel.modules_disabled */
	SUTURE_APPLY_ERROR_MODULE_REJECTED,   /* "module-rejected": any other answer */
	SUTURE_APPLY_ERROR_MODULE_DEPENDENCY, /* "module-dependency": needs a module that is not loaded */
	SUTURE_APPLY_ERROR_MODULE_IN_USE,     /* "module-in-use": could not be unloaded */
	SUTURE_APPLY_ERROR_MODULE_PINNED,     /* "module-pinned": reverted, and loaded until the next boot */

	/* before loading */
	SUTURE_APPLY_ERROR_KEY_UNENROLLED, /* "module-key-unenrolled": enforcement is on and the signer's key
					      is in no kernel keyring (exit UNTRUSTED) */
	SUTURE_APPLY_ERROR_PROVIDER,       /* "provider-missing": no livepatch provider, or not the one that
					      the patch was built for (exit MISMATCH) */
	SUTURE_APPLY_ERROR_FRAMEWORK,    /* "framework-missing": the patch is for the framework, and suture.ko
					    is not installed (exit MISMATCH) */
	SUTURE_APPLY_ERROR_MODULE_BUILD, /* "module-build": a module that the patch patches is loaded or
					    installed in another build (exit MISMATCH) */
	SUTURE_APPLY_ERROR_NOT_SYSFS, /* "not-sysfs": below --root there is another sysfs than this kernel's
					 (exit USAGE) */
	SUTURE_APPLY_ERROR_RECEIPT,   /* "receipt-missing": a fetched bundle without its receipt (exit
					 UNTRUSTED) */

	/* the transition */
	SUTURE_APPLY_ERROR_STALLED, /* "transition-stalled": not over within the limit; names tasks; reversed
				     */
	SUTURE_APPLY_ERROR_BLOCKED, /* "transition-blocked": stop-machine found tasks in the functions for as
				       long as it tried */
	SUTURE_APPLY_ERROR_BUSY,    /* "transition-busy": another patch is in transition */
	SUTURE_APPLY_ERROR_LOST,    /* "transition-lost": somebody else reversed or removed the patch */
	SUTURE_APPLY_ERROR_FUNCTIONS, /* "functions-differ": the kernel patched other functions than the
					 manifest says; reversed */

	/* the stack: exit POLICY */
	SUTURE_APPLY_ERROR_STACK_ORDER,   /* "stack-order": a patch would have to go below a live one */
	SUTURE_APPLY_ERROR_STACK_FOREIGN, /* "stack-foreign": a cumulative patch would remove livepatches
					     that are not ours */
	SUTURE_APPLY_ERROR_STACK_NOT_TOP, /* "stack-not-top": patches above must be reverted too */
	SUTURE_APPLY_ERROR_CLAIMED,       /* "function-claimed": a patch of the other provider replaces it */

	SUTURE_APPLY_ERROR_NOT_LIVE,      /* "not-live": asked to revert what is not live (exit INPUT) */
	SUTURE_APPLY_ERROR_NOT_INSTALLED, /* "not-installed": no such bundle in the stores (exit INPUT) */
	SUTURE_APPLY_ERROR_CONFIRM,       /* "needs-confirmation" (exit CONFIRM) */
	SUTURE_APPLY_ERROR_LIVE_COPY, /* "live-copy": the copy of a live patch is unreadable (exit FAILURE) */
	SUTURE_APPLY_ERROR_SYSFS,     /* "sysfs-malformed": an attribute that cannot be understood */
} SutureApplyError;
