// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fetcher/mirror/mirror.h"

#include "fetcher/mirror/rpm-md-parse.h"
#include "fetcher/mirror/served.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

typedef struct {
	SutureMirrorServed *served;
	GHashTable *kept; /* paths below the mirror */
	const gchar *kernel;
	SutureMirrorPruned *pruned;
} Run;

static void keep(Run *run, const gchar *folder, const gchar *path)
{
	g_hash_table_add(run->kept, g_strconcat(folder, path, NULL));
}

static void keep_versioned(Run *run, SutureTufType type)
{
	g_autofree gchar *name = g_strdup_printf(
		"%" G_GINT64_FORMAT ".%s.json",
		suture_tuf_client_metadata(run->served->client, type)->version, suture_tuf_type_name(type));

	keep(run, "metadata/", name);
}

static void keep_tuf(Run *run)
{
	const SutureMirrorPlan *plan = run->served->plan;

	keep(run, "metadata/", "timestamp.json");
	keep_versioned(run, SUTURE_TUF_SNAPSHOT);
	keep_versioned(run, SUTURE_TUF_TARGETS);
	for (guint i = 0; i < plan->roles->len; i++)
		keep(run, "metadata/", ((const SutureMirrorRole *)plan->roles->pdata[i])->served);
	for (guint i = 0; i < plan->files->len; i++)
		keep(run, "targets/", ((const SutureMirrorFile *)plan->files->pdata[i])->path);
}

static gboolean keep_package(const gchar *href, const gchar *sha256, gpointer data, GError **error)
{
	Run *run = data;

	(void)sha256, (void)error;
	g_hash_table_add(run->kept, g_strdup_printf("targets/%s/%s", run->kernel, href));
	return TRUE;
}

/* It may be older than what TUF metadata leads to, when its next version was refused. */
static gboolean keep_rpm_md(Run *run, const gchar *kernel, const SutureKeyring *keyring, gint64 now,
			    GError **error)
{
	GError *cause = NULL;
	g_autoptr(SutureMirrorRpmMd) md =
		suture_mirror_rpm_md_served(run->served->folder, kernel, keyring, now, &cause);
	SUTURE_AUTO_FD primary = -1;

	if (!md) {
		if (cause)
			g_propagate_error(error, cause);
		return cause == NULL;
	}
	for (guint i = 0; i < md->files->len; i++)
		keep(run, "targets/", ((const SutureMirrorFile *)md->files->pdata[i])->path);
	run->kernel = kernel;
	keep_package("repodata/repomd.xml", NULL, run, NULL);
	keep_package("repodata/repomd.xml.asc", NULL, run, NULL);
	primary =
		suture_file_open_beneath(run->served->folder->targets, md->primary->path, O_RDONLY, 0, error);
	return primary >= 0 && suture_mirror_file_check(md->primary, primary, error) &&
	       suture_mirror_primary_parse(primary, md->primary->path, keep_package, run, error);
}

static gboolean keep_all_rpm_md(Run *run, gint64 now, GError **error)
{
	GError *cause = NULL;
	g_autoptr(SutureKeyring) keyring =
		suture_mirror_keyring(run->served->folder, run->served->plan, &cause);
	const GPtrArray *roles = run->served->plan->roles;

	if (cause) {
		g_propagate_error(error, cause);
		return FALSE;
	}
	for (guint i = 0; keyring && i < roles->len; i++) {
		const SutureMirrorRole *role = roles->pdata[i];

		if (role->kernel && !keep_rpm_md(run, role->name, keyring, now, error))
			return FALSE;
	}
	return TRUE;
}

static gboolean is_kept(const Run *run, const gchar *path)
{
	return g_hash_table_contains(run->kept, path) ||
	       (g_str_has_prefix(path, "metadata/") && g_str_has_suffix(path, ".root.json") &&
		!g_str_has_prefix(path, "metadata/."));
}

static gboolean prune_folder(Run *run, int parent, const gchar *name, const gchar *path, GError **error);

static gboolean prune_entry(Run *run, int folder, const gchar *name, const gchar *path, GError **error)
{
	struct stat st;

	if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return suture_error_set_errno(error, errno, "%s", path);
	if (S_ISDIR(st.st_mode))
		return prune_folder(run, folder, name, path, error);
	if (is_kept(run, path))
		return TRUE;
	if (unlinkat(folder, name, 0) < 0)
		return suture_error_set_errno(error, errno, "%s", path);
	run->pruned->files++;
	run->pruned->bytes += st.st_nlink == 1 ? (guint64)st.st_size : 0;
	return TRUE;
}

/* With the folder itself, when nothing is left in it. */
static gboolean prune_folder(Run *run, int parent, const gchar *name, const gchar *path, GError **error)
{
	SUTURE_AUTO_FD folder = suture_file_open_beneath(parent, name, O_RDONLY | O_DIRECTORY, 0, error);
	g_autoptr(GPtrArray) names = folder < 0 ? NULL : suture_mirror_names(folder, error);

	for (guint i = 0; names && i < names->len; i++) {
		g_autofree gchar *inner = g_strconcat(path, "/", names->pdata[i], NULL);

		if (!prune_entry(run, folder, names->pdata[i], inner, error))
			return FALSE;
	}
	if (names && unlinkat(parent, name, AT_REMOVEDIR) < 0 && errno != ENOTEMPTY && errno != EEXIST)
		return suture_error_set_errno(error, errno, "%s", path);
	return names != NULL;
}

/* Files of a state that readers are not shown yet are on their way: not to be taken for old ones. */
static gboolean check_settled(const SutureMirrorFolder *folder, const SutureTufClient *client, GError **error)
{
	const SutureTufMetadata *served = suture_tuf_client_metadata(client, SUTURE_TUF_TIMESTAMP);
	g_autofree gchar *path = g_build_filename(folder->trusted, "timestamp.json", NULL);
	g_autoptr(GBytes) trusted = suture_file_read(path, SUTURE_TUF_MAX_TIMESTAMP_BYTES, error);

	if (!trusted || g_bytes_equal(trusted, served->bytes))
		return trusted != NULL;
	return suture_mirror_refuse(error, SUTURE_MIRROR_ERROR_INCOMPLETE,
				    "%s: a sync or import was cut short; run it again to its end",
				    folder->path);
}

gboolean suture_mirror_prune(const gchar *path, gint64 now, SutureMirrorPruned *ret, GError **error)
{
	g_autoptr(SutureMirrorFolder) locked = suture_mirror_folder_open(path, error);
	g_autoptr(GHashTable) kept = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_autoptr(SutureMirrorServed) served = locked ? suture_mirror_served_open(path, NULL, error) : NULL;
	SutureMirrorPruned pruned = {0};
	Run run = {served, kept, NULL, &pruned};

	if (!served || !check_settled(locked, served->client, error))
		return FALSE;
	keep_tuf(&run);
	if (!keep_all_rpm_md(&run, now, error) ||
	    !prune_folder(&run, served->folder->top, "metadata", "metadata", error) ||
	    !prune_folder(&run, served->folder->top, "targets", "targets", error))
		return FALSE;
	*ret = pruned;
	return TRUE;
}
