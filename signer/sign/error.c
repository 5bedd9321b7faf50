// SPDX-License-Identifier: LGPL-2.1-or-later
#include "signer/sign/key.h"

static const SutureErrorEntry sign_errors[] = {
	{SUTURE_SIGN_ERROR_URI, SUTURE_EXIT_INPUT, "key-uri"},
	{SUTURE_SIGN_ERROR_KEY, SUTURE_EXIT_INPUT, "key-unusable"},
	{SUTURE_SIGN_ERROR_MODE, SUTURE_EXIT_INPUT, "key-mode"},
	{SUTURE_SIGN_ERROR_EXISTS, SUTURE_EXIT_INPUT, "key-exists"},
	{SUTURE_SIGN_ERROR_FAILED, SUTURE_EXIT_FAILURE, "sign-failed"},
	{SUTURE_SIGN_ERROR_ALREADY, SUTURE_EXIT_INPUT, "already-signed"},
	{SUTURE_SIGN_ERROR_ORDER, SUTURE_EXIT_INPUT, "sign-order"},
};
SUTURE_DEFINE_ERROR_DOMAIN(suture_sign_error, sign_errors)
