// SPDX-License-Identifier: LGPL-2.1-or-later
/* What is accepted as a manifest's signature, the CA and its CRLs, and that no byte of a signature may
 * change. */
#include "fixture.h"
#include "signer/sign/manifest.h"
#include "signer/verify/cms.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>

#define DAY 86400

static GBytes *content;
static SutureCmsTrust *trust;

static SutureCmsTrust *trust_new(const gchar *ca, GBytes *crl)
{
	g_autofree gchar *name = g_strconcat(ca, ".pem", NULL);
	g_autoptr(GBytes) pem = fixture_read(name);
	g_autoptr(GError) error = NULL;
	SutureCmsTrust *made = suture_cms_trust_new(pem, crl, &error);

	g_assert_no_error(error);
	return made;
}

static void assert_accepted(const SutureCmsTrust *judge, GBytes *signature, gint64 now)
{
	g_autoptr(SutureCmsSigner) signer = NULL;
	g_autoptr(GError) error = NULL;
	gboolean accepted = suture_cms_verify(judge, content, signature, now, &signer, &error);

	g_assert_no_error(error);
	g_assert_true(accepted);
	g_assert_nonnull(signer);
}

static void assert_refused(const SutureCmsTrust *judge, GBytes *signature, gint64 now, int code)
{
	SutureCmsSigner *signer = NULL;
	GError *error = NULL;
	gboolean accepted = suture_cms_verify(judge, content, signature, now, &signer, &error);

	fixture_assert_refused(accepted, &error, code);
	g_assert_null(signer);
}

static void signers_that_fit_are_accepted(void)
{
	static const gchar *const names[] = {"p256", "p384", "rsa3072"};
	static const gchar *const digests[] = {"-md sha256", "-md sha384", "-md sha512", "-keyid -md sha256"};

	for (gsize i = 0; i < G_N_ELEMENTS(names); i++)
		for (gsize j = 0; j < G_N_ELEMENTS(digests); j++) {
			g_autoptr(GBytes) signature = fixture_cms(names[i], digests[j]);

			assert_accepted(trust, signature, fixture_now());
		}
}

static void our_own_signature_is_accepted(void)
{
	g_autofree gchar *key = fixture_path("p256.key");
	g_autofree gchar *certificate = fixture_path("p256.pem");
	g_autoptr(GError) error = NULL;
	g_autoptr(SutureSigner) signer = suture_signer_open(key, certificate, &error);
	g_autoptr(GBytes) signature = NULL;

	g_assert_no_error(error);
	signature = suture_manifest_sign(signer, NULL, content, &error);
	g_assert_no_error(error);
	assert_accepted(trust, signature, fixture_now());
}

static void the_signer_is_told(void)
{
	g_autoptr(GBytes) signature = fixture_cms("p256", "");
	g_autoptr(SutureCmsSigner) signer = NULL;
	g_autoptr(GError) error = NULL;
	g_autoptr(GBytes) der = NULL;
	g_autofree gchar *digest = NULL;

	g_assert_true(suture_cms_verify(trust, content, signature, fixture_now(), &signer, &error));
	fixture_run("openssl x509 -in p256.pem -outform DER -out p256.der");
	der = fixture_read("p256.der");
	digest = g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, der);
	g_assert_cmpstr(signer->certificate, ==, digest);
	g_assert_cmpstr(signer->subject, ==, "CN=p256");
	g_assert_cmpint(signer->not_before, <=, fixture_now());
	g_assert_cmpint(signer->not_after - signer->not_before, ==, 365 * DAY);
}

static void an_intermediate_inside_is_followed(void)
{
	g_autoptr(GBytes) with = fixture_cms("below", "-certfile middle.pem");
	g_autoptr(GBytes) without = fixture_cms("below", "");

	assert_accepted(trust, with, fixture_now());
	assert_refused(trust, without, fixture_now(), SUTURE_VERIFY_ERROR_CMS_CHAIN);
}

static void time_is_judged_only_when_given(void)
{
	g_autoptr(GBytes) signature = fixture_cms("p256", "");

	assert_refused(trust, signature, fixture_now() + 366 * DAY, SUTURE_VERIFY_ERROR_CMS_EXPIRED);
	assert_refused(trust, signature, fixture_now() - 2 * DAY, SUTURE_VERIFY_ERROR_CMS_EXPIRED);
	assert_accepted(trust, signature, fixture_now() + 300 * DAY);
	assert_accepted(trust, signature, 0);
}

static void a_revoked_signer_is_refused_also_without_time(void)
{
	g_autoptr(GBytes) signature = fixture_cms("p256", "");
	g_autoptr(GBytes) other = fixture_cms("p384", "");
	g_autoptr(GBytes) crl = fixture_crl("ca", "p256", fixture_now(), fixture_now() + DAY);
	g_autoptr(SutureCmsTrust) judge = trust_new("ca", crl);

	assert_refused(judge, signature, fixture_now(), SUTURE_VERIFY_ERROR_CMS_REVOKED);
	assert_refused(judge, signature, 0, SUTURE_VERIFY_ERROR_CMS_REVOKED);
	assert_accepted(judge, other, fixture_now());
}

