// SPDX-License-Identifier: LGPL-2.1-or-later
#include "signer/sign/signer.h"

#include "common/file.h"
#include "signer/sign/private.h"

#include <openssl/err.h>

#define MAX_CERTIFICATE_BYTES (64 * 1024)

struct _SutureSigner {
	SuturePrivateKey *key;
	X509 *certificate;
};

void suture_signer_free(SutureSigner *signer)
{
	if (!signer)
		return;
	suture_private_key_free(signer->key);
	X509_free(signer->certificate);
	g_free(signer);
}

EVP_PKEY *suture_signer_key(const SutureSigner *signer)
{
	return suture_private_key_evp(signer->key);
}

X509 *suture_signer_certificate(const SutureSigner *signer)
{
	return signer->certificate;
}

SutureSigner *suture_signer_open(const gchar *key_uri, const gchar *certificate_path, GError **error)
{
	g_autoptr(SuturePrivateKey) key = suture_private_key_open(key_uri, error);
	g_autoptr(GBytes) pem = NULL;
	g_autoptr(SutureCertificates) certificates = NULL;
	SutureSigner *signer;

	if (!key)
		return NULL;
	pem = suture_file_read(certificate_path, MAX_CERTIFICATE_BYTES, error);
	certificates = pem ? suture_certificates_from_pem(pem, certificate_path, error) : NULL;
	if (!certificates)
		return NULL;
	if (sk_X509_num(certificates) != 1 ||
	    X509_check_private_key(sk_X509_value(certificates, 0), suture_private_key_evp(key)) != 1) {
		suture_key_unusable(error, "%s is not one certificate of the key %s; give that of this key",
				    certificate_path, key_uri);
		return NULL;
	}
	signer = g_new(SutureSigner, 1);
	*signer = (SutureSigner){g_steal_pointer(&key), sk_X509_shift(certificates)};
	return signer;
}

GBytes *suture_signer_finish(const SutureSigner *signer, CMS_ContentInfo *cms, const EVP_MD *digest,
			     guint flags, GBytes *content, GError **error)
{
	g_autoptr(BIO) data = suture_bio_of(content);
	guint8 *der = NULL;
	GBytes *signature;
	int size = -1;

	if (data &&
	    CMS_add1_signer(cms, signer->certificate, suture_signer_key(signer), digest,
			    CMS_BINARY | CMS_NOSMIMECAP | flags) &&
	    CMS_final(cms, data, NULL, CMS_BINARY | CMS_DETACHED) == 1)
		size = i2d_CMS_ContentInfo(cms, &der);
	if (size < 0) {
		suture_sign_failed(error, "cannot sign");
		return NULL;
	}
	signature = g_bytes_new(der, (gsize)size);
	OPENSSL_free(der);
	ERR_clear_error();
	return signature;
}
