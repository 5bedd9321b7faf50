// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fetcher/repo/repo-private.h"

#include "common/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SETTINGS_FILE "repository.conf"
#define SETTINGS_MAX_BYTES (64 * 1024)

static gint64 expiry_of(const SutureRepoSettings *settings, SutureRepoRole role, gint64 now)
{
	return now + (gint64)settings->roles[role].expiry_days * 24 * 60 * 60;
}

int suture_repo_folder(int dirfd, const gchar *name, GError **error)
{
	SUTURE_AUTO_FD fd = -1;

	if (mkdirat(dirfd, name, 0755) == 0) {
		if (fchmodat(dirfd, name, 0755, 0) < 0) {
			suture_error_set_errno(error, errno, "%s", name);
			return -1;
		}
	} else if (errno != EEXIST) {
		suture_error_set_errno(error, errno, "%s", name);
		return -1;
	}
	return suture_file_open_beneath(dirfd, name, O_RDONLY | O_DIRECTORY, 0, error);
}

static gint compare_names(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const gchar *const *)a, *(const gchar *const *)b);
}

GPtrArray *suture_repo_names(int dirfd, gboolean hidden, GError **error)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	g_autofree gchar *path = g_strdup_printf("/proc/self/fd/%d", dirfd);
	g_autoptr(GDir) folder = g_dir_open(path, 0, error);
	const gchar *name;

	if (!folder)
		return NULL;
	while ((name = g_dir_read_name(folder)))
		if ((name[0] == '.') == hidden)
			g_ptr_array_add(names, g_strdup(name));
	g_ptr_array_sort(names, compare_names);
	return g_steal_pointer(&names);
}

void suture_repo_free(SutureRepo *repo)
{
	if (!repo)
		return;
	suture_fd_clear(&repo->state);
	suture_fd_clear(&repo->shelf);
	suture_fd_clear(&repo->metadata);
	suture_fd_clear(&repo->rpm_md);
	suture_fd_clear(&repo->public);
	suture_repo_settings_free(repo->settings);
	suture_repo_document_free(repo->root);
	g_free(repo->folder);
	suture_fd_clear(&repo->lock);
	g_free(repo);
}

/* The folders of the layout and the lock; what initialising and opening have in common. */
static SutureRepo *repo_new(const gchar *folder, int dirfd, GError **error)
{
	g_autoptr(SutureRepo) repo = g_new0(SutureRepo, 1);
	g_autofree gchar *lock = g_build_filename(folder, "state", "lock", NULL);

	repo->lock = repo->state = repo->shelf = repo->metadata = repo->rpm_md = repo->public = -1;
	repo->folder = g_strdup(folder);
	repo->state = suture_repo_folder(dirfd, "state", error);
	if (repo->state < 0)
		return NULL;
	/* Not served, and nobody else's business before it is published. */
	if (fchmod(repo->state, 0700) < 0) {
		suture_error_set_errno(error, errno, "%s/state", folder);
		return NULL;
	}
	repo->lock = suture_lock_take(lock, TRUE, error);
	if (repo->lock < 0 || (repo->shelf = suture_repo_folder(repo->state, "bundles", error)) < 0 ||
	    (repo->metadata = suture_repo_folder(repo->state, "metadata", error)) < 0 ||
	    (repo->rpm_md = suture_repo_folder(repo->state, "rpm-md", error)) < 0 ||
	    (repo->public = suture_repo_folder(dirfd, "public", error)) < 0)
		return NULL;
	return g_steal_pointer(&repo);
}

static gchar *root_name(gint64 version)
{
	return g_strdup_printf("%" G_GINT64_FORMAT ".root.json", version);
}

static gboolean save_root(SutureRepo *repo, GBytes *bytes, gint64 version, GError **error)
{
	g_autofree gchar *name = root_name(version);

	if (!bytes || !suture_file_write_atomic(repo->metadata, name, bytes, 0644, error))
		return FALSE;
	g_clear_pointer(&repo->root, suture_repo_document_free);
	repo->root = suture_repo_document_parse(bytes, SUTURE_REPO_ROOT, name, error);
	return repo->root != NULL;
}

