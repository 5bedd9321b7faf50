// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fetcher/repo/metadata.h"

#include "common/file.h"
#include "signer/verify/digest.h"

#include <stdlib.h>
#include <string.h>

#define SPEC_VERSION "1.0.31"
#define PUBLIC_KEY_MAX_BYTES (64 * 1024)

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

void suture_repo_keys_free(SutureRepoKeys *keys)
{
	if (!keys)
		return;
	g_ptr_array_unref(keys->public);
	g_ptr_array_unref(keys->private);
	g_ptr_array_unref(keys->uris);
	g_free(keys);
}

/* NULL, without an error, for what is no public key in PEM. */
static SutureTufKey *read_public(const gchar *uri)
{
	g_autofree gchar *path =
		g_uri_peek_scheme(uri) ? g_filename_from_uri(uri, NULL, NULL) : g_strdup(uri);
	g_autoptr(GBytes) pem = path ? suture_file_read(path, PUBLIC_KEY_MAX_BYTES, NULL) : NULL;

	return pem ? suture_tuf_key_from_pem(pem, NULL) : NULL;
}

static gboolean keys_add(SutureRepoKeys *keys, const gchar *uri, GError **error)
{
	SutureTufKey *public = read_public(uri);
	SuturePrivateKey *private;

	if (!public) {
		private = suture_private_key_open(uri, error);
		if (!private)
			return FALSE;
		g_ptr_array_add(keys->private, private);
		g_ptr_array_add(keys->uris, g_strdup(uri));
		public = suture_private_key_tuf_public(private, error);
	}
	if (public)
		g_ptr_array_add(keys->public, public);
	return public != NULL;
}

SutureRepoKeys *suture_repo_keys_open(const gchar *const *uris, GError **error)
{
	g_autoptr(SutureRepoKeys) keys = g_new0(SutureRepoKeys, 1);

	keys->public = g_ptr_array_new_with_free_func((GDestroyNotify)suture_tuf_key_free);
	keys->private = g_ptr_array_new_with_free_func((GDestroyNotify)suture_private_key_free);
	keys->uris = g_ptr_array_new_with_free_func(g_free);
	for (; uris && *uris; uris++)
		if (!keys_add(keys, *uris, error))
			return NULL;
	g_ptr_array_add(keys->uris, NULL);
	return g_steal_pointer(&keys);
}

SutureRepoAuthority suture_repo_root_authority(json_t *root, SutureRepoRole role)
{
	const gchar *name = suture_repo_role_name(role);

	return (SutureRepoAuthority){name, json_object_get(root, "keys"),
				     json_object_get(json_object_get(root, "roles"), name)};
}

guint suture_repo_threshold(const SutureRepoAuthority *authority)
{
	return (guint)MAX(1, json_integer_value(json_object_get(authority->role, "threshold")));
}

gboolean suture_repo_authority_has(const SutureRepoAuthority *authority, const gchar *id)
{
	return contains(json_object_get(authority->role, "keyids"), id);
}

json_t *suture_repo_role_new(const gchar *name, GPtrArray *keys, guint threshold, json_t *objects,
			     GError **error)
{
	SUTURE_AUTO_JSON *ids = json_array();

	for (guint i = 0; i < keys->len; i++) {
		g_autofree gchar *id = suture_tuf_key_id(keys->pdata[i]);

		if (contains(ids, id))
			continue;
		json_array_append_new(ids, json_string(id));
		json_object_set_new(objects, id, suture_tuf_key_json(keys->pdata[i]));
	}
	if (threshold == 0 || json_array_size(ids) < threshold) {
		g_set_error(error, SUTURE_REPO_ERROR, SUTURE_REPO_ERROR_THRESHOLD,
			    "role %s: %" G_GSIZE_FORMAT
			    " different keys for a threshold of %u; name more keys",
			    name, json_array_size(ids), threshold);
		return NULL;
	}
	return json_pack("{s:O, s:i}", "keyids", ids, "threshold", (int)threshold);
}

gboolean suture_repo_root_set_role(json_t *root, SutureRepoRole role, GPtrArray *keys, guint threshold,
				   GError **error)
{
	const gchar *name = suture_repo_role_name(role);
	json_t *entry = suture_repo_role_new(name, keys, threshold, json_object_get(root, "keys"), error);

	if (!entry)
		return FALSE;
	json_object_set_new(json_object_get(root, "roles"), name, entry);
	drop_unused_keys(root);
	return TRUE;
}

static gchar *key_id(const SuturePrivateKey *key, GError **error)
{
	g_autoptr(SutureTufKey) public = suture_private_key_tuf_public(key, error);

	return public ? suture_tuf_key_id(public) : NULL;
}

