// SPDX-License-Identifier: LGPL-2.1-or-later
#include "signer/sign/certificate.h"
#include "signer/sign/private.h"

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/pem.h>

static X509_CRL *previous_open(GBytes *pem, X509 *ca, GError **error)
{
	g_autoptr(BIO) bio = suture_bio_of(pem);
	g_autoptr(X509_CRL) crl =
		bio ? PEM_read_bio_X509_CRL(bio, NULL, suture_openssl_no_password, NULL) : NULL;

	if (crl && X509_CRL_verify(crl, X509_get0_pubkey(ca)) == 1)
		return g_steal_pointer(&crl);
	suture_key_unusable(error, "the previous CRL is not one that this CA signed; give the CA's own");
	return NULL;
}

static gboolean add_reason(X509_REVOKED *entry, guint reason)
{
	g_autoptr(ASN1_ENUMERATED) value = ASN1_ENUMERATED_new();

	return reason == 0 || (ASN1_ENUMERATED_set_int64(value, reason) == 1 &&
			       X509_REVOKED_add1_ext_i2d(entry, NID_crl_reason, value, 0, 0) == 1);
}

static gboolean add_entry(X509_CRL *crl, const ASN1_INTEGER *serial, gint64 when, guint reason)
{
	g_autoptr(X509_REVOKED) entry = X509_REVOKED_new();
	g_autoptr(ASN1_TIME) time = ASN1_TIME_set(NULL, (time_t)when);

	if (!entry || !add_reason(entry, reason) || !time ||
	    X509_REVOKED_set_serialNumber(entry, (ASN1_INTEGER *)serial) != 1 ||
	    X509_REVOKED_set_revocationDate(entry, time) != 1 || X509_CRL_add0_revoked(crl, entry) != 1)
		return FALSE;
	(void)g_steal_pointer(&entry);
	return TRUE;
}

static gboolean keep_entries(X509_CRL *crl, X509_CRL *previous)
{
	STACK_OF(X509_REVOKED) *entries = X509_CRL_get_REVOKED(previous);

	for (int i = 0; i < sk_X509_REVOKED_num(entries); i++) {
		g_autoptr(X509_REVOKED) entry = X509_REVOKED_dup(sk_X509_REVOKED_value(entries, i));

		if (!entry || X509_CRL_add0_revoked(crl, entry) != 1)
			return FALSE;
		(void)g_steal_pointer(&entry);
	}
	return TRUE;
}

static gboolean list_certificates(X509_CRL *crl, X509 *ca, GBytes *pem, gint64 when, GError **error)
{
	g_autoptr(SutureCertificates) certificates =
		suture_certificates_from_pem(pem, "the certificate to revoke", error);

	if (!certificates)
		return FALSE;
	for (int i = 0; i < sk_X509_num(certificates); i++) {
		X509 *certificate = sk_X509_value(certificates, i);
		X509_REVOKED *listed = NULL;

		if (X509_NAME_cmp(X509_get_issuer_name(certificate), X509_get_subject_name(ca)) != 0 ||
		    X509_verify(certificate, X509_get0_pubkey(ca)) != 1)
			return suture_key_unusable(
				error,
				"the certificate to revoke is not of this CA; give the CA that issued it");
		if (X509_CRL_get0_by_cert(crl, &listed, certificate) != 0)
			continue;
		if (!add_entry(crl, X509_get0_serialNumber(certificate), when, 0))
			return suture_sign_failed(error, "cannot list the certificate");
	}
	return TRUE;
}

gint64 suture_crl_number(const X509_CRL *crl)
{
	g_autoptr(ASN1_INTEGER) number = X509_CRL_get_ext_d2i(crl, NID_crl_number, NULL, NULL);
	gint64 value = 0;

	if (number && ASN1_INTEGER_get_int64(&value, number) != 1)
		return -1;
	return value;
}

static gboolean add_extensions(X509_CRL *crl, X509 *ca, gint64 value)
{
	g_autoptr(ASN1_INTEGER) number = ASN1_INTEGER_new();
	g_autoptr(X509_EXTENSION) authority = NULL;
	X509V3_CTX context;

	X509V3_set_ctx(&context, ca, NULL, NULL, crl, 0);
	authority = X509V3_EXT_conf_nid(NULL, &context, NID_authority_key_identifier, "keyid:always");
	return value > 0 && ASN1_INTEGER_set_int64(number, value) == 1 && authority &&
	       X509_CRL_add_ext(crl, authority, -1) == 1 &&
	       X509_CRL_add1_ext_i2d(crl, NID_crl_number, number, 0, 0) == 1;
}

