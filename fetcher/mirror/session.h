/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "fetcher/mirror/arrivals.h"
#include "fetcher/mirror/mirror.h"

/*
 * What a sync and an import have in common: a locked mirror, a refreshed client over its trusted metadata,
 * wherever that comes from, and what it leads to.
 */
typedef struct {
	SutureMirrorFolder *folder;
	SutureTufClient *client;
	SutureMirrorPlan *plan; /* NULL until suture_mirror_session_plan() */
	SutureMirrorArrivals *arrivals;
	gchar **kernels; /* patterns; NULL: all */
	guint max_stale; /* days; see suture_tuf_client_set_max_stale() */
	SutureMirrorReport *report;
} SutureMirrorSession;
void suture_mirror_session_clear(SutureMirrorSession *session);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SutureMirrorSession, suture_mirror_session_clear)

/* Opens the mirror at @path. @root: trusted from now on when nothing is yet; NULL allowed. */
gboolean suture_mirror_session_open(SutureMirrorSession *session, const gchar *path, const gchar *root,
				    GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Refreshes by @http (borrowed, for as long as the session) and notes the versions. */
gboolean suture_mirror_session_refresh(SutureMirrorSession *session, SutureHttp *http,
				       const gchar *metadata_url, gint64 now,
				       GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Whether readers are shown all of that already. */
gboolean suture_mirror_session_is_complete(const SutureMirrorSession *session);

/* What is refused of single kernels is in the report. */
gboolean suture_mirror_session_plan(SutureMirrorSession *session, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Puts the kernels of @failed (path -> GError*), which cannot be had, into the report. FALSE with the cause
 * when the top-level role lists one. */
gboolean suture_mirror_session_judge(SutureMirrorSession *session, GHashTable *failed,
				     GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Gives names to what arrived, checks that every file is there (INCOMPLETE), and shows the metadata. The
 * record says what was done. When the report says that they are held back: only the record.
 */
gboolean suture_mirror_session_publish(SutureMirrorSession *session, SutureHttp *http,
				       const gchar *metadata_url, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Keeps @cause as the report's refusal, unless there is one or it is a cancellation: then FALSE. Takes
 * @cause. */
gboolean suture_mirror_session_note(SutureMirrorSession *session, GError *cause, GError **error);
