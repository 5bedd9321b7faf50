// SPDX-License-Identifier: LGPL-2.1-or-later
#include "signer/verify/cms.h"

#include "common/mutation.h"
#include "signer/verify/cms-trust.h"

#include <openssl/err.h>
#include <string.h>

#define MAX_SIGNATURE_BYTES (64 * 1024)
#define MAX_INTERMEDIATES 2
#define AUTH_LEVEL 3 /* OpenSSL: 128 bits of security, that is RSA 3072, P-256, SHA-256 */

/* A parsed signature; pointers into @cms but for @certificates. */
typedef struct {
	CMS_ContentInfo *cms;
	CMS_SignerInfo *info;
	SutureCertificates *certificates; /* all that are embedded */
	X509 *signer;                     /* one of them */
} Signature;

static void signature_clear(Signature *signature)
{
	g_clear_pointer(&signature->certificates, suture_certificates_free);
	g_clear_pointer(&signature->cms, CMS_ContentInfo_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Signature, signature_clear)

void suture_cms_signer_free(SutureCmsSigner *signer)
{
	if (!signer)
		return;
	g_free(signer->subject);
	g_free(signer->certificate);
	g_free(signer);
}

static gboolean refuse(GError **error, SutureVerifyError code, const gchar *words)
{
	ERR_clear_error();
	g_set_error(error, SUTURE_VERIFY_ERROR, code, "manifest signature: %s", words);
	return FALSE;
}

static gboolean malformed(GError **error, const gchar *words)
{
	return refuse(error, SUTURE_VERIFY_ERROR_CMS_MALFORMED, words);
}

static gboolean find_signer(Signature *signature, GError **error)
{
	STACK_OF(CMS_SignerInfo) *infos = CMS_get0_SignerInfos(signature->cms);

	if (sk_CMS_SignerInfo_num(infos) != 1)
		return malformed(error, "it has not exactly one signer; sign the manifest anew");
	signature->info = sk_CMS_SignerInfo_value(infos, 0);
	signature->certificates = CMS_get1_certs(signature->cms);
	if (sk_X509_num(signature->certificates) > 2 + MAX_INTERMEDIATES &&
	    !suture_check_skipped("cms-malformed"))
		return malformed(error, "it carries too many certificates");
	for (int i = 0; i < sk_X509_num(signature->certificates); i++) {
		X509 *certificate = sk_X509_value(signature->certificates, i);

		if (!suture_cms_is_by(signature->info, certificate))
			continue;
		if (signature->signer)
			return malformed(error, "it carries the signer's certificate twice");
		signature->signer = certificate;
	}
	if (!signature->signer)
		return malformed(error, "the signer's certificate is not inside; sign the manifest anew");
	return TRUE;
}

/* RFC 5652 section 5.3: with signed attributes the content type is one of them, and is the content's. Without
 * them the bytes of an attribute set could be passed off as signed content. */
static gboolean attributes_fit(const Signature *signature, GError **error)
{
	const ASN1_OBJECT *type;

	if (suture_check_skipped("cms-malformed"))
		return TRUE;
	if (CMS_signed_get_attr_count(signature->info) <= 0)
		return malformed(error, "it has no signed attributes; sign the manifest anew");
	if (CMS_unsigned_get_attr_count(signature->info) > 0)
		return malformed(error, "it has unsigned attributes; sign the manifest anew");
	type = CMS_signed_get0_data_by_OBJ(signature->info, OBJ_nid2obj(NID_pkcs9_contentType), -3,
					   V_ASN1_OBJECT);
	if (!type || OBJ_obj2nid(type) != NID_pkcs7_data)
		return malformed(error, "its signed content type is not data");
	return TRUE;
}

static gboolean signature_parse(Signature *signature, GBytes *der, GError **error)
{
	STACK_OF(X509_CRL) * crls;
	ASN1_OCTET_STRING **content;

	signature->cms = suture_cms_from_der(der, MAX_SIGNATURE_BYTES);
	if (!signature->cms || OBJ_obj2nid(CMS_get0_type(signature->cms)) != NID_pkcs7_signed)
		return malformed(error, "it is not a CMS SignedData in DER of at most 64 KiB");
	content = CMS_get0_content(signature->cms);
	if ((OBJ_obj2nid(CMS_get0_eContentType(signature->cms)) != NID_pkcs7_data || !content || *content) &&
	    !suture_check_skipped("cms-malformed"))
		return malformed(error, "it is not detached; sign the manifest anew");
	crls = CMS_get1_crls(signature->cms);
	if (crls) {
		sk_X509_CRL_pop_free(crls, X509_CRL_free);
		return malformed(error, "it carries a CRL; CRLs come from the host's configuration");
	}
	return find_signer(signature, error) && attributes_fit(signature, error);
}

static gboolean check_strength(const Signature *signature, GError **error)
{
	EVP_PKEY *key = X509_get0_pubkey(signature->signer);
	g_autofree gchar *what = NULL;
	g_autofree gchar *words = NULL;
	X509_ALGOR *digest, *algorithm;

	if (!key)
		return malformed(error, "the signer's public key cannot be read");
	CMS_SignerInfo_get0_algs(signature->info, NULL, NULL, &digest, &algorithm);
	if (suture_check_skipped("cms-weak"))
		return TRUE;
	if (!suture_key_is_strong(key, SUTURE_CMS_RSA_BITS, &what)) {
		words = g_strdup_printf(
			"the signer's key is %s; sign with RSA of %d bits or more, P-256 or P-384", what,
			SUTURE_CMS_RSA_BITS);
		return refuse(error, SUTURE_VERIFY_ERROR_CMS_DIGEST, words);
	}
	if (!suture_signer_algorithms_fit(digest, algorithm, key))
		return refuse(
			error, SUTURE_VERIFY_ERROR_CMS_DIGEST,
			"its algorithms are not SHA-256, SHA-384 or SHA-512 with RSA (PKCS#1) or ECDSA");
	return TRUE;
}

static gboolean check_signature(const Signature *signature, GBytes *content, GError **error)
{
	g_autoptr(BIO) bio = suture_bio_of(content);
	/* Borrowed: freed without its certificate. */
	STACK_OF(X509) *signers = sk_X509_new_null();
	g_autofree gchar *words = NULL;
	gboolean fits;

	if (suture_check_skipped("cms-signature")) {
		sk_X509_free(signers);
		return TRUE;
	}
	/* By that certificate alone: OpenSSL would take the first embedded one whose issuer it holds for
	 * equal. The chain is judged on its own afterwards, with words and codes of its own. */
	sk_X509_push(signers, signature->signer);
	fits = bio && CMS_verify(signature->cms, signers, NULL, bio, NULL,
				 CMS_BINARY | CMS_DETACHED | CMS_NOINTERN | CMS_NO_SIGNER_CERT_VERIFY) == 1;
	sk_X509_free(signers);
	if (fits)
		return TRUE;
	words = g_strdup_printf("it does not fit the manifest (%s); one of the two was changed",
				suture_openssl_error());
	return refuse(error, SUTURE_VERIFY_ERROR_CMS_SIGNATURE, words);
}

static SutureVerifyError chain_code(int result)
{
	switch (result) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return SUTURE_VERIFY_ERROR_CMS_EXPIRED;
	case X509_V_ERR_EE_KEY_TOO_SMALL:
	case X509_V_ERR_CA_KEY_TOO_SMALL:
	case X509_V_ERR_CA_MD_TOO_WEAK:
		return SUTURE_VERIFY_ERROR_CMS_DIGEST;
	default:
		return SUTURE_VERIFY_ERROR_CMS_CHAIN;
	}
}

