/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/build/description.h"
#include "packager/profile/profile.h"

/* From a patch's source to its bundle folder: kernel modules and manifest, not yet signed. */

typedef struct {
	const gchar *source;  /* a folder with C sources, a .c file, or a ready .ko */
	const gchar *headers; /* kbuild output tree of the kernel; may be NULL for a .ko */
	const gchar *image;   /* vmlinuz or vmlinux of the kernel */
	const SutureDescription *description;
	const gchar *framework; /* the built framework (suture_framework_find()) for sources; NULL: for
				   provider framework the installed one, else none */
	guint jobs;             /* for make; 0 is 1 */
	const gchar *const *patched_modules; /* .ko files of modules that are patched; NULL: none, or diffs */

	/* For unified diffs; @source, @headers and @image are not used then. */
	const gchar *const *diffs;    /* NULL-terminated; NULL: not diffs */
	const SutureProfile *profile; /* the kernel that they are for */
	guint max_units;              /* of suture_fix_make() */
	SutureProgress progress;
	gpointer progress_data;
} SutureBuildRequest;

typedef struct {
	SutureManifest *manifest;
	GPtrArray *modules; /* GBytes*, in the order of manifest->modules */
	GPtrArray *unnamed; /* gchar*: modules that are patched, and of which the manifest names no build */
} SutureBuilt;
void suture_built_free(SutureBuilt *built);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureBuilt, suture_built_free)

/* The description file that belongs to @source: patch.conf in the folder or beside the file; NULL when there
 * is none.
 */
gchar *suture_build_default_description(const gchar *source);

/*
 * Makes the module of diffs (packager/fix/fix.h); *@ret_report (not NULL) gets what happened and why, also on
 * failure once the diffs were looked at. Else as suture_build().
 */
SutureBuilt *suture_build_fix(const SutureBuildRequest *request, json_t **ret_report, gchar **ret_words,
			      GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Compiles what is to be compiled (a .ko is taken byte for byte), reads every module and refuses what is no
 * live patch for the stated kernel. The source's folder is only read. The date of the patch, where the
 * description has none, is SOURCE_DATE_EPOCH, else now. The manifest names the builds of those kernel modules
 * that are patched and of which there is a file (packager/build/patched.h). *@ret_words (not NULL) gets the
 * compiler's words also on failure. Codes of SUTURE_BUILD_ERROR, and of SUTURE_BUNDLE_ERROR for the module
 * and the image.
 */
SutureBuilt *suture_build(const SutureBuildRequest *request, gchar **ret_words,
			  GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Writes manifest and modules as files into the folder open at @dirfd. */
gboolean suture_build_write(const SutureBuilt *built, int dirfd, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The same as folder @output/<name>-<version>-<release>, which appears whole; one that is there is replaced.
 * Returns its path. */
gchar *suture_build_write_folder(const SutureBuilt *built, const gchar *output,
				 GError **error) G_GNUC_WARN_UNUSED_RESULT;
