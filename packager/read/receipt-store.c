// SPDX-License-Identifier: LGPL-2.1-or-later
#include "common/file.h"
#include "packager/read/store.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define RECEIPTS "var/lib/suture/receipts"
#define RECEIPT_MAX (64 * 1024)

static gboolean is_digest(const gchar *text)
{
	return strlen(text) == 64 && strspn(text, "0123456789abcdef") == 64;
}

static gchar *receipt_name(const gchar *manifest_sha256)
{
	return g_strdup_printf("%s.json", manifest_sha256);
}

static gchar *receipts_folder(const gchar *root)
{
	return g_build_filename(root ? root : "/", RECEIPTS, NULL);
}

gboolean suture_receipt_load(const gchar *root, const gchar *manifest_sha256, SutureReceipt **ret,
			     GError **error)
{
	g_autofree gchar *path = receipts_folder(root);
	g_autofree gchar *name = receipt_name(manifest_sha256);
	SUTURE_AUTO_FD folder = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	g_autoptr(GBytes) bytes = NULL;
	g_autoptr(SutureReceipt) receipt = NULL;
	struct stat status;

	if (folder < 0 && errno != ENOENT)
		return suture_error_set_errno(error, errno, "%s", path);
	if (folder < 0 || (fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)) {
		*ret = NULL;
		return TRUE;
	}
	bytes = suture_file_read_at(folder, name, RECEIPT_MAX, error);
	receipt = bytes ? suture_receipt_parse(bytes, error) : NULL;
	if (receipt && strcmp(receipt->manifest_sha256, manifest_sha256) != 0)
		g_set_error_literal(error, SUTURE_BUNDLE_ERROR, SUTURE_BUNDLE_ERROR_DISAGREE,
				    "is the receipt of another manifest: remove it");
	if (!receipt || strcmp(receipt->manifest_sha256, manifest_sha256) != 0) {
		g_prefix_error(error, "%s/%s: ", path, name);
		return FALSE;
	}
	*ret = g_steal_pointer(&receipt);
	return TRUE;
}

/*
 * Also takes the folder's lock, held until it is closed: fetching and applying write here, and neither waits
 * for the other's lock.
 */
static gboolean sweep(int folder, GError **error)
{
	if (TEMP_FAILURE_RETRY(flock(folder, LOCK_EX)) < 0)
		return suture_error_set_errno(error, errno, "lock %s", RECEIPTS);
	return suture_file_sweep(folder, error);
}

gboolean suture_receipt_sweep(const gchar *root, GError **error)
{
	g_autofree gchar *path = receipts_folder(root);
	SUTURE_AUTO_FD folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (folder < 0)
		return errno == ENOENT || suture_error_set_errno(error, errno, "%s", path);
	return sweep(folder, error);
}

gboolean suture_receipt_save(const gchar *root, const SutureReceipt *receipt, GError **error)
{
	g_autofree gchar *path = receipts_folder(root);
	g_autofree gchar *name = receipt_name(receipt->manifest_sha256);
	SUTURE_AUTO_FD folder = suture_file_open_folder(path, TRUE, error);
	g_autoptr(GBytes) bytes = NULL;

	g_return_val_if_fail(is_digest(receipt->manifest_sha256), FALSE);
	if (folder < 0 || !sweep(folder, error))
		return FALSE;
	bytes = suture_receipt_write(receipt);
	return suture_file_write_atomic(folder, name, bytes, 0600, error);
}

gboolean suture_receipt_remove(const gchar *root, const gchar *manifest_sha256, GError **error)
{
	g_autofree gchar *folder = receipts_folder(root);
	g_autofree gchar *name = receipt_name(manifest_sha256);
	g_autofree gchar *path = g_build_filename(folder, name, NULL);

	g_return_val_if_fail(is_digest(manifest_sha256), FALSE);
	return unlink(path) == 0 || errno == ENOENT || suture_error_set_errno(error, errno, "%s", path);
}
