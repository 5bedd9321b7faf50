// SPDX-License-Identifier: LGPL-2.1-or-later
#include "applier/live.h"

#include "applier/sysfs.h"
#include "common/file.h"
#include "common/staging.h"
#include "signer/verify/digest.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define LIVE_FOLDER "var/lib/suture/live"
#define RECEIPT_FILE "receipt.json"
#define REPLACED_FILE "replaced-by"
#define PENDING_FILE "pending"
#define RECEIPT_MAX (64 * 1024)

void suture_live_copy_free(SutureLiveCopy *copy)
{
	g_free(copy->id);
	g_clear_pointer(&copy->manifest, suture_manifest_free);
	g_free(copy->manifest_sha256);
	g_clear_pointer(&copy->receipt, suture_receipt_free);
	g_free(copy->replaced_by);
	g_free(copy->pending);
	g_free(copy);
}

static gchar *boot_path(const gchar *root, const gchar *boot_id)
{
	return g_build_filename(root ? root : "/", LIVE_FOLDER, boot_id, NULL);
}

/* The boot's folder; -1 without an error when it is not there. */
static int open_boot(const gchar *root, const gchar *boot_id)
{
	g_autofree gchar *path = boot_path(root, boot_id);

	return suture_file_open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, NULL);
}

static gboolean write_files(int folder, const SutureStored *stored, const SutureReceipt *receipt,
			    GError **error)
{
	g_autoptr(GBytes) receipt_bytes = suture_receipt_write(receipt);
	g_autoptr(GBytes) pending = g_bytes_new_static(SUTURE_LIVE_APPLY, strlen(SUTURE_LIVE_APPLY));

	return suture_file_write_atomic(folder, SUTURE_MANIFEST_FILE, stored->manifest_bytes, 0644, error) &&
	       suture_file_write_atomic(folder, SUTURE_MANIFEST_SIGNATURE_FILE, stored->manifest_signature,
					0644, error) &&
	       suture_file_write_atomic(folder, RECEIPT_FILE, receipt_bytes, 0644, error) &&
	       suture_file_write_atomic(folder, PENDING_FILE, pending, 0644, error);
}

gboolean suture_live_write(const gchar *root, const gchar *boot_id, const SutureStored *stored,
			   const SutureReceipt *receipt, GError **error)
{
	g_autofree gchar *path = boot_path(root, boot_id);
	SUTURE_AUTO_FD boot = suture_file_open_folder(path, TRUE, error);
	g_autoptr(SutureStaging) staging = NULL;

	if (boot < 0 || !suture_staging_sweep(boot, error))
		return FALSE;
	staging = suture_staging_new(boot, error);
	return staging && write_files(suture_staging_fd(staging), stored, receipt, error) &&
	       suture_staging_commit(staging, stored->id, error);
}

gboolean suture_live_set_replaced(const gchar *root, const gchar *boot_id, const gchar *id, const gchar *by,
				  GError **error)
{
	SUTURE_AUTO_FD boot = open_boot(root, boot_id);
	SUTURE_AUTO_FD folder = -1;
	g_autoptr(GBytes) text = g_bytes_new(by, strlen(by));

	if (boot >= 0)
		folder = suture_file_open_beneath(boot, id, O_RDONLY | O_DIRECTORY, 0, error);
	return boot < 0 ||
	       (folder >= 0 && suture_file_write_atomic(folder, REPLACED_FILE, text, 0644, error));
}

gboolean suture_live_set_pending(const gchar *root, const gchar *boot_id, const gchar *id,
				 const gchar *action, GError **error)
{
	g_autofree gchar *path = boot_path(root, boot_id);
	SUTURE_AUTO_FD boot = suture_file_open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, error);
	SUTURE_AUTO_FD folder = -1;
	g_autoptr(GBytes) text = action ? g_bytes_new(action, strlen(action)) : NULL;

	if (boot >= 0)
		folder = suture_file_open_beneath(boot, id, O_RDONLY | O_DIRECTORY, 0, error);
	if (folder < 0)
		return FALSE;
	if (text)
		return suture_file_write_atomic(folder, PENDING_FILE, text, 0644, error);
	if ((unlinkat(folder, PENDING_FILE, 0) < 0 && errno != ENOENT) || fsync(folder) < 0)
		return suture_error_set_errno(error, errno, "%s/%s/" PENDING_FILE, path, id);
	return TRUE;
}

