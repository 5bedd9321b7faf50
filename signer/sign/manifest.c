// SPDX-License-Identifier: LGPL-2.1-or-later
#include "signer/sign/manifest.h"

#include "common/file.h"
#include "signer/sign/module.h"
#include "signer/sign/private.h"
#include "signer/verify/digest.h"
#include "signer/verify/module-signature.h"
#include "spec/manifest.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static gboolean add_chain(CMS_ContentInfo *cms, GBytes *chain_pem, GError **error)
{
	g_autoptr(SutureCertificates) chain = NULL;

	if (!chain_pem)
		return TRUE;
	chain = suture_certificates_from_pem(chain_pem, "the chain", error);
	if (!chain)
		return FALSE;
	for (int i = 0; i < sk_X509_num(chain); i++)
		if (CMS_add1_cert(cms, sk_X509_value(chain, i)) != 1)
			return suture_sign_failed(error, "cannot add the chain");
	return TRUE;
}

GBytes *suture_manifest_sign(const SutureSigner *signer, GBytes *chain_pem, GBytes *manifest, GError **error)
{
	X509 *certificate = suture_signer_certificate(signer);
	g_autoptr(CMS_ContentInfo) cms = NULL;
	g_autofree gchar *what = NULL;
	const gchar *wrong = suture_code_signer_fault(certificate);

	if (!suture_key_is_strong(suture_signer_key(signer), SUTURE_CMS_RSA_BITS, &what)) {
		suture_key_unusable(error,
				    "manifests cannot be signed with a key of type %s; use P-256, or RSA of "
				    "%d bits or more",
				    what, SUTURE_CMS_RSA_BITS);
		return NULL;
	}
	if (wrong) {
		suture_key_unusable(error, "%s; make one with 'suture key create --type cms'", wrong);
		return NULL;
	}
	cms = CMS_sign(NULL, NULL, NULL, NULL, CMS_PARTIAL | CMS_BINARY | CMS_DETACHED);
	if (!cms) {
		suture_sign_failed(error, "cannot begin to sign");
		return NULL;
	}
	if (!add_chain(cms, chain_pem, error))
		return NULL;
	return suture_signer_finish(signer, cms, EVP_sha256(), 0, manifest, error);
}

/* A bundle folder, open. */
typedef struct {
	int fd;
	SutureManifest *manifest;
	GBytes *bytes; /* of manifest.json */
} Folder;

static void folder_clear(Folder *folder)
{
	suture_fd_clear(&folder->fd);
	suture_manifest_free(folder->manifest);
	g_clear_pointer(&folder->bytes, g_bytes_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Folder, folder_clear)

static gboolean folder_open(Folder *folder, const gchar *path, gboolean replace, GError **error)
{
	struct stat status;

	folder->fd = suture_file_open_folder(path, FALSE, error);
	if (folder->fd < 0)
		return FALSE;
	folder->bytes =
		suture_file_read_at(folder->fd, SUTURE_MANIFEST_FILE, SUTURE_MANIFEST_MAX_BYTES, error);
	folder->manifest = folder->bytes ? suture_manifest_parse(folder->bytes, error) : NULL;
	if (!folder->manifest) {
		g_prefix_error(error, "%s: ", path);
		return FALSE;
	}
	if (replace || fstatat(folder->fd, SUTURE_MANIFEST_SIGNATURE_FILE, &status, AT_SYMLINK_NOFOLLOW) != 0)
		return TRUE;
	g_set_error(error, SUTURE_SIGN_ERROR, SUTURE_SIGN_ERROR_ALREADY,
		    "%s/%s exists; use --replace to sign anew", path, SUTURE_MANIFEST_SIGNATURE_FILE);
	return FALSE;
}

static gboolean out_of_order(GError **error, const gchar *file, const gchar *words)
{
	g_set_error(error, SUTURE_SIGN_ERROR, SUTURE_SIGN_ERROR_ORDER, "%s %s", file, words);
	return FALSE;
}

static gboolean is_stated(const SutureModule *stated, GBytes *bytes)
{
	g_autofree gchar *sha256 = suture_digest_bytes(bytes);

	return stated->size == g_bytes_get_size(bytes) && strcmp(stated->sha256, sha256) == 0;
}

/* The module file of @stated: as stated, or signed since (a signing of several that was cut short). */
static GBytes *read_module(const Folder *folder, const SutureModule *stated, GError **error)
{
	g_autoptr(GBytes) bytes =
		suture_file_read_at(folder->fd, stated->file, SUTURE_MANIFEST_MAX_MODULE_BYTES, error);
	g_autoptr(GBytes) content = NULL;
	gsize content_size;

	if (!bytes || !suture_module_signature_strip(bytes, &content_size, error))
		return NULL;
	content = g_bytes_new_from_bytes(bytes, 0, content_size);
	if (is_stated(stated, bytes) || is_stated(stated, content))
		return g_steal_pointer(&bytes);
	out_of_order(error, stated->file,
		     "is not the module that the manifest was written for; build it anew");
	return NULL;
}

/* All signed modules, before one of them is written. */
static GPtrArray *sign_all(const SutureSigner *signer, const gchar *hash, gboolean replace,
			   const Folder *folder, GError **error)
{
	g_autoptr(GPtrArray) results = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);

	for (guint i = 0; i < folder->manifest->modules->len; i++) {
		const SutureModule *module = g_ptr_array_index(folder->manifest->modules, i);
		g_autoptr(GBytes) bytes = read_module(folder, module, error);
		GBytes *result = bytes ? suture_module_sign(signer, hash, replace, bytes, error) : NULL;

		if (!result) {
			g_prefix_error(error, "%s: ", module->file);
			return NULL;
		}
		g_ptr_array_add(results, result);
	}
	return g_steal_pointer(&results);
}

