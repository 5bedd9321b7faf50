// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/fix/error.h"

static const SutureErrorEntry fix_errors[] = {
	{SUTURE_FIX_ERROR_DIFF, SUTURE_EXIT_INPUT, "fix-diff"},
	{SUTURE_FIX_ERROR_REJECTED, SUTURE_EXIT_INPUT, "fix-rejected"},
	{SUTURE_FIX_ERROR_NO_SOURCE, SUTURE_EXIT_INPUT, "fix-no-source"},
	{SUTURE_FIX_ERROR_KIND, SUTURE_EXIT_INPUT, "fix-file-kind"},
	{SUTURE_FIX_ERROR_NOTHING, SUTURE_EXIT_NOTHING, "fix-nothing"},
	{SUTURE_FIX_ERROR_TOO_MANY, SUTURE_EXIT_INPUT, "fix-too-many-units"},
	{SUTURE_FIX_ERROR_BEFORE, SUTURE_EXIT_FAILURE, "fix-compile-before"},
	{SUTURE_FIX_ERROR_COMPILE, SUTURE_EXIT_INPUT, "fix-compile"},
	{SUTURE_FIX_ERROR_PRISTINE, SUTURE_EXIT_INPUT, "fix-include"},
	{SUTURE_FIX_ERROR_APART, SUTURE_EXIT_INPUT, "fix-apart"},
	{SUTURE_FIX_ERROR_OBJTOOL, SUTURE_EXIT_INPUT, "fix-objtool"},
	{SUTURE_FIX_ERROR_MODPOST, SUTURE_EXIT_INPUT, "fix-modpost"},
	{SUTURE_FIX_ERROR_LINK, SUTURE_EXIT_FAILURE, "fix-link"},
};
SUTURE_DEFINE_ERROR_DOMAIN(suture_fix_error, fix_errors)