static gboolean sign_first_root(SutureRepo *repo, const SutureRepoSettings *settings, gint64 now,
				GError **error)
{
	SUTURE_AUTO_JSON *root = suture_repo_root_new(1, expiry_of(settings, SUTURE_REPO_ROOT, now));
	g_autoptr(GPtrArray) root_keys = NULL;
	g_autoptr(GBytes) bytes = NULL;

	for (guint i = 0; i < SUTURE_REPO_N_ROLES; i++) {
		const SutureRoleSettings *role = &settings->roles[i];
		g_autoptr(GPtrArray) keys = suture_repo_keys_open((const gchar *const *)role->keys, error);

		if (!keys || !suture_repo_root_set_role(root, i, keys, role->threshold, error))
			return FALSE;
		if (i == SUTURE_REPO_ROOT)
			root_keys = g_steal_pointer(&keys);
	}
	bytes = suture_repo_document(root, root_keys, error);
	return save_root(repo, bytes, 1, error);
}

static gchar *trust_path(const gchar *folder, const SutureRepoSettings *settings)
{
	return g_canonicalize_filename(settings->trust, folder);
}

static gboolean save_settings(const gchar *folder, const SutureRepoSettings *settings, GError **error)
{
	g_autofree gchar *path = g_build_filename(folder, SETTINGS_FILE, NULL);
	g_autoptr(GBytes) bytes = suture_repo_settings_write(settings);

	return suture_file_write_atomic_path(path, bytes, 0600, error);
}

gboolean suture_repo_init(const gchar *folder, const SutureRepoSettings *settings, gint64 now, GError **error)
{
	g_autofree gchar *absolute = g_canonicalize_filename(folder, NULL);
	g_autofree gchar *trust_folder = trust_path(absolute, settings);
	g_autoptr(SutureTrust) trust = suture_trust_load(trust_folder, error);
	SUTURE_AUTO_FD dirfd = trust ? suture_file_open_folder(absolute, TRUE, error) : -1;
	g_autoptr(SutureRepo) repo = dirfd < 0 ? NULL : repo_new(absolute, dirfd, error);

	if (!repo)
		return FALSE;
	if (faccessat(dirfd, SETTINGS_FILE, F_OK, 0) == 0) {
		g_set_error(error, SUTURE_REPO_ERROR, SUTURE_REPO_ERROR_INITIALISED,
			    "%s: already a repository; give another folder", folder);
		return FALSE;
	}
	/* repository.conf comes last: it is what makes the folder a repository. */
	return sign_first_root(repo, settings, now, error) && save_settings(absolute, settings, error);
}

