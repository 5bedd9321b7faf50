// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fetcher/repo/anchors.h"

#include "signer/verify/digest.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define ANCHOR_MAX_BYTES (16 * 1024 * 1024)

static const gchar *const files[] = {"rpm-keyring.asc", "cms-ca.pem", "cms-crl.pem", "module.pem"};

json_t *suture_repo_target(guint64 length, const gchar *sha256, json_t *custom)
{
	json_t *entry = json_pack("{s:I, s:{s:s}}", "length", (json_int_t)length, "hashes", "sha256", sha256);

	if (custom)
		json_object_set(entry, "custom", custom);
	return entry;
}

gchar *suture_repo_anchor_disk_name(const gchar *path, json_t *entry)
{
	const gchar *sha256 = json_string_value(json_object_get(json_object_get(entry, "hashes"), "sha256"));

	return g_strdup_printf("%s.%s", sha256, path + strlen(SUTURE_REPO_ANCHORS_PREFIX));
}

static gboolean keep(int anchors, const gchar *name, GBytes *bytes, GError **error)
{
	return faccessat(anchors, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0 ||
	       suture_file_write_atomic(anchors, name, bytes, 0644, error);
}

static gboolean add(int anchors, int trust, const gchar *file, json_t *targets, GError **error)
{
	g_autofree gchar *path = g_strconcat(SUTURE_REPO_ANCHORS_PREFIX, file, NULL);
	g_autoptr(GBytes) bytes = NULL;
	g_autofree gchar *sha256 = NULL, *name = NULL;
	json_t *entry;

	/* Not every vendor has revoked something. */
	if (faccessat(trust, file, F_OK, 0) < 0 && errno == ENOENT)
		return TRUE;
	bytes = suture_file_read_at(trust, file, ANCHOR_MAX_BYTES, error);
	if (!bytes)
		return FALSE;
	sha256 = suture_digest_bytes(bytes);
	entry = suture_repo_target(g_bytes_get_size(bytes), sha256, NULL);
	json_object_set_new(targets, path, entry);
	name = suture_repo_anchor_disk_name(path, entry);
	return keep(anchors, name, bytes, error);
}

gboolean suture_repo_anchors_add(const SutureRepo *repo, json_t *targets, GError **error)
{
	g_autofree gchar *folder = g_canonicalize_filename(repo->settings->trust, repo->folder);
	SUTURE_AUTO_FD trust = suture_file_open_folder(folder, FALSE, error);

	for (guint i = 0; trust >= 0 && i < G_N_ELEMENTS(files); i++)
		if (!add(repo->anchors, trust, files[i], targets, error))
			return FALSE;
	return trust >= 0;
}
