// SPDX-License-Identifier: LGPL-2.1-or-later
#include "signer/verify/module-signature.h"

#include "common/mutation.h"
#include "signer/verify/module-trailer.h"
#include "signer/verify/openssl.h"

#include <openssl/err.h>
#include <string.h>

#define MAX_SIGNATURE_BYTES (64 * 1024)
#define RSA_BITS 2048 /* distributions' own module keys are this small */

struct _SutureModuleTrust {
	SutureCertificates *certificates;
};

SutureModuleTrust *suture_module_trust_new(GBytes *certificates_pem, GError **error)
{
	SutureCertificates *certificates =
		suture_certificates_from_pem(certificates_pem, "the module signers' file", error);
	SutureModuleTrust *trust;

	if (!certificates)
		return NULL;
	trust = g_new(SutureModuleTrust, 1);
	trust->certificates = certificates;
	return trust;
}

void suture_module_trust_free(SutureModuleTrust *trust)
{
	if (!trust)
		return;
	suture_certificates_free(trust->certificates);
	g_free(trust);
}

void suture_module_signer_free(SutureModuleSigner *signer)
{
	if (!signer)
		return;
	g_free(signer->key_id);
	g_free(signer->subject);
	g_free(signer);
}

static gboolean refuse(GError **error, SutureVerifyError code, const gchar *words)
{
	ERR_clear_error();
	g_set_error(error, SUTURE_VERIFY_ERROR, code, "module signature: %s", words);
	return FALSE;
}

static gboolean malformed(GError **error, const gchar *words)
{
	return refuse(error, SUTURE_VERIFY_ERROR_MODULE_MALFORMED, words);
}

/* The parts of @module; *@ret_signature_size is 0 when it has no signature. */
static gboolean split(GBytes *module, gsize *ret_content_size, gsize *ret_signature_size, GError **error)
{
	gsize size;
	const guint8 *data = g_bytes_get_data(module, &size);
	SutureModuleTrailer trailer, expected = {.id_type = SUTURE_MODULE_ID_PKCS7};
	gsize signature_size;

	*ret_content_size = size;
	*ret_signature_size = 0;
	if (size < SUTURE_MODULE_MAGIC_SIZE || memcmp(data + size - SUTURE_MODULE_MAGIC_SIZE,
						      SUTURE_MODULE_MAGIC, SUTURE_MODULE_MAGIC_SIZE) != 0)
		return TRUE;
	size -= SUTURE_MODULE_MAGIC_SIZE;
	if (size < sizeof trailer)
		return malformed(error, "the module ends within the signature's trailer");
	size -= sizeof trailer;
	memcpy(&trailer, data + size, sizeof trailer);
	memcpy(expected.signature_size, trailer.signature_size, sizeof expected.signature_size);
	if (memcmp(&trailer, &expected, sizeof trailer) != 0)
		return malformed(error, "its trailer is not that of a PKCS#7 signature");
	signature_size = (gsize)trailer.signature_size[0] << 24 | (gsize)trailer.signature_size[1] << 16 |
			 (gsize)trailer.signature_size[2] << 8 | trailer.signature_size[3];
	if (signature_size == 0 || signature_size >= size || signature_size > MAX_SIGNATURE_BYTES)
		return malformed(error, "its trailer states an impossible size");
	*ret_content_size = size - signature_size;
	*ret_signature_size = signature_size;
	return TRUE;
}

gboolean suture_module_signature_strip(GBytes *module, gsize *ret_content_size, GError **error)
{
	gsize content_size, signature_size;

	if (!split(module, &content_size, &signature_size, error))
		return FALSE;
	*ret_content_size = content_size;
	return TRUE;
}

/* The one signer, or NULL: what the kernel takes for modules is SignedData over data, detached, without
 * signed attributes; without certificates because only enrolled keys count. */
static CMS_SignerInfo *only_signer(CMS_ContentInfo *cms, GError **error)
{
	ASN1_OCTET_STRING **content;
	g_autoptr(SutureCertificates) certificates = NULL;
	STACK_OF(CMS_SignerInfo) * infos;
	CMS_SignerInfo *info;

	if (OBJ_obj2nid(CMS_get0_type(cms)) != NID_pkcs7_signed ||
	    OBJ_obj2nid(CMS_get0_eContentType(cms)) != NID_pkcs7_data) {
		malformed(error, "its PKCS#7 is not signed data");
		return NULL;
	}
	content = CMS_get0_content(cms);
	certificates = CMS_get1_certs(cms);
	infos = CMS_get0_SignerInfos(cms);
	if (!content || sk_CMS_SignerInfo_num(infos) != 1 ||
	    ((*content || sk_X509_num(certificates) > 0) &&
	     !suture_check_skipped("module-signature-malformed"))) {
		malformed(error, "its PKCS#7 is not detached with one signer and without certificates");
		return NULL;
	}
	info = sk_CMS_SignerInfo_value(infos, 0);
	if (CMS_signed_get_attr_count(info) > 0 && !suture_check_skipped("module-signature-malformed")) {
		malformed(error, "it has signed attributes, which the kernel refuses");
		return NULL;
	}
	return info;
}

