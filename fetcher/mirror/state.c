// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fetcher/mirror/state.h"

#include "fetcher/mirror/mirror.h"
#include "fetcher/mirror/served.h"
#include "spec/json.h"

#define FORMAT 1
#define MAX_BYTES (16 * 1024 * 1024)

static void role_free(gpointer data)
{
	SutureMirrorStateRole *role = data;

	g_free(role->repomd);
	g_free(role);
}

SutureMirrorState *suture_mirror_state_empty(void)
{
	SutureMirrorState *state = g_new0(SutureMirrorState, 1);

	state->roles = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, role_free);
	return state;
}

void suture_mirror_state_free(SutureMirrorState *state)
{
	g_hash_table_unref(state->roles);
	g_free(state);
}

const SutureMirrorStateRole *suture_mirror_state_role(const SutureMirrorState *state, const gchar *name)
{
	return g_hash_table_lookup(state->roles, name);
}

static gboolean read_role(SutureMirrorState *state, json_t *roles, const gchar *name, GError **error)
{
	static const gchar *const known[] = {"version", "repomd", NULL};
	SutureMirrorStateRole *role = g_new0(SutureMirrorStateRole, 1);
	json_t *object = suture_json_object(roles, "roles", name, error);

	g_hash_table_insert(state->roles, g_strdup(name), role);
	if (!object || !suture_json_only(object, name, known, error) ||
	    !suture_json_integer(object, name, "version", 1, G_MAXINT64, &role->version, error))
		return FALSE;
	if (!json_object_get(object, "repomd"))
		return TRUE;
	role->repomd = g_strdup(suture_json_string(object, name, "repomd", error));
	return role->repomd != NULL;
}

static gboolean read_document(SutureMirrorState *state, json_t *document, GError **error)
{
	static const gchar *const known[] = {"format",  "root",  "timestamp", "snapshot",
					     "targets", "roles", NULL};
	json_t *roles = suture_json_object(document, "", "roles", error), *value;
	const char *name;
	gint64 format;

	if (!roles || !suture_json_only(document, "", known, error) ||
	    !suture_json_integer(document, "", "format", FORMAT, FORMAT, &format, error) ||
	    !suture_json_integer(document, "", "root", 0, G_MAXINT64, &state->root, error) ||
	    !suture_json_integer(document, "", "timestamp", 0, G_MAXINT64, &state->timestamp, error) ||
	    !suture_json_integer(document, "", "snapshot", 0, G_MAXINT64, &state->snapshot, error) ||
	    !suture_json_integer(document, "", "targets", 0, G_MAXINT64, &state->targets, error))
		return FALSE;
	json_object_foreach (roles, name, value) {
		if (!read_role(state, roles, name, error))
			return FALSE;
	}
	return TRUE;
}

SutureMirrorState *suture_mirror_state_read(const gchar *path, GError **error)
{
	g_autoptr(SutureMirrorState) state = suture_mirror_state_empty();
	g_autoptr(GBytes) bytes = suture_file_read(path, MAX_BYTES, error);
	g_autoptr(GError) cause = NULL;
	SUTURE_AUTO_JSON *document = NULL;

	if (!bytes)
		return NULL;
	document = suture_json_parse(bytes, MAX_BYTES, path, &cause);
	if (document && read_document(state, document, &cause))
		return g_steal_pointer(&state);
	suture_mirror_refuse(error, SUTURE_MIRROR_ERROR_STATE,
			     "%s: %s; give what 'suture mirror state' printed", path, cause->message);
	return NULL;
}

static gint64 version_of(const SutureTufClient *client, SutureTufType type)
{
	return suture_tuf_client_metadata(client, type)->version;
}

/* Nothing is said of rpm-md that cannot be read: it is then on the next media. */
static json_t *describe_role(const SutureMirrorFolder *folder, const SutureMirrorRole *role)
{
	json_t *object = json_pack("{s:I}", "version", (json_int_t)role->version);
	g_autofree gchar *path = g_strconcat(role->name, "/repodata/repomd.xml", NULL);
	g_autoptr(GBytes) repomd = NULL;
	g_autofree gchar *sha256 = NULL;

	if (!role->kernel || suture_mirror_size(folder->targets, path) < 0)
		return object;
	repomd = suture_file_read_at(folder->targets, path, SUTURE_MIRROR_MAX_REPOMD_BYTES, NULL);
	if (!repomd)
		return object;
	sha256 = g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, repomd);
	json_object_set_new(object, "repomd", json_string(sha256));
	return object;
}

static json_t *describe(const SutureMirrorServed *served)
{
	const SutureTufClient *client = served->client;
	json_t *roles = json_object();

	for (guint i = 0; i < served->plan->roles->len; i++) {
		const SutureMirrorRole *role = served->plan->roles->pdata[i];

		json_object_set_new(roles, role->name, describe_role(served->folder, role));
	}
	return json_pack("{s:i, s:I, s:I, s:I, s:I, s:o}", "format", FORMAT, "root",
			 (json_int_t)version_of(client, SUTURE_TUF_ROOT), "timestamp",
			 (json_int_t)version_of(client, SUTURE_TUF_TIMESTAMP), "snapshot",
			 (json_int_t)version_of(client, SUTURE_TUF_SNAPSHOT), "targets",
			 (json_int_t)version_of(client, SUTURE_TUF_TARGETS), "roles", roles);
}

json_t *suture_mirror_state(const gchar *folder, GError **error)
{
	g_autoptr(GError) cause = NULL;
	g_autoptr(SutureMirrorServed) served = suture_mirror_served_open(folder, NULL, &cause);

	if (served)
		return describe(served);
	if (g_error_matches(cause, SUTURE_MIRROR_ERROR, SUTURE_MIRROR_ERROR_INCOMPLETE) ||
	    !g_file_test(folder, G_FILE_TEST_EXISTS))
		return json_pack("{s:i, s:i, s:i, s:i, s:i, s:{}}", "format", FORMAT, "root", 0, "timestamp",
				 0, "snapshot", 0, "targets", 0, "roles");
	g_propagate_error(error, g_steal_pointer(&cause));
	return NULL;
}
