// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fetcher/repo/metadata.h"

#include "signer/verify/digest.h"

#include <stdlib.h>
#include <string.h>

#define SPEC_VERSION "1.0.31"

gchar *suture_repo_time(gint64 time)
{
	g_autoptr(GDateTime) utc = g_date_time_new_from_unix_utc(time);

	return g_date_time_format(utc, "%Y-%m-%dT%H:%M:%SZ");
}

json_t *suture_repo_signed_new(SutureRepoRole role, gint64 version, gint64 expires)
{
	g_autofree gchar *end = suture_repo_time(expires);

	return json_pack("{s:s, s:s, s:I, s:s}", "_type", suture_repo_role_name(role), "spec_version",
			 SPEC_VERSION, "version", (json_int_t)version, "expires", end);
}

json_t *suture_repo_root_new(gint64 version, gint64 expires)
{
	json_t *root = suture_repo_signed_new(SUTURE_REPO_ROOT, version, expires);

	json_object_set_new(root, "consistent_snapshot", json_true());
	json_object_set_new(root, "keys", json_object());
	json_object_set_new(root, "roles", json_object());
	return root;
}

static gboolean contains(json_t *array, const gchar *value)
{
	json_t *member;
	gsize i;

	json_array_foreach (array, i, member)
		if (g_strcmp0(json_string_value(member), value) == 0)
			return TRUE;
	return FALSE;
}

static void drop_unused_keys(json_t *root)
{
	json_t *keys = json_object_get(root, "keys"), *key;
	const gchar *id, *name;
	void *next;

	json_object_foreach_safe (keys, next, id, key) {
		gboolean used = FALSE;
		json_t *role;

		json_object_foreach (json_object_get(root, "roles"), name, role)
			used |= contains(json_object_get(role, "keyids"), id);
		if (!used)
			json_object_del(keys, id);
	}
}

static gboolean refuse_threshold(GError **error, SutureRepoRole role, gsize keys, guint threshold)
{
	g_set_error(error, SUTURE_REPO_ERROR, SUTURE_REPO_ERROR_THRESHOLD,
		    "role %s: %" G_GSIZE_FORMAT " different keys for a threshold of %u; name more keys",
		    suture_repo_role_name(role), keys, threshold);
	return FALSE;
}

gboolean suture_repo_root_set_role(json_t *root, SutureRepoRole role, GPtrArray *keys, guint threshold,
				   GError **error)
{
	SUTURE_AUTO_JSON *ids = json_array();

	for (guint i = 0; i < keys->len; i++) {
		g_autoptr(SutureTufKey) key = suture_private_key_tuf_public(keys->pdata[i], error);
		g_autofree gchar *id = key ? suture_tuf_key_id(key) : NULL;

		if (!key)
			return FALSE;
		if (contains(ids, id))
			continue;
		json_array_append_new(ids, json_string(id));
		json_object_set_new(json_object_get(root, "keys"), id, suture_tuf_key_json(key));
	}
	if (threshold == 0 || json_array_size(ids) < threshold)
		return refuse_threshold(error, role, json_array_size(ids), threshold);
	json_object_set_new(json_object_get(root, "roles"), suture_repo_role_name(role),
			    json_pack("{s:O, s:i}", "keyids", ids, "threshold", (int)threshold));
	drop_unused_keys(root);
	return TRUE;
}

GPtrArray *suture_repo_keys_open(const gchar *const *uris, GError **error)
{
	g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func((GDestroyNotify)suture_private_key_free);

	for (; uris && *uris; uris++) {
		SuturePrivateKey *key = suture_private_key_open(*uris, error);

		if (!key)
			return NULL;
		g_ptr_array_add(keys, key);
	}
	return g_steal_pointer(&keys);
}

static gchar *key_id(const SuturePrivateKey *key, GError **error)
{
	g_autoptr(SutureTufKey) public = suture_private_key_tuf_public(key, error);

	return public ? suture_tuf_key_id(public) : NULL;
}

static json_t *role_of(json_t *root, SutureRepoRole role)
{
	return json_object_get(json_object_get(root, "roles"), suture_repo_role_name(role));
}

static guint threshold_of(json_t *root, SutureRepoRole role)
{
	return (guint)json_integer_value(json_object_get(role_of(root, role), "threshold"));
}

gboolean suture_repo_keys_check(json_t *root, SutureRepoRole role, GPtrArray *keys, GError **error)
{
	json_t *keyids = json_object_get(role_of(root, role), "keyids");
	g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

	for (guint i = 0; i < keys->len; i++) {
		gchar *id = key_id(keys->pdata[i], error);

		if (!id)
			return FALSE;
		if (!contains(keyids, id)) {
			g_set_error(
				error, SUTURE_REPO_ERROR, SUTURE_REPO_ERROR_KEY,
				"role %s: key %s is not one of the role's in root metadata; name the role's "
				"keys in repository.conf, or change them with 'suture repo rotate'",
				suture_repo_role_name(role), id);
			g_free(id);
			return FALSE;
		}
		g_hash_table_add(seen, id);
	}
	if (g_hash_table_size(seen) < threshold_of(root, role))
		return refuse_threshold(error, role, g_hash_table_size(seen), threshold_of(root, role));
	return TRUE;
}

