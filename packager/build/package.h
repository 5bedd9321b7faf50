/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/build/error.h"

/*
 * Packs the signed bundle folder @folder as RPM into the folder @output, where it appears whole; one of the
 * same name is replaced. Refuses a folder whose manifest or modules are unsigned (UNSIGNED) or that is not
 * exactly what its manifest lists (INCOMPLETE, EXTRA, DIFFERS, and the codes of the manifest format).
 * @template: text of the spec template. The package itself carries no signature yet. Same files, template and
 * version of rpm: same bytes, since every date in it is the manifest's "issued". Not thread-safe (librpm).
 * Returns the RPM's path.
 */
gchar *suture_package(const gchar *folder, const gchar *template, const gchar *output,
		      GError **error) G_GNUC_WARN_UNUSED_RESULT;
