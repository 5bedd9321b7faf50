/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/staging.h"
#include "fetcher/mirror/folder.h"
#include "fetcher/mirror/plan.h"
#include "fetcher/mirror/rpm-md.h"

/*
 * What a mirror serves, as a reader of it would find and verify it: by a client of its own, which begins with
 * the root that the mirror trusts, whatever root is served. Expiry is judged by the time that timestamp.json
 * says of itself: old mirrors can be verified and exported. TIMESTAMP-ROLLBACK when readers were shown more.
 */
typedef struct {
	SutureMirrorFolder *folder;
	gchar **kernels; /* patterns of the last sync or import; NULL: all */
	SutureTufClient *client;
	SutureMirrorPlan *plan;
	SutureScratch *scratch;
	SutureHttp *http;
} SutureMirrorServed;
/* @only: patterns that narrow the mirror's own; NULL: none. INCOMPLETE, and codes of a refresh. */
SutureMirrorServed *suture_mirror_served_open(const gchar *path, const gchar *const *only,
					      GError **error) G_GNUC_WARN_UNUSED_RESULT;
void suture_mirror_served_free(SutureMirrorServed *served);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureMirrorServed, suture_mirror_served_free)

/* A source (http.h) of the files in the folder @data (an int *), whatever comes before the last '/' of the
 * URL. */
GBytes *suture_mirror_source(const gchar *url, guint64 limit, gpointer data, GError **error);
/* The URL to ask suture_mirror_source() below. */
#define SUTURE_MIRROR_SOURCE_URL "mirror:metadata"