static json_t *signatures_of(GBytes *canonical, GPtrArray *keys, GError **error)
{
	SUTURE_AUTO_JSON *signatures = json_array();
	SUTURE_AUTO_JSON *seen = json_array();

	for (guint i = 0; i < keys->len; i++) {
		g_autofree gchar *id = key_id(keys->pdata[i], error);
		g_autofree gchar *signature = NULL;

		if (!id)
			return NULL;
		/* A key named twice signs once: the specification wants key ids in "signatures" unique. */
		if (contains(seen, id))
			continue;
		signature = suture_private_key_sign_tuf(keys->pdata[i], canonical, error);
		if (!signature)
			return NULL;
		json_array_append_new(seen, json_string(id));
		json_array_append_new(signatures, json_pack("{s:s, s:s}", "keyid", id, "sig", signature));
	}
	return g_steal_pointer(&signatures);
}

GBytes *suture_repo_document(json_t *signed_, GPtrArray *keys, GError **error)
{
	g_autoptr(GBytes) canonical = suture_json_canonical(signed_, error);
	SUTURE_AUTO_JSON *signatures = canonical ? signatures_of(canonical, keys, error) : NULL;
	SUTURE_AUTO_JSON *document = NULL;
	gchar *text;

	if (!signatures)
		return NULL;
	document = json_pack("{s:O, s:O}", "signatures", signatures, "signed", signed_);
	text = json_dumps(document, JSON_COMPACT | JSON_SORT_KEYS);
	/* jansson's allocator is malloc, as GLib's is. */
	return g_bytes_new_with_free_func(text, strlen(text), free, text);
}

void suture_repo_document_free(SutureRepoDocument *document)
{
	if (!document)
		return;
	g_clear_pointer(&document->bytes, g_bytes_unref);
	suture_json_clear(&document->document);
	g_free(document);
}

static gboolean read_header(SutureRepoDocument *document, SutureRepoRole role, GError **error)
{
	const gchar *type, *expires;
	g_autoptr(GDateTime) end = NULL;

	document->signed_ = suture_json_object(document->document, "", "signed", error);
	if (!document->signed_ || !suture_json_array(document->document, "", "signatures", 1024, error))
		return FALSE;
	type = suture_json_string(document->signed_, "signed", "_type", error);
	expires = type ? suture_json_string(document->signed_, "signed", "expires", error) : NULL;
	if (!expires || !suture_json_integer(document->signed_, "signed", "version", 1, G_MAXINT64 - 1,
					     &document->version, error))
		return FALSE;
	end = g_date_time_new_from_iso8601(expires, NULL);
	if (!g_str_equal(type, suture_repo_role_name(role)) || !end) {
		g_set_error(error, SUTURE_JSON_ERROR, SUTURE_JSON_ERROR_RANGE, "not %s metadata",
			    suture_repo_role_name(role));
		return FALSE;
	}
	document->expires = g_date_time_to_unix(end);
	return TRUE;
}

SutureRepoDocument *suture_repo_document_parse(GBytes *bytes, SutureRepoRole role, const gchar *what,
					       GError **error)
{
	g_autoptr(SutureRepoDocument) document = g_new0(SutureRepoDocument, 1);
	g_autoptr(GError) cause = NULL;

	document->bytes = g_bytes_ref(bytes);
	document->document = suture_json_parse(bytes, SUTURE_REPO_METADATA_MAX_BYTES, what, &cause);
	if (document->document && read_header(document, role, &cause))
		return g_steal_pointer(&document);
	g_set_error(error, SUTURE_REPO_ERROR, SUTURE_REPO_ERROR_DAMAGED,
		    "%s: %s; restore the repository's state from a backup", what, cause->message);
	return NULL;
}

static gboolean verifies(json_t *root, json_t *signature, GBytes *canonical)
{
	const gchar *id = json_string_value(json_object_get(signature, "keyid"));
	const gchar *hex = json_string_value(json_object_get(signature, "sig"));
	json_t *json = id ? json_object_get(json_object_get(root, "keys"), id) : NULL;
	g_autoptr(SutureTufKey) key = json && hex ? suture_tuf_key_parse(json, NULL) : NULL;

	return key && suture_tuf_key_verify(key, canonical, hex, NULL);
}

gboolean suture_repo_document_signed_by_role(const SutureRepoDocument *document, json_t *root,
					     SutureRepoRole role)
{
	json_t *keyids = json_object_get(role_of(root, role), "keyids"), *signature;
	g_autoptr(GBytes) canonical = suture_json_canonical(document->signed_, NULL);
	g_autoptr(GHashTable) signers = g_hash_table_new(g_str_hash, g_str_equal);
	gsize i;

	json_array_foreach (json_object_get(document->document, "signatures"), i, signature) {
		const gchar *id = json_string_value(json_object_get(signature, "keyid"));

		if (canonical && contains(keyids, id) && verifies(root, signature, canonical))
			g_hash_table_add(signers, (gpointer)id);
	}
	return g_hash_table_size(signers) >= MAX(1, threshold_of(root, role));
}

json_t *suture_repo_document_meta(const SutureRepoDocument *document)
{
	g_autofree gchar *sha256 = suture_digest_bytes(document->bytes);

	return json_pack("{s:I, s:I, s:{s:s}}", "version", (json_int_t)document->version, "length",
			 (json_int_t)g_bytes_get_size(document->bytes), "hashes", "sha256", sha256);
}