gboolean suture_repo_keys_check(const SutureRepoAuthority *authority, GPtrArray *keys, GError **error)
{
	for (guint i = 0; i < keys->len; i++) {
		g_autofree gchar *id = key_id(keys->pdata[i], error);

		if (!id)
			return FALSE;
		if (suture_repo_authority_has(authority, id))
			continue;
		g_set_error(error, SUTURE_REPO_ERROR, SUTURE_REPO_ERROR_KEY,
			    "role %s: key %s is not one of the role's; name the role's keys in "
			    "repository.conf, or change them with 'suture repo rotate' or 'delegate'",
			    authority->name, id);
		return FALSE;
	}
	return TRUE;
}

void suture_repo_signature_put(json_t *signatures, json_t *signature)
{
	const gchar *id = json_string_value(json_object_get(signature, "keyid"));
	json_t *entry;
	gsize i;

	json_array_foreach (signatures, i, entry)
		if (g_strcmp0(json_string_value(json_object_get(entry, "keyid")), id) == 0)
			break;
	if (i < json_array_size(signatures))
		json_array_remove(signatures, i);
	json_array_append(signatures, signature);
}

static json_t *sign_all(GBytes *canonical, json_t *before, GPtrArray *keys, GError **error)
{
	SUTURE_AUTO_JSON *signatures = before ? json_copy(before) : json_array();

	for (guint i = 0; keys && i < keys->len; i++) {
		g_autofree gchar *id = key_id(keys->pdata[i], error);
		g_autofree gchar *signature =
			id ? suture_private_key_sign_tuf(keys->pdata[i], canonical, error) : NULL;

		SUTURE_AUTO_JSON *entry = NULL;

		if (!signature)
			return NULL;
		entry = json_pack("{s:s, s:s}", "keyid", id, "sig", signature);
		suture_repo_signature_put(signatures, entry);
	}
	return g_steal_pointer(&signatures);
}

GBytes *suture_repo_document(json_t *signed_, json_t *before, GPtrArray *keys, GError **error)
{
	g_autoptr(GBytes) canonical = suture_json_canonical(signed_, error);
	SUTURE_AUTO_JSON *signatures = canonical ? sign_all(canonical, before, keys, error) : NULL;
	SUTURE_AUTO_JSON *document = NULL;
	gchar *text;

	if (!signatures)
		return NULL;
	document = json_pack("{s:O, s:O}", "signatures", signatures, "signed", signed_);
	text = json_dumps(document, JSON_COMPACT | JSON_SORT_KEYS);
	/* jansson's allocator is malloc, as GLib's is. */
	return g_bytes_new_with_free_func(text, strlen(text), free, text);
}

void suture_repo_document_pack(SutureRepoDocument *document)
{
	suture_json_clear(&document->document);
	document->signed_ = NULL;
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

gboolean suture_repo_signature_fits(const SutureRepoDocument *document, const SutureRepoAuthority *authority,
				    json_t *signature)
{
	const gchar *id = json_string_value(json_object_get(signature, "keyid"));
	const gchar *hex = json_string_value(json_object_get(signature, "sig"));
	json_t *json = id ? json_object_get(authority->keys, id) : NULL;
	g_autoptr(SutureTufKey) key = json && hex ? suture_tuf_key_parse(json, NULL) : NULL;
	g_autoptr(GBytes) canonical = key ? suture_json_canonical(document->signed_, NULL) : NULL;

	return canonical && suture_repo_authority_has(authority, id) &&
	       suture_tuf_key_verify(key, canonical, hex, NULL);
}

guint suture_repo_document_count(const SutureRepoDocument *document, const SutureRepoAuthority *authority)
{
	g_autoptr(GHashTable) signers = g_hash_table_new(g_str_hash, g_str_equal);
	json_t *signature;
	gsize i;

	json_array_foreach (json_object_get(document->document, "signatures"), i, signature)
		if (suture_repo_signature_fits(document, authority, signature))
			g_hash_table_add(signers,
					 (gpointer)json_string_value(json_object_get(signature, "keyid")));
	return g_hash_table_size(signers);
}

gboolean suture_repo_document_signed_by(const SutureRepoDocument *document,
					const SutureRepoAuthority *authority)
{
	return suture_repo_document_count(document, authority) >= suture_repo_threshold(authority);
}

json_t *suture_repo_document_meta(const SutureRepoDocument *document)
{
	g_autofree gchar *sha256 = suture_digest_bytes(document->bytes);

	return json_pack("{s:I, s:I, s:{s:s}}", "version", (json_int_t)document->version, "length",
			 (json_int_t)g_bytes_get_size(document->bytes), "hashes", "sha256", sha256);
}
