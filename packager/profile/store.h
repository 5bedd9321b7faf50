/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/profile/error.h"

/*
 * The folder that profiles lie in, each under its id. One appears whole, by rename, while the importer holds
 * the store's lock; whoever uses one holds a shared flock(2) on its folder, whoever removes it an exclusive
 * one.
 */

/* Whether @name is an id: 64 lower-case hex digits. */
gboolean suture_store_is_id(const gchar *name);

/* Ids of all that is there, gchar*, sorted; empty for a store that is not there. */
GPtrArray *suture_store_ids(const gchar *store, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Descriptor of a profile's folder with a shared lock, or, @exclusive, the one lock: BUSY when it is in use.
 * UNKNOWN when it is not there, or went while we waited. -1 on failure. */
int suture_store_lock_profile(const gchar *store, const gchar *id, gboolean exclusive,
			      GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Takes the store's own lock for import or removal, the store made where it lacks, waiting for others (a
 * signal ends the wait), and clears away what dead ones left. Close the descriptor to release. -1 on failure.
 */
int suture_store_lock(const gchar *store, int *ret_dirfd, GError **error) G_GNUC_WARN_UNUSED_RESULT;
