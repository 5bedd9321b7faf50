// SPDX-License-Identifier: LGPL-2.1-or-later
#include "common/lock.h"
#include "fetcher/repo/kernels.h"
#include "fetcher/repo/root.h"
#include "fetcher/repo/staged.h"
#include "fetcher/repo/withdrawn.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SETTINGS_FILE "repository.conf"
#define SETTINGS_MAX_BYTES (64 * 1024)

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
	suture_fd_clear(&repo->kernels);
	suture_fd_clear(&repo->changed);
	suture_fd_clear(&repo->anchors);
	suture_fd_clear(&repo->withdrawn);
	suture_fd_clear(&repo->rpm_md);
	suture_fd_clear(&repo->staged);
	suture_fd_clear(&repo->public);
	suture_repo_settings_free(repo->settings);
	suture_repo_document_free(repo->root);
	g_hash_table_unref(repo->opened);
	g_free(repo->folder);
	suture_fd_clear(&repo->lock);
	g_free(repo);
}

/* A failure is kept too: asking a token again with a PIN that is wrong would lock it. */
typedef struct {
	SutureRepoKeys *keys;
	GError *cause;
} Opened;

static void opened_free(gpointer data)
{
	Opened *opened = data;

	g_clear_pointer(&opened->keys, suture_repo_keys_free);
	g_clear_error(&opened->cause);
	g_free(opened);
}

const SutureRepoKeys *suture_repo_keys_at_hand(const SutureRepo *repo, const gchar *const *uris,
					       GError **error)
{
	g_autofree gchar *joined = uris ? g_strjoinv("\n", (GStrv)uris) : g_strdup("");
	Opened *opened = g_hash_table_lookup(repo->opened, joined);

	if (!opened) {
		opened = g_new0(Opened, 1);
		opened->keys = suture_repo_keys_open(uris, &opened->cause);
		g_hash_table_insert(repo->opened, g_steal_pointer(&joined), opened);
	}
	if (opened->cause)
		g_propagate_error(error, g_error_copy(opened->cause));
	return opened->keys;
}

/* The folders of the layout and the lock; what initialising and opening have in common. */
static SutureRepo *repo_new(const gchar *folder, int dirfd, GError **error)
{
	g_autoptr(SutureRepo) repo = g_new0(SutureRepo, 1);
	g_autofree gchar *lock = g_build_filename(folder, "state", "lock", NULL);

	repo->lock = repo->state = repo->shelf = repo->metadata = repo->kernels = repo->changed = -1;
	repo->anchors = repo->withdrawn = repo->rpm_md = repo->staged = repo->public = -1;
	repo->folder = g_strdup(folder);
	repo->opened = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, opened_free);
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
	    (repo->kernels = suture_repo_folder(repo->state, "kernels", error)) < 0 ||
	    (repo->changed = suture_repo_folder(repo->state, "changed", error)) < 0 ||
	    (repo->anchors = suture_repo_folder(repo->state, "anchors", error)) < 0 ||
	    (repo->withdrawn = suture_repo_folder(repo->state, "withdrawn", error)) < 0 ||
	    (repo->rpm_md = suture_repo_folder(repo->state, "rpm-md", error)) < 0 ||
	    (repo->staged = suture_repo_folder(dirfd, "staged", error)) < 0 ||
	    (repo->public = suture_repo_folder(dirfd, "public", error)) < 0)
		return NULL;
	return g_steal_pointer(&repo);
}

static gchar *trust_path(const gchar *folder, const SutureRepoSettings *settings)
{
	return g_canonicalize_filename(settings->trust, folder);
}

gchar *suture_repo_file_name(const gchar *role)
{
	return g_strconcat(role, ".json", NULL);
}

