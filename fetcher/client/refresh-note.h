/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "fetcher/client/tuf-client.h"
#include "spec/refresh.h"

#define SUTURE_REFRESH_FOLDER "/var/lib/suture"

/* This host's refresh.json; NULL without an error when there is none. @root: NULL for "/". */
SutureRefresh *suture_refresh_load(const gchar *root, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Writes refresh.json for what @client, a client of the repository at @url, has just done: with @failure what
 * was known before stays, and how it failed is added. Returns what was written.
 */
SutureRefresh *suture_refresh_note(const gchar *root, const gchar *url, SutureTufClient *client,
				   const GError *failure, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* @local, what the local clock says, or the floor of this host's TUF clock when that is later. */
gint64 suture_refresh_now(const gchar *root, gint64 local);
