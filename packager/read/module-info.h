/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/read/error.h"
#include "spec/manifest.h"

/* What a kernel module says of itself (ELF gABI sections .modinfo, .note.gnu.build-id, and its klp_patch).
 * Strings owned. */
typedef struct {
	gchar *name; /* modinfo name */
	gchar *vermagic;
	gchar *srcversion; /* "" when absent */
	gchar *build_id;   /* hex; "" when absent */
	gchar *depends;
	SutureProvider provider;
	SutureConsistency consistency; /* modinfo suture_consistency; per-task when absent */
	gboolean cumulative;           /* klp_patch.replace is set */
	GPtrArray *functions; /* SutureFunction*: from the klp_patch, klp_object and klp_func arrays and their
				 relocations */
	GPtrArray *objects;   /* gchar*: the modules among the klp_objects, sorted, each once; also those of
				 which no function is replaced */
} SutureModuleInfo;
void suture_module_info_free(SutureModuleInfo *info);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureModuleInfo, suture_module_info_free)

/*
 * Reads a module, with or without an appended signature. @what names it in errors. Every offset and size of
 * the file is checked against its length. Codes NOT-MODULE, MODULE-MALFORMED, NO-MARK, NO-FUNCTIONS.
 */
SutureModuleInfo *suture_module_info_read(GBytes *module, const gchar *what,
					  GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* What tells one build of a module, which may be any, from another. Strings owned. */
typedef struct {
	gchar *name;       /* modinfo name; "" when absent */
	gchar *release;    /* uname -r of the kernel that it was built for: first word of its vermagic */
	gchar *build_id;   /* hex; "" when absent */
	gchar *srcversion; /* "" when absent */
} SutureModuleIdentity;
void suture_module_identity_free(SutureModuleIdentity *identity);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureModuleIdentity, suture_module_identity_free)

/* Reads it from a module, with or without an appended signature. NOT-MODULE, MODULE-MALFORMED. */
SutureModuleIdentity *suture_module_identity_read(GBytes *module, const gchar *what,
						  GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Whether two builds of one module are the same: by build-id where both have one, else by srcversion. Two
 * that have neither in common are not. NULL stands for "".
 */
gboolean suture_module_is_build(const SuturePatchedBuild *wanted, const gchar *build_id,
				const gchar *srcversion);

/* uname -r of the kernel that @module, which may be any, was built for: the first word of its vermagic.
 * NOT-MODULE, MODULE-MALFORMED. */
gchar *suture_module_release(GBytes *module, const gchar *what, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* MODULE-VERMAGIC unless the release (first word) of @info's vermagic is @release. */
gboolean suture_module_info_check_release(const SutureModuleInfo *info, const gchar *release, GError **error);

/* MODULE-MALFORMED unless @file is the module's name with ".ko" ('-' in a file name stands for '_'). */
gboolean suture_module_info_check_name(const SutureModuleInfo *info, const gchar *file, GError **error);
