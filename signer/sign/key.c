// SPDX-License-Identifier: LGPL-2.1-or-later
#include "signer/sign/key.h"

#include "common/file.h"
#include "signer/sign/key-create.h"
#include "signer/sign/pkcs11.h"
#include "signer/sign/private.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <string.h>
#include <sys/stat.h>

struct _SuturePrivateKey {
	EVP_PKEY *key;
};

void suture_private_key_free(SuturePrivateKey *key)
{
	if (!key)
		return;
	EVP_PKEY_free(key->key);
	g_free(key);
}

EVP_PKEY *suture_private_key_evp(const SuturePrivateKey *key)
{
	return key->key;
}

SuturePrivateKey *suture_private_key_take(EVP_PKEY *pkey)
{
	SuturePrivateKey *key = g_new(SuturePrivateKey, 1);

	key->key = pkey;
	return key;
}

gboolean suture_key_unusable(GError **error, const gchar *format, ...)
{
	g_autofree gchar *words = NULL;
	va_list args;

	va_start(args, format);
	words = g_strdup_vprintf(format, args);
	va_end(args);
	ERR_clear_error();
	g_set_error_literal(error, SUTURE_SIGN_ERROR, SUTURE_SIGN_ERROR_KEY, words);
	return FALSE;
}

gboolean suture_sign_failed(GError **error, const gchar *what)
{
	g_set_error(error, SUTURE_SIGN_ERROR, SUTURE_SIGN_ERROR_FAILED, "%s: %s", what,
		    suture_openssl_error());
	return FALSE;
}

static gchar *path_of(const gchar *uri, GError **error)
{
	const gchar *scheme = g_uri_peek_scheme(uri);
	g_autoptr(GError) cause = NULL;
	gchar *path;

	if (!scheme)
		return g_strdup(uri);
	if (!g_str_equal(scheme, "file")) {
		g_set_error(error, SUTURE_SIGN_ERROR, SUTURE_SIGN_ERROR_URI,
			    "%s: keys of scheme %s: are not served here; name a key file, or a pkcs11: token",
			    uri, scheme);
		return NULL;
	}
	path = g_filename_from_uri(uri, NULL, &cause);
	if (!path)
		g_set_error(error, SUTURE_SIGN_ERROR, SUTURE_SIGN_ERROR_URI,
			    "%s: %s; write file:/path/of.key", uri, cause->message);
	return path;
}

static gboolean mode_is_private(int fd, const gchar *path, GError **error)
{
	struct stat status;

	if (fstat(fd, &status) != 0)
		return suture_error_set_errno(error, errno, "%s", path);
	if (!S_ISREG(status.st_mode)) {
		g_set_error(error, SUTURE_SIGN_ERROR, SUTURE_SIGN_ERROR_KEY, "%s is not a regular file",
			    path);
		return FALSE;
	}
	if ((status.st_mode & 077) == 0)
		return TRUE;
	g_set_error(error, SUTURE_SIGN_ERROR, SUTURE_SIGN_ERROR_MODE,
		    "%s: a private key that others may read (mode %04o); chmod 600 it, or make a new one",
		    path, status.st_mode & 07777);
	return FALSE;
}

static SuturePrivateKey *open_token_key(const gchar *uri, GError **error)
{
	EVP_PKEY *pkey = suture_pkcs11_key_open(uri, error);

	ERR_clear_error();
	return pkey ? suture_private_key_take(pkey) : NULL;
}

static SuturePrivateKey *open_file_key(const gchar *uri, GError **error)
{
	g_autofree gchar *path = path_of(uri, error);
	g_autoptr(BIO) bio = NULL;
	EVP_PKEY *pkey;
	SUTURE_AUTO_FD fd = -1;

	if (!path)
		return NULL;
	fd = suture_file_open(path, O_RDONLY | O_NONBLOCK, error);
	if (fd < 0 || !mode_is_private(fd, path, error))
		return NULL;
	/* Straight from the descriptor: OpenSSL wipes its own buffers. */
	bio = BIO_new_fd(fd, BIO_NOCLOSE);
	pkey = bio ? PEM_read_bio_PrivateKey(bio, NULL, suture_openssl_no_password, NULL) : NULL;
	if (!pkey) {
		suture_key_unusable(
			error, "%s cannot be read as a private key (%s); give PKCS#8 in PEM, not encrypted",
			path, suture_openssl_error());
		return NULL;
	}
	ERR_clear_error();
	return suture_private_key_take(pkey);
}

gboolean suture_private_key_is_on_token(const gchar *uri)
{
	return g_ascii_strncasecmp(uri, "pkcs11:", strlen("pkcs11:")) == 0;
}

SuturePrivateKey *suture_private_key_open(const gchar *uri, GError **error)
{
	return suture_private_key_is_on_token(uri) ? open_token_key(uri, error) : open_file_key(uri, error);
}

gchar *suture_private_key_absolute(const gchar *uri)
{
	gchar *path;

	if (!g_uri_peek_scheme(uri))
		return g_canonicalize_filename(uri, NULL);
	path = g_filename_from_uri(uri, NULL, NULL);
	return path ? path : g_strdup(uri);
}

SutureTufKey *suture_private_key_tuf_public(const SuturePrivateKey *key, GError **error)
{
	g_autoptr(GBytes) pem = suture_private_key_public_pem(key, error);
	g_autoptr(GError) cause = NULL;
	SutureTufKey *public;

	if (!pem)
		return NULL;
	public = suture_tuf_key_from_pem(pem, &cause);
	if (!public)
		g_set_error_literal(error, SUTURE_SIGN_ERROR, SUTURE_SIGN_ERROR_KEY, cause->message);
	return public;
}

static const gchar *digest_for(const EVP_PKEY *key)
{
	if (EVP_PKEY_is_a(key, "ED25519"))
		return NULL;
	return EVP_PKEY_get_bits(key) == 384 && EVP_PKEY_is_a(key, "EC") ? "SHA384" : "SHA256";
}

static gboolean sign_start(EVP_MD_CTX *context, EVP_PKEY *key)
{
	EVP_PKEY_CTX *parameters = NULL;

	if (EVP_DigestSignInit_ex(context, &parameters, digest_for(key), NULL, NULL, key, NULL) != 1)
		return FALSE;
	return !EVP_PKEY_is_a(key, "RSA") ||
	       (EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1 &&
		EVP_PKEY_CTX_set_rsa_mgf1_md(parameters, EVP_sha256()) == 1 &&
		EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST) == 1);
}

gchar *suture_private_key_sign_tuf(const SuturePrivateKey *key, GBytes *data, GError **error)
{
	g_autoptr(SutureTufKey) usable = suture_private_key_tuf_public(key, error);
	g_autoptr(EVP_MD_CTX) context = EVP_MD_CTX_new();
	g_autofree guint8 *signature = NULL;
	gsize data_size, size = 0;
	const guint8 *bytes = g_bytes_get_data(data, &data_size);

	if (!usable)
		return NULL;
	bytes = bytes ? bytes : (const guint8 *)"";
	if (!sign_start(context, key->key) || EVP_DigestSign(context, NULL, &size, bytes, data_size) != 1) {
		suture_sign_failed(error, "cannot sign metadata");
		return NULL;
	}
	signature = g_malloc(size);
	if (EVP_DigestSign(context, signature, &size, bytes, data_size) != 1) {
		suture_sign_failed(error, "cannot sign metadata");
		return NULL;
	}
	return suture_hex(signature, size);
}