static gboolean load_root(SutureRepo *repo, GError **error)
{
	gint64 version = 0;
	g_autoptr(GBytes) bytes = NULL;
	g_autofree gchar *name = NULL;

	for (;;) {
		g_autofree gchar *next = root_name(version + 1);

		if (faccessat(repo->metadata, next, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
			break;
		version++;
	}
	name = root_name(MAX(version, 1));
	bytes = suture_file_read_at(repo->metadata, name, SUTURE_REPO_METADATA_MAX_BYTES, error);
	repo->root = bytes ? suture_repo_document_parse(bytes, SUTURE_REPO_ROOT, name, error) : NULL;
	return repo->root != NULL;
}

static GBytes *read_settings(const gchar *folder, int dirfd, GError **error)
{
	if (dirfd < 0 || faccessat(dirfd, SETTINGS_FILE, F_OK, 0) < 0) {
		g_set_error(error, SUTURE_REPO_ERROR, SUTURE_REPO_ERROR_NOT_INITIALISED,
			    "%s: not a repository; make one with 'suture repo init'", folder);
		return NULL;
	}
	return suture_file_read_at(dirfd, SETTINGS_FILE, SETTINGS_MAX_BYTES, error);
}

gboolean suture_repo_sweep(int dirfd, guint *removed, GError **error)
{
	g_autoptr(GPtrArray) names = suture_repo_names(dirfd, TRUE, error);

	for (guint i = 0; names && i < names->len; i++)
		if (!suture_file_remove_tree(dirfd, names->pdata[i], error))
			return FALSE;
	if (names)
		*removed += names->len;
	return names != NULL;
}

SutureRepo *suture_repo_open(const gchar *folder, GError **error)
{
	g_autofree gchar *absolute = g_canonicalize_filename(folder, NULL);
	SUTURE_AUTO_FD dirfd = suture_file_open_folder(absolute, FALSE, NULL);
	g_autoptr(GBytes) conf = read_settings(folder, dirfd, error);
	g_autoptr(SutureRepoSettings) settings = conf ? suture_repo_settings_parse(conf, error) : NULL;
	g_autoptr(SutureRepo) repo = settings ? repo_new(absolute, dirfd, error) : NULL;
	guint removed = 0;

	if (!repo)
		return NULL;
	repo->settings = g_steal_pointer(&settings);
	if (!load_root(repo, error) || !suture_repo_shelf_sweep(repo->shelf, error) ||
	    !suture_repo_sweep(repo->metadata, &removed, error) ||
	    !suture_repo_sweep(repo->rpm_md, &removed, error))
		return NULL;
	return g_steal_pointer(&repo);
}

SutureRepoBundle *suture_repo_add(SutureRepo *repo, const gchar *path, gint64 now, gboolean *ret_added,
				  GError **error)
{
	g_autofree gchar *trust_folder = trust_path(repo->folder, repo->settings);
	g_autoptr(SutureTrust) trust = suture_trust_load(trust_folder, error);
	SUTURE_AUTO_FD fd = trust ? suture_file_open(path, O_RDONLY, error) : -1;

	return fd < 0 ? NULL : suture_repo_shelf_add(repo->shelf, fd, path, trust, now, ret_added, error);
}

gboolean suture_repo_remove(SutureRepo *repo, const gchar *kernel, const gchar *id, GError **error)
{
	return suture_repo_shelf_remove(repo->shelf, kernel, id, error);
}

GBytes *suture_repo_root(const SutureRepo *repo)
{
	return repo->root->bytes;
}

static void take_role(SutureRoleSettings *to, const SutureRoleSettings *change, SutureRepoRole role)
{
	if (change->expiry_days)
		to->expiry_days = change->expiry_days;
	if (!change->keys || role == SUTURE_REPO_ROOT)
		return;
	g_strfreev(to->keys);
	to->keys = g_strdupv(change->keys);
}

/* The next root's roles; those that @changes does not name keep what @root, a copy of the old, says. */
static gboolean change_roles(json_t *root, const SutureRepoSettings *changes, GPtrArray *signers,
			     GError **error)
{
	for (guint i = 0; i < SUTURE_REPO_N_ROLES; i++) {
		const SutureRoleSettings *role = &changes->roles[i];
		g_autoptr(GPtrArray) keys = NULL;

		if (!role->keys)
			continue;
		keys = suture_repo_keys_open((const gchar *const *)role->keys, error);
		if (!keys || !suture_repo_root_set_role(root, i, keys, role->threshold, error))
			return FALSE;
		if (i == SUTURE_REPO_ROOT)
			g_ptr_array_extend_and_steal(signers, g_steal_pointer(&keys));
	}
	return TRUE;
}

/* The specification (5.3.4) has clients check a new root with the old root's keys and with its own. */
static gboolean accepts_itself(GBytes *bytes, json_t *root, GError **error)
{
	g_autoptr(SutureRepoDocument) document =
		suture_repo_document_parse(bytes, SUTURE_REPO_ROOT, "new root metadata", error);

	if (!document)
		return FALSE;
	if (suture_repo_document_signed_by_role(document, root, SUTURE_REPO_ROOT))
		return TRUE;
	g_set_error(error, SUTURE_REPO_ERROR, SUTURE_REPO_ERROR_THRESHOLD,
		    "new root metadata: too few signatures for its own threshold; name more of its keys");
	return FALSE;
}

gboolean suture_repo_rotate(SutureRepo *repo, const SutureRepoSettings *changes,
			    const gchar *const *signer_uris, gint64 now, GError **error)
{
	g_autoptr(GPtrArray) signers = suture_repo_keys_open(signer_uris, error);
	SUTURE_AUTO_JSON *root = json_deep_copy(repo->root->signed_);
	gint64 version = repo->root->version + 1;
	g_autofree gchar *expires = NULL;
	g_autoptr(GBytes) bytes = NULL;

	if (!signers || !suture_repo_keys_check(repo->root->signed_, SUTURE_REPO_ROOT, signers, error))
		return FALSE;
	for (guint i = 0; i < SUTURE_REPO_N_ROLES; i++)
		take_role(&repo->settings->roles[i], &changes->roles[i], i);
	expires = suture_repo_time(expiry_of(repo->settings, SUTURE_REPO_ROOT, now));
	json_object_set_new(root, "version", json_integer(version));
	json_object_set_new(root, "expires", json_string(expires));
	if (!change_roles(root, changes, signers, error))
		return FALSE;
	bytes = suture_repo_document(root, signers, error);
	return bytes && accepts_itself(bytes, root, error) && save_root(repo, bytes, version, error) &&
	       save_settings(repo->folder, repo->settings, error);
}
