/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli/session.h"
#include "packager/read/bundle.h"

/*
 * Verifies the bundle file @path for the running kernel as `suture verify` does (checks 3 to 5 and the kernel
 * match) and puts it into the fetched store with a receipt of origin "file". POLICY-REFUSED, before it is
 * stored, when policy wants bundles from the repository alone. Records "verify" and "accept", or "refuse".
 * Returns its id.
 */
gchar *suture_bundle_file_add(const SutureContext *context, SutureSession *session, const SutureTrust *trust,
			      const gchar *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;
