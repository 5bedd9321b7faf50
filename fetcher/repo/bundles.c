// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fetcher/repo/bundles.h"

#include "common/file.h"
#include "common/staging.h"
#include "fetcher/repo/rpm-md.h"
#include "signer/verify/digest.h"
#include "spec/json.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RECORD_FILE "bundle.json"
#define RECORD_FORMAT 1
#define RECORD_MAX_BYTES (1024 * 1024)

void suture_repo_bundle_free(SutureRepoBundle *bundle)
{
	if (!bundle)
		return;
	g_free(bundle->id);
	g_free(bundle->kernel);
	g_free(bundle->file);
	g_free(bundle->sha256);
	g_free(bundle->summary);
	g_free(bundle->rpm_name);
	g_free(bundle->rpm_epoch);
	g_free(bundle->rpm_version);
	g_free(bundle->rpm_release);
	g_free(bundle->rpm_arch);
	suture_json_clear(&bundle->custom);
	g_clear_pointer(&bundle->target, suture_target_free);
	g_free(bundle);
}

gchar *suture_repo_bundle_disk_name(const SutureRepoBundle *bundle)
{
	return g_strdup_printf("%s.%s", bundle->sha256, bundle->file);
}

gchar *suture_repo_bundle_target_path(const SutureRepoBundle *bundle)
{
	return g_strdup_printf("%s/%s", bundle->kernel, bundle->file);
}

static gchar *folder_name(const gchar *kernel, const gchar *id)
{
	return g_build_filename(kernel, id, NULL);
}

int suture_repo_bundle_open(int shelf, const SutureRepoBundle *bundle, GError **error)
{
	return suture_repo_shelf_open(shelf, bundle->kernel, bundle->id, error);
}

int suture_repo_shelf_open(int shelf, const gchar *kernel, const gchar *id, GError **error)
{
	g_autofree gchar *path = folder_name(kernel, id);

	return suture_file_open_beneath(shelf, path, O_RDONLY | O_DIRECTORY, 0, error);
}

/* It becomes the name of a TUF role, a path pattern of its delegation, and a folder. */
static gboolean kernel_fits(const gchar *release, GError **error)
{
	if (suture_file_name_is_safe(release) && g_ascii_isdigit(release[0]) && !strpbrk(release, "*?[]\\"))
		return TRUE;
	g_set_error(error, SUTURE_REPO_ERROR, SUTURE_REPO_ERROR_KERNEL,
		    "kernel release \"%.64s\" cannot name a role of the repository: it has to begin with a "
		    "digit and have none of * ? [ ] \\",
		    release);
	return FALSE;
}

static GBytes *record_write(const SutureRepoBundle *bundle)
{
	SUTURE_AUTO_JSON *record = json_pack(
		"{s:i, s:s, s:s, s:s, s:I, s:s, s:s, s:{s:s, s:s, s:s, s:s, s:s}, s:O}", "format",
		RECORD_FORMAT, "id", bundle->id, "kernel", bundle->kernel, "file", bundle->file, "length",
		(json_int_t)bundle->length, "sha256", bundle->sha256, "summary", bundle->summary, "rpm",
		"name", bundle->rpm_name, "epoch", bundle->rpm_epoch, "version", bundle->rpm_version,
		"release", bundle->rpm_release, "arch", bundle->rpm_arch, "custom", bundle->custom);

	return suture_json_pretty(record);
}

/* Copies members of @object into the strings that follow: pairs of name and gchar **, then NULL. */
static gboolean take_strings(json_t *object, const gchar *path, GError **error, ...) G_GNUC_NULL_TERMINATED;
static gboolean take_strings(json_t *object, const gchar *path, GError **error, ...)
{
	const gchar *key;
	gboolean ok = TRUE;
	va_list members;

	va_start(members, error);
	while (ok && (key = va_arg(members, const gchar *))) {
		gchar **to = va_arg(members, gchar **);
		const gchar *value = suture_json_string(object, path, key, error);

		*to = g_strdup(value);
		ok = value != NULL;
	}
	va_end(members);
	return ok;
}

static gboolean record_read(SutureRepoBundle *bundle, json_t *record, GError **error)
{
	json_t *rpm, *custom;
	gint64 format, length;

	if (!suture_json_integer(record, "", "format", RECORD_FORMAT, RECORD_FORMAT, &format, error) ||
	    !suture_json_integer(record, "", "length", 0, SUTURE_BUNDLE_MAX_PACKAGE_BYTES, &length, error) ||
	    !take_strings(record, "", error, "id", &bundle->id, "kernel", &bundle->kernel, "file",
			  &bundle->file, "sha256", &bundle->sha256, "summary", &bundle->summary, NULL))
		return FALSE;
	bundle->length = (guint64)length;
	rpm = suture_json_object(record, "", "rpm", error);
	if (!rpm || !take_strings(rpm, "rpm", error, "name", &bundle->rpm_name, "epoch", &bundle->rpm_epoch,
				  "version", &bundle->rpm_version, "release", &bundle->rpm_release, "arch",
				  &bundle->rpm_arch, NULL))
		return FALSE;
	custom = suture_json_object(record, "", "custom", error);
	bundle->custom = json_incref(custom);
	return custom && suture_target_parse(custom, &bundle->target, error);
}

