/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/build/description.h"

/* The command line of `suture build`. */
typedef struct {
	gchar *output, *headers, *image, *framework, *description, *distribution, *template_folder, *pack;
	gchar **patched_modules;
	gint jobs;
	/* of a fix given as diffs */
	gchar *kernel, *kernels, *profiles;
	gint max_units;
	gboolean explain;
	/* single keys of the description */
	gchar *name, *version, *release, *summary, *severity, *advisory, *issued, *provider, *consistency;
	gchar **cves, **requires, **supersedes, **conflicts;
	gboolean cumulative;
	/* the whole way */
	gchar *module_key, *module_certificate, *manifest_key, *manifest_certificate, *package_key;
	gchar **arguments;
} SutureBuildOptions;
void suture_build_options_clear(SutureBuildOptions *options);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SutureBuildOptions, suture_build_options_clear)

/* Parses and checks it. */
gboolean suture_build_options_parse(SutureBuildOptions *options, int argc, char **argv,
				    GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* What suture_build_options_parse() makes @options of, without the command's name. New. */
gchar **suture_build_options_words(const SutureBuildOptions *options);

/* How many of the five keys were given: none, or all. */
guint suture_build_options_keys(const SutureBuildOptions *options);

/* The description that belongs to the source, with what the command line says of it. New. */
SutureDescription *suture_build_options_describe(const SutureBuildOptions *options,
						 GError **error) G_GNUC_WARN_UNUSED_RESULT;
