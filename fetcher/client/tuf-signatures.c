// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fetcher/client/tuf-signatures.h"

#include "common/mutation.h"

static gboolean in_role(const SutureTufRole *role, const gchar *keyid)
{
	return g_ptr_array_find_with_equal_func(role->keyids, keyid, g_str_equal, NULL);
}

/* Counts the key behind @signature in @counted (by fingerprint) when it signed @metadata for @role. */
static void count_signature(const SutureTufMetadata *metadata, const SutureTufRole *role, GHashTable *keys,
			    const SutureTufSignature *signature, GHashTable *counted)
{
	const SutureTufKey *key = g_hash_table_lookup(keys, signature->keyid);
	g_autofree gchar *fingerprint = NULL;
	g_autoptr(GError) wrong = NULL;

	if (!key || !in_role(role, signature->keyid))
		return;
	fingerprint = suture_check_skipped("tuf-same-key") ? g_strdup(signature->keyid)
							   : suture_tuf_key_fingerprint(key);
	if (g_hash_table_contains(counted, fingerprint))
		return;
	if (suture_tuf_key_verify(key, metadata->signed_bytes, signature->signature, &wrong))
		g_hash_table_add(counted, g_steal_pointer(&fingerprint));
	else
		g_debug("%s: signature by %s does not count: %s", role->name, signature->keyid,
			wrong->message);
}

gboolean suture_tuf_signatures_verify(const SutureTufMetadata *metadata, const SutureTufRole *role,
				      GHashTable *keys, SutureTufError code, GError **error)
{
	g_autoptr(GHashTable) counted = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_autofree gchar *name = g_uri_escape_string(role->name, NULL, FALSE);

	for (guint i = 0; i < metadata->signatures->len; i++)
		count_signature(metadata, role, keys, metadata->signatures->pdata[i], counted);
	if (g_hash_table_size(counted) >= role->threshold)
		return TRUE;
	g_set_error(error, SUTURE_TUF_ERROR, (gint)code,
		    "%s version %" G_GINT64_FORMAT ": signed by %u of the %" G_GINT64_FORMAT
		    " trusted keys that are needed; use another server, and tell the publisher if that does "
		    "not help",
		    name, metadata->version, g_hash_table_size(counted), role->threshold);
	return FALSE;
}

gboolean suture_tuf_keys_rotated(const SutureTufMetadata *before, const SutureTufMetadata *after,
				 const gchar *name)
{
	const SutureTufRole *old_role = g_hash_table_lookup(before->roles, name);
	const SutureTufRole *new_role = g_hash_table_lookup(after->roles, name);

	for (guint i = 0; i < old_role->keyids->len; i++)
		if (!in_role(new_role, old_role->keyids->pdata[i]))
			return TRUE;
	return FALSE;
}
