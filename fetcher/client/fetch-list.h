/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "fetcher/client/fetch.h"
#include "fetcher/client/tuf-client.h"
#include "packager/read/bundle.h"

/*
 * One SutureFetchResult for each of the repository's bundles for @kernel's release: WANTED, PRESENT when the
 * store has it whole, as @trust judges it at rest, with a receipt of origin "tuf", MISMATCH for another
 * build, REFUSED when its data is malformed or belies its path. NULL when the
 * store cannot be read, or a role that could list such bundles is refused. Fetched bundles that are there
 * and do not verify by @trust any more go to @distrusted (SutureStored*, owning).
 */
GPtrArray *suture_fetch_list(SutureTufClient *client, const gchar *root, const SutureTrust *trust,
			     const SutureKernel *kernel, GPtrArray *distrusted,
			     GError **error) G_GNUC_WARN_UNUSED_RESULT;