gboolean suture_live_drop(const gchar *root, const gchar *boot_id, const gchar *id, GError **error)
{
	SUTURE_AUTO_FD boot = open_boot(root, boot_id);

	return boot < 0 || suture_staging_remove(boot, id, error);
}

static SutureLiveCopy *load_copy(int boot, const gchar *id, GError **error)
{
	g_autoptr(SutureLiveCopy) copy = g_new0(SutureLiveCopy, 1);
	g_autoptr(GBytes) manifest = NULL;
	g_autoptr(GBytes) receipt = NULL;
	SUTURE_AUTO_FD folder = suture_file_open_beneath(boot, id, O_RDONLY | O_DIRECTORY, 0, error);
	struct stat st;

	if (folder < 0)
		return NULL;
	if (fstat(folder, &st) < 0) {
		suture_error_set_errno(error, errno, "%s", id);
		return NULL;
	}
	manifest = suture_file_read_at(folder, SUTURE_MANIFEST_FILE, SUTURE_MANIFEST_MAX_BYTES, error);
	copy->manifest = manifest ? suture_manifest_parse(manifest, error) : NULL;
	if (!copy->manifest)
		return NULL;
	receipt = suture_file_read_at(folder, RECEIPT_FILE, RECEIPT_MAX, error);
	copy->receipt = receipt ? suture_receipt_parse(receipt, error) : NULL;
	if (!copy->receipt)
		return NULL;
	copy->id = g_strdup(id);
	copy->manifest_sha256 = suture_digest_bytes(manifest);
	copy->replaced_by = suture_sysfs_text(folder, REPLACED_FILE, 256);
	copy->pending = suture_sysfs_text(folder, PENDING_FILE, 16);
	copy->written = st.st_mtime;
	return g_steal_pointer(&copy);
}

static gint compare_names(gconstpointer left, gconstpointer right)
{
	return strcmp(*(const gchar *const *)left, *(const gchar *const *)right);
}

/* Names in the folder at @path, sorted; empty when it is not there. */
static GPtrArray *list_names(const gchar *path)
{
	GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
	const gchar *name;

	while (folder && (name = g_dir_read_name(folder)))
		g_ptr_array_add(names, g_strdup(name));
	g_ptr_array_sort(names, compare_names);
	return names;
}

static void add_fault(GPtrArray *faults, const gchar *path, const gchar *id, const GError *cause)
{
	SutureStoredFault *fault = g_new0(SutureStoredFault, 1);

	fault->path = g_build_filename(path, id, NULL);
	g_set_error(&fault->error, SUTURE_APPLY_ERROR, SUTURE_APPLY_ERROR_LIVE_COPY,
		    "unreadable copy of a live patch: %s; revert the foreign patch that it belongs to by its "
		    "module's name and apply again",
		    cause->message);
	g_ptr_array_add(faults, fault);
}

GPtrArray *suture_live_load(const gchar *root, const gchar *boot_id, GPtrArray *faults)
{
	GPtrArray *copies = g_ptr_array_new_with_free_func((GDestroyNotify)suture_live_copy_free);
	g_autofree gchar *path = boot_path(root, boot_id);
	g_autoptr(GPtrArray) names = list_names(path);
	SUTURE_AUTO_FD boot = open_boot(root, boot_id);

	for (guint i = 0; boot >= 0 && i < names->len; i++) {
		const gchar *id = names->pdata[i];
		g_autoptr(GError) cause = NULL;
		SutureLiveCopy *copy;

		if (!suture_file_name_is_safe(id))
			continue; /* a staging folder */
		copy = load_copy(boot, id, &cause);
		if (copy)
			g_ptr_array_add(copies, copy);
		else
			add_fault(faults, path, id, cause);
	}
	return copies;
}

gboolean suture_live_prune(const gchar *root, const gchar *boot_id, GError **error)
{
	g_autofree gchar *path = g_build_filename(root ? root : "/", LIVE_FOLDER, NULL);
	g_autoptr(GPtrArray) names = list_names(path);
	SUTURE_AUTO_FD live = suture_file_open(path, O_RDONLY | O_DIRECTORY, NULL);

	for (guint i = 0; live >= 0 && i < names->len; i++)
		if (strcmp(names->pdata[i], boot_id) != 0 &&
		    !suture_file_remove_tree(live, names->pdata[i], error))
			return FALSE;
	return TRUE;
}
