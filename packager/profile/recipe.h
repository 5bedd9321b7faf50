/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/profile/prepare.h"

void suture_recipe_free(SutureRecipe *recipe);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureRecipe, suture_recipe_free)

/* Builds two small modules with the tree, one of a single file and one of two, and keeps what kbuild said
 * that it ran. Leaves nothing in tree or folder. MAKE, COMMANDS. */
SutureRecipe *suture_recipe_record(const SutureKernelTree *tree, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The recipe in what make V=1 said of the modules "single" and "multi" in the folder @probe. COMMANDS. */
SutureRecipe *suture_recipe_parse(const gchar *said, const gchar *probe,
				  GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* As JSON, and back (DAMAGED). New reference. */
json_t *suture_recipe_json(const SutureRecipe *recipe);
SutureRecipe *suture_recipe_from_json(json_t *json, GError **error) G_GNUC_WARN_UNUSED_RESULT;
