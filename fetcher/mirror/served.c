// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fetcher/mirror/served.h"

#include "fetcher/mirror/record.h"

#include <fcntl.h>
#include <string.h>

#define ROOT_SUFFIX ".root.json"

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

gint64 suture_mirror_newest_root(int metadata, GError **error)
{
	g_autoptr(GPtrArray) names = suture_mirror_names(metadata, error);
	gint64 newest = 0;

	for (guint i = 0; names && i < names->len; i++) {
		g_autofree gchar *number = g_str_has_suffix(names->pdata[i], ROOT_SUFFIX)
						   ? g_strdup(names->pdata[i])
						   : g_strdup("");
		gint64 version;

		if (*number)
			number[strlen(number) - strlen(ROOT_SUFFIX)] = '\0';
		if (g_ascii_string_to_signed(number, 10, 1, G_MAXINT64, &version, NULL))
			newest = MAX(newest, version);
	}
	return newest;
}

static gboolean init_trust(const SutureMirrorServed *served, const gchar *trusted, GError **error)
{
	gint64 version = suture_mirror_newest_root(served->folder->metadata, error);
	g_autofree gchar *name = g_strdup_printf("%" G_GINT64_FORMAT ROOT_SUFFIX, version);
	g_autoptr(GBytes) root =
		suture_file_read_at(served->folder->metadata, name, SUTURE_TUF_MAX_ROOT_BYTES, error);

	return root && suture_tuf_init(trusted, root, error);
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
	return served->client && suture_tuf_client_refresh(served->client, error);
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
	return served->plan ? g_steal_pointer(&served) : NULL;
}
