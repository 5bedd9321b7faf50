// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fetcher/mirror/served.h"

#include "fetcher/mirror/record.h"

#include <fcntl.h>

void suture_mirror_served_free(SutureMirrorServed *served)
{
	g_clear_pointer(&served->plan, suture_mirror_plan_free);
	g_clear_pointer(&served->client, suture_tuf_client_free);
	g_clear_pointer(&served->http, suture_http_free);
	g_clear_pointer(&served->scratch, suture_scratch_free);
	g_clear_pointer(&served->folder, suture_mirror_folder_free);
	g_strfreev(served->kernels);
	g_free(served);
}

GBytes *suture_mirror_source(const gchar *url, guint64 limit, gpointer data, GError **error)
{
	const int *folder = data;
	g_autofree gchar *name = g_uri_unescape_string(suture_mirror_base(url), NULL);
	g_autoptr(GError) cause = NULL;
	GBytes *bytes;

	if (!name || !suture_file_name_is_safe(name) ||
	    faccessat(*folder, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0) {
		g_set_error(error, SUTURE_FETCH_ERROR, SUTURE_FETCH_ERROR_NOT_FOUND, "%s: not there", url);
		return NULL;
	}
	bytes = suture_file_read_at(*folder, name, limit, &cause);
	if (bytes)
		return bytes;
	if (g_error_matches(cause, SUTURE_COMMON_ERROR, SUTURE_COMMON_ERROR_TOO_LARGE))
		g_set_error_literal(error, SUTURE_FETCH_ERROR, SUTURE_FETCH_ERROR_TOO_LARGE, cause->message);
	else
		g_propagate_error(error, g_steal_pointer(&cause));
	return NULL;
}

/* What is served does not say by itself whose it is: that is known from what the mirror trusts. */
static gboolean init_trust(const SutureMirrorServed *served, const gchar *trusted, GError **error)
{
	g_autofree gchar *path = g_build_filename(served->folder->trusted, "root.json", NULL);
	g_autoptr(GBytes) root = NULL;

	if (!suture_tuf_is_initialised(served->folder->trusted)) {
		g_set_error(error, SUTURE_TUF_ERROR, SUTURE_TUF_ERROR_NOT_INITIALISED,
			    "%s: this mirror trusts no root; run 'suture mirror sync --trusted-root'",
			    served->folder->path);
		return FALSE;
	}
	root = suture_file_read(path, SUTURE_TUF_MAX_ROOT_BYTES, error);
	return root && suture_tuf_init(trusted, root, error);
}

/* An old state of the same publisher, put in the place of what readers were shown since. */
static gboolean check_age(const SutureMirrorServed *served, GError **error)
{
	gint64 version = suture_tuf_client_metadata(served->client, SUTURE_TUF_TIMESTAMP)->version;
	gint64 shown = suture_mirror_record_shown(served->folder->record);

	if (version >= shown)
		return TRUE;
	g_set_error(error, SUTURE_TUF_ERROR, SUTURE_TUF_ERROR_TIMESTAMP_ROLLBACK,
		    "timestamp.json is version %" G_GINT64_FORMAT ", and readers were shown %" G_GINT64_FORMAT
		    "; repair the mirror, and find out who changed it",
		    version, shown);
	return FALSE;
}

static gboolean open_client(SutureMirrorServed *served, GError **error)
{
	g_autofree gchar *trusted = NULL;

	served->scratch = suture_scratch_new(error);
	if (!served->scratch)
		return FALSE;
	trusted = g_build_filename(suture_scratch_path(served->scratch), "metadata", NULL);
	served->http = suture_http_new_source(suture_mirror_source, &served->folder->metadata);
	if (!init_trust(served, trusted, error))
		return FALSE;
	served->client = suture_tuf_client_new(trusted, SUTURE_MIRROR_SOURCE_URL, served->http, 0, error);
	return served->client && suture_tuf_client_refresh(served->client, error) && check_age(served, error);
}

/* A role that expired is what the publisher has, and no damage. */
static gboolean check_refused(const SutureMirrorPlan *plan, GError **error)
{
	for (guint i = 0; i < plan->refused->len; i++) {
		const SutureMirrorRefused *refused = plan->refused->pdata[i];

		if (refused->expired)
			continue;
		g_propagate_error(error, g_error_copy(refused->cause));
		return FALSE;
	}
	return TRUE;
}

SutureMirrorServed *suture_mirror_served_open(const gchar *path, const gchar *const *only, GError **error)
{
	g_autoptr(SutureMirrorServed) served = g_new0(SutureMirrorServed, 1);
	const gchar *const *kernels;

	served->folder = suture_mirror_folder_open_served(path, error);
	if (!served->folder)
		return NULL;
	served->kernels = suture_mirror_record_kernels(served->folder->record);
	kernels = only ? only : (const gchar *const *)served->kernels;
	if (!open_client(served, error))
		return NULL;
	served->plan = suture_mirror_plan_new(served->client, kernels, error);
	return served->plan && check_refused(served->plan, error) ? g_steal_pointer(&served) : NULL;
}
