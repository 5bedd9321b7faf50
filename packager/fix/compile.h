/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/fix/error.h"
#include "packager/profile/profile.h"

/* Single units of a kernel, compiled by the commands that its profile recorded. */

#define SUTURE_AS_BUILT ".run"

typedef struct {
	const SutureProfile *profile;
	const SutureCommandLine *line;
	const gchar *tree;        /* where to compile: the profile's tree, or a shadow of it */
	const gchar *const *more; /* further words for the compiler, NULL-terminated; NULL: none */
	const gchar *scratch;     /* what commands may write to */
	gchar *output;            /* path of the object file; "<output>.d" and "<output>.said" stand beside */
	gboolean sections; /* with each function and variable in a section of its own, for the differ */
	gboolean as_built; /* "<output>.run" too: the object after objtool, as the kernel's own are */
} SutureCompilation;
SutureCompilation *suture_compilation_new(void);
void suture_compilation_free(SutureCompilation *compilation);

/*
 * Runs them all (SutureCompilation*), @jobs at a time; @progress (NULL: none) hears, from one thread at a
 * time, how many are done. COMPILE, naming the source, when one fails (BEFORE for one in the profile's own
 * tree); its words are then in *@ret_words.
 */
gboolean suture_compile(GPtrArray *compilations, guint jobs, SutureProgress progress, gpointer progress_data,
			gchar **ret_words, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The files that the compiler read for it, as it named them (gchar*). */
GPtrArray *suture_compilation_read(const SutureCompilation *compilation,
				   GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* What the compiler said of it; "" for nothing. */
gchar *suture_compilation_words(const SutureCompilation *compilation);

/* The files that compiling @line's unit in @tree reads, without compiling it: by the preprocessor alone. */
GPtrArray *suture_compile_dependencies(const SutureCompilation *compilation,
				       GError **error) G_GNUC_WARN_UNUSED_RESULT;
