// SPDX-License-Identifier: LGPL-2.1-or-later
/* What the public folder holds beyond what the state says; asked only when the two agree. */
#include "fetcher/repo/repo-private.h"

#include <fcntl.h>

/* What belongs under @kernel. */
static GHashTable *wanted_packages(GPtrArray *bundles, const gchar *kernel)
{
	GHashTable *wanted = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

	g_hash_table_add(wanted, g_strdup("repodata"));
	for (guint i = 0; i < bundles->len; i++) {
		const SutureRepoBundle *bundle = bundles->pdata[i];

		if (g_str_equal(bundle->kernel, kernel))
			g_hash_table_add(wanted, suture_repo_bundle_disk_name(bundle));
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

static gboolean prune_kernel(SutureRepo *repo, int targets, const gchar *kernel, GPtrArray *bundles,
			     guint *removed, GError **error)
{
	SUTURE_AUTO_FD master =
		suture_file_open_beneath(repo->rpm_md, kernel, O_RDONLY | O_DIRECTORY, 0, error);
	SUTURE_AUTO_FD folder =
		master < 0 ? -1 : suture_file_open_beneath(targets, kernel, O_RDONLY | O_DIRECTORY, 0, error);
	SUTURE_AUTO_FD repodata =
		folder < 0 ? -1
			   : suture_file_open_beneath(folder, "repodata", O_RDONLY | O_DIRECTORY, 0, error);
	g_autoptr(GHashTable) wanted = wanted_packages(bundles, kernel);
	g_autoptr(GHashTable) wanted_repodata = repodata < 0 ? NULL : names_in(master, error);

	return wanted_repodata && remove_others(folder, wanted, removed, error) &&
	       remove_others(repodata, wanted_repodata, removed, error);
}

static gboolean keep_master(SutureRepo *repo, SutureRepoRole role, GHashTable *wanted, GError **error)
{
	g_autoptr(SutureRepoDocument) document = NULL;

	if (!suture_repo_master_load(repo, role, &document, error))
		return FALSE;
	g_hash_table_add(wanted, g_strdup_printf("%" G_GINT64_FORMAT ".%s.json", document->version,
						 suture_repo_role_name(role)));
	return TRUE;
}

static gboolean prune_metadata(SutureRepo *repo, guint *removed, GError **error)
{
	SUTURE_AUTO_FD metadata =
		suture_file_open_beneath(repo->public, "metadata", O_RDONLY | O_DIRECTORY, 0, error);
	g_autoptr(GHashTable) wanted = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

	if (metadata < 0 || !keep_master(repo, SUTURE_REPO_TARGETS, wanted, error) ||
	    !keep_master(repo, SUTURE_REPO_SNAPSHOT, wanted, error))
		return FALSE;
	g_hash_table_add(wanted, g_strdup("timestamp.json"));
	for (gint64 version = 1; version <= repo->root->version; version++)
		g_hash_table_add(wanted, g_strdup_printf("%" G_GINT64_FORMAT ".root.json", version));
	return remove_others(metadata, wanted, removed, error);
}

static gboolean check_published(SutureRepo *repo, GPtrArray *bundles, GError **error)
{
	gboolean signed_up;

	if (!suture_repo_signed_up(repo, bundles, &signed_up, error))
		return FALSE;
	if (!signed_up)
		g_set_error(error, SUTURE_REPO_ERROR, SUTURE_REPO_ERROR_UNPUBLISHED,
			    "%s: changes wait to be published; run 'suture repo publish' first",
			    repo->folder);
	return signed_up;
}

gboolean suture_repo_prune(SutureRepo *repo, guint *ret_removed, GError **error)
{
	g_autoptr(GPtrArray) bundles = suture_repo_shelf_list(repo->shelf, error);
	g_autoptr(GPtrArray) kernels = bundles ? suture_repo_names(repo->rpm_md, FALSE, error) : NULL;
	SUTURE_AUTO_FD targets = -1;
	gboolean changed;
	guint removed = 0;

	/* Deploying first completes a publish that was cut short after signing. */
	if (!kernels || !check_published(repo, bundles, error) ||
	    !suture_repo_deploy(repo, bundles, &changed, error))
		return FALSE;
	targets = suture_file_open_beneath(repo->public, "targets", O_RDONLY | O_DIRECTORY, 0, error);
	for (guint i = 0; targets >= 0 && i < kernels->len; i++)
		if (!prune_kernel(repo, targets, kernels->pdata[i], bundles, &removed, error))
			return FALSE;
	if (targets < 0 || !prune_metadata(repo, &removed, error))
		return FALSE;
	*ret_removed = removed;
	return TRUE;
}
