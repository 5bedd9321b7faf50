// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/profile/error.h"

static const SutureErrorEntry profile_errors[] = {
	{SUTURE_PROFILE_ERROR_INPUT, SUTURE_EXIT_INPUT, "profile-input"},
	{SUTURE_PROFILE_ERROR_ARCHIVE, SUTURE_EXIT_INPUT, "profile-archive"},
	{SUTURE_PROFILE_ERROR_DISAGREE, SUTURE_EXIT_MISMATCH, "profile-disagree"},
	{SUTURE_PROFILE_ERROR_TOOLCHAIN, SUTURE_EXIT_MISMATCH, "profile-toolchain"},
	{SUTURE_PROFILE_ERROR_TOOLS, SUTURE_EXIT_FAILURE, "profile-tools"},
	{SUTURE_PROFILE_ERROR_CONFIG, SUTURE_EXIT_MISMATCH, "profile-config"},
	{SUTURE_PROFILE_ERROR_MAKE, SUTURE_EXIT_FAILURE, "profile-make"},
	{SUTURE_PROFILE_ERROR_COMMANDS, SUTURE_EXIT_INPUT, "profile-commands"},
	{SUTURE_PROFILE_ERROR_UNKNOWN, SUTURE_EXIT_INPUT, "profile-unknown"},
	{SUTURE_PROFILE_ERROR_AMBIGUOUS, SUTURE_EXIT_INPUT, "profile-ambiguous"},
	{SUTURE_PROFILE_ERROR_DAMAGED, SUTURE_EXIT_INPUT, "profile-damaged"},
	{SUTURE_PROFILE_ERROR_OUTDATED, SUTURE_EXIT_INPUT, "profile-outdated"},
};
SUTURE_DEFINE_ERROR_DOMAIN(suture_profile_error, profile_errors)
