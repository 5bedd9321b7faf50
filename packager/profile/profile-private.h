/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/profile/commands.h"
#include "packager/profile/includes.h"
#include "packager/profile/recipe.h"

/* Goes up when what a profile consists of changes. */
#define SUTURE_PROFILE_FORMAT 2

typedef struct _SutureProfilePrivate {
	SutureCommands *commands;
	SutureIncludes *includes;
	GHashTable *config;  /* symbol -> value */
	GHashTable *modules; /* name with '_' -> path of the .ko */
	SutureRecipe *recipe;
	gchar *path; /* PATH that the tools are found in */
	int lock;    /* shared, on the folder */
} SutureProfilePrivate;

/* Opens the profile @id. UNKNOWN, DAMAGED, OUTDATED. */
SutureProfile *suture_profile_open_id(const gchar *store, const gchar *id,
				      GError **error) G_GNUC_WARN_UNUSED_RESULT;
