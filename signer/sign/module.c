// SPDX-License-Identifier: LGPL-2.1-or-later
#include "signer/sign/module.h"

#include "common/file.h"
#include "signer/sign/private.h"
#include "signer/verify/module-signature.h"
#include "signer/verify/module-trailer.h"
#include "spec/manifest.h"

#include <fcntl.h>
#include <sys/stat.h>

#define RSA_BITS 2048

gboolean suture_module_hash_is_known(const gchar *hash)
{
	static const gchar *const known[] = {"sha256", "sha384", "sha512", NULL};

	return g_strv_contains(known, hash);
}

static GBytes *pkcs7_of(const SutureSigner *signer, const gchar *hash, GBytes *content, GError **error)
{
	const EVP_MD *digest = EVP_get_digestbyname(hash ? hash : "sha256");
	g_autoptr(CMS_ContentInfo) cms = NULL;
	g_autofree gchar *what = NULL;

	if (!suture_key_is_strong(suture_signer_key(signer), RSA_BITS, &what)) {
		suture_key_unusable(error,
				    "modules cannot be signed with a key of type %s; use RSA of %d bits or "
				    "more, or P-256",
				    what, RSA_BITS);
		return NULL;
	}
	/* The kernel holds the certificates itself, and refuses signed attributes on modules. */
	cms = CMS_sign(NULL, NULL, NULL, NULL, CMS_PARTIAL | CMS_BINARY | CMS_DETACHED | CMS_NOCERTS);
	if (!cms || !digest) {
		suture_sign_failed(error, "cannot begin to sign");
		return NULL;
	}
	return suture_signer_finish(signer, cms, digest, CMS_NOCERTS | CMS_NOATTR, content, error);
}

static GBytes *append(GBytes *content, GBytes *signature)
{
	guint32 size = (guint32)g_bytes_get_size(signature);
	const SutureModuleTrailer trailer = {
		.id_type = SUTURE_MODULE_ID_PKCS7,
		.signature_size = {(guint8)(size >> 24), (guint8)(size >> 16), (guint8)(size >> 8),
				   (guint8)size},
	};
	GByteArray *signed_module = g_byte_array_new();

	g_byte_array_append(signed_module, g_bytes_get_data(content, NULL), (guint)g_bytes_get_size(content));
	g_byte_array_append(signed_module, g_bytes_get_data(signature, NULL), size);
	g_byte_array_append(signed_module, (const guint8 *)&trailer, sizeof trailer);
	g_byte_array_append(signed_module, (const guint8 *)SUTURE_MODULE_MAGIC, SUTURE_MODULE_MAGIC_SIZE);
	return g_byte_array_free_to_bytes(signed_module);
}

GBytes *suture_module_sign(const SutureSigner *signer, const gchar *hash, gboolean replace, GBytes *module,
			   GError **error)
{
	g_autoptr(GBytes) content = NULL;
	g_autoptr(GBytes) signature = NULL;
	gsize content_size;

	if (g_bytes_get_size(module) == 0 || g_bytes_get_size(module) > SUTURE_MANIFEST_MAX_MODULE_BYTES) {
		g_set_error(error, SUTURE_COMMON_ERROR, SUTURE_COMMON_ERROR_TOO_LARGE,
			    "a module has 1 to %lld bytes, this one %" G_GSIZE_FORMAT,
			    SUTURE_MANIFEST_MAX_MODULE_BYTES, g_bytes_get_size(module));
		return NULL;
	}
	if (!suture_module_signature_strip(module, &content_size, error))
		return NULL;
	if (content_size < g_bytes_get_size(module) && !replace) {
		g_set_error(error, SUTURE_SIGN_ERROR, SUTURE_SIGN_ERROR_ALREADY,
			    "the module carries a signature; use --replace to sign it anew");
		return NULL;
	}
	content = g_bytes_new_from_bytes(module, 0, content_size);
	signature = pkcs7_of(signer, hash, content, error);
	return signature ? append(content, signature) : NULL;
}

gboolean suture_module_sign_file(const SutureSigner *signer, const gchar *hash, gboolean replace,
				 const gchar *path, GError **error)
{
	g_autoptr(GBytes) module = NULL;
	g_autoptr(GBytes) signed_module = NULL;
	struct stat status;
	SUTURE_AUTO_FD fd = suture_file_open(path, O_RDONLY, error);

	if (fd < 0)
		return FALSE;
	if (fstat(fd, &status) != 0)
		return suture_error_set_errno(error, errno, "%s", path);
	module = suture_file_read_fd(fd, SUTURE_MANIFEST_MAX_MODULE_BYTES, path, error);
	if (!module)
		return FALSE;
	signed_module = suture_module_sign(signer, hash, replace, module, error);
	if (!signed_module) {
		g_prefix_error(error, "%s: ", path);
		return FALSE;
	}
	return suture_file_write_atomic_path(path, signed_module, status.st_mode & 0777, error);
}