static gboolean write_modules(const Folder *folder, GPtrArray *results, GError **error)
{
	g_autoptr(GBytes) manifest = NULL;

	for (guint i = 0; i < results->len; i++) {
		SutureModule *module = g_ptr_array_index(folder->manifest->modules, i);
		GBytes *bytes = g_ptr_array_index(results, i);

		if (!suture_file_write_atomic(folder->fd, module->file, bytes, 0644, error))
			return FALSE;
		module->size = g_bytes_get_size(bytes);
		g_free(module->sha256);
		module->sha256 = suture_digest_bytes(bytes);
	}
	manifest = suture_manifest_write(folder->manifest, error);
	return manifest && suture_file_write_atomic(folder->fd, SUTURE_MANIFEST_FILE, manifest, 0644, error);
}

gboolean suture_bundle_sign_modules(const SutureSigner *signer, const gchar *hash, gboolean replace,
				    const gchar *path, GError **error)
{
	g_auto(Folder) folder = {-1};
	g_autoptr(GPtrArray) results = NULL;

	if (!folder_open(&folder, path, replace, error))
		return FALSE;
	results = sign_all(signer, hash, replace, &folder, error);
	/* The old signature goes first: at no time does it stand beside what it does not cover. */
	return results && suture_file_remove_tree(folder.fd, SUTURE_MANIFEST_SIGNATURE_FILE, error) &&
	       write_modules(&folder, results, error);
}

static gboolean module_is_ready(const Folder *folder, const SutureModule *stated, GError **error)
{
	g_autoptr(GBytes) bytes =
		suture_file_read_at(folder->fd, stated->file, SUTURE_MANIFEST_MAX_MODULE_BYTES, error);
	gsize content_size;

	if (!bytes || !suture_module_signature_strip(bytes, &content_size, error))
		return FALSE;
	if (content_size == g_bytes_get_size(bytes))
		return out_of_order(error, stated->file,
				    "is not signed yet; sign modules before the manifest");
	if (!is_stated(stated, bytes))
		return out_of_order(error, stated->file,
				    "is not what the manifest states; run 'suture sign modules' first");
	return TRUE;
}

gboolean suture_bundle_sign_manifest(const SutureSigner *signer, GBytes *chain_pem, gboolean replace,
				     const gchar *path, GError **error)
{
	g_auto(Folder) folder = {-1};
	g_autoptr(GBytes) signature = NULL;

	if (!folder_open(&folder, path, replace, error))
		return FALSE;
	for (guint i = 0; i < folder.manifest->modules->len; i++)
		if (!module_is_ready(&folder, g_ptr_array_index(folder.manifest->modules, i), error)) {
			g_prefix_error(error, "%s: ", path);
			return FALSE;
		}
	signature = suture_manifest_sign(signer, chain_pem, folder.bytes, error);
	return signature &&
	       suture_file_write_atomic(folder.fd, SUTURE_MANIFEST_SIGNATURE_FILE, signature, 0644, error);
}
