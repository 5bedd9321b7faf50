/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "fetcher/repo/bundles.h"

/*
 * The <update> elements (gchar*) of updateinfo.xml for @bundles (all of one kernel): one for each advisory,
 * with its severity, issue date, the packages that carry it, and a reference of type "cve" for each CVE that
 * it fixes (one that is only under investigation or not affected is none). RPM-MD.
 */
GPtrArray *suture_updateinfo_records(GPtrArray *bundles, GError **error) G_GNUC_WARN_UNUSED_RESULT;
