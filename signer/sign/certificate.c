// SPDX-License-Identifier: LGPL-2.1-or-later
#include "signer/sign/certificate.h"

#include "signer/sign/private.h"
#include "signer/verify/entitlement.h"

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <string.h>

#define PLAIN_RSA_BITS 2048
#define SERIAL_BYTES 16
#define KEY_NAME_BYTES 16

typedef struct {
	int nid;
	const gchar *value; /* in OpenSSL's words */
} Extension;

static const Extension module_extensions[] = {
	{NID_basic_constraints, "critical,CA:FALSE"},
	{NID_key_usage, "digitalSignature"},
	{NID_subject_key_identifier, "hash"},
	{NID_authority_key_identifier, "keyid"},
	{NID_undef},
};
static const Extension cms_ca_extensions[] = {
	{NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
	{NID_key_usage, "critical,keyCertSign,cRLSign"},
	{NID_subject_key_identifier, "hash"},
	{NID_undef},
};
static const Extension cms_extensions[] = {
	{NID_basic_constraints, "critical,CA:FALSE"},   {NID_key_usage, "critical,digitalSignature"},
	{NID_ext_key_usage, "critical,codeSigning"},    {NID_subject_key_identifier, "hash"},
	{NID_authority_key_identifier, "keyid:always"}, {NID_undef},
};

static const Extension entitlement_ca_extensions[] = {
	{NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
	{NID_key_usage, "critical,keyCertSign,cRLSign"},
	{NID_ext_key_usage, "critical,clientAuth"},
	{NID_subject_key_identifier, "hash"},
	{NID_undef},
};
static const Extension entitlement_extensions[] = {
	{NID_basic_constraints, "critical,CA:FALSE"},   {NID_key_usage, "critical,digitalSignature"},
	{NID_ext_key_usage, "critical,clientAuth"},     {NID_subject_key_identifier, "hash"},
	{NID_authority_key_identifier, "keyid:always"}, {NID_undef},
};

static const Extension *extensions_of(SutureCertificatePurpose purpose)
{
	switch (purpose) {
	case SUTURE_CERTIFICATE_MODULE:
		return module_extensions;
	case SUTURE_CERTIFICATE_CMS_CA:
		return cms_ca_extensions;
	case SUTURE_CERTIFICATE_ENTITLEMENT_CA:
		return entitlement_ca_extensions;
	case SUTURE_CERTIFICATE_ENTITLEMENT:
		return entitlement_extensions;
	default:
		return cms_extensions;
	}
}

static gboolean check_key(const SuturePrivateKey *key, SutureCertificatePurpose purpose, GError **error)
{
	EVP_PKEY *pkey = suture_private_key_evp(key);
	gboolean plain = purpose == SUTURE_CERTIFICATE_MODULE || purpose == SUTURE_CERTIFICATE_ENTITLEMENT;
	int bits = plain ? PLAIN_RSA_BITS : SUTURE_CMS_RSA_BITS;
	g_autofree gchar *what = NULL;

	if (EVP_PKEY_is_a(pkey, "ED25519") &&
	    (purpose == SUTURE_CERTIFICATE_CMS || purpose == SUTURE_CERTIFICATE_CMS_CA))
		return suture_key_unusable(
			error, "Ed25519 cannot sign manifests: OpenSSL 3.0 makes no CMS signature "
			       "with it; use --algorithm ec or rsa");
	if (suture_key_is_strong(pkey, bits, &what))
		return TRUE;
	return suture_key_unusable(
		error, "a key of type %s is not for this purpose; use RSA of %d bits or more, or P-256", what,
		bits);
}

/* "O=Vendor,CN=name", or "/O=Vendor, Ltd/CN=name" where a value holds a comma. */
static X509_NAME *parse_subject(const gchar *subject, GError **error)
{
	gboolean slashes = *subject == '/';
	g_auto(GStrv) parts = g_strsplit(subject + slashes, slashes ? "/" : ",", -1);
	g_autoptr(X509_NAME) name = X509_NAME_new();

	for (gchar **part = parts; *part; part++) {
		gchar *value = strchr(g_strstrip(*part), '=');

		if (value)
			*value++ = '\0';
		if (!value || !*value ||
		    X509_NAME_add_entry_by_txt(name, *part, MBSTRING_UTF8, (const guint8 *)value, -1, -1,
					       0) != 1) {
			suture_key_unusable(error, "subject \"%s\" is malformed; write \"O=Vendor,CN=Name\"",
					    subject);
			return NULL;
		}
	}
	if (X509_NAME_entry_count(name) > 0)
		return g_steal_pointer(&name);
	suture_key_unusable(error, "the subject is empty; write \"O=Vendor,CN=Name\"");
	return NULL;
}

static gboolean name_add(X509_NAME *name, const gchar *attribute, const gchar *value)
{
	return X509_NAME_add_entry_by_txt(name, attribute, MBSTRING_UTF8, (const guint8 *)value, -1, -1, 0) ==
	       1;
}

/* Servers go by the issuer's name: it is another one for another key, whatever the vendor calls it. */
static gboolean name_key(X509_NAME *name, const EVP_PKEY *key)
{
	guint8 *der = NULL, value[EVP_MAX_MD_SIZE];
	int size = i2d_PUBKEY(key, &der);
	g_autofree gchar *hex = NULL;
	gboolean done = size > 0 && EVP_Digest(der, (size_t)size, value, NULL, EVP_sha256(), NULL) == 1;

	OPENSSL_free(der);
	hex = done ? suture_hex(value, KEY_NAME_BYTES) : NULL;
	return done && name_add(name, "serialNumber", hex);
}

static X509_NAME *subject_of(const SuturePrivateKey *key, const SutureCertificateRequest *request,
			     GError **error)
{
	g_autoptr(X509_NAME) name = NULL;

	if (request->purpose == SUTURE_CERTIFICATE_ENTITLEMENT) {
		name = X509_NAME_new();
		if (name_add(name, "CN", request->customer))
			return g_steal_pointer(&name);
		suture_key_unusable(error, "customer \"%s\" cannot be a certificate's name",
				    request->customer);
		return NULL;
	}
	name = parse_subject(request->subject, error);
	if (!name || request->purpose != SUTURE_CERTIFICATE_ENTITLEMENT_CA ||
	    name_key(name, suture_private_key_evp(key)))
		return g_steal_pointer(&name);
	suture_sign_failed(error, "cannot name the CA");
	return NULL;
}

static gboolean set_serial(X509 *certificate)
{
	guint8 random[SERIAL_BYTES];
	BIGNUM *number;
	gboolean done;

	if (RAND_bytes(random, sizeof random) != 1)
		return FALSE;
	random[0] = (random[0] & 0x7f) | 0x40; /* positive, and always of the same length */
	number = BN_bin2bn(random, sizeof random, NULL);
	done = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
	BN_free(number);
	return done;
}

static gboolean set_times(X509 *certificate, const SutureCertificateRequest *request)
{
	return ASN1_TIME_set(X509_getm_notBefore(certificate), (time_t)request->not_before) &&
	       ASN1_TIME_set(X509_getm_notAfter(certificate), (time_t)request->not_after);
}

static gboolean add_extensions(X509 *certificate, X509 *issuer, SutureCertificatePurpose purpose)
{
	X509V3_CTX context;

	X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
	for (const Extension *extension = extensions_of(purpose); extension->nid != NID_undef; extension++) {
		g_autoptr(X509_EXTENSION) made =
			X509V3_EXT_conf_nid(NULL, &context, extension->nid, extension->value);

		if (!made || X509_add_ext(certificate, made, -1) != 1)
			return FALSE;
	}
	return TRUE;
}

static gboolean add_channels(X509 *certificate, const gchar *const *channels)
{
	g_autoptr(GENERAL_NAMES) names = GENERAL_NAMES_new();

	for (; channels && *channels; channels++) {
		g_autofree gchar *uri = g_strconcat(SUTURE_CHANNEL_URI, *channels, NULL);
		GENERAL_NAME *name = GENERAL_NAME_new();
		ASN1_IA5STRING *value = ASN1_IA5STRING_new();

		if (!name || !value || ASN1_STRING_set(value, uri, -1) != 1)
			return FALSE;
		GENERAL_NAME_set0_value(name, GEN_URI, value);
		sk_GENERAL_NAME_push(names, name);
	}
	return sk_GENERAL_NAME_num(names) == 0 ||
	       X509_add1_ext_i2d(certificate, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT) == 1;
}

X509 *suture_ca_open(const SuturePrivateKey *ca_key, GBytes *ca_pem, GError **error)
{
	g_autoptr(SutureCertificates) certificates =
		suture_certificates_from_pem(ca_pem, "the CA's certificate", error);
	X509 *ca;

	if (!certificates)
		return NULL;
	ca = sk_X509_value(certificates, 0);
	if (sk_X509_num(certificates) == 1 && X509_check_ca(ca) == 1 &&
	    X509_check_private_key(ca, suture_private_key_evp(ca_key)) == 1)
		return sk_X509_shift(certificates);
	suture_key_unusable(error,
			    "the CA's certificate is not one CA certificate of the CA's key; give the two "
			    "that were made together");
	return NULL;
}

static gboolean check_times(const SutureCertificateRequest *request, const X509 *ca, GError **error)
{
	if (request->not_after <= request->not_before)
		return suture_key_unusable(error,
					   "the certificate would end before it begins; give other times");
	if (ca && request->not_after > suture_asn1_time(X509_get0_notAfter(ca)))
		return suture_key_unusable(
			error, "the certificate would outlive its CA; give fewer --days or renew the CA");
	return TRUE;
}

static gboolean assemble(X509 *certificate, const SuturePrivateKey *key, X509_NAME *subject, X509 *ca,
			 const SutureCertificateRequest *request)
{
	const SuturePrivateKey *signer = ca ? request->ca_key : key;

	return X509_set_version(certificate, X509_VERSION_3) == 1 && set_serial(certificate) &&
	       set_times(certificate, request) && X509_set_subject_name(certificate, subject) == 1 &&
	       X509_set_issuer_name(certificate, ca ? X509_get_subject_name(ca) : subject) == 1 &&
	       X509_set_pubkey(certificate, suture_private_key_evp(key)) == 1 &&
	       add_extensions(certificate, ca ? ca : certificate, request->purpose) &&
	       add_channels(certificate, request->channels) &&
	       X509_sign(certificate, suture_private_key_evp(signer), EVP_sha256()) > 0;
}

GBytes *suture_certificate_make(const SuturePrivateKey *key, const SutureCertificateRequest *request,
				GError **error)
{
	g_autoptr(X509) certificate = X509_new();
	g_autoptr(X509) ca = NULL;
	g_autoptr(X509_NAME) subject = NULL;
	g_autoptr(BIO) bio = BIO_new(BIO_s_mem());

	if (!check_key(key, request->purpose, error))
		return NULL;
	if (request->ca_key) {
		ca = suture_ca_open(request->ca_key, request->ca_pem, error);
		if (!ca)
			return NULL;
	}
	subject = check_times(request, ca, error) ? subject_of(key, request, error) : NULL;
	if (!subject)
		return NULL;
	if (assemble(certificate, key, subject, ca, request) && PEM_write_bio_X509(bio, certificate) == 1)
		return suture_bio_bytes(bio);
	suture_sign_failed(error, "cannot make the certificate");
	return NULL;
}
