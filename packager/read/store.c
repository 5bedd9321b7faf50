// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/read/store.h"

#include "common/file.h"
#include "common/mutation.h"
#include "common/staging.h"
#include "packager/read/module-check.h"
#include "packager/read/naming.h"
#include "packager/read/payload.h"
#include "signer/verify/digest.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

typedef struct {
	const gchar *path, *origin;
} Store;

/* In order of precedence. */
static const Store stores[] = {
	{SUTURE_BUNDLE_FETCHED_STORE, "fetched"},
	{SUTURE_BUNDLE_PACKAGE_STORE, "rpm"},
};

void suture_stored_free(SutureStored *stored)
{
	g_free(stored->id);
	g_free(stored->release);
	suture_fd_clear(&stored->folder);
	g_clear_pointer(&stored->manifest, suture_manifest_free);
	g_clear_pointer(&stored->manifest_bytes, g_bytes_unref);
	g_clear_pointer(&stored->manifest_signature, g_bytes_unref);
	g_free(stored->manifest_sha256);
	g_free(stored);
}

void suture_stored_fault_free(SutureStoredFault *fault)
{
	g_free(fault->path);
	g_error_free(fault->error);
	g_free(fault);
}

/* Names in the folder open at @fd, "." and ".." left out. */
static GPtrArray *list_names(int fd, const gchar *what, GError **error)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = own < 0 ? NULL : fdopendir(own);
	struct dirent *entry;

	if (!folder) {
		suture_error_set_errno(error, errno, "%s", what);
		suture_fd_clear(&own);
		return NULL;
	}
	while ((entry = readdir(folder)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			g_ptr_array_add(names, g_strdup(entry->d_name));
	closedir(folder);
	return g_steal_pointer(&names);
}

static SutureStored *read_stored(int store, const gchar *release, const gchar *id, const gchar *origin,
				 GError **error)
{
	g_autoptr(SutureStored) stored = g_new0(SutureStored, 1);

	stored->id = g_strdup(id);
	stored->release = g_strdup(release);
	stored->origin = origin;
	stored->folder = suture_file_open_beneath(store, id, O_RDONLY | O_DIRECTORY, 0, error);
	if (stored->folder < 0)
		return NULL;
	stored->manifest_bytes =
		suture_file_read_at(stored->folder, SUTURE_MANIFEST_FILE, SUTURE_MANIFEST_MAX_BYTES, error);
	if (!stored->manifest_bytes)
		return NULL;
	stored->manifest_signature = suture_file_read_at(stored->folder, SUTURE_MANIFEST_SIGNATURE_FILE,
							 SUTURE_PAYLOAD_SIGNATURE_MAX, error);
	if (!stored->manifest_signature)
		return NULL;
	stored->manifest = suture_manifest_parse(stored->manifest_bytes, error);
	if (!stored->manifest)
		return NULL;
	stored->manifest_sha256 = suture_digest_bytes(stored->manifest_bytes);
	return g_steal_pointer(&stored);
}

static void add_fault(GPtrArray *faults, const gchar *folder, const gchar *name, GError *cause)
{
	SutureStoredFault *fault = g_new0(SutureStoredFault, 1);

	fault->path = g_build_filename(folder, name, NULL);
	fault->error = cause;
	g_ptr_array_add(faults, fault);
}

static gboolean already_listed(const GPtrArray *list, const SutureStored *stored)
{
	for (guint i = 0; i < list->len; i++) {
		const SutureStored *other = g_ptr_array_index(list, i);

		if (strcmp(other->manifest_sha256, stored->manifest_sha256) == 0)
			return TRUE;
	}
	return FALSE;
}

/* Opens the store's folder of @release; -1 without an error when the host has none. */
static int open_release(const gchar *root, const Store *store, const gchar *release, gchar **ret_path,
			GError **error)
{
	g_autofree gchar *path = g_build_filename(root ? root : "/", store->path, NULL);
	SUTURE_AUTO_FD folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat status;

	*ret_path = g_build_filename(path, release, NULL);
	if (folder < 0) {
		if (errno != ENOENT)
			suture_error_set_errno(error, errno, "%s", path);
		return -1;
	}
	if (fstatat(folder, release, &status, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
		return -1;
	return suture_file_open_beneath(folder, release, O_RDONLY | O_DIRECTORY, 0, error);
}

static gboolean list_store(const gchar *root, const Store *store, const gchar *release, GPtrArray *list,
			   GPtrArray *faults, GError **error)
{
	g_autofree gchar *path = NULL;
	g_autoptr(GError) cause = NULL;
	SUTURE_AUTO_FD folder = open_release(root, store, release, &path, &cause);
	g_autoptr(GPtrArray) names = NULL;

	if (cause) {
		g_propagate_error(error, g_steal_pointer(&cause));
		return FALSE;
	}
	if (folder < 0)
		return TRUE;
	names = list_names(folder, path, error);
	if (!names)
		return FALSE;
	for (guint i = 0; i < names->len; i++) {
		const gchar *name = g_ptr_array_index(names, i);
		g_autoptr(SutureStored) stored = NULL;
		GError *fault = NULL;

		if (*name == '.') /* a staging folder, ours or a dead process's */
			continue;
		stored = read_stored(folder, release, name, store->origin, &fault);
		if (fault)
			add_fault(faults, path, name, fault);
		else if (!already_listed(list, stored))
			g_ptr_array_add(list, g_steal_pointer(&stored));
	}
	return TRUE;
}

static gint compare_stored(gconstpointer a, gconstpointer b)
{
	const SutureStored *const *left = a, *const *right = b;

	return strcmp((*left)->id, (*right)->id);
}

static gint compare_faults(gconstpointer a, gconstpointer b)
{
	const SutureStoredFault *const *left = a, *const *right = b;

	return strcmp((*left)->path, (*right)->path);
}

GPtrArray *suture_store_list(const gchar *root, const gchar *release, GPtrArray **ret_faults, GError **error)
{
	g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func((GDestroyNotify)suture_stored_free);
	g_autoptr(GPtrArray) faults =
		g_ptr_array_new_with_free_func((GDestroyNotify)suture_stored_fault_free);

	if (!suture_file_name_is_safe(release)) {
		g_set_error(error, SUTURE_COMMON_ERROR, SUTURE_COMMON_ERROR_PATH,
			    "\"%s\": is not a kernel release", release);
		return NULL;
	}
	for (gsize i = 0; i < G_N_ELEMENTS(stores); i++)
		if (!list_store(root, &stores[i], release, list, faults, error))
			return NULL;
	g_ptr_array_sort(list, compare_stored);
	g_ptr_array_sort(faults, compare_faults);
	if (ret_faults)
		*ret_faults = g_steal_pointer(&faults);
	return g_steal_pointer(&list);
}

static gboolean check_names(const SutureStored *stored, GError **error)
{
	g_autofree gchar *wanted = suture_bundle_folder(&stored->manifest->patch);
	g_autofree gchar *have = g_build_filename(stored->release, stored->id, NULL);

	if (suture_check_skipped("disagree-stored") || strcmp(have, wanted) == 0)
		return TRUE;
	g_set_error(error, SUTURE_BUNDLE_ERROR, SUTURE_BUNDLE_ERROR_DISAGREE,
		    "%s: its manifest belongs in the folder %s: fetch or install it again", have, wanted);
	return FALSE;
}

static gboolean is_listed(const SutureManifest *manifest, const gchar *name)
{
	if (strcmp(name, SUTURE_MANIFEST_FILE) == 0 || strcmp(name, SUTURE_MANIFEST_SIGNATURE_FILE) == 0)
		return TRUE;
	for (guint i = 0; i < manifest->modules->len; i++) {
		const SutureModule *module = g_ptr_array_index(manifest->modules, i);

		if (strcmp(module->file, name) == 0)
			return TRUE;
	}
	return FALSE;
}

static gboolean check_no_extra(const SutureStored *stored, GError **error)
{
	g_autoptr(GPtrArray) names = list_names(stored->folder, stored->id, error);

	if (!names)
		return FALSE;
	for (guint i = 0; i < names->len && !suture_check_skipped("stored-extra"); i++)
		if (!is_listed(stored->manifest, g_ptr_array_index(names, i))) {
			g_set_error(error, SUTURE_BUNDLE_ERROR, SUTURE_BUNDLE_ERROR_PAYLOAD_EXTRA,
				    "%s: holds \"%s\", which its manifest does not list: remove it",
				    stored->id, (const gchar *)g_ptr_array_index(names, i));
			return FALSE;
		}
	return TRUE;
}

static int open_module(const SutureStored *stored, const SutureModule *module, GError **error)
{
	struct stat status;

	if (fstatat(stored->folder, module->file, &status, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT) {
		g_set_error(error, SUTURE_BUNDLE_ERROR, SUTURE_BUNDLE_ERROR_PAYLOAD_MISSING,
			    "%s: its manifest lists %s, which is not there: fetch or install it again",
			    stored->id, module->file);
		return -1;
	}
	return suture_file_open_beneath(stored->folder, module->file, O_RDONLY, 0, error);
}

/* A sealed copy of module @index, checked as a copy: the file may change after. -1 on a refusal. */
static int take_module(const SutureStored *stored, guint index, const SutureTrust *trust, GError **error)
{
	const SutureModule *module = g_ptr_array_index(stored->manifest->modules, index);
	SUTURE_AUTO_FD file = open_module(stored, module, error);
	SUTURE_AUTO_FD copy = -1;
	g_autoptr(GBytes) bytes = NULL;

	if (file < 0)
		return -1;
	copy = suture_file_seal_copy(file, SUTURE_MANIFEST_MAX_MODULE_BYTES, module->file, error);
	if (copy < 0)
		return -1;
	bytes = suture_file_read_fd(copy, SUTURE_MANIFEST_MAX_MODULE_BYTES, module->file, error);
	if (!bytes || !suture_module_check_digest(module, bytes, error) ||
	    !suture_module_check_content(stored->manifest, index, bytes, trust->modules, NULL, error)) {
		g_prefix_error(error, "%s: ", stored->id);
		return -1;
	}
	return suture_fd_steal(&copy);
}

static void close_descriptor(gpointer data)
{
	close(GPOINTER_TO_INT(data));
}

gboolean suture_stored_verify(const SutureStored *stored, const SutureTrust *trust, gint64 now,
			      GPtrArray **ret_modules, SutureCmsSigner **ret_signer, GError **error)
{
	g_autoptr(GPtrArray) modules = g_ptr_array_new_with_free_func(close_descriptor);
	g_autoptr(SutureCmsSigner) signer = NULL;

	if (!suture_cms_verify(trust->cms, stored->manifest_bytes, stored->manifest_signature, now, &signer,
			       error)) {
		g_prefix_error(error, "%s: ", stored->id);
		return FALSE;
	}
	if (!check_names(stored, error) || !check_no_extra(stored, error))
		return FALSE;
	for (guint i = 0; i < stored->manifest->modules->len; i++) {
		int module = take_module(stored, i, trust, error);

		if (module < 0)
			return FALSE;
		g_ptr_array_add(modules, GINT_TO_POINTER(module));
	}
	if (ret_modules)
		*ret_modules = g_steal_pointer(&modules);
	if (ret_signer)
		*ret_signer = g_steal_pointer(&signer);
	return TRUE;
}

static gboolean write_bundle(int folder, const SutureBundle *bundle, GError **error)
{
	if (!suture_file_write_atomic(folder, SUTURE_MANIFEST_FILE, bundle->manifest_bytes, 0644, error) ||
	    !suture_file_write_atomic(folder, SUTURE_MANIFEST_SIGNATURE_FILE, bundle->manifest_signature,
				      0644, error))
		return FALSE;
	for (guint i = 0; i < bundle->modules->len; i++) {
		const SutureModule *module = g_ptr_array_index(bundle->manifest->modules, i);

		if (!suture_file_write_atomic(folder, module->file, g_ptr_array_index(bundle->modules, i),
					      0644, error))
			return FALSE;
	}
	return TRUE;
}

gboolean suture_store_add(const gchar *root, const SutureBundle *bundle, GError **error)
{
	const SuturePatch *patch = &bundle->manifest->patch;
	g_autofree gchar *id = suture_patch_id(patch);
	g_autofree gchar *path =
		g_build_filename(root ? root : "/", SUTURE_BUNDLE_FETCHED_STORE, patch->kernel.release, NULL);
	SUTURE_AUTO_FD folder = suture_file_open_folder(path, TRUE, error);
	g_autoptr(SutureStaging) staging = NULL;

	/* The receipt first: a bundle without one would be judged by certificate time at the next boot. */
	if (folder < 0 || !suture_receipt_save(root, bundle->receipt, error))
		return FALSE;
	staging = suture_staging_new(folder, error);
	return staging && write_bundle(suture_staging_fd(staging), bundle, error) &&
	       suture_staging_commit(staging, id, error);
}

gboolean suture_store_sweep(const gchar *root, GError **error)
{
	g_autofree gchar *path = g_build_filename(root ? root : "/", SUTURE_BUNDLE_FETCHED_STORE, NULL);
	SUTURE_AUTO_FD store = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	g_autoptr(GPtrArray) releases = NULL;

	if (store < 0)
		return errno == ENOENT || suture_error_set_errno(error, errno, "%s", path);
	releases = list_names(store, path, error);
	for (guint i = 0; releases && i < releases->len; i++) {
		SUTURE_AUTO_FD folder =
			openat(store, releases->pdata[i], O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

		/* What is no folder is nobody's staging. */
		if (folder >= 0 && !suture_staging_sweep(folder, error))
			return FALSE;
	}
	return releases != NULL;
}

gboolean suture_store_remove(const gchar *root, const SutureStored *stored, GError **error)
{
	g_autofree gchar *path =
		g_build_filename(root ? root : "/", SUTURE_BUNDLE_FETCHED_STORE, stored->release, NULL);
	SUTURE_AUTO_FD folder = suture_file_open_folder(path, FALSE, error);

	g_return_val_if_fail(strcmp(stored->origin, "fetched") == 0, FALSE);
	return folder >= 0 && suture_staging_remove(folder, stored->id, error) &&
	       suture_receipt_remove(root, stored->manifest_sha256, error);
}

gboolean suture_store_verifies(const gchar *root, const SutureStored *stored, const SutureTrust *trust,
			       GError **error)
{
	g_autoptr(GPtrArray) now = suture_store_list(root, stored->release, NULL, error);

	for (guint i = 0; now && i < now->len; i++) {
		const SutureStored *each = now->pdata[i];

		if (strcmp(each->id, stored->id) == 0 && strcmp(each->origin, stored->origin) == 0)
			return suture_stored_verify(each, trust, 0, NULL, NULL, error);
	}
	if (now)
		g_set_error(error, SUTURE_BUNDLE_ERROR, SUTURE_BUNDLE_ERROR_DISAGREE,
			    "%s: not there any more", stored->id);
	return FALSE;
}
