// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fetcher/repo/kernels.h"

#include "signer/verify/digest.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define INDEX_FILE "kernels.json"
#define DELEGATIONS_FILE "delegations.json"
#define STATE_MAX_BYTES (64 * 1024 * 1024)

gboolean suture_repo_mark(const SutureRepo *repo, const gchar *kernel, GError **error)
{
	SUTURE_AUTO_FD fd = suture_file_open_beneath(repo->changed, kernel, O_WRONLY | O_CREAT, 0600, error);

	if (fd < 0)
		return FALSE;
	return (fsync(fd) == 0 && fsync(repo->changed) == 0) ||
	       suture_error_set_errno(error, errno, "state/changed/%s", kernel);
}

GPtrArray *suture_repo_marked(const SutureRepo *repo, GError **error)
{
	return suture_repo_names(repo->changed, FALSE, error);
}

gboolean suture_repo_unmark(const SutureRepo *repo, GPtrArray *kernels, GError **error)
{
	for (guint i = 0; i < kernels->len; i++)
		if (unlinkat(repo->changed, kernels->pdata[i], 0) < 0 && errno != ENOENT)
			return suture_error_set_errno(error, errno, "state/changed/%s",
						      (const gchar *)kernels->pdata[i]);
	return TRUE;
}

static gint compare_names(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const gchar *const *)a, *(const gchar *const *)b);
}

GPtrArray *suture_repo_kernels(const SutureRepo *repo, GError **error)
{
	g_autoptr(GHashTable) known = g_hash_table_new(g_str_hash, g_str_equal);
	g_autoptr(GPtrArray) shelf = suture_repo_names(repo->shelf, FALSE, error);
	g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func(g_free);
	SUTURE_AUTO_JSON *index = shelf ? suture_repo_index_load(repo, error) : NULL;
	const gchar *release;
	json_t *entry;

	if (!index)
		return NULL;
	json_object_foreach (index, release, entry)
		if (g_hash_table_add(known, (gpointer)release))
			g_ptr_array_add(all, g_strdup(release));
	for (guint i = 0; i < shelf->len; i++)
		if (g_hash_table_add(known, shelf->pdata[i]))
			g_ptr_array_add(all, g_strdup(shelf->pdata[i]));
	g_ptr_array_sort(all, compare_names);
	return g_steal_pointer(&all);
}

static json_t *load(const SutureRepo *repo, const gchar *name, GError **error)
{
	g_autoptr(GBytes) bytes = NULL;
	g_autoptr(GError) cause = NULL;
	json_t *json;

	if (faccessat(repo->state, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
		return json_object();
	bytes = suture_file_read_at(repo->state, name, STATE_MAX_BYTES, error);
	json = bytes ? suture_json_parse(bytes, STATE_MAX_BYTES, name, &cause) : NULL;
	if (cause)
		g_set_error(error, SUTURE_REPO_ERROR, SUTURE_REPO_ERROR_DAMAGED,
			    "state/%s; restore the repository's state from a backup", cause->message);
	return json;
}

static gboolean save(const SutureRepo *repo, const gchar *name, json_t *json, GError **error)
{
	g_autoptr(GBytes) bytes = suture_json_pretty(json);

	return suture_file_write_atomic(repo->state, name, bytes, 0600, error);
}

json_t *suture_repo_index_load(const SutureRepo *repo, GError **error)
{
	return load(repo, INDEX_FILE, error);
}

gboolean suture_repo_index_save(const SutureRepo *repo, json_t *index, GError **error)
{
	return save(repo, INDEX_FILE, index, error);
}

json_t *suture_repo_index_entry(const SutureRepoDocument *document, const SutureRepoAuthority *authority)
{
	g_autofree gchar *digest = suture_repo_authority_digest(authority);
	gsize bundles = json_object_size(json_object_get(document->signed_, "targets"));

	return json_pack("{s:I, s:I, s:I, s:s}", "version", (json_int_t)document->version, "expires",
			 (json_int_t)document->expires, "bundles", (json_int_t)bundles, "authority", digest);
}

json_t *suture_repo_delegations_load(const SutureRepo *repo, GError **error)
{
	return load(repo, DELEGATIONS_FILE, error);
}

gboolean suture_repo_delegations_save(const SutureRepo *repo, json_t *delegations, GError **error)
{
	return save(repo, DELEGATIONS_FILE, delegations, error);
}

SutureRepoAuthority suture_repo_kernel_authority(const SutureRepo *repo, json_t *delegations,
						 const gchar *kernel)
{
	SutureRepoAuthority authority = suture_repo_root_authority(repo->root->signed_, SUTURE_REPO_TARGETS);
	json_t *role = json_object_get(json_object_get(delegations, "kernels"), kernel);

	if (!role)
		role = json_object_get(delegations, "default");
	authority.name = kernel;
	if (role) {
		authority.role = role;
		authority.keys = json_object_get(delegations, "keys");
	}
	return authority;
}

gchar *suture_repo_authority_digest(const SutureRepoAuthority *authority)
{
	g_autoptr(GBytes) canonical = suture_json_canonical(authority->role, NULL);

	return suture_digest_bytes(canonical);
}

static void take_keys(json_t *keys, const SutureRepoAuthority *authority)
{
	json_t *id;
	gsize i;

	json_array_foreach (json_object_get(authority->role, "keyids"), i, id) {
		const gchar *name = json_string_value(id);

		json_object_set(keys, name, json_object_get(authority->keys, name));
	}
}

json_t *suture_repo_delegations_body(const SutureRepo *repo, json_t *delegations, GPtrArray *kernels)
{
	json_t *keys = json_object(), *roles = json_array();

	for (guint i = 0; i < kernels->len; i++) {
		SutureRepoAuthority authority =
			suture_repo_kernel_authority(repo, delegations, kernels->pdata[i]);
		g_autofree gchar *paths = g_strconcat(authority.name, "/*", NULL);
		json_t *role = json_deep_copy(authority.role);

		take_keys(keys, &authority);
		json_object_set_new(role, "name", json_string(authority.name));
		json_object_set_new(role, "terminating", json_true());
		json_object_set_new(role, "paths", json_pack("[s]", paths));
		json_array_append_new(roles, role);
	}
	return json_pack("{s:o, s:o}", "keys", keys, "roles", roles);
}
