/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/build/error.h"
#include "spec/manifest.h"

/*
 * A distribution's spec file (spec/rpm/<distribution>.spec.in) filled in for one bundle. Placeholders:
 * @RPM_NAME@
 * @VERSION@ @RELEASE@ @SUMMARY@ @ADVISORY@ @SEVERITY@ @KERNEL_RELEASE@ @FOLDER@ (in the package), @PROVIDES@
 * (a line "Provides: ..." each), @FILES@ (a line each), and @KERNEL_FLAVOR@ @KERNEL_PACKAGE_VERSION@ for
 * distributions whose uname -r is <version>-<release>-<flavor>.
 */

/*
 * Fills in @template, in one pass: what a value brings in is never looked at again. Codes TEMPLATE (a
 * placeholder that there is not), VALUE (a text that could be read as spec syntax), KERNEL-FORM.
 */
gchar *suture_template_fill(const gchar *template, const SutureManifest *manifest,
			    GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* VALUE unless all that a template may take of @manifest can stand in a spec file. */
gboolean suture_template_check(const SutureManifest *manifest, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Reads the template of @distribution from @folder; NULL: where it was installed, seen from the running
 * program. TEMPLATE names what there is when there is none.
 */
gchar *suture_template_load(const gchar *folder, const gchar *distribution,
			    GError **error) G_GNUC_WARN_UNUSED_RESULT;
