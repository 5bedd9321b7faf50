// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fetcher/client/tuf-parse.h"

#include "common/mutation.h"
#include "fetcher/client/tuf-path.h"

#include <string.h>

#define MAX_KEYS 16384
/* Of one targets file, and of one of its delegations. */
#define MAX_DELEGATIONS 65536
#define MAX_PATHS 65536

static void role_free(gpointer data)
{
	SutureTufRole *role = data;

	g_free(role->name);
	g_ptr_array_unref(role->keyids);
	g_free(role);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureTufRole, role_free)

/* A key of a kind that we do not know can sign nothing for us; that is no fault of the metadata. */
static gboolean parse_keys(const SutureTufParse *at, SutureTufMetadata *metadata, json_t *parent,
			   const gchar *path)
{
	json_t *keys = suture_tuf_parse_object(at, parent, path, "keys");
	const char *keyid;
	json_t *value;

	if (!keys)
		return FALSE;
	if (json_object_size(keys) > MAX_KEYS)
		return suture_tuf_parse_refuse(at, SUTURE_TUF_ERROR_MALFORMED, "more than %d keys", MAX_KEYS);
	metadata->keys =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)suture_tuf_key_free);
	json_object_foreach (keys, keyid, value) {
		g_autoptr(GError) unknown = NULL;
		SutureTufKey *key;

		if (!json_is_object(value))
			return suture_tuf_parse_refuse(at, SUTURE_TUF_ERROR_MALFORMED,
						       "key %.80s is not an object", keyid);
		key = suture_tuf_key_parse(value, &unknown);
		if (key)
			g_hash_table_insert(metadata->keys, g_strdup(keyid), key);
		else
			g_debug("%s: key %.80s is of no use: %s", at->what, keyid, unknown->message);
	}
	return TRUE;
}

static gboolean add_keyid(const SutureTufParse *at, SutureTufRole *role, json_t *value)
{
	const gchar *keyid = json_string_value(value);

	if (!keyid)
		return suture_tuf_parse_refuse(at, SUTURE_TUF_ERROR_MALFORMED,
					       "role %s: a key id is not a string", role->name);
	if (g_ptr_array_find_with_equal_func(role->keyids, keyid, g_str_equal, NULL))
		return suture_tuf_parse_refuse(at, SUTURE_TUF_ERROR_DUPLICATE_KEYID,
					       "role %s lists key id %.80s twice", role->name, keyid);
	g_ptr_array_add(role->keyids, g_strdup(keyid));
	return TRUE;
}

static SutureTufRole *parse_role(const SutureTufParse *at, json_t *object, const gchar *name)
{
	g_autoptr(SutureTufRole) role = g_new0(SutureTufRole, 1);
	json_t *keyids, *keyid;
	gsize i;

	role->name = g_strdup(name);
	role->keyids = g_ptr_array_new_with_free_func(g_free);
	keyids = suture_tuf_parse_array(at, object, name, "keyids", MAX_KEYS);
	if (!keyids || !suture_tuf_parse_integer(at, object, name, "threshold", G_MININT64, &role->threshold))
		return NULL;
	if (!suture_check_skipped("tuf-threshold") && role->threshold < 1) {
		suture_tuf_parse_refuse(at, SUTURE_TUF_ERROR_THRESHOLD, "role %s needs no signature at all",
					name);
		return NULL;
	}
	json_array_foreach (keyids, i, keyid) {
		if (!add_keyid(at, role, keyid))
			return NULL;
	}
	return g_steal_pointer(&role);
}

gboolean suture_tuf_parse_root(const SutureTufParse *at, SutureTufMetadata *metadata, json_t *signed_part)
{
	json_t *roles = suture_tuf_parse_object(at, signed_part, "signed", "roles");
	json_t *consistent = json_object_get(signed_part, "consistent_snapshot");

	if (!roles || !parse_keys(at, metadata, signed_part, "signed"))
		return FALSE;
	if (consistent && !json_is_boolean(consistent))
		return suture_tuf_parse_refuse(at, SUTURE_TUF_ERROR_MALFORMED,
					       "consistent_snapshot is not true or false");
	metadata->consistent_snapshot = json_is_true(consistent);
	metadata->roles = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, role_free);
	for (SutureTufType type = SUTURE_TUF_ROOT; type <= SUTURE_TUF_TARGETS; type++) {
		json_t *object = suture_tuf_parse_object(at, roles, "roles", suture_tuf_type_name(type));
		SutureTufRole *role = object ? parse_role(at, object, suture_tuf_type_name(type)) : NULL;

		if (!role)
			return FALSE;
		g_hash_table_insert(metadata->roles, role->name, role);
	}
	return TRUE;
}

static void delegation_free(gpointer data)
{
	SutureTufDelegation *delegation = data;

	g_clear_pointer(&delegation->role, role_free);
	g_clear_pointer(&delegation->paths, g_ptr_array_unref);
	g_clear_pointer(&delegation->prefixes, g_ptr_array_unref);
	g_free(delegation);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureTufDelegation, delegation_free)

