/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/build/error.h"

/* librpmbuild, as far as bundles need it: no script runs, no macro of the user's or the host's shows in the
 * result. */

typedef struct {
	const gchar *spec;   /* text of the spec file, for exactly one binary package */
	const gchar *folder; /* where the files are in the package, absolute */
	GHashTable *files;   /* gchar* name -> GBytes* content */
	gint64 date;         /* of the build and of every file, in seconds since the epoch */
} SutureRpmContent;

/* Builds the package and puts it, whole, into the folder @output. Returns its path; RPM with rpm's words when
 * it fails. Not thread-safe. */
gchar *suture_rpm_build(const SutureRpmContent *content, const gchar *output,
			GError **error) G_GNUC_WARN_UNUSED_RESULT;
