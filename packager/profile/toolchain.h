/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/profile/agree.h"

/* The tools that a kernel is built with, and where they are. */
typedef struct {
	gchar *root; /* folder of another distribution, absolute; NULL: the host */
	gchar *path; /* PATH that they are found in */
	gchar *cc;   /* "gcc-12" */
	gchar *cc_version, *as_version, *ld_version; /* first lines of --version */
} SutureToolchain;
void suture_toolchain_free(SutureToolchain *toolchain);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureToolchain, suture_toolchain_free)

/*
 * Asks the compiler @cc and its assembler and linker. TOOLS: one is not there, or those in @root (NULL for
 * the host's own) cannot be run.
 */
SutureToolchain *suture_toolchain_open(const gchar *root, const gchar *cc,
				       GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Name of the compiler that the configuration was made with. TOOLS: one that is not supported (clang). New.
 */
gchar *suture_toolchain_compiler_name(GHashTable *config, const gchar *what,
				      GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * That it is what the kernel was built with: compiler by CONFIG_CC_VERSION_TEXT, compiler and linker by the
 * image's banner, assembler and linker by their version numbers in the configuration. TOOLCHAIN names both.
 */
gboolean suture_toolchain_check(const SutureToolchain *toolchain, GHashTable *config,
				const SutureImageIdentity *image, GError **error);

/*
 * What has to be started so that @argv runs with these tools: in an emptied environment, @cwd as its working
 * directory, and in a root of their own if they have one, with no network, in which the folder @writable may
 * be written to and @readable (NULL allowed) read, at their own paths. New.
 */
gchar **suture_toolchain_argv(const gchar *root, const gchar *path, const gchar *const *argv,
			      const gchar *writable, const gchar *readable, const gchar *cwd);

/* "12.2.0" -> 120200, "2.40" -> 24000, "2.35.2-63.el9" -> 23502: as the kernel counts them; 0 when the text
 * has no version at its end. */
guint64 suture_toolchain_version_number(const gchar *first_line);