/* A name must be one of a file of its own, beside those of the top-level roles. */
static gboolean check_name(const SutureTufParse *at, const gchar *name)
{
	g_autofree gchar *file = NULL;

	if (!name[0])
		return suture_tuf_parse_refuse(at, SUTURE_TUF_ERROR_MALFORMED,
					       "a delegated role without a name");
	for (SutureTufType type = SUTURE_TUF_ROOT; type <= SUTURE_TUF_TARGETS; type++)
		if (strcmp(name, suture_tuf_type_name(type)) == 0)
			return suture_tuf_parse_refuse(at, SUTURE_TUF_ERROR_MALFORMED,
						       "delegates to %s, the name of a top-level role", name);
	file = suture_tuf_role_file(name);
	if (strlen(file) > SUTURE_TUF_MAX_ROLE_FILE)
		return suture_tuf_parse_refuse(at, SUTURE_TUF_ERROR_MALFORMED,
					       "the name of role %.80s... is too long for a file", file);
	return TRUE;
}

/* A pattern as it stands, or a prefix of a hash: hex, in lower case here. */
static gchar *parse_path(const SutureTufParse *at, json_t *value, gboolean hash)
{
	const gchar *text = json_string_value(value);

	if (!text || !text[0])
		suture_tuf_parse_refuse(at, SUTURE_TUF_ERROR_MALFORMED,
					"delegations: a path is empty or not a string");
	else if (hash && strspn(text, "0123456789abcdefABCDEF") != strlen(text))
		suture_tuf_parse_refuse(at, SUTURE_TUF_ERROR_MALFORMED,
					"delegations: path hash prefix %.80s is not hex", text);
	else
		return hash ? g_ascii_strdown(text, -1) : g_strdup(text);
	return NULL;
}

static GPtrArray *parse_paths(const SutureTufParse *at, json_t *object, const gchar *key, gboolean hash)
{
	g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
	json_t *list = suture_tuf_parse_array(at, object, "delegations.roles", key, MAX_PATHS);
	json_t *value;
	gsize i;

	if (!list)
		return NULL;
	json_array_foreach (list, i, value) {
		gchar *path = parse_path(at, value, hash);

		if (!path)
			return NULL;
		g_ptr_array_add(paths, path);
	}
	return g_steal_pointer(&paths);
}

/* Section 4.5: by patterns or by prefixes of the path's hash, never by both. */
static gboolean parse_where(const SutureTufParse *at, json_t *object, SutureTufDelegation *delegation)
{
	gboolean by_path = json_object_get(object, "paths") != NULL;

	if (by_path == (json_object_get(object, "path_hash_prefixes") != NULL))
		return suture_tuf_parse_refuse(at, SUTURE_TUF_ERROR_MALFORMED,
					       "a delegated role has both or neither of \"paths\" and "
					       "\"path_hash_prefixes\"");
	if (by_path)
		delegation->paths = parse_paths(at, object, "paths", FALSE);
	else
		delegation->prefixes = parse_paths(at, object, "path_hash_prefixes", TRUE);
	return delegation->paths || delegation->prefixes;
}

static SutureTufDelegation *parse_delegation(const SutureTufParse *at, json_t *object)
{
	g_autoptr(SutureTufDelegation) delegation = g_new0(SutureTufDelegation, 1);
	json_t *terminating = json_object_get(object, "terminating");
	const gchar *name = suture_tuf_parse_string(at, object, "delegations.roles", "name");

	if (!name || !check_name(at, name))
		return NULL;
	delegation->role = parse_role(at, object, name);
	if (!delegation->role || !parse_where(at, object, delegation))
		return NULL;
	if (terminating && !json_is_boolean(terminating)) {
		suture_tuf_parse_refuse(at, SUTURE_TUF_ERROR_MALFORMED,
					"delegations: \"terminating\" is not true or false");
		return NULL;
	}
	delegation->terminating = json_is_true(terminating);
	return g_steal_pointer(&delegation);
}

/* One delegator says once who signs a role: two answers would be a choice for whoever serves the files. */
static gboolean add_delegation(const SutureTufParse *at, json_t *object, GHashTable *names,
			       GPtrArray *delegations)
{
	g_autoptr(SutureTufDelegation) delegation = NULL;

	if (!json_is_object(object))
		return suture_tuf_parse_refuse(at, SUTURE_TUF_ERROR_MALFORMED,
					       "a delegated role is not an object");
	delegation = parse_delegation(at, object);
	if (!delegation)
		return FALSE;
	if (!g_hash_table_add(names, delegation->role->name)) {
		g_autofree gchar *file = suture_tuf_role_file(delegation->role->name);

		return suture_tuf_parse_refuse(at, SUTURE_TUF_ERROR_MALFORMED, "delegates to %s twice", file);
	}
	g_ptr_array_add(delegations, g_steal_pointer(&delegation));
	return TRUE;
}

gboolean suture_tuf_parse_delegations(const SutureTufParse *at, SutureTufMetadata *metadata,
				      json_t *signed_part)
{
	g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);
	json_t *delegations, *list, *value;
	gsize i;

	metadata->delegations = g_ptr_array_new_with_free_func(delegation_free);
	if (!json_object_get(signed_part, "delegations"))
		return TRUE;
	delegations = suture_tuf_parse_object(at, signed_part, "signed", "delegations");
	if (!delegations || !parse_keys(at, metadata, delegations, "delegations"))
		return FALSE;
	list = suture_tuf_parse_array(at, delegations, "delegations", "roles", MAX_DELEGATIONS);
	if (!list)
		return FALSE;
	json_array_foreach (list, i, value) {
		if (!add_delegation(at, value, names, metadata->delegations))
			return FALSE;
	}
	return TRUE;
}