static gboolean chain_refused(int result, const X509 *signer, GError **error)
{
	g_autofree gchar *subject = suture_certificate_subject(signer);
	g_autoptr(GError) refusal = NULL;

	refusal = g_error_new(SUTURE_VERIFY_ERROR, chain_code(result),
			      "manifest signature: certificate %s or its chain is refused: %s", subject,
			      X509_verify_cert_error_string(result));
	ERR_clear_error();
	if (suture_check_skipped(suture_error_reason(refusal)))
		return FALSE;
	g_propagate_error(error, g_steal_pointer(&refusal));
	return TRUE;
}

/* The signer's certificate first, the CA last. No purpose is given: OpenSSL's own S/MIME purpose refuses code
 * signing certificates, and each certificate's purpose is judged in check_purposes(). */
static SutureCertificates *chain_build(const SutureCmsTrust *trust, const Signature *signature, gint64 now,
				       GError **error)
{
	g_autoptr(X509_STORE_CTX) context = X509_STORE_CTX_new();
	X509_VERIFY_PARAM *parameters;

	if (!context || X509_STORE_CTX_init(context, suture_cms_trust_store(trust), signature->signer,
					    signature->certificates) != 1) {
		refuse(error, SUTURE_VERIFY_ERROR_CMS_CHAIN, "OpenSSL could not begin to verify the chain");
		return NULL;
	}
	parameters = X509_STORE_CTX_get0_param(context);
	X509_VERIFY_PARAM_set_depth(parameters, MAX_INTERMEDIATES);
	X509_VERIFY_PARAM_set_auth_level(parameters, AUTH_LEVEL);
	if (now == 0)
		X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_NO_CHECK_TIME);
	else
		X509_VERIFY_PARAM_set_time(parameters, (time_t)now);
	if (X509_verify_cert(context) != 1 &&
	    chain_refused(X509_STORE_CTX_get_error(context), signature->signer, error))
		return NULL;
	return X509_STORE_CTX_get1_chain(context);
}

