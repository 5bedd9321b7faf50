// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * From the state to the public folder. Each file there is a hard link to the one in the state: stored once,
 * put in place by one rename, and whether it is right is one comparison of inode numbers.
 */
#include "fetcher/repo/deploy.h"

#include "fetcher/repo/anchors.h"
#include "fetcher/repo/repodata.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PUBLIC_KEY_FILE "RPM-GPG-KEY-suture"
#define KEYRING_FILE "rpm-keyring.asc"
#define KEYRING_MAX_BYTES (16 * 1024 * 1024)

gboolean suture_repo_same_file(int dirfd, const gchar *name, int otherfd, const gchar *other)
{
	struct stat a, b;

	return fstatat(dirfd, name, &a, AT_SYMLINK_NOFOLLOW) == 0 &&
	       fstatat(otherfd, other, &b, AT_SYMLINK_NOFOLLOW) == 0 && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

/* @to_name in @to becomes the file @from_name of @from; *@changed is set when it was not already. */
static gboolean put(int from, const gchar *from_name, int to, const gchar *to_name, gboolean *changed,
		    GError **error)
{
	g_autofree gchar *temporary = g_strdup_printf(".new.%08x", g_random_int());
	int saved;

	if (suture_repo_same_file(from, from_name, to, to_name))
		return TRUE;
	if (linkat(from, from_name, to, temporary, 0) < 0)
		return suture_error_set_errno(
			error, errno, "%s: link from the repository's state (one file system holds both)",
			to_name);
	if (renameat(to, temporary, to, to_name) < 0) {
		saved = errno;
		unlinkat(to, temporary, 0);
		return suture_error_set_errno(error, saved, "%s", to_name);
	}
	*changed = TRUE;
	return TRUE;
}

static gboolean sync_folder(int folder, const gchar *what, GError **error)
{
	return fsync(folder) == 0 || suture_error_set_errno(error, errno, "%s", what);
}

static int kernel_folder(int targets, const gchar *kernel, const gchar *inner, GError **error)
{
	SUTURE_AUTO_FD folder = suture_repo_folder(targets, kernel, error);

	if (folder < 0 || !inner)
		return suture_fd_steal(&folder);
	return suture_repo_folder(folder, inner, error);
}

/* A target of @kernel's role. What was published before and is no longer on the shelf is public already. */
static gboolean put_package(SutureRepo *repo, int to, const gchar *kernel, const gchar *path, json_t *entry,
			    gboolean *changed, GError **error)
{
	const gchar *sha256 = json_string_value(json_object_get(json_object_get(entry, "hashes"), "sha256"));
	g_autofree gchar *name = g_strdup_printf("%s.%s", sha256, path + strlen(kernel) + 1);
	g_autoptr(SutureTarget) target = NULL;
	g_autofree gchar *id = NULL;
	SUTURE_AUTO_FD from = -1;

	if (!suture_target_parse(json_object_get(entry, "custom"), &target, error))
		return FALSE;
	id = suture_patch_id(&target->patch);
	if (!suture_repo_shelf_has(repo->shelf, kernel, id) &&
	    faccessat(to, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return TRUE;
	from = suture_repo_shelf_open(repo->shelf, kernel, id, error);
	return from >= 0 && put(from, SUTURE_REPO_PACKAGE_FILE, to, name, changed, error);
}

static gboolean put_packages(SutureRepo *repo, int targets, const gchar *kernel,
			     const SutureRepoDocument *document, gboolean *changed, GError **error)
{
	SUTURE_AUTO_FD to = kernel_folder(targets, kernel, NULL, error);
	gboolean put_now = FALSE;
	const gchar *path;
	json_t *entry;

	if (to < 0)
		return FALSE;
	json_object_foreach (json_object_get(document->signed_, "targets"), path, entry)
		if (!put_package(repo, to, kernel, path, entry, &put_now, error))
			return FALSE;
	*changed |= put_now;
	return !put_now || sync_folder(to, kernel, error);
}

/*
 * Data files have their checksum in their name, so those of before stay valid beside them; repomd.xml, which
 * names them, comes last. Between its signature and itself lies one rename: dnf then retries.
 */
static gboolean put_repodata(SutureRepo *repo, int targets, const gchar *kernel, gboolean *changed,
			     GError **error)
{
	SUTURE_AUTO_FD from =
		suture_file_open_beneath(repo->rpm_md, kernel, O_RDONLY | O_DIRECTORY, 0, error);
	SUTURE_AUTO_FD to = from < 0 ? -1 : kernel_folder(targets, kernel, "repodata", error);
	g_autoptr(GPtrArray) names = to < 0 ? NULL : suture_repo_names(from, FALSE, error);
	gboolean put_now = FALSE;

	if (!names)
		return FALSE;
	for (guint i = 0; i < names->len; i++) {
		const gchar *name = names->pdata[i];

		if (g_str_has_prefix(name, "repomd.xml") || g_str_equal(name, SUTURE_REPODATA_INPUTS_FILE))
			continue;
		if (!put(from, name, to, name, &put_now, error))
			return FALSE;
	}
	if (put_now && !sync_folder(to, kernel, error))
		return FALSE;
	if (!put(from, "repomd.xml.asc", to, "repomd.xml.asc", &put_now, error) ||
	    !put(from, "repomd.xml", to, "repomd.xml", &put_now, error))
		return FALSE;
	*changed |= put_now;
	return !put_now || sync_folder(to, kernel, error);
}

/* For those who set up dnf by hand; a host of ours takes its keyring from /etc/suture/trust. */
static gboolean put_public_key(SutureRepo *repo, gboolean *changed, GError **error)
{
	g_autofree gchar *folder = g_canonicalize_filename(repo->settings->trust, repo->folder);
	g_autofree gchar *path = g_build_filename(folder, KEYRING_FILE, NULL);
	g_autoptr(GBytes) keyring = suture_file_read(path, KEYRING_MAX_BYTES, error);
	g_autoptr(GBytes) present = NULL;

	if (!keyring)
		return FALSE;
	present = suture_file_read_at(repo->public, PUBLIC_KEY_FILE, KEYRING_MAX_BYTES, NULL);
	if (present && g_bytes_equal(present, keyring))
		return TRUE;
	*changed = TRUE;
	return suture_file_write_atomic(repo->public, PUBLIC_KEY_FILE, keyring, 0644, error);
}

static gboolean put_roots(SutureRepo *repo, int metadata, gboolean *changed, GError **error)
{
	for (gint64 version = 1; version <= repo->root->version; version++) {
		g_autofree gchar *name = g_strdup_printf("%" G_GINT64_FORMAT ".root.json", version);

		if (!put(repo->metadata, name, metadata, name, changed, error))
			return FALSE;
	}
	return TRUE;
}

static gboolean put_document(int folder, int metadata, const gchar *role, const SutureRepoDocument *document,
			     gboolean *changed, GError **error)
{
	g_autofree gchar *from = suture_repo_file_name(role);
	g_autofree gchar *to = g_strdup_printf("%" G_GINT64_FORMAT ".%s", document->version, from);

	return put(folder, from, metadata, to, changed, error);
}

static gboolean put_kernel(SutureRepo *repo, int targets, int metadata, const gchar *kernel,
			   gboolean repodata, gboolean *changed, GError **error)
{
	g_autoptr(SutureRepoDocument) document = NULL;

	if (!suture_repo_master_load(repo->kernels, kernel, SUTURE_REPO_TARGETS, &document, error))
		return FALSE;
	/* Changed, but not signed yet. */
	if (!document)
		return TRUE;
	return put_packages(repo, targets, kernel, document, changed, error) &&
	       (!repodata || put_repodata(repo, targets, kernel, changed, error)) &&
	       put_document(repo->kernels, metadata, kernel, document, changed, error);
}

static gboolean put_anchors(SutureRepo *repo, int targets, const SutureRepoDocument *document,
			    gboolean *changed, GError **error)
{
	SUTURE_AUTO_FD to = kernel_folder(targets, "trust", NULL, error);
	gboolean put_now = FALSE;
	const gchar *path;
	json_t *entry;

	if (to < 0)
		return FALSE;
	json_object_foreach (json_object_get(document->signed_, "targets"), path, entry) {
		g_autofree gchar *name = suture_repo_anchor_disk_name(path, entry);

		if (!put(repo->anchors, name, to, name, &put_now, error))
			return FALSE;
	}
	*changed |= put_now;
	return !put_now || sync_folder(to, "trust", error);
}

static gboolean put_targets(SutureRepo *repo, int targets, int metadata, gboolean *changed, GError **error)
{
	g_autoptr(SutureRepoDocument) document = NULL;

	return suture_repo_master_load(repo->metadata, "targets", SUTURE_REPO_TARGETS, &document, error) &&
	       put_anchors(repo, targets, document, changed, error) &&
	       put_document(repo->metadata, metadata, "targets", document, changed, error);
}

static gboolean put_snapshot(SutureRepo *repo, int metadata, gboolean *changed, GError **error)
{
	g_autoptr(SutureRepoDocument) document = NULL;

	return suture_repo_master_load(repo->metadata, "snapshot", SUTURE_REPO_SNAPSHOT, &document, error) &&
	       put_document(repo->metadata, metadata, "snapshot", document, changed, error);
}

/* Timestamp is what TUF readers start from: all that it leads to is durable before it gets its name. */
static gboolean put_timestamp(SutureRepo *repo, int metadata, gboolean *changed, GError **error)
{
	gboolean put_now = FALSE;

	if (!sync_folder(metadata, "metadata", error) ||
	    !put(repo->metadata, "timestamp.json", metadata, "timestamp.json", &put_now, error))
		return FALSE;
	*changed |= put_now;
	return !put_now || sync_folder(metadata, "metadata", error);
}

gboolean suture_repo_deploy(SutureRepo *repo, GPtrArray *kernels, gboolean repodata, gboolean *ret_changed,
			    GError **error)
{
	SUTURE_AUTO_FD targets = suture_repo_folder(repo->public, "targets", error);
	SUTURE_AUTO_FD metadata = targets < 0 ? -1 : suture_repo_folder(repo->public, "metadata", error);
	gboolean changed = FALSE;

	if (metadata < 0)
		return FALSE;
	for (guint i = 0; i < kernels->len; i++)
		if (!put_kernel(repo, targets, metadata, kernels->pdata[i], repodata, &changed, error))
			return FALSE;
	if (!put_public_key(repo, &changed, error) ||
	    !put_targets(repo, targets, metadata, &changed, error) ||
	    !put_snapshot(repo, metadata, &changed, error) || !put_roots(repo, metadata, &changed, error) ||
	    !put_timestamp(repo, metadata, &changed, error))
		return FALSE;
	*ret_changed = changed;
	return TRUE;
}
