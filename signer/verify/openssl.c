// SPDX-License-Identifier: LGPL-2.1-or-later
#include "signer/verify/openssl.h"

#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>
#include <time.h>

#define MAX_CERTIFICATES 64

const gchar *suture_openssl_error(void)
{
	unsigned long code = ERR_peek_last_error();
	const gchar *reason = code ? ERR_reason_error_string(code) : NULL;

	ERR_clear_error();
	return reason ? reason : "no reason given by OpenSSL";
}

int suture_openssl_no_password(char *buffer, int size, int writing, void *data)
{
	(void)buffer;
	(void)size;
	(void)writing;
	(void)data;
	return -1;
}

gchar *suture_hex(const guint8 *data, gsize size)
{
	GString *hex = g_string_sized_new(size * 2);

	for (gsize i = 0; i < size; i++)
		g_string_append_printf(hex, "%02x", data[i]);
	return g_string_free(hex, FALSE);
}

BIO *suture_bio_of(GBytes *bytes)
{
	gsize size;
	gconstpointer data = g_bytes_get_data(bytes, &size);

	return size > INT_MAX ? NULL : BIO_new_mem_buf(data ? data : "", (int)size);
}

GBytes *suture_bio_bytes(BIO *memory)
{
	gchar *data = NULL;
	long size = BIO_get_mem_data(memory, &data);

	return g_bytes_new(data, size > 0 ? (gsize)size : 0);
}

gboolean suture_pem_ended(void)
{
	unsigned long code = ERR_peek_last_error();

	return ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
}

SutureCertificates *suture_certificates_from_pem(GBytes *pem, const gchar *what, GError **error)
{
	g_autoptr(SutureCertificates) found = sk_X509_new_null();
	g_autoptr(BIO) bio = suture_bio_of(pem);
	X509 *certificate;

	ERR_clear_error();
	while (bio && sk_X509_num(found) <= MAX_CERTIFICATES &&
	       (certificate = PEM_read_bio_X509(bio, NULL, suture_openssl_no_password, NULL)))
		sk_X509_push(found, certificate);
	if (!bio || sk_X509_num(found) > MAX_CERTIFICATES || !suture_pem_ended()) {
		g_set_error(error, SUTURE_VERIFY_ERROR, SUTURE_VERIFY_ERROR_KEY,
			    "%s cannot be read (%s): give certificates in PEM, at most %d", what,
			    suture_openssl_error(), MAX_CERTIFICATES);
		return NULL;
	}
	ERR_clear_error();
	if (sk_X509_num(found) == 0) {
		g_set_error(error, SUTURE_VERIFY_ERROR, SUTURE_VERIFY_ERROR_KEY,
			    "%s holds no certificate: give certificates in PEM", what);
		return NULL;
	}
	return g_steal_pointer(&found);
}

gchar *suture_name_text(const X509_NAME *name)
{
	g_autoptr(BIO) bio = BIO_new(BIO_s_mem());
	gchar *data = NULL;
	long size;

	X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253);
	size = BIO_get_mem_data(bio, &data);
	return size > 0 ? g_strndup(data, (gsize)size) : g_strdup("");
}

gchar *suture_certificate_subject(const X509 *certificate)
{
	return suture_name_text(X509_get_subject_name(certificate));
}

gchar *suture_certificate_key_id(X509 *certificate)
{
	const ASN1_OCTET_STRING *id = X509_get0_subject_key_id(certificate);

	return id ? suture_hex(ASN1_STRING_get0_data(id), (gsize)ASN1_STRING_length(id)) : g_strdup("");
}

gchar *suture_certificate_fingerprint(const X509 *certificate)
{
	guint8 value[EVP_MAX_MD_SIZE];
	guint size = 0;

	if (X509_digest(certificate, EVP_sha256(), value, &size) != 1)
		g_error("SHA-256 failed: %s", suture_openssl_error());
	return suture_hex(value, size);
}

gint64 suture_asn1_time(const ASN1_TIME *time)
{
	struct tm broken_down;

	return ASN1_TIME_to_tm(time, &broken_down) == 1 ? (gint64)timegm(&broken_down) : G_MININT64;
}

gboolean suture_digest_is_strong(int nid)
{
	return nid == NID_sha256 || nid == NID_sha384 || nid == NID_sha512;
}

