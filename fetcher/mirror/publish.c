// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fetcher/mirror/publish.h"

#include "fetcher/client/tuf-signatures.h"
#include "fetcher/mirror/rpm-md.h"

#include <errno.h>
#include <fcntl.h>

#define PUBLIC_KEY_FILE "RPM-GPG-KEY-suture"

static gchar *versioned(const SutureTufMetadata *metadata)
{
	return g_strdup_printf("%" G_GINT64_FORMAT ".%s.json", metadata->version,
			       suture_tuf_type_name(metadata->type));
}

static gboolean show_top_level(const SutureMirrorFolder *folder, const SutureTufClient *client, int trusted,
			       GError **error)
{
	static const SutureTufType types[] = {SUTURE_TUF_TARGETS, SUTURE_TUF_SNAPSHOT, SUTURE_TUF_ROOT};

	for (gsize i = 0; i < G_N_ELEMENTS(types); i++) {
		g_autofree gchar *from = g_strconcat(suture_tuf_type_name(types[i]), ".json", NULL);
		g_autofree gchar *to = versioned(suture_tuf_client_metadata(client, types[i]));

		if (!suture_mirror_link(trusted, from, folder->metadata, to, error))
			return FALSE;
	}
	return TRUE;
}

static gboolean show_roles(const SutureMirrorFolder *folder, const SutureMirrorPlan *plan, int trusted,
			   GError **error)
{
	for (guint i = 0; i < plan->roles->len; i++) {
		const SutureMirrorRole *role = plan->roles->pdata[i];

		if (!suture_mirror_link(trusted, role->stored, folder->metadata, role->served, error))
			return FALSE;
	}
	return TRUE;
}

/* For those who set dnf up by hand. */
static gboolean show_keyring(const SutureMirrorFolder *folder, const SutureMirrorPlan *plan, GError **error)
{
	const SutureMirrorFile *keyring = suture_mirror_keyring_file(plan);

	return !keyring ||
	       suture_mirror_link(folder->targets, keyring->path, folder->top, PUBLIC_KEY_FILE, error);
}

/*
 * Whether a reader who trusts @bytes would follow to @newer: all that can be said of a root from before the
 * first one that was trusted here. NULL when not.
 */
static SutureTufMetadata *judge_older(GBytes *bytes, const gchar *name, const SutureTufMetadata *newer)
{
	g_autoptr(GError) cause = NULL;
	g_autoptr(SutureTufMetadata) older = suture_tuf_metadata_parse(bytes, SUTURE_TUF_ROOT, name, &cause);
	const SutureTufRole *role = older ? g_hash_table_lookup(older->roles, "root") : NULL;

	if (role && older->version == newer->version - 1 &&
	    suture_tuf_signatures_verify(older, role, older->keys, SUTURE_TUF_ERROR_ROOT_SIGNATURE, &cause) &&
	    suture_tuf_signatures_verify(newer, role, older->keys, SUTURE_TUF_ERROR_ROOT_SIGNATURE, &cause))
		return g_steal_pointer(&older);
	g_message("%s is not mirrored: %s", name, cause ? cause->message : "it is another version");
	return NULL;
}

/* FALSE without an error: it cannot be had. */
static gboolean get_older(const SutureMirrorFolder *folder, SutureTufMetadata **root, SutureHttp *http,
			  const gchar *metadata_url, GError **error)
{
	g_autofree gchar *name = g_strdup_printf("%" G_GINT64_FORMAT ".root.json", (*root)->version - 1);
	g_autofree gchar *url = suture_http_join(metadata_url, name);
	gboolean served = suture_mirror_size(folder->metadata, name) >= 0;
	g_autoptr(GError) cause = NULL;
	g_autoptr(GBytes) bytes =
		served ? suture_file_read_at(folder->metadata, name, SUTURE_TUF_MAX_ROOT_BYTES, &cause)
		       : suture_http_get(http, url, SUTURE_TUF_MAX_ROOT_BYTES, &cause);
	SutureTufMetadata *older = bytes ? judge_older(bytes, name, *root) : NULL;

	if (older) {
		suture_tuf_metadata_free(*root);
		*root = older;
		return served || suture_file_write_atomic(folder->metadata, name, bytes, 0644, error);
	}
	if (cause && g_error_matches(cause, SUTURE_COMMON_ERROR, SUTURE_COMMON_ERROR_CANCELLED))
		g_propagate_error(error, g_steal_pointer(&cause));
	return FALSE;
}

static gboolean show_older_roots(const SutureMirrorFolder *folder, const SutureTufClient *client,
				 SutureHttp *http, const gchar *metadata_url, GError **error)
{
	GBytes *bytes = suture_tuf_client_metadata(client, SUTURE_TUF_ROOT)->bytes;
	g_autoptr(SutureTufMetadata) root =
		suture_tuf_metadata_parse(bytes, SUTURE_TUF_ROOT, "root.json", error);
	GError *cause = NULL;

	if (!root)
		return FALSE;
	while (root->version > 1 && get_older(folder, &root, http, metadata_url, &cause))
		;
	if (cause)
		g_propagate_error(error, cause);
	return cause == NULL;
}

static gboolean show_timestamp(const SutureMirrorFolder *folder, int trusted, GError **error)
{
	static const gchar name[] = "timestamp.json";

	return suture_mirror_folder_sync(folder, error) &&
	       suture_mirror_link(trusted, name, folder->metadata, name, error) &&
	       (fsync(folder->metadata) == 0 || suture_error_set_errno(error, errno, "%s", name));
}

gboolean suture_mirror_publish(const SutureMirrorFolder *folder, const SutureTufClient *client,
			       const SutureMirrorPlan *plan, SutureHttp *http, const gchar *metadata_url,
			       GError **error)
{
	SUTURE_AUTO_FD trusted = suture_file_open_folder(folder->trusted, FALSE, error);

	return trusted >= 0 && show_older_roots(folder, client, http, metadata_url, error) &&
	       show_roles(folder, plan, trusted, error) && show_top_level(folder, client, trusted, error) &&
	       show_keyring(folder, plan, error) && show_timestamp(folder, trusted, error);
}

gboolean suture_mirror_is_published(const SutureMirrorFolder *folder, const SutureTufClient *client)
{
	const SutureTufMetadata *timestamp = suture_tuf_client_metadata(client, SUTURE_TUF_TIMESTAMP);
	g_autoptr(GBytes) served =
		suture_file_read_at(folder->metadata, "timestamp.json", SUTURE_TUF_MAX_TIMESTAMP_BYTES, NULL);

	return served && g_bytes_equal(served, timestamp->bytes);
}
