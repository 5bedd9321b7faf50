/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/build/framework.h"
#include "packager/build/sources.h"

/* What kbuild made of sources. */
typedef struct {
	GPtrArray *names;   /* gchar*: "meminfo.ko", in the order of the Kbuild */
	GPtrArray *modules; /* GBytes*, in the order of names */
	gchar *toolchain;   /* first line of the compiler's --version */
} SutureKbuild;
void suture_kbuild_free(SutureKbuild *built);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureKbuild, suture_kbuild_free)

/* The Kbuild of a patch whose author has none: one module @name of all C sources, which are in "source/". */
gchar *suture_kbuild_generate(const SutureSourceSet *sources, const gchar *name,
			      GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Compiles @sources as an external module of the kbuild tree @headers, with @framework (NULL allowed) as it
 * asks, in a scratch folder that leaves no trace in the result: the same sources, headers and compiler give
 * the same bytes. No debug information is made. @name: the module's name where the author has no Kbuild ('-'
 * and '.' become '_'). *@ret_words, also on failure, gets what make and the compiler said. Codes NAME,
 * COMPILE (with the compiler's first error), EMPTY.
 */
SutureKbuild *suture_kbuild_run(const SutureSourceSet *sources, const gchar *headers,
				const SutureFramework *framework, const gchar *name, guint jobs,
				gchar **ret_words, GError **error) G_GNUC_WARN_UNUSED_RESULT;