gboolean suture_key_is_strong(const EVP_PKEY *key, int rsa_bits, gchar **ret_what)
{
	gchar group[64] = "";
	int explicit_parameters = 0;

	if (EVP_PKEY_is_a(key, "RSA")) {
		if (EVP_PKEY_get_bits(key) >= rsa_bits)
			return TRUE;
		*ret_what = g_strdup_printf("RSA of %d bits", EVP_PKEY_get_bits(key));
		return FALSE;
	}
	EVP_PKEY_get_int_param(key, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS, &explicit_parameters);
	EVP_PKEY_get_group_name(key, group, sizeof group, NULL);
	if (EVP_PKEY_is_a(key, "EC") && !explicit_parameters &&
	    (g_str_equal(group, SN_X9_62_prime256v1) || g_str_equal(group, SN_secp384r1)))
		return TRUE;
	*ret_what = g_strdup_printf("%s%s%s", EVP_PKEY_get0_type_name(key), *group ? " " : "", group);
	return FALSE;
}

/* These algorithms have none: absent, or NULL (RFC 3370 section 2, RFC 5754 section 2). */
static gboolean take_no_parameters(const X509_ALGOR *algorithm, const ASN1_OBJECT **ret_object)
{
	int type;

	X509_ALGOR_get0(ret_object, &type, NULL, algorithm);
	return type == V_ASN1_UNDEF || type == V_ASN1_NULL;
}

gboolean suture_signer_algorithms_fit(const X509_ALGOR *digest, const X509_ALGOR *signature,
				      const EVP_PKEY *key)
{
	const ASN1_OBJECT *digest_object, *signature_object;
	int digest_nid, signature_nid, named_digest = NID_undef, named_key = NID_undef;

	if (!take_no_parameters(digest, &digest_object) || !take_no_parameters(signature, &signature_object))
		return FALSE;
	digest_nid = OBJ_obj2nid(digest_object);
	signature_nid = OBJ_obj2nid(signature_object);
	if (!suture_digest_is_strong(digest_nid))
		return FALSE;
	/* RFC 3370 section 3.2: with RSA the identifier may name the key type alone. */
	if (signature_nid == NID_rsaEncryption)
		return EVP_PKEY_is_a(key, "RSA");
	if (!OBJ_find_sigid_algs(signature_nid, &named_digest, &named_key) || named_digest != digest_nid)
		return FALSE;
	return named_key == NID_rsaEncryption
		       ? EVP_PKEY_is_a(key, "RSA")
		       : named_key == NID_X9_62_id_ecPublicKey && EVP_PKEY_is_a(key, "EC");
}

/* An entitlement certificate of the same CA has another usage, or this and another one. */
static gboolean signs_code_only(X509 *certificate)
{
	g_autoptr(EXTENDED_KEY_USAGE) usage = X509_get_ext_d2i(certificate, NID_ext_key_usage, NULL, NULL);

	return usage && sk_ASN1_OBJECT_num(usage) == 1 &&
	       OBJ_obj2nid(sk_ASN1_OBJECT_value(usage, 0)) == NID_code_sign;
}

const gchar *suture_code_signer_fault(X509 *certificate)
{
	uint32_t key_usage = X509_get_key_usage(certificate);

	if (!signs_code_only(certificate))
		return "the signer's certificate is not for code signing alone (EKU)";
	if (key_usage == UINT32_MAX || !(key_usage & KU_DIGITAL_SIGNATURE))
		return "the signer's certificate lacks keyUsage digitalSignature";
	if (X509_check_ca(certificate) != 0)
		return "the signer's certificate is a CA";
	return NULL;
}

CMS_ContentInfo *suture_cms_from_der(GBytes *der, gsize limit)
{
	gsize size;
	const guint8 *data = g_bytes_get_data(der, &size);
	const guint8 *end = data;
	g_autoptr(CMS_ContentInfo) cms = NULL;
	guint8 *again = NULL;
	int again_size;
	gboolean same;

	if (size == 0 || size > limit)
		return NULL;
	cms = d2i_CMS_ContentInfo(NULL, &end, (long)size);
	if (!cms || end != data + size)
		return NULL;
	again_size = i2d_CMS_ContentInfo(cms, &again);
	same = again_size > 0 && (gsize)again_size == size && memcmp(again, data, size) == 0;
	OPENSSL_free(again);
	return same ? g_steal_pointer(&cms) : NULL;
}

gboolean suture_cms_is_by(CMS_SignerInfo *info, X509 *certificate)
{
	X509_NAME *issuer = NULL;
	const guint8 *stated, *own;
	size_t stated_size, own_size;

	if (CMS_SignerInfo_cert_cmp(info, certificate) != 0 ||
	    CMS_SignerInfo_get0_signer_id(info, NULL, &issuer, NULL) != 1)
		return FALSE;
	/* OpenSSL takes names that differ in case or spacing for equal. */
	return !issuer || (X509_NAME_get0_der(issuer, &stated, &stated_size) == 1 &&
			   X509_NAME_get0_der(X509_get_issuer_name(certificate), &own, &own_size) == 1 &&
			   stated_size == own_size && memcmp(stated, own, own_size) == 0);
}
