// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * From the state to the public folder. Each file there is a hard link to the one in the state: stored once,
 * put in place by one rename, and whether it is right is one comparison of inode numbers.
 */
#include "fetcher/repo/repo-private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
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

static gboolean put_package(SutureRepo *repo, int targets, const SutureRepoBundle *bundle, gboolean *changed,
			    GError **error)
{
	g_autofree gchar *name = suture_repo_bundle_disk_name(bundle);
	SUTURE_AUTO_FD from = suture_repo_bundle_open(repo->shelf, bundle, error);
	SUTURE_AUTO_FD to = from < 0 ? -1 : kernel_folder(targets, bundle->kernel, NULL, error);
	gboolean put_now = FALSE;

	if (to < 0 || !put(from, SUTURE_REPO_PACKAGE_FILE, to, name, &put_now, error))
		return FALSE;
	*changed |= put_now;
	return !put_now || sync_folder(to, bundle->kernel, error);
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

static gboolean put_versioned(SutureRepo *repo, int metadata, SutureRepoRole role, gboolean *changed,
			      GError **error)
{
	g_autofree gchar *from = g_strconcat(suture_repo_role_name(role), ".json", NULL);
	g_autoptr(SutureRepoDocument) document = NULL;
	g_autofree gchar *to = NULL;

	if (!suture_repo_master_load(repo, role, &document, error))
		return FALSE;
	to = g_strdup_printf("%" G_GINT64_FORMAT ".%s", document->version, from);
	return put(repo->metadata, from, metadata, to, changed, error);
}

/* Timestamp is what TUF readers start from: all that it leads to is durable before it gets its name. */
static gboolean put_metadata(SutureRepo *repo, gboolean *changed, GError **error)
{
	SUTURE_AUTO_FD metadata = suture_repo_folder(repo->public, "metadata", error);
	gboolean put_now = FALSE;

	if (metadata < 0 || !put_versioned(repo, metadata, SUTURE_REPO_TARGETS, &put_now, error) ||
	    !put_versioned(repo, metadata, SUTURE_REPO_SNAPSHOT, &put_now, error) ||
	    !put_roots(repo, metadata, &put_now, error) ||
	    (put_now && !sync_folder(metadata, "metadata", error)) ||
	    !put(repo->metadata, "timestamp.json", metadata, "timestamp.json", &put_now, error))
		return FALSE;
	*changed |= put_now;
	return !put_now || sync_folder(metadata, "metadata", error);
}

gboolean suture_repo_deploy(SutureRepo *repo, GPtrArray *bundles, gboolean *ret_changed, GError **error)
{
	SUTURE_AUTO_FD targets = suture_repo_folder(repo->public, "targets", error);
	g_autoptr(GPtrArray) kernels = targets < 0 ? NULL : suture_repo_names(repo->rpm_md, FALSE, error);
	gboolean changed = FALSE;

	if (!kernels)
		return FALSE;
	for (guint i = 0; i < bundles->len; i++)
		if (!put_package(repo, targets, bundles->pdata[i], &changed, error))
			return FALSE;
	for (guint i = 0; i < kernels->len; i++)
		if (!put_repodata(repo, targets, kernels->pdata[i], &changed, error))
			return FALSE;
	if (!put_public_key(repo, &changed, error) || !put_metadata(repo, &changed, error))
		return FALSE;
	*ret_changed = changed;
	return TRUE;
}
