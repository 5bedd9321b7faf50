// SPDX-License-Identifier: LGPL-2.1-or-later
#include "signer/verify/digest.h"

#include "common/error.h"
#include "signer/verify/openssl.h"

#include <errno.h>
#include <unistd.h>

#define BUFFER_BYTES (128 * 1024)

struct _SutureDigest {
	EVP_MD_CTX *context;
};

SutureDigest *suture_digest_new(void)
{
	SutureDigest *digest = g_new(SutureDigest, 1);

	digest->context = EVP_MD_CTX_new();
	if (!digest->context || EVP_DigestInit_ex(digest->context, EVP_sha256(), NULL) != 1)
		g_error("SHA-256 is not available: %s", suture_openssl_error());
	return digest;
}

void suture_digest_update(SutureDigest *digest, gconstpointer data, gsize size)
{
	if (EVP_DigestUpdate(digest->context, data, size) != 1)
		g_error("SHA-256 failed: %s", suture_openssl_error());
}

gchar *suture_digest_finish(SutureDigest *digest)
{
	guint8 value[EVP_MAX_MD_SIZE];
	guint size = 0;

	if (EVP_DigestFinal_ex(digest->context, value, &size) != 1)
		g_error("SHA-256 failed: %s", suture_openssl_error());
	suture_digest_free(digest);
	return suture_hex(value, size);
}

void suture_digest_free(SutureDigest *digest)
{
	if (!digest)
		return;
	EVP_MD_CTX_free(digest->context);
	g_free(digest);
}

gchar *suture_digest_bytes(GBytes *bytes)
{
	SutureDigest *digest = suture_digest_new();
	gsize size;
	gconstpointer data = g_bytes_get_data(bytes, &size);

	suture_digest_update(digest, data, size);
	return suture_digest_finish(digest);
}

gchar *suture_digest_fd(int fd, guint64 *ret_size, GError **error)
{
	g_autoptr(SutureDigest) digest = suture_digest_new();
	g_autofree guint8 *buffer = g_malloc(BUFFER_BYTES);
	guint64 offset = 0;
	ssize_t got;

	while ((got = pread(fd, buffer, BUFFER_BYTES, (off_t)offset)) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			suture_error_set_errno(error, errno, "cannot read the file to digest");
			return NULL;
		}
		suture_digest_update(digest, buffer, (gsize)got);
		offset += (guint64)got;
	}
	if (ret_size)
		*ret_size = offset;
	return suture_digest_finish(g_steal_pointer(&digest));
}
