// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/image/error.h"

static const SutureErrorEntry image_errors[] = {
	{SUTURE_IMAGE_ERROR_VMLINUX, SUTURE_EXIT_INPUT, "image-vmlinux"},
	{SUTURE_IMAGE_ERROR_MODULE, SUTURE_EXIT_INPUT, "image-module"},
	{SUTURE_IMAGE_ERROR_OBJECT, SUTURE_EXIT_INPUT, "image-object"},
	{SUTURE_IMAGE_ERROR_SYMVERS, SUTURE_EXIT_INPUT, "image-symvers"},
	{SUTURE_IMAGE_ERROR_KALLSYMS, SUTURE_EXIT_INPUT, "kallsyms-absent"},
	{SUTURE_IMAGE_ERROR_SYMBOL_ABSENT, SUTURE_EXIT_MISMATCH, "symbol-absent"},
	{SUTURE_IMAGE_ERROR_SYMBOL_AMBIGUOUS, SUTURE_EXIT_INPUT, "symbol-ambiguous"},
	{SUTURE_IMAGE_ERROR_DIFFERS, SUTURE_EXIT_MISMATCH, "run-pre-differs"},
	{SUTURE_IMAGE_ERROR_ABSENT, SUTURE_EXIT_MISMATCH, "run-pre-absent"},
};
SUTURE_DEFINE_ERROR_DOMAIN(suture_image_error, image_errors)