static void a_stale_crl_still_revokes(void)
{
	g_autoptr(GBytes) signature = fixture_cms("p256", "");
	g_autoptr(GBytes) crl = fixture_crl("ca", "p256", fixture_now() - 20 * DAY, fixture_now() - 10 * DAY);
	g_autoptr(SutureCmsTrust) judge = trust_new("ca", crl);
	g_autoptr(GBytes) other = fixture_cms("p384", "");

	assert_refused(judge, signature, fixture_now(), SUTURE_VERIFY_ERROR_CMS_REVOKED);
	assert_accepted(judge, other, fixture_now());
}

static void a_revoked_intermediate_is_refused(void)
{
	g_autoptr(GBytes) signature = fixture_cms("below", "-certfile middle.pem");
	g_autoptr(GBytes) crl = fixture_crl("ca", "middle", fixture_now(), fixture_now() + DAY);
	g_autoptr(SutureCmsTrust) judge = trust_new("ca", crl);

	assert_refused(judge, signature, fixture_now(), SUTURE_VERIFY_ERROR_CMS_REVOKED);
}

static void assert_no_trust(GBytes *ca, GBytes *crl, int code)
{
	GError *error = NULL;

	fixture_assert_refused(suture_cms_trust_new(ca, crl, &error) != NULL, &error, code);
}

static GBytes *crl_made_partial(GBytes *pem)
{
	g_autoptr(GBytes) key_pem = fixture_read("ca.key");
	gsize size, key_size;
	const gchar *data = g_bytes_get_data(pem, &size);
	const gchar *key_data = g_bytes_get_data(key_pem, &key_size);
	BIO *in = BIO_new_mem_buf(data, (int)size);
	BIO *key_in = BIO_new_mem_buf(key_data, (int)key_size);
	BIO *out = BIO_new(BIO_s_mem());
	X509_CRL *crl = PEM_read_bio_X509_CRL(in, NULL, NULL, NULL);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(key_in, NULL, NULL, NULL);
	ASN1_INTEGER *base = ASN1_INTEGER_new();
	gchar *text = NULL;
	GBytes *made;
	long length;

	ASN1_INTEGER_set(base, 1);
	g_assert_cmpint(X509_CRL_add1_ext_i2d(crl, NID_delta_crl, base, 1, 0), ==, 1);
	g_assert_cmpint(X509_CRL_sign(crl, key, EVP_sha256()), >, 0);
	PEM_write_bio_X509_CRL(out, crl);
	length = BIO_get_mem_data(out, &text);
	made = g_bytes_new(text, (gsize)length);
	ASN1_INTEGER_free(base);
	EVP_PKEY_free(key);
	X509_CRL_free(crl);
	BIO_free(in);
	BIO_free(key_in);
	BIO_free(out);
	return made;
}

static void a_crl_that_is_not_the_cas_is_refused(void)
{
	g_autoptr(GBytes) ca = fixture_read("ca.pem");
	g_autoptr(GBytes) foreign = fixture_crl("other", NULL, fixture_now(), fixture_now() + DAY);
	g_autoptr(GBytes) namesake = fixture_crl("namesake", NULL, fixture_now(), fixture_now() + DAY);
	g_autoptr(GBytes) own = fixture_crl("ca", NULL, fixture_now(), fixture_now() + DAY);
	g_autoptr(GBytes) delta = crl_made_partial(own);
	g_autoptr(GBytes) garbage = g_bytes_new_static("garbage", 7);
	g_autoptr(GBytes) empty = g_bytes_new_static("", 0);

	assert_no_trust(ca, foreign, SUTURE_VERIFY_ERROR_CMS_CRL);
	assert_no_trust(ca, namesake, SUTURE_VERIFY_ERROR_CMS_CRL);
	assert_no_trust(ca, delta, SUTURE_VERIFY_ERROR_CMS_CRL);
	assert_no_trust(ca, garbage, SUTURE_VERIFY_ERROR_KEY);
	assert_no_trust(ca, empty, SUTURE_VERIFY_ERROR_KEY);
}

static void only_self_signed_cas_are_trusted(void)
{
	g_autoptr(GBytes) leaf = fixture_read("p256.pem");
	g_autoptr(GBytes) middle = fixture_read("middle.pem");
	g_autoptr(GBytes) ca = fixture_read("ca.pem");
	g_autoptr(GBytes) broken = g_bytes_new_from_bytes(ca, 0, g_bytes_get_size(ca) - 60);
	g_autoptr(GBytes) empty = g_bytes_new_static("", 0);

	assert_no_trust(leaf, NULL, SUTURE_VERIFY_ERROR_KEY);
	assert_no_trust(middle, NULL, SUTURE_VERIFY_ERROR_KEY);
	assert_no_trust(broken, NULL, SUTURE_VERIFY_ERROR_KEY);
	assert_no_trust(empty, NULL, SUTURE_VERIFY_ERROR_KEY);
}