static gboolean may_issue_code_signers(X509 *certificate)
{
	uint32_t usage = X509_get_extended_key_usage(certificate);

	return usage == UINT32_MAX || (usage & (XKU_CODE_SIGN | XKU_ANYEKU)) != 0;
}

static gboolean check_purposes(X509 *signer, const SutureCertificates *chain, GError **error)
{
	const SutureVerifyError code = SUTURE_VERIFY_ERROR_CMS_PURPOSE;
	const gchar *fault = suture_code_signer_fault(signer);

	if (suture_check_skipped("cms-purpose"))
		return TRUE;
	if (fault)
		return refuse(error, code, fault);
	for (int i = 1; i < sk_X509_num(chain) - 1; i++)
		if (!may_issue_code_signers(sk_X509_value(chain, i)))
			return refuse(error, code, "an intermediate CA is not for code signing (EKU)");
	return TRUE;
}

static gboolean check_revocation(const SutureCmsTrust *trust, const SutureCertificates *chain, GError **error)
{
	for (int i = 0; i + 1 < sk_X509_num(chain); i++) {
		X509 *certificate = sk_X509_value(chain, i);
		g_autofree gchar *words = NULL;
		g_autofree gchar *subject = NULL;

		if (!suture_cms_trust_revokes(trust, certificate, sk_X509_value(chain, i + 1)) ||
		    suture_check_skipped("cms-revoked"))
			continue;
		subject = suture_certificate_subject(certificate);
		words = g_strdup_printf("certificate %s is revoked by its CA; fetch a bundle signed anew",
					subject);
		return refuse(error, SUTURE_VERIFY_ERROR_CMS_REVOKED, words);
	}
	return TRUE;
}

/* Nothing rides along: each embedded certificate is part of the chain that was judged. */
static gboolean check_passengers(const Signature *signature, const SutureCertificates *chain, GError **error)
{
	for (int i = 0; i < sk_X509_num(signature->certificates); i++) {
		gboolean used = FALSE;

		for (int j = 0; j < sk_X509_num(chain) && !used; j++)
			used = X509_cmp(sk_X509_value(signature->certificates, i), sk_X509_value(chain, j)) ==
			       0;
		if (!used && !suture_check_skipped("cms-malformed"))
			return malformed(error,
					 "it carries a certificate that is not part of the signer's chain");
	}
	return TRUE;
}

static SutureCmsSigner *signer_new(const X509 *certificate)
{
	SutureCmsSigner *signer = g_new0(SutureCmsSigner, 1);

	signer->subject = suture_certificate_subject(certificate);
	signer->certificate = suture_certificate_fingerprint(certificate);
	signer->not_before = suture_asn1_time(X509_get0_notBefore(certificate));
	signer->not_after = suture_asn1_time(X509_get0_notAfter(certificate));
	return signer;
}

gboolean suture_cms_verify(const SutureCmsTrust *trust, GBytes *content, GBytes *der, gint64 now,
			   SutureCmsSigner **ret_signer, GError **error)
{
	g_auto(Signature) signature = {NULL};
	g_autoptr(SutureCertificates) chain = NULL;

	if (!signature_parse(&signature, der, error) || !check_strength(&signature, error) ||
	    !check_signature(&signature, content, error))
		return FALSE;
	chain = chain_build(trust, &signature, now, error);
	if (!chain || !check_purposes(signature.signer, chain, error) ||
	    !check_revocation(trust, chain, error) || !check_passengers(&signature, chain, error))
		return FALSE;
	if (ret_signer)
		*ret_signer = signer_new(signature.signer);
	return TRUE;
}
