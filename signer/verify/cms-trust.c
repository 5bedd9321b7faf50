// SPDX-License-Identifier: LGPL-2.1-or-later
#include "signer/verify/cms-trust.h"

#include "common/mutation.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#define MAX_CRLS 64

typedef struct {
	X509_CRL *list;
	X509 *issuer;
} Crl;

struct _SutureCmsTrust {
	X509_STORE *store;
	GPtrArray *crls; /* Crl* */
};

static void crl_free(gpointer data)
{
	Crl *crl = data;

	X509_CRL_free(crl->list);
	X509_free(crl->issuer);
	g_free(crl);
}

void suture_cms_trust_free(SutureCmsTrust *trust)
{
	if (!trust)
		return;
	X509_STORE_free(trust->store);
	g_ptr_array_unref(trust->crls);
	g_free(trust);
}

X509_STORE *suture_cms_trust_store(const SutureCmsTrust *trust)
{
	return trust->store;
}

static gboolean add_ca(SutureCmsTrust *trust, X509 *certificate, GError **error)
{
	g_autofree gchar *subject = suture_certificate_subject(certificate);

	if (X509_check_ca(certificate) != 1 || X509_self_signed(certificate, 1) != 1) {
		g_set_error(error, SUTURE_VERIFY_ERROR, SUTURE_VERIFY_ERROR_KEY,
			    "certificate %s is not a self-signed CA: configure the root CA of the manifest "
			    "signers",
			    subject);
		return FALSE;
	}
	if (X509_STORE_add_cert(trust->store, certificate) == 1)
		return TRUE;
	g_set_error(error, SUTURE_VERIFY_ERROR, SUTURE_VERIFY_ERROR_KEY,
		    "CA certificate %s cannot be used: %s", subject, suture_openssl_error());
	return FALSE;
}

static X509 *crl_issuer(const SutureCertificates *cas, X509_CRL *list)
{
	for (int i = 0; i < sk_X509_num(cas); i++) {
		X509 *ca = sk_X509_value(cas, i);

		if (X509_NAME_cmp(X509_get_subject_name(ca), X509_CRL_get_issuer(list)) == 0 &&
		    X509_CRL_verify(list, X509_get0_pubkey(ca)) == 1)
			return ca;
	}
	return NULL;
}

/* A delta, indirect or partitioned CRL says so in a critical extension (RFC 5280 sections 5.2.4 and 5.2.5);
 * read as a full one it would leave certificates out. */
static gboolean crl_is_whole(const X509_CRL *list)
{
	return X509_CRL_get_ext_by_critical(list, 1, -1) < 0;
}

static gboolean crl_is_strong(const X509_CRL *list)
{
	int digest = NID_undef;

	return OBJ_find_sigid_algs(X509_CRL_get_signature_nid(list), &digest, NULL) &&
	       suture_digest_is_strong(digest);
}

static gboolean add_crl(SutureCmsTrust *trust, const SutureCertificates *cas, X509_CRL *list, GError **error)
{
	X509 *issuer = crl_issuer(cas, list);
	const gchar *wrong = NULL;
	Crl *crl;

	if (!crl_is_whole(list))
		wrong = "it is a partial CRL or has an unknown critical extension: give a full one";
	else if (!crl_is_strong(list))
		wrong = "its signature is weaker than SHA-256: let the CA issue it anew";
	else if (!issuer)
		wrong = "none of the configured CAs signed it: give the CRL of the manifest signers' CA";
	if (wrong && !suture_check_skipped("cms-crl")) {
		ERR_clear_error();
		g_set_error(error, SUTURE_VERIFY_ERROR, SUTURE_VERIFY_ERROR_CMS_CRL,
			    "the CRL of the manifest signers is refused: %s", wrong);
		return FALSE;
	}
	if (!issuer)
		return TRUE;
	crl = g_new(Crl, 1);
	X509_CRL_up_ref(list);
	X509_up_ref(issuer);
	*crl = (Crl){list, issuer};
	g_ptr_array_add(trust->crls, crl);
	return TRUE;
}

static gboolean add_crls(SutureCmsTrust *trust, const SutureCertificates *cas, GBytes *pem, GError **error)
{
	g_autoptr(BIO) bio = suture_bio_of(pem);
	guint count = 0;

	ERR_clear_error();
	for (;;) {
		g_autoptr(X509_CRL) list =
			bio ? PEM_read_bio_X509_CRL(bio, NULL, suture_openssl_no_password, NULL) : NULL;

		if (!list)
			break;
		if (++count > MAX_CRLS || !add_crl(trust, cas, list, error)) {
			if (count > MAX_CRLS)
				g_set_error(error, SUTURE_VERIFY_ERROR, SUTURE_VERIFY_ERROR_KEY,
					    "more than %d CRLs: give the newest of each CA alone", MAX_CRLS);
			return FALSE;
		}
	}
	if (count > 0 && suture_pem_ended()) {
		ERR_clear_error();
		return TRUE;
	}
	g_set_error(error, SUTURE_VERIFY_ERROR, SUTURE_VERIFY_ERROR_KEY,
		    "the CRL of the manifest signers cannot be read (%s): give CRLs in PEM, or none",
		    suture_openssl_error());
	return FALSE;
}

SutureCmsTrust *suture_cms_trust_new(GBytes *ca_pem, GBytes *crl_pem, GError **error)
{
	g_autoptr(SutureCertificates) cas =
		suture_certificates_from_pem(ca_pem, "the CA of the manifest signers", error);
	g_autoptr(SutureCmsTrust) trust = NULL;

	if (!cas)
		return NULL;
	trust = g_new(SutureCmsTrust, 1);
	*trust = (SutureCmsTrust){X509_STORE_new(), g_ptr_array_new_with_free_func(crl_free)};
	for (int i = 0; i < sk_X509_num(cas); i++)
		if (!add_ca(trust, sk_X509_value(cas, i), error))
			return NULL;
	if (crl_pem && !add_crls(trust, cas, crl_pem, error))
		return NULL;
	return g_steal_pointer(&trust);
}

/* The issuer may be another certificate of the same CA (renewed, or cross-signed): name and key decide. */
static gboolean same_authority(const X509 *a, const X509 *b)
{
	return X509_NAME_cmp(X509_get_subject_name(a), X509_get_subject_name(b)) == 0 &&
	       EVP_PKEY_eq(X509_get0_pubkey(a), X509_get0_pubkey(b)) == 1;
}

gboolean suture_cms_trust_revokes(const SutureCmsTrust *trust, X509 *certificate, const X509 *issuer)
{
	for (guint i = 0; i < trust->crls->len; i++) {
		const Crl *crl = g_ptr_array_index(trust->crls, i);
		X509_REVOKED *entry = NULL;

		if (same_authority(crl->issuer, issuer) &&
		    X509_CRL_get0_by_cert(crl->list, &entry, certificate) != 0)
			return TRUE;
	}
	return FALSE;
}
