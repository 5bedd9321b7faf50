/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/fix/error.h"
#include "packager/fix/generate.h"
#include "packager/profile/profile.h"

/* Puts a patch module together of extracted objects, by the commands that the kernel's own build has for an
 * external module. */
typedef struct {
	const SutureProfile *profile;
	const gchar *scratch; /* folder for what comes about, absolute */
	const gchar *name;    /* of the module: "proc_version_1_1" */
	SuturePatchSource source;
	GPtrArray *objects;        /* GBytes*, extracted */
	const gchar *include;      /* of the framework, when the module is for it; else NULL */
	const gchar *more_symvers; /* Module.symvers of the framework, likewise */
} SutureModuleParts;

/*
 * The linked module, with the table of references (references.h). OBJTOOL or MODPOST when one of them has
 * anything to say, LINK when a step fails otherwise; *@ret_words has what they said. Same parts, same bytes,
 * whatever the scratch folder is called.
 */
GBytes *suture_module_parts_link(const SutureModuleParts *parts, gchar **ret_words,
				 GError **error) G_GNUC_WARN_UNUSED_RESULT;