static X509 *find_certificate(const SutureModuleTrust *trust, CMS_SignerInfo *info)
{
	for (int i = 0; i < sk_X509_num(trust->certificates); i++) {
		X509 *certificate = sk_X509_value(trust->certificates, i);

		if (suture_cms_is_by(info, certificate))
			return certificate;
	}
	return NULL;
}

static gboolean check_strength(CMS_SignerInfo *info, X509 *certificate, GError **error)
{
	EVP_PKEY *key = X509_get0_pubkey(certificate);
	g_autofree gchar *what = NULL;
	g_autofree gchar *words = NULL;
	X509_ALGOR *digest, *algorithm;

	if (suture_check_skipped("module-signature-weak"))
		return TRUE;
	if (!key || !suture_key_is_strong(key, RSA_BITS, &what)) {
		words = g_strdup_printf(
			"the signer's key is %s; sign with RSA of %d bits or more, P-256 or P-384",
			what ? what : "of an unknown type", RSA_BITS);
		return refuse(error, SUTURE_VERIFY_ERROR_MODULE_WEAK, words);
	}
	CMS_SignerInfo_get0_algs(info, NULL, NULL, &digest, &algorithm);
	if (!suture_signer_algorithms_fit(digest, algorithm, key))
		return refuse(
			error, SUTURE_VERIFY_ERROR_MODULE_WEAK,
			"its algorithms are not SHA-256, SHA-384 or SHA-512 with RSA (PKCS#1) or ECDSA");
	return TRUE;
}

static gboolean check_signature(CMS_ContentInfo *cms, X509 *certificate, GBytes *content, GError **error)
{
	/* Borrowed: freed without its certificate. */
	STACK_OF(X509) *signers = sk_X509_new_null();
	g_autoptr(BIO) bio = suture_bio_of(content);
	g_autofree gchar *words = NULL;
	gboolean fits;

	sk_X509_push(signers, certificate);
	fits = bio && CMS_verify(cms, signers, NULL, bio, NULL,
				 CMS_BINARY | CMS_DETACHED | CMS_NOINTERN | CMS_NO_SIGNER_CERT_VERIFY) == 1;
	sk_X509_free(signers);
	if (fits || suture_check_skipped("module-signature")) {
		ERR_clear_error();
		return TRUE;
	}
	words = g_strdup_printf("it does not fit the module (%s); one of the two was changed",
				suture_openssl_error());
	return refuse(error, SUTURE_VERIFY_ERROR_MODULE_SIGNATURE, words);
}

static SutureModuleSigner *signer_new(X509 *certificate, gsize content_size)
{
	SutureModuleSigner *signer = g_new0(SutureModuleSigner, 1);

	signer->content_size = content_size;
	signer->key_id = suture_certificate_key_id(certificate);
	signer->subject = suture_certificate_subject(certificate);
	return signer;
}

gboolean suture_module_signature_verify(const SutureModuleTrust *trust, GBytes *module,
					SutureModuleSigner **ret_signer, GError **error)
{
	g_autoptr(GBytes) content = NULL;
	g_autoptr(GBytes) signature = NULL;
	g_autoptr(CMS_ContentInfo) cms = NULL;
	CMS_SignerInfo *info;
	X509 *certificate;
	gsize content_size, signature_size;

	if (!split(module, &content_size, &signature_size, error))
		return FALSE;
	if (signature_size == 0 && !suture_check_skipped("module-unsigned"))
		return refuse(error, SUTURE_VERIFY_ERROR_MODULE_UNSIGNED, "the module has none; sign it");
	content = g_bytes_new_from_bytes(module, 0, content_size);
	signature = g_bytes_new_from_bytes(module, content_size, signature_size);
	cms = suture_cms_from_der(signature, MAX_SIGNATURE_BYTES);
	if (!cms)
		return malformed(error, "it is not PKCS#7 in DER");
	info = only_signer(cms, error);
	if (!info)
		return FALSE;
	certificate = find_certificate(trust, info);
	if (!certificate && suture_check_skipped("module-key-unknown"))
		certificate = sk_X509_value(trust->certificates, 0);
	if (!certificate)
		return refuse(error, SUTURE_VERIFY_ERROR_MODULE_KEY,
			      "its key is none of the trusted module signers; configure its certificate");
	if (!check_strength(info, certificate, error) || !check_signature(cms, certificate, content, error))
		return FALSE;
	if (ret_signer)
		*ret_signer = signer_new(certificate, content_size);
	return TRUE;
}