/* The version numbers of SignedData and SignerInfo: no signature covers them, and they say nothing that the
 * structure does not say already (RFC 5652 sections 5.1 and 5.3), so OpenSSL does not look at them. */
static gboolean is_version(const guint8 *data, gsize at)
{
	return at >= 2 && data[at - 2] == V_ASN1_INTEGER && data[at - 1] == 1 && data[at] == 1;
}

static gboolean is_accepted(const guint8 *data, gsize size, gsize at, guint8 mask)
{
	g_autofree guint8 *changed = g_memdup2(data, size);
	g_autoptr(GBytes) bytes = g_bytes_new_static(changed, size);
	g_autoptr(GError) error = NULL;

	changed[at] ^= mask;
	return suture_cms_verify(trust, content, bytes, fixture_now(), NULL, &error);
}

static void no_changed_byte_is_accepted_but_two_versions(gconstpointer name)
{
	static const guint8 masks[] = {0x01, 0x20, 0x80, 0xff};
	g_autoptr(GBytes) signature = fixture_cms(name, "");
	gsize size;
	const guint8 *data = g_bytes_get_data(signature, &size);
	guint versions = 0;

	for (gsize i = 0; i < size; i++) {
		guint accepted = 0;

		for (gsize j = 0; j < G_N_ELEMENTS(masks); j++)
			accepted += is_accepted(data, size, i, masks[j]);
		if (accepted > 0 && !is_version(data, i))
			g_error("byte %zu of %zu may change", i, size);
		versions += accepted > 0;
	}
	g_assert_cmpuint(versions, ==, 2);
}

int main(int argc, char **argv)
{
	int result;

	g_test_init(&argc, &argv, NULL);
	fixture_begin();
	content = g_bytes_new_static("{\"format\": 1}\n", 14);
	fixture_write("content", content);
	fixture_ca("ca", "/O=Vendor/CN=CA");
	fixture_ca("other", "/O=Other/CN=CA");
	fixture_ca("namesake", "/O=Vendor/CN=CA");
	fixture_issue("p256", "ca", FIXTURE_P256, FIXTURE_SIGNER "subjectKeyIdentifier=hash\n");
	fixture_issue("p384", "ca", FIXTURE_P384, FIXTURE_SIGNER "subjectKeyIdentifier=hash\n");
	fixture_issue("rsa3072", "ca", FIXTURE_RSA(3072), FIXTURE_SIGNER "subjectKeyIdentifier=hash\n");
	fixture_issue("middle", "ca", FIXTURE_P256,
		      "basicConstraints=CA:TRUE\nkeyUsage=keyCertSign,cRLSign\n");
	fixture_issue("below", "middle", FIXTURE_P256, FIXTURE_SIGNER);
	trust = trust_new("ca", NULL);
	g_test_add_func("/signer/cms/signers-that-fit-are-accepted", signers_that_fit_are_accepted);
	g_test_add_func("/signer/cms/our-own-signature-is-accepted", our_own_signature_is_accepted);
	g_test_add_func("/signer/cms/the-signer-is-told", the_signer_is_told);
	g_test_add_func("/signer/cms/an-intermediate-inside-is-followed", an_intermediate_inside_is_followed);
	g_test_add_func("/signer/cms/time-is-judged-only-when-given", time_is_judged_only_when_given);
	g_test_add_func("/signer/cms/a-revoked-signer-is-refused",
			a_revoked_signer_is_refused_also_without_time);
	g_test_add_func("/signer/cms/a-stale-crl-still-revokes", a_stale_crl_still_revokes);
	g_test_add_func("/signer/cms/a-revoked-intermediate-is-refused", a_revoked_intermediate_is_refused);
	g_test_add_func("/signer/cms/a-foreign-crl-is-refused", a_crl_that_is_not_the_cas_is_refused);
	g_test_add_func("/signer/cms/only-self-signed-cas-are-trusted", only_self_signed_cas_are_trusted);
	g_test_add_data_func("/signer/cms/no-changed-byte-is-accepted/p256", "p256",
			     no_changed_byte_is_accepted_but_two_versions);
	g_test_add_data_func("/signer/cms/no-changed-byte-is-accepted/rsa3072", "rsa3072",
			     no_changed_byte_is_accepted_but_two_versions);
	result = g_test_run();
	suture_cms_trust_free(trust);
	g_bytes_unref(content);
	fixture_end();
	return result;
}
