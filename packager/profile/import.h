/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/profile/inputs.h"
#include "packager/profile/recipe.h"
#include "packager/profile/toolchain.h"

/* An import in the making; what its parts know of it. */
typedef struct {
	const SutureImport *request;
	json_t *digests;      /* of the inputs */
	gchar *inputs_digest; /* of those digests: what a profile made of the same inputs has too */
	gchar *folder, *tree; /* under construction */
	SutureInputs *inputs;
	SutureImageIdentity *image;
	GHashTable *config;
	SutureToolchain *toolchain;
	gchar *mismatch;           /* why these tools are not those of the kernel, where that was allowed */
	GPtrArray *config_changes; /* gchar*: what Kconfig changed for that; NULL: nothing may have */
	GPtrArray *not_made; /* gchar*: generated files that a unit may include and kbuild did not make */
	SutureRecipe *recipe;
	guint n_units;
	json_t *steps; /* names and times */
	const gchar *step;
	gint64 since;
} SutureImportWork;
void suture_import_work_clear(SutureImportWork *work);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SutureImportWork, suture_import_work_clear)

/* Id of a profile made of these inputs with these tools. New. */
gchar *suture_import_id(const gchar *inputs_digest, const SutureToolchain *toolchain);

/* Writes profile.json into the folder. */
gboolean suture_import_describe(const SutureImportWork *work, const gchar *id, GError **error);
