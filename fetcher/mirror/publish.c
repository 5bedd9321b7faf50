// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fetcher/mirror/publish.h"

#include "fetcher/client/tuf-signatures.h"
#include "fetcher/mirror/rpm-md.h"

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
	static const SutureTufType types[] = {SUTURE_TUF_TARGETS, SUTURE_TUF_SNAPSHOT};

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

static SutureTufMetadata *judge_older(GBytes *bytes, const gchar *name, const SutureTufMetadata *newer,
				      GError **error)
{
	g_autoptr(SutureTufMetadata) older = suture_tuf_metadata_parse(bytes, SUTURE_TUF_ROOT, name, error);
	const SutureTufRole *role = older ? g_hash_table_lookup(older->roles, "root") : NULL;

	if (!role ||
	    !suture_tuf_signatures_verify(older, role, older->keys, SUTURE_TUF_ERROR_ROOT_SIGNATURE, error) ||
	    !suture_tuf_signatures_verify(newer, role, older->keys, SUTURE_TUF_ERROR_ROOT_SIGNATURE, error))
		return NULL;
	if (older->version == newer->version - 1)
		return g_steal_pointer(&older);
	g_set_error(error, SUTURE_TUF_ERROR, SUTURE_TUF_ERROR_ROOT_VERSION,
		    "%s: is version %" G_GINT64_FORMAT, name, older->version);
	return NULL;
}

SutureTufMetadata *suture_mirror_older_root(int metadata, const gchar *name, const SutureTufMetadata *newer,
					    GError **error)
{
	g_autoptr(GBytes) bytes = suture_file_read_at(metadata, name, SUTURE_TUF_MAX_ROOT_BYTES, error);

	return bytes ? judge_older(bytes, name, newer, error) : NULL;
}

static SutureTufMetadata *get_older(const SutureMirrorFolder *folder, const gchar *name,
				    const SutureTufMetadata *newer, SutureHttp *http,
				    const gchar *metadata_url, GError **error)
{
	g_autofree gchar *url = suture_http_join(metadata_url, name);
	g_autoptr(GBytes) bytes = suture_http_get(http, url, SUTURE_TUF_MAX_ROOT_BYTES, error);
	g_autoptr(SutureTufMetadata) older = bytes ? judge_older(bytes, name, newer, error) : NULL;

	if (!older || !suture_file_write_atomic(folder->metadata, name, bytes, 0644, error))
		return NULL;
	return g_steal_pointer(&older);
}

/* The root before @newer, as it is served, or else as it can be had. NULL without an error: not at all. */
static SutureTufMetadata *show_older(const SutureMirrorFolder *folder, const SutureTufMetadata *newer,
				     SutureHttp *http, const gchar *metadata_url, GError **error)
{
	g_autofree gchar *name = g_strdup_printf("%" G_GINT64_FORMAT ".root.json", newer->version - 1);
	SutureTufMetadata *older = suture_mirror_older_root(folder->metadata, name, newer, NULL);
	g_autoptr(GError) cause = NULL;

	if (!older)
		older = get_older(folder, name, newer, http, metadata_url, &cause);
	if (cause && (suture_error_exit(cause) == SUTURE_EXIT_NETWORK || cause->domain == SUTURE_TUF_ERROR))
		g_info("%s is not mirrored: %s", name, cause->message);
	else if (cause)
		g_propagate_error(error, g_steal_pointer(&cause));
	return older;
}

static gboolean show_older_roots(const SutureMirrorFolder *folder, const SutureTufClient *client,
				 SutureHttp *http, const gchar *metadata_url, GError **error)
{
	const SutureTufMetadata *newer = suture_tuf_client_metadata(client, SUTURE_TUF_ROOT);
	g_autoptr(SutureTufMetadata) held = NULL;
	GError *cause = NULL;

	while (newer && newer->version > 1) {
		SutureTufMetadata *older = show_older(folder, newer, http, metadata_url, &cause);

		g_clear_pointer(&held, suture_tuf_metadata_free);
		newer = held = older;
	}
	if (cause)
		g_propagate_error(error, cause);
	return cause == NULL;
}

/*
 * Copies of root and timestamp, not links: what happens to the served ones does not reach those that the
 * mirror itself trusts.
 */
static gboolean show_copy(const SutureMirrorFolder *folder, const gchar *name, GBytes *bytes, GError **error)
{
	g_autoptr(GBytes) served =
		suture_file_read_at(folder->metadata, name, SUTURE_TUF_MAX_ROOT_BYTES, NULL);

	return (served && g_bytes_equal(served, bytes)) ||
	       suture_file_write_atomic(folder->metadata, name, bytes, 0644, error);
}

static gboolean show_root(const SutureMirrorFolder *folder, const SutureTufClient *client, GError **error)
{
	const SutureTufMetadata *root = suture_tuf_client_metadata(client, SUTURE_TUF_ROOT);
	g_autofree gchar *name = versioned(root);

	return show_copy(folder, name, root->bytes, error);
}

static gboolean show_timestamp(const SutureMirrorFolder *folder, const SutureTufClient *client,
			       GError **error)
{
	GBytes *bytes = suture_tuf_client_metadata(client, SUTURE_TUF_TIMESTAMP)->bytes;

	return suture_mirror_folder_sync(folder, error) && show_copy(folder, "timestamp.json", bytes, error);
}

gboolean suture_mirror_publish(const SutureMirrorFolder *folder, const SutureTufClient *client,
			       const SutureMirrorPlan *plan, SutureHttp *http, const gchar *metadata_url,
			       GError **error)
{
	SUTURE_AUTO_FD trusted = suture_file_open_folder(folder->trusted, FALSE, error);

	return trusted >= 0 && show_older_roots(folder, client, http, metadata_url, error) &&
	       show_roles(folder, plan, trusted, error) && show_top_level(folder, client, trusted, error) &&
	       show_root(folder, client, error) && show_keyring(folder, plan, error) &&
	       show_timestamp(folder, client, error);
}

gboolean suture_mirror_is_published(const SutureMirrorFolder *folder, const SutureTufClient *client)
{
	const SutureTufMetadata *timestamp = suture_tuf_client_metadata(client, SUTURE_TUF_TIMESTAMP);
	g_autoptr(GBytes) served =
		suture_file_read_at(folder->metadata, "timestamp.json", SUTURE_TUF_MAX_TIMESTAMP_BYTES, NULL);

	return served && g_bytes_equal(served, timestamp->bytes);
}