static X509_CRL *crl_start(X509 *ca, X509_CRL *previous, gint64 this_update, gint64 next_update)
{
	g_autoptr(X509_CRL) crl = X509_CRL_new();
	g_autoptr(ASN1_TIME) this_time = ASN1_TIME_set(NULL, (time_t)this_update);
	g_autoptr(ASN1_TIME) next_time = ASN1_TIME_set(NULL, (time_t)next_update);

	if (crl && this_time && next_time && X509_CRL_set_version(crl, X509_CRL_VERSION_2) == 1 &&
	    X509_CRL_set_issuer_name(crl, X509_get_subject_name(ca)) == 1 &&
	    X509_CRL_set1_lastUpdate(crl, this_time) == 1 && X509_CRL_set1_nextUpdate(crl, next_time) == 1 &&
	    (!previous || keep_entries(crl, previous)))
		return g_steal_pointer(&crl);
	return NULL;
}

static gboolean check_times(gint64 this_update, gint64 next_update, GError **error)
{
	return next_update > this_update ||
	       suture_key_unusable(error, "the CRL would end before it begins; give other times");
}

/* Signs @crl, which may be NULL for one that could not be made. */
static GBytes *crl_finish(X509_CRL *crl, X509 *ca, const SuturePrivateKey *ca_key, gint64 number,
			  GError **error)
{
	g_autoptr(BIO) bio = BIO_new(BIO_s_mem());

	if (crl && add_extensions(crl, ca, number) && X509_CRL_sort(crl) == 1 &&
	    X509_CRL_sign(crl, suture_private_key_evp(ca_key), EVP_sha256()) > 0 &&
	    PEM_write_bio_X509_CRL(bio, crl) == 1)
		return suture_bio_bytes(bio);
	suture_sign_failed(error, "cannot make the CRL");
	return NULL;
}

GBytes *suture_crl_make(const SuturePrivateKey *ca_key, GBytes *ca_pem, GPtrArray *revoked_pem,
			GBytes *previous_pem, gint64 this_update, gint64 next_update, GError **error)
{
	g_autoptr(X509) ca = suture_ca_open(ca_key, ca_pem, error);
	g_autoptr(X509_CRL) previous = NULL;
	g_autoptr(X509_CRL) crl = NULL;
	gint64 number = 0;

	if (!ca)
		return NULL;
	previous = previous_pem ? previous_open(previous_pem, ca, error) : NULL;
	if ((previous_pem && !previous) || !check_times(this_update, next_update, error))
		return NULL;
	if (previous)
		number = suture_crl_number(previous);
	crl = crl_start(ca, previous, this_update, next_update);
	for (guint i = 0; crl && i < revoked_pem->len; i++)
		if (!list_certificates(crl, ca, g_ptr_array_index(revoked_pem, i), this_update, error))
			return NULL;
	return crl_finish(crl, ca, ca_key, number < 0 || number == G_MAXINT64 ? -1 : number + 1, error);
}

static gboolean add_revocation(X509_CRL *crl, const SutureRevocation *revocation)
{
	g_autoptr(ASN1_INTEGER) serial = NULL;
	BIGNUM *number = NULL;

	if (BN_hex2bn(&number, revocation->serial) > 0)
		serial = BN_to_ASN1_INTEGER(number, NULL);
	BN_free(number);
	return serial && add_entry(crl, serial, revocation->time, revocation->reason);
}

GBytes *suture_crl_list(const SuturePrivateKey *ca_key, GBytes *ca_pem, GPtrArray *revocations, gint64 number,
			gint64 this_update, gint64 next_update, GError **error)
{
	g_autoptr(X509) ca = suture_ca_open(ca_key, ca_pem, error);
	g_autoptr(X509_CRL) crl = NULL;

	if (!ca || !check_times(this_update, next_update, error))
		return NULL;
	crl = crl_start(ca, NULL, this_update, next_update);
	for (guint i = 0; crl && i < revocations->len; i++)
		if (!add_revocation(crl, g_ptr_array_index(revocations, i)))
			g_clear_pointer(&crl, X509_CRL_free);
	return crl_finish(crl, ca, ca_key, number, error);
}
