// SPDX-License-Identifier: LGPL-2.1-or-later
/* What the public folder holds beyond what the state says; asked only when the two agree. */
#include "fetcher/repo/anchors.h"
#include "fetcher/repo/deploy.h"
#include "fetcher/repo/kernels.h"

#include <fcntl.h>
#include <string.h>

/* The names on disk of @document's targets, whose paths begin with @prefix. */
static GHashTable *wanted_targets(const SutureRepoDocument *document, const gchar *prefix)
{
	GHashTable *wanted = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	const gchar *path;
	json_t *entry;

	json_object_foreach (json_object_get(document->signed_, "targets"), path, entry) {
		json_t *sha256 = json_object_get(json_object_get(entry, "hashes"), "sha256");

		g_hash_table_add(wanted, g_strdup_printf("%s.%s", json_string_value(sha256),
							 path + strlen(prefix) + 1));
	}
	return wanted;
}

static gboolean remove_others(int folder, GHashTable *wanted, guint *removed, GError **error)
{
	g_autoptr(GPtrArray) names =
		suture_repo_sweep(folder, removed, error) ? suture_repo_names(folder, FALSE, error) : NULL;

	for (guint i = 0; names && i < names->len; i++) {
		const gchar *name = names->pdata[i];

		if (g_hash_table_contains(wanted, name))
			continue;
		if (!suture_file_remove_tree(folder, name, error))
			return FALSE;
		(*removed)++;
	}
	return names != NULL;
}

static GHashTable *names_in(int folder, GError **error)
{
	g_autoptr(GPtrArray) names = suture_repo_names(folder, FALSE, error);
	GHashTable *set = names ? g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL) : NULL;

	for (guint i = 0; names && i < names->len; i++)
		g_hash_table_add(set, g_strdup(names->pdata[i]));
	return set;
}

static gboolean prune_kernel(SutureRepo *repo, int targets, const gchar *kernel, guint *removed,
			     GError **error)
{
	SUTURE_AUTO_FD master =
		suture_file_open_beneath(repo->rpm_md, kernel, O_RDONLY | O_DIRECTORY, 0, error);
	SUTURE_AUTO_FD folder =
		master < 0 ? -1 : suture_file_open_beneath(targets, kernel, O_RDONLY | O_DIRECTORY, 0, error);
	SUTURE_AUTO_FD repodata =
		folder < 0 ? -1
			   : suture_file_open_beneath(folder, "repodata", O_RDONLY | O_DIRECTORY, 0, error);
	g_autoptr(SutureRepoDocument) document = NULL;
	g_autoptr(GHashTable) wanted = NULL, wanted_repodata = NULL;

	if (repodata < 0 ||
	    !suture_repo_master_load(repo->kernels, kernel, SUTURE_REPO_TARGETS, &document, error))
		return FALSE;
	wanted = wanted_targets(document, kernel);
	g_hash_table_add(wanted, g_strdup("repodata"));
	wanted_repodata = names_in(master, error);
	return wanted_repodata && remove_others(folder, wanted, removed, error) &&
	       remove_others(repodata, wanted_repodata, removed, error);
}

static gboolean prune_anchors(int folder, const SutureRepoDocument *document, guint *removed, GError **error)
{
	g_autoptr(GHashTable) wanted = wanted_targets(document, "trust");

	return remove_others(folder, wanted, removed, error);
}

static void keep_document(GHashTable *wanted, const gchar *role, gint64 version)
{
	g_autofree gchar *file = suture_repo_file_name(role);

	g_hash_table_add(wanted, g_strdup_printf("%" G_GINT64_FORMAT ".%s", version, file));
}

/* What the newest snapshot names, and every root. */
static gboolean prune_metadata(SutureRepo *repo, const SutureRepoDocument *snapshot, guint *removed,
			       GError **error)
{
	SUTURE_AUTO_FD metadata =
		suture_file_open_beneath(repo->public, "metadata", O_RDONLY | O_DIRECTORY, 0, error);
	g_autoptr(GHashTable) wanted = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	const gchar *name;
	json_t *entry;

	if (metadata < 0)
		return FALSE;
	json_object_foreach (json_object_get(snapshot->signed_, "meta"), name, entry) {
		g_autofree gchar *role = g_strndup(name, strlen(name) - strlen(".json"));

		keep_document(wanted, role, json_integer_value(json_object_get(entry, "version")));
	}
	keep_document(wanted, "snapshot", snapshot->version);
	g_hash_table_add(wanted, g_strdup("timestamp.json"));
	for (gint64 version = 1; version <= repo->root->version; version++)
		keep_document(wanted, "root", version);
	return remove_others(metadata, wanted, removed, error);
}

static gboolean check_published(SutureRepo *repo, GError **error)
{
	SutureRepoStatus status;

	if (!suture_repo_status(repo, &status, error))
		return FALSE;
	if (!status.settled)
		g_set_error(error, SUTURE_REPO_ERROR, SUTURE_REPO_ERROR_UNPUBLISHED,
			    "%s: changes wait to be published; run 'suture repo publish' first",
			    repo->folder);
	return status.settled;
}

static gboolean prune_top(SutureRepo *repo, int targets, guint *removed, GError **error)
{
	SUTURE_AUTO_FD trust = suture_file_open_beneath(targets, "trust", O_RDONLY | O_DIRECTORY, 0, error);
	g_autoptr(SutureRepoDocument) document = NULL, snapshot = NULL;

	return trust >= 0 &&
	       suture_repo_master_load(repo->metadata, "targets", SUTURE_REPO_TARGETS, &document, error) &&
	       suture_repo_master_load(repo->metadata, "snapshot", SUTURE_REPO_SNAPSHOT, &snapshot, error) &&
	       prune_anchors(trust, document, removed, error) &&
	       prune_anchors(repo->anchors, document, removed, error) &&
	       prune_metadata(repo, snapshot, removed, error);
}

gboolean suture_repo_prune(SutureRepo *repo, guint *ret_removed, GError **error)
{
	g_autoptr(GPtrArray) kernels =
		check_published(repo, error) ? suture_repo_names(repo->rpm_md, FALSE, error) : NULL;
	SUTURE_AUTO_FD targets = -1;
	guint removed = 0;

	if (!kernels)
		return FALSE;
	targets = suture_file_open_beneath(repo->public, "targets", O_RDONLY | O_DIRECTORY, 0, error);
	for (guint i = 0; targets >= 0 && i < kernels->len; i++)
		if (!prune_kernel(repo, targets, kernels->pdata[i], &removed, error))
			return FALSE;
	if (targets < 0 || !prune_top(repo, targets, &removed, error))
		return FALSE;
	*ret_removed = removed;
	return TRUE;
}