static gboolean damaged(const gchar *name, const GError *cause, GError **error)
{
	g_set_error(error, SUTURE_REPO_ERROR, SUTURE_REPO_ERROR_DAMAGED,
		    "state/bundles/%s: %s; remove it with 'suture repo remove' and add the package again",
		    name, cause ? cause->message : "the record does not belong to its folder");
	return FALSE;
}

static gboolean belongs(const SutureRepoBundle *bundle, const gchar *name)
{
	g_autofree gchar *expected = folder_name(bundle->kernel, bundle->id);

	return bundle->target && g_str_equal(expected, name) && kernel_fits(bundle->kernel, NULL) &&
	       suture_file_name_is_safe(bundle->file) && strlen(bundle->sha256) == 64;
}

/* *@ret stays NULL, successfully, where there is no record: a removal that was cut short. */
static gboolean load(int shelf, const gchar *name, SutureRepoBundle **ret, GError **error)
{
	g_autofree gchar *path = g_build_filename(name, RECORD_FILE, NULL);
	g_autoptr(SutureRepoBundle) bundle = g_new0(SutureRepoBundle, 1);
	SUTURE_AUTO_JSON *record = NULL;
	g_autoptr(GBytes) bytes = NULL;
	g_autoptr(GError) cause = NULL;
	struct stat st;

	if (fstatat(shelf, path, &st, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
		return TRUE;
	bytes = suture_file_read_at(shelf, path, RECORD_MAX_BYTES, &cause);
	record = bytes ? suture_json_parse(bytes, RECORD_MAX_BYTES, RECORD_FILE, &cause) : NULL;
	if (!record || !record_read(bundle, record, &cause))
		return damaged(name, cause, error);
	if (!belongs(bundle, name))
		return damaged(name, NULL, error);
	*ret = g_steal_pointer(&bundle);
	return TRUE;
}

/* What the manifest says, once it is verified. */
static void take_manifest(SutureRepoBundle *bundle, const SutureBundle *verified)
{
	const SuturePatch *patch = &verified->manifest->patch;

	bundle->id = suture_patch_id(patch);
	bundle->kernel = g_strdup(patch->kernel.release);
	bundle->summary = g_strdup(verified->manifest->summary);
	bundle->custom = suture_target_custom(patch, verified->manifest_sha256);
}

/* The private copy is what gets verified, described and published: nobody can swap it in between. */
static int copy_package(int fd, int folder, const gchar *what, GError **error)
{
	SUTURE_AUTO_FD copy = -1;
	struct stat st;

	if (fstat(fd, &st) < 0) {
		suture_error_set_errno(error, errno, "%s", what);
		return -1;
	}
	if (!S_ISREG(st.st_mode) || st.st_size > SUTURE_BUNDLE_MAX_PACKAGE_BYTES) {
		g_set_error(error, SUTURE_COMMON_ERROR, SUTURE_COMMON_ERROR_TOO_LARGE,
			    "%s: not a file of at most 1 GiB; give a bundle's RPM file", what);
		return -1;
	}
	copy = suture_file_open_beneath(folder, SUTURE_REPO_PACKAGE_FILE, O_RDWR | O_CREAT | O_EXCL, 0644,
					error);
	if (copy < 0 || !suture_file_copy_range(fd, 0, (guint64)st.st_size, copy, error))
		return -1;
	/* Read-only: the public folder has this very file under another name. */
	if (fchmod(copy, 0444) < 0) {
		suture_error_set_errno(error, errno, "%s", what);
		return -1;
	}
	return suture_fd_steal(&copy);
}

static gboolean same_or_refuse(const SutureRepoBundle *present, const SutureRepoBundle *bundle,
			       const gchar *what, GError **error)
{
	if (g_str_equal(present->sha256, bundle->sha256))
		return TRUE;
	g_set_error(
		error, SUTURE_REPO_ERROR, SUTURE_REPO_ERROR_EXISTS,
		"%s: the repository has another file for %s and kernel %s; give the new one a higher release",
		what, bundle->id, bundle->kernel);
	return FALSE;
}

static gboolean put(int shelf, SutureStaging *staging, SutureRepoBundle *bundle, GError **error)
{
	int folder = suture_staging_fd(staging);
	g_autofree gchar *package = g_strdup_printf("/proc/self/fd/%d/" SUTURE_REPO_PACKAGE_FILE, folder);
	g_autofree gchar *name = folder_name(bundle->kernel, bundle->id);
	g_autoptr(GBytes) record = NULL;

	if (!suture_rpm_md_read_package(package, bundle, folder, error) ||
	    !suture_target_parse(bundle->custom, &bundle->target, error))
		return FALSE;
	record = record_write(bundle);
	if (mkdirat(shelf, bundle->kernel, 0755) < 0 && errno != EEXIST)
		return suture_error_set_errno(error, errno, "state/bundles/%s", bundle->kernel);
	return suture_file_write_atomic(folder, RECORD_FILE, record, 0644, error) &&
	       suture_staging_commit(staging, name, error);
}

SutureRepoBundle *suture_repo_shelf_add(int shelf, int fd, const gchar *what, const SutureTrust *trust,
					gint64 now, SutureRepoAllow allow, gpointer data, gboolean *ret_added,
					GError **error)
{
	g_autoptr(SutureRepoBundle) bundle = g_new0(SutureRepoBundle, 1), present = NULL;
	g_autoptr(SutureStaging) staging = suture_staging_new(shelf, error);
	g_autoptr(SutureBundle) verified = NULL;
	g_autofree gchar *name = NULL;
	SUTURE_AUTO_FD copy = staging ? copy_package(fd, suture_staging_fd(staging), what, error) : -1;

	if (copy < 0)
		return NULL;
	verified = suture_bundle_verify(copy, what, trust, NULL, NULL, now, NULL, error);
	if (!verified)
		return NULL;
	bundle->sha256 = suture_digest_fd(copy, &bundle->length, error);
	if (!bundle->sha256)
		return NULL;
	take_manifest(bundle, verified);
	name = folder_name(bundle->kernel, bundle->id);
	if (!kernel_fits(bundle->kernel, error) || !load(shelf, name, &present, error) ||
	    (present && !same_or_refuse(present, bundle, what, error)))
		return NULL;
	if (!present && (!allow(bundle, data, error) || !put(shelf, staging, bundle, error)))
		return NULL;
	*ret_added = present == NULL;
	return present ? g_steal_pointer(&present) : g_steal_pointer(&bundle);
}

gboolean suture_repo_shelf_has(int shelf, const gchar *kernel, const gchar *id)
{
	g_autofree gchar *record = g_build_filename(kernel, id, RECORD_FILE, NULL);

	return suture_file_name_is_safe(kernel) && suture_file_name_is_safe(id) &&
	       faccessat(shelf, record, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

gboolean suture_repo_shelf_remove(int shelf, const gchar *kernel, const gchar *id, GError **error)
{
	g_autofree gchar *name = folder_name(kernel, id);
	g_autofree gchar *record = g_build_filename(name, RECORD_FILE, NULL);

	/* Without its record it is gone already; what a crash here leaves, the sweep removes. */
	if (unlinkat(shelf, record, 0) < 0)
		return suture_error_set_errno(error, errno, "state/bundles/%s", record);
	return suture_file_remove_tree(shelf, name, error);
}

static gboolean sweep_kernel(int shelf, const gchar *kernel, GError **error)
{
	g_autofree gchar *path = g_strdup_printf("/proc/self/fd/%d/%s", shelf, kernel);
	g_autoptr(GDir) folder = NULL;
	const gchar *name;

	if (faccessat(shelf, kernel, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return TRUE;
	folder = g_dir_open(path, 0, error);
	while (folder && (name = g_dir_read_name(folder))) {
		g_autofree gchar *bundle = folder_name(kernel, name);

		if (!suture_repo_shelf_has(shelf, kernel, name) &&
		    !suture_file_remove_tree(shelf, bundle, error))
			return FALSE;
	}
	return folder != NULL;
}

gboolean suture_repo_shelf_sweep(int shelf, GPtrArray *kernels, GError **error)
{
	if (!suture_staging_sweep(shelf, error))
		return FALSE;
	for (guint i = 0; i < kernels->len; i++)
		if (!sweep_kernel(shelf, kernels->pdata[i], error))
			return FALSE;
	return TRUE;
}

static gint compare_bundles(gconstpointer a, gconstpointer b)
{
	const SutureRepoBundle *left = *(SutureRepoBundle *const *)a, *right = *(SutureRepoBundle *const *)b;

	return strcmp(left->id, right->id);
}

GPtrArray *suture_repo_shelf_list(int shelf, const gchar *kernel, GError **error)
{
	g_autoptr(GPtrArray) bundles =
		g_ptr_array_new_with_free_func((GDestroyNotify)suture_repo_bundle_free);
	g_autofree gchar *path = g_strdup_printf("/proc/self/fd/%d/%s", shelf, kernel);
	g_autoptr(GDir) folder = NULL;
	const gchar *id;

	/* A kernel that the repository knows may have no bundle. */
	if (faccessat(shelf, kernel, F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
		return g_steal_pointer(&bundles);
	folder = g_dir_open(path, 0, error);
	if (!folder)
		return NULL;
	while ((id = g_dir_read_name(folder))) {
		g_autofree gchar *name = folder_name(kernel, id);
		g_autoptr(SutureRepoBundle) bundle = NULL;

		if (id[0] == '.')
			continue;
		if (!load(shelf, name, &bundle, error))
			return NULL;
		if (bundle)
			g_ptr_array_add(bundles, g_steal_pointer(&bundle));
	}
	g_ptr_array_sort(bundles, compare_bundles);
	return g_steal_pointer(&bundles);
}
