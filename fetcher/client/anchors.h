/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "fetcher/client/tuf-client.h"

/*
 * Trust anchors out of the repository: the targets "trust/<file>" of the top-level role take the place of
 * what was provisioned. They are downloaded, loaded for a trial, and put into SUTURE_TRUST_ADOPTED
 * (packager/read/bundle.h) by one rename, all together. A revocation list that is not listed any more stays.
 * A repository that lists none leaves the host with its own. *@ret_changed: whether others are in force now.
 * ANCHORS when some are missing, or cannot be used.
 */
gboolean suture_anchors_adopt(SutureTufClient *client, const gchar *root, const gchar *targets_url,
			      gboolean *ret_changed, GError **error) G_GNUC_WARN_UNUSED_RESULT;
