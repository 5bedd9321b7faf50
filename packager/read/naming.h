/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "spec/patch.h"

/* What a bundle is called as a package; the one place for both the builder and the reader. Newly allocated.
 */

/* RPM name: "livepatch-<uname -r>-<name>", every byte of the release outside [A-Za-z0-9._+-] as '_'. */
gchar *suture_bundle_rpm_name(const SuturePatch *patch);

/* The bundle's folder below a store's: "<uname -r>/<name>-<version>-<release>". */
gchar *suture_bundle_folder(const SuturePatch *patch);

/*
 * The names that a bundle's package provides beyond its own, NULL-terminated and sorted: "livepatch(<uname
 * -r>)", "livepatch(build-id:<hex>)" and "livepatch(cve:<id>)" for each vulnerability that is fixed.
 */
GStrv suture_bundle_provides(const SuturePatch *patch);
