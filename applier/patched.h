/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "applier/sysfs.h"
#include "spec/manifest.h"

/* The kernel modules that a patch patches, against the builds that its manifest names (spec/manifest.md). */

/* MODULE-BUILD when the module that @wanted names is loaded, and in another build. @what names the patch. */
gboolean suture_patched_check_loaded(const SutureLivepatch *livepatch, const SuturePatchedBuild *wanted,
				     const gchar *what, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * The same for all that @manifest names; one that is not loaded is judged by the file that modprobe would
 * load for the kernel @release below @root (NULL: "/"). A host may lack it altogether: then there is nothing
 * to patch. Also IO, NOT-MODULE, MODULE-MALFORMED for such a file.
 */
gboolean suture_patched_check(const SutureLivepatch *livepatch, const gchar *root, const gchar *release,
			      const SutureManifest *manifest, const gchar *what,
			      GError **error) G_GNUC_WARN_UNUSED_RESULT;
