// SPDX-License-Identifier: LGPL-2.1-or-later
#include "signer/sign/key-create.h"

#include "common/file.h"
#include "signer/sign/private.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/pem.h>

#define RSA_MIN_BITS 2048
#define RSA_DEFAULT_BITS 3072
#define RSA_MAX_BITS 8192

static EVP_PKEY *generate(const gchar *algorithm, guint bits)
{
	if (g_str_equal(algorithm, "rsa") && bits == 0)
		bits = RSA_DEFAULT_BITS;
	if (g_str_equal(algorithm, "rsa") && bits >= RSA_MIN_BITS && bits <= RSA_MAX_BITS)
		return EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (gsize)bits);
	if (g_str_equal(algorithm, "ec") && (bits == 0 || bits == 256))
		return EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	if (g_str_equal(algorithm, "ec") && bits == 384)
		return EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-384");
	if (g_str_equal(algorithm, "ed25519") && bits == 0)
		return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	return NULL;
}

SuturePrivateKey *suture_private_key_create(const gchar *algorithm, guint bits, GError **error)
{
	EVP_PKEY *key = generate(algorithm, bits);

	if (key)
		return suture_private_key_take(key);
	suture_key_unusable(
		error,
		"no key of algorithm %s with %u bits; choose rsa (%d to %d bits), ec (256, 384) or ed25519",
		algorithm, bits, RSA_MIN_BITS, RSA_MAX_BITS);
	return NULL;
}

gboolean suture_private_key_save(const SuturePrivateKey *key, const gchar *path, GError **error)
{
	SUTURE_AUTO_FD fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	g_autoptr(BIO) bio = NULL;

	if (fd < 0 && errno == EEXIST) {
		g_set_error(error, SUTURE_SIGN_ERROR, SUTURE_SIGN_ERROR_EXISTS,
			    "%s exists and is not overwritten; choose another name", path);
		return FALSE;
	}
	if (fd < 0)
		return suture_error_set_errno(error, errno, "%s", path);
	bio = BIO_new_fd(fd, BIO_NOCLOSE);
	if (!bio ||
	    PEM_write_bio_PKCS8PrivateKey(bio, suture_private_key_evp(key), NULL, NULL, 0, NULL, NULL) != 1 ||
	    fsync(fd) != 0) {
		suture_sign_failed(error, "cannot write the private key");
		unlink(path);
		return FALSE;
	}
	return TRUE;
}

GBytes *suture_private_key_public_pem(const SuturePrivateKey *key, GError **error)
{
	g_autoptr(BIO) bio = BIO_new(BIO_s_mem());

	if (PEM_write_bio_PUBKEY(bio, suture_private_key_evp(key)) == 1)
		return suture_bio_bytes(bio);
	suture_sign_failed(error, "cannot write the public key");
	return NULL;
}
