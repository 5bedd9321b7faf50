/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "fetcher/mirror/folder.h"
#include "fetcher/mirror/plan.h"

/*
 * Shows refreshed metadata to readers: roles and roots first, timestamp.json last, when all that it leads to
 * is on disk. The client's folder is @folder's trusted one; all files of @plan are served. Old roots that are
 * not served yet are asked for at @metadata_url by @http, down to the first one that cannot be had.
 */
gboolean suture_mirror_publish(const SutureMirrorFolder *folder, const SutureTufClient *client,
			       const SutureMirrorPlan *plan, SutureHttp *http, const gchar *metadata_url,
			       GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Whether readers are shown the timestamp.json that @client trusts. */
gboolean suture_mirror_is_published(const SutureMirrorFolder *folder, const SutureTufClient *client);

/*
 * The root @name below @metadata, if a reader who trusts it would follow to @newer, the next version: all
 * that can be said of a root from before the first one that was trusted here. TUF codes.
 */
SutureTufMetadata *suture_mirror_older_root(int metadata, const gchar *name, const SutureTufMetadata *newer,
					    GError **error) G_GNUC_WARN_UNUSED_RESULT;
