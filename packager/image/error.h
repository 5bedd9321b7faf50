/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/error.h"

/* Refusals met while reading what runs. Exit code INPUT unless said otherwise. */
#define SUTURE_IMAGE_ERROR suture_image_error_quark()
GQuark suture_image_error_quark(void);
typedef enum {
	SUTURE_IMAGE_ERROR_VMLINUX,  /* "image-vmlinux": not an uncompressed x86-64 vmlinux, or a damaged one
				      */
	SUTURE_IMAGE_ERROR_MODULE,   /* "image-module": not a kernel module, or a damaged one */
	SUTURE_IMAGE_ERROR_OBJECT,   /* "image-object": the compiled unit is no object file, or a damaged one
				      */
	SUTURE_IMAGE_ERROR_SYMVERS,  /* "image-symvers": not a Module.symvers */
	SUTURE_IMAGE_ERROR_KALLSYMS, /* "kallsyms-absent": no table of symbols in the vmlinux */
	SUTURE_IMAGE_ERROR_SYMBOL_ABSENT,    /* "symbol-absent": the kernel knows no symbol of that name
						(exit MISMATCH) */
	SUTURE_IMAGE_ERROR_SYMBOL_AMBIGUOUS, /* "symbol-ambiguous": it knows several, and nothing tells them
						apart */
	SUTURE_IMAGE_ERROR_SYMBOL_INIT, /* "symbol-init": it is gone once the kernel or the module has started
					 */
	SUTURE_IMAGE_ERROR_SYMBOL_MODULE, /* "symbol-module": it is in a module that need not be there */
	SUTURE_IMAGE_ERROR_DIFFERS, /* "run-pre-differs": functions are not compiled as those that run (exit
				       MISMATCH) */
	SUTURE_IMAGE_ERROR_ABSENT,  /* "run-pre-absent": functions are not in what runs (exit MISMATCH) */
} SutureImageError;
