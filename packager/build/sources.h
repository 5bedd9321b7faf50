/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/build/error.h"

/* The files that an author gave: a folder's C sources, headers and Kbuild, or a single .c file. */
typedef struct {
	GPtrArray *names;    /* gchar*, sorted */
	GPtrArray *contents; /* GBytes*, in the order of names */
	gboolean has_kbuild; /* there is a Kbuild or Makefile among them */
} SutureSourceSet;
void suture_source_set_free(SutureSourceSet *sources);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureSourceSet, suture_source_set_free)

/*
 * Reads @path. Of a folder: *.c, *.h, *.S, Kbuild and Makefile; what else is there (patch.conf, notes, the
 * leavings of a build) is no source. Folders within and symlinks are not followed. SOURCE when nothing can be
 * compiled.
 */
SutureSourceSet *suture_source_set_read(const gchar *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* SutureSource* (spec/manifest.h) with the digest of each file. */
GPtrArray *suture_source_set_digests(const SutureSourceSet *sources);

/* Writes all files into @folder, an existing one. */
gboolean suture_source_set_write(const SutureSourceSet *sources, const gchar *folder,
				 GError **error) G_GNUC_WARN_UNUSED_RESULT;
