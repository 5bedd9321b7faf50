// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/build/package.h"

#include "common/cancel.h"
#include "common/file.h"
#include "packager/build/rpm-build.h"
#include "packager/build/template.h"
#include "packager/read/bundle.h"
#include "packager/read/naming.h"
#include "signer/verify/digest.h"
#include "signer/verify/module-signature.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define SIGNATURE_BYTES (64 * 1024)

/* The bytes that are checked are those that are packed. */
typedef struct {
	const gchar *folder; /* names it in errors */
	int dirfd;
	SutureManifest *manifest;
	GHashTable *files; /* gchar* name -> GBytes* */
} Content;

static void content_clear(Content *content)
{
	suture_fd_clear(&content->dirfd);
	g_clear_pointer(&content->manifest, suture_manifest_free);
	g_clear_pointer(&content->files, g_hash_table_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Content, content_clear)

static gboolean refuse(const Content *content, gint code, const gchar *file, const gchar *problem,
		       GError **error)
{
	g_set_error(error, SUTURE_BUILD_ERROR, code, "%s/%s: %s", content->folder, file, problem);
	return FALSE;
}

/* NULL with @missing's code when there is no such file. */
static GBytes *take(Content *content, const gchar *name, guint64 limit, gint missing, const gchar *problem,
		    GError **error)
{
	GBytes *bytes;

	if (faccessat(content->dirfd, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT) {
		refuse(content, missing, name, problem, error);
		return NULL;
	}
	bytes = suture_file_read_at(content->dirfd, name, limit, error);
	if (bytes)
		g_hash_table_insert(content->files, g_strdup(name), bytes);
	return bytes;
}

static gboolean take_module(Content *content, const SutureModule *module, GError **error)
{
	GBytes *bytes = take(content, module->file, SUTURE_MANIFEST_MAX_MODULE_BYTES,
			     SUTURE_BUILD_ERROR_INCOMPLETE, "is missing; build the bundle again", error);
	g_autofree gchar *sha256 = bytes ? suture_digest_bytes(bytes) : NULL;
	gsize content_size;

	if (!bytes || !suture_module_signature_strip(bytes, &content_size, error))
		return FALSE;
	if (content_size == g_bytes_get_size(bytes))
		return refuse(content, SUTURE_BUILD_ERROR_UNSIGNED, module->file,
			      "has no module signature; sign modules, then the manifest, then pack", error);
	if (g_bytes_get_size(bytes) != module->size || strcmp(sha256, module->sha256) != 0)
		return refuse(content, SUTURE_BUILD_ERROR_DIFFERS, module->file,
			      "is not the file that the manifest lists; sign the manifest after the modules",
			      error);
	return TRUE;
}

static gboolean take_manifest(Content *content, GError **error)
{
	GBytes *manifest = take(content, SUTURE_MANIFEST_FILE, SUTURE_MANIFEST_MAX_BYTES,
				SUTURE_BUILD_ERROR_INCOMPLETE, "is missing; is this a bundle folder?", error);
	GBytes *signature;

	content->manifest = manifest ? suture_manifest_parse(manifest, error) : NULL;
	if (!content->manifest)
		return FALSE;
	signature = take(
		content, SUTURE_MANIFEST_SIGNATURE_FILE, SIGNATURE_BYTES, SUTURE_BUILD_ERROR_UNSIGNED,
		"is missing: the manifest is not signed; sign modules, then the manifest, then pack", error);
	if (signature && g_bytes_get_size(signature) == 0)
		return refuse(content, SUTURE_BUILD_ERROR_UNSIGNED, SUTURE_MANIFEST_SIGNATURE_FILE,
			      "is empty; sign the manifest", error);
	return signature != NULL;
}

static gboolean nothing_else(const Content *content, GError **error)
{
	g_autoptr(GDir) folder = g_dir_open(content->folder, 0, error);
	const gchar *name;

	while (folder && (name = g_dir_read_name(folder)))
		if (!g_hash_table_contains(content->files, name))
			return refuse(content, SUTURE_BUILD_ERROR_EXTRA, name,
				      "is not listed in the manifest; remove it", error);
	return folder != NULL;
}

static gboolean take_all(Content *content, GError **error)
{
	if (content->dirfd < 0 || !take_manifest(content, error))
		return FALSE;
	for (guint i = 0; i < content->manifest->modules->len; i++)
		if (!take_module(content, content->manifest->modules->pdata[i], error))
			return FALSE;
	return nothing_else(content, error);
}

/* Seconds since the epoch; the manifest's parser has checked the form. */
static gint64 issued_seconds(const SutureManifest *manifest)
{
	g_autoptr(GDateTime) time = g_date_time_new_from_iso8601(manifest->patch.issued, NULL);

	return time ? g_date_time_to_unix(time) : 0;
}

gchar *suture_package(const gchar *folder, const gchar *template, const gchar *output, GError **error)
{
	g_auto(Content) content = {
		.folder = folder,
		.dirfd = suture_file_open_folder(folder, FALSE, error),
		.files =
			g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_bytes_unref),
	};
	g_autofree gchar *spec = NULL;
	g_autofree gchar *below = NULL;
	g_autofree gchar *installed = NULL;

	if (!take_all(&content, error))
		return NULL;
	spec = suture_template_fill(template, content.manifest, error);
	if (!spec || !suture_cancel_check(error))
		return NULL;
	below = suture_bundle_folder(&content.manifest->patch);
	installed = g_build_filename(SUTURE_BUNDLE_PACKAGE_STORE, below, NULL);
	return suture_rpm_build(
		&(SutureRpmContent){spec, installed, content.files, issued_seconds(content.manifest)}, output,
		error);
}
