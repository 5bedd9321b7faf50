/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/error.h"

/* Refusals met while making, finding and reading kernel profiles. */
#define SUTURE_PROFILE_ERROR suture_profile_error_quark()
GQuark suture_profile_error_quark(void);
typedef enum {
	SUTURE_PROFILE_ERROR_INPUT,     /* "profile-input": something to make a profile of is missing, given
					   twice, or no such thing */
	SUTURE_PROFILE_ERROR_ARCHIVE,   /* "profile-archive": a package or tarball is damaged or unsafe */
	SUTURE_PROFILE_ERROR_DISAGREE,  /* "profile-disagree": inputs of different kernels (exit MISMATCH) */
	SUTURE_PROFILE_ERROR_TOOLCHAIN, /* "profile-toolchain": compiler, assembler or linker is not the one
					   that the kernel was built with (exit MISMATCH) */
	SUTURE_PROFILE_ERROR_TOOLS,     /* "profile-tools": a tool is missing, or another distribution's tools
					   cannot be run here */
	SUTURE_PROFILE_ERROR_CONFIG, /* "profile-config": the source's Kconfig changes what the configuration
					says (exit MISMATCH) */
	SUTURE_PROFILE_ERROR_MAKE,   /* "profile-make": kbuild refused to prepare the tree */
	SUTURE_PROFILE_ERROR_COMMANDS,  /* "profile-commands": what kbuild would run cannot be understood */
	SUTURE_PROFILE_ERROR_UNKNOWN,   /* "profile-unknown": no such profile */
	SUTURE_PROFILE_ERROR_AMBIGUOUS, /* "profile-ambiguous": more than one profile of that name */
	SUTURE_PROFILE_ERROR_DAMAGED,   /* "profile-damaged": a profile in the store contradicts itself */
	SUTURE_PROFILE_ERROR_OUTDATED,  /* "profile-outdated": made by a program that made profiles otherwise
					 */
} SutureProfileError;