gboolean suture_repo_master_load(int folder, const gchar *name, SutureRepoRole type, SutureRepoDocument **ret,
				 GError **error)
{
	g_autofree gchar *file = suture_repo_file_name(name);
	g_autoptr(GBytes) bytes = NULL;

	if (faccessat(folder, file, F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
		return TRUE;
	bytes = suture_file_read_at(folder, file, SUTURE_REPO_METADATA_MAX_BYTES, error);
	*ret = bytes ? suture_repo_document_parse(bytes, type, file, error) : NULL;
	return *ret != NULL;
}

gboolean suture_repo_master_save(int folder, const gchar *name, GBytes *bytes, GError **error)
{
	g_autofree gchar *file = suture_repo_file_name(name);

	return suture_file_write_atomic(folder, file, bytes, 0644, error);
}

gboolean suture_repo_settings_save(const SutureRepo *repo, const SutureRepoSettings *settings, GError **error)
{
	g_autofree gchar *path = g_build_filename(repo->folder, SETTINGS_FILE, NULL);
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
	return suture_repo_root_init(repo, settings, now, error);
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

/* Of repository.conf alone: what else stands there is the vendor's. */
static gboolean sweep_top(const SutureRepo *repo, GError **error)
{
	SUTURE_AUTO_FD top = suture_file_open_folder(repo->folder, FALSE, error);
	g_autoptr(GPtrArray) names = top < 0 ? NULL : suture_repo_names(top, TRUE, error);

	for (guint i = 0; names && i < names->len; i++)
		if (g_str_has_prefix(names->pdata[i], "." SETTINGS_FILE ".") &&
		    !suture_file_remove_tree(top, names->pdata[i], error))
			return FALSE;
	return names != NULL;
}

static gboolean sweep(SutureRepo *repo, GError **error)
{
	g_autoptr(GPtrArray) marked = suture_repo_marked(repo, error);
	const int folders[] = {repo->state,  repo->metadata,  repo->kernels, repo->anchors,
			       repo->staged, repo->withdrawn, repo->rpm_md};
	guint removed = 0;

	if (!marked || !suture_repo_staged_lock(repo->staged, error) ||
	    !suture_repo_shelf_sweep(repo->shelf, marked, error))
		return FALSE;
	for (guint i = 0; i < G_N_ELEMENTS(folders); i++)
		if (!suture_repo_sweep(folders[i], &removed, error))
			return FALSE;
	return sweep_top(repo, error);
}

SutureRepo *suture_repo_open(const gchar *folder, GError **error)
{
	g_autofree gchar *absolute = g_canonicalize_filename(folder, NULL);
	SUTURE_AUTO_FD dirfd = suture_file_open_folder(absolute, FALSE, NULL);
	g_autoptr(GBytes) conf = read_settings(folder, dirfd, error);
	g_autoptr(SutureRepoSettings) settings = conf ? suture_repo_settings_parse(conf, error) : NULL;
	g_autoptr(SutureRepo) repo = settings ? repo_new(absolute, dirfd, error) : NULL;

	if (!repo)
		return NULL;
	repo->settings = g_steal_pointer(&settings);
	if (!sweep(repo, error) || !suture_repo_root_load(repo, error))
		return NULL;
	return g_steal_pointer(&repo);
}

gchar *suture_repo_staged_path(const SutureRepo *repo)
{
	return g_build_filename(repo->folder, "staged", NULL);
}

static gboolean refuse_withdrawn(const SutureRepoBundle *bundle, GError **error)
{
	g_set_error(error, SUTURE_REPO_ERROR, SUTURE_REPO_ERROR_WITHDRAWN,
		    "%s for kernel %s was withdrawn; give what replaces it a higher release", bundle->id,
		    bundle->kernel);
	return FALSE;
}

/* The mark comes first: a bundle that is on the shelf without it would never be published. */
static gboolean allow(const SutureRepoBundle *bundle, gpointer data, GError **error)
{
	const SutureRepo *repo = data;
	const gchar *digest = json_string_value(
		json_object_get(json_object_get(bundle->custom, "suture"), "manifest_sha256"));
	SUTURE_AUTO_JSON *withdrawn = suture_repo_withdrawn_load(repo, bundle->kernel, error);

	if (!withdrawn)
		return FALSE;
	if (suture_repo_withdrawn_has(withdrawn, bundle->id, digest))
		return refuse_withdrawn(bundle, error);
	return suture_repo_mark(repo, bundle->kernel, error);
}

SutureRepoBundle *suture_repo_add(SutureRepo *repo, const gchar *path, gint64 now, gboolean *ret_added,
				  GError **error)
{
	g_autofree gchar *trust_folder = trust_path(repo->folder, repo->settings);
	g_autoptr(SutureTrust) trust = suture_trust_load(trust_folder, error);
	SUTURE_AUTO_FD fd = trust ? suture_file_open(path, O_RDONLY, error) : -1;

	return fd < 0 ? NULL
		      : suture_repo_shelf_add(repo->shelf, fd, path, trust, now, allow, repo, ret_added,
					      error);
}

static gboolean is_known(const SutureRepo *repo, const gchar *kernel, const gchar *id, GError **error)
{
	if (suture_repo_shelf_has(repo->shelf, kernel, id))
		return TRUE;
	g_set_error(error, SUTURE_REPO_ERROR, SUTURE_REPO_ERROR_UNKNOWN,
		    "%s: not in the repository for kernel %s; 'suture repo list' shows what is", id, kernel);
	return FALSE;
}

gboolean suture_repo_has(const SutureRepo *repo, const gchar *kernel, const gchar *id)
{
	return suture_repo_shelf_has(repo->shelf, kernel, id);
}

gboolean suture_repo_remove(SutureRepo *repo, const gchar *kernel, const gchar *id, GError **error)
{
	return is_known(repo, kernel, id, error) && suture_repo_mark(repo, kernel, error) &&
	       suture_repo_shelf_remove(repo->shelf, kernel, id, error);
}

gboolean suture_repo_withdraw(SutureRepo *repo, const gchar *kernel, const gchar *id, const gchar *reason,
			      gint64 now, GError **error)
{
	g_autoptr(GPtrArray) bundles =
		is_known(repo, kernel, id, error) && suture_repo_mark(repo, kernel, error)
			? suture_repo_shelf_list(repo->shelf, kernel, error)
			: NULL;

	for (guint i = 0; bundles && i < bundles->len; i++) {
		const SutureRepoBundle *bundle = bundles->pdata[i];

		if (g_str_equal(bundle->id, id))
			return suture_repo_withdrawn_add(repo, bundle, reason, now, error) &&
			       suture_repo_shelf_remove(repo->shelf, kernel, id, error);
	}
	return FALSE;
}

/* Keys that no role has any more leave @delegations. */
static void drop_unused_keys(json_t *delegations)
{
	json_t *kernels = json_object_get(delegations, "kernels"), *keys = json_object(), *role;
	const gchar *kernel;
	gsize i;
	json_t *id;

	json_array_foreach (json_object_get(json_object_get(delegations, "default"), "keyids"), i, id)
		json_object_set(keys, json_string_value(id),
				json_object_get(json_object_get(delegations, "keys"), json_string_value(id)));
	json_object_foreach (kernels, kernel, role)
		json_array_foreach (json_object_get(role, "keyids"), i, id)
			json_object_set(
				keys, json_string_value(id),
				json_object_get(json_object_get(delegations, "keys"), json_string_value(id)));
	json_object_set_new(delegations, "keys", keys);
}

static json_t *member(json_t *object, const gchar *name)
{
	if (!json_object_get(object, name))
		json_object_set_new(object, name, json_object());
	return json_object_get(object, name);
}

static gboolean set_delegation(json_t *delegations, const gchar *kernel, GPtrArray *keys, guint threshold,
			       GError **error)
{
	json_t *holder = kernel ? member(delegations, "kernels") : delegations;
	const gchar *name = kernel ? kernel : "default";
	json_t *role;

	if (keys->len == 0) {
		json_object_del(holder, name);
	} else {
		role = suture_repo_role_new(name, keys, threshold, member(delegations, "keys"), error);
		if (!role)
			return FALSE;
		json_object_set_new(holder, name, role);
	}
	drop_unused_keys(delegations);
	return TRUE;
}

gboolean suture_repo_delegate(SutureRepo *repo, const gchar *kernel, const SutureRoleSettings *role,
			      GError **error)
{
	g_autoptr(SutureRepoKeys) keys = suture_repo_keys_open((const gchar *const *)role->keys, error);
	SUTURE_AUTO_JSON *delegations = keys ? suture_repo_delegations_load(repo, error) : NULL;

	if (!delegations || !set_delegation(delegations, kernel, keys->public, role->threshold, error) ||
	    !suture_repo_delegations_save(repo, delegations, error))
		return FALSE;
	if (kernel)
		return TRUE;
	g_strfreev(repo->settings->kernels.keys);
	repo->settings->kernels.keys = keys->public->len > 0 ? g_strdupv((GStrv)keys->uris->pdata) : NULL;
	return suture_repo_settings_save(repo, repo->settings, error);
}
