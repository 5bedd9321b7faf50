// SPDX-License-Identifier: LGPL-2.1-or-later
/* Manifest signatures that must be refused, each for its own reason. */
#include "fixture.h"
#include "signer/verify/cms.h"

#include <string.h>

static GBytes *content;
static SutureCmsTrust *trust;

static void assert_refused(GBytes *signature, int code)
{
	GError *error = NULL;

	fixture_assert_refused(suture_cms_verify(trust, content, signature, fixture_now(), NULL, &error),
			       &error, code);
}

/* A signer whose only fault is its certificate. */
typedef struct {
	const gchar *test, *name, *ca, *newkey, *extensions, *options;
	int code;
} Case;

static const Case cases[] = {
	{"another-ca", "other-signer", "other", FIXTURE_P256, FIXTURE_SIGNER, "",
	 SUTURE_VERIFY_ERROR_CMS_CHAIN},
	{"a-ca-of-the-same-name", "namesake-signer", "namesake", FIXTURE_P256, FIXTURE_SIGNER, "",
	 SUTURE_VERIFY_ERROR_CMS_CHAIN},
	{"an-issuer-that-is-no-ca", "below-leaf", "good", FIXTURE_P256, FIXTURE_SIGNER, "-certfile good.pem",
	 SUTURE_VERIFY_ERROR_CMS_CHAIN},
	{"an-unknown-critical-extension", "critical", "ca", FIXTURE_P256,
	 FIXTURE_SIGNER "1.2.3.4=critical,DER:0500\n", "", SUTURE_VERIFY_ERROR_CMS_CHAIN},
	{"no-extended-usage", "no-eku", "ca", FIXTURE_P256,
	 "basicConstraints=CA:FALSE\nkeyUsage=digitalSignature\n", "", SUTURE_VERIFY_ERROR_CMS_PURPOSE},
	{"an-entitlement", "entitlement", "ca", FIXTURE_P256,
	 "basicConstraints=CA:FALSE\nkeyUsage=digitalSignature,keyEncipherment\nextendedKeyUsage="
	 "clientAuth\n",
	 "", SUTURE_VERIFY_ERROR_CMS_PURPOSE},
	{"code-signing-and-another-usage", "both", "ca", FIXTURE_P256,
	 "basicConstraints=CA:FALSE\nkeyUsage=digitalSignature\nextendedKeyUsage=codeSigning,clientAuth\n",
	 "", SUTURE_VERIFY_ERROR_CMS_PURPOSE},
	{"any-extended-usage", "any", "ca", FIXTURE_P256,
	 "basicConstraints=CA:FALSE\nkeyUsage=digitalSignature\nextendedKeyUsage=anyExtendedKeyUsage\n", "",
	 SUTURE_VERIFY_ERROR_CMS_PURPOSE},
	{"no-key-usage", "no-ku", "ca", FIXTURE_P256,
	 "basicConstraints=CA:FALSE\nextendedKeyUsage=codeSigning\n", "", SUTURE_VERIFY_ERROR_CMS_PURPOSE},
	{"another-key-usage", "other-ku", "ca", FIXTURE_P256,
	 "basicConstraints=CA:FALSE\nkeyUsage=nonRepudiation\nextendedKeyUsage=codeSigning\n", "",
	 SUTURE_VERIFY_ERROR_CMS_PURPOSE},
	{"a-ca-that-signs", "ca-signer", "ca", FIXTURE_P256,
	 "basicConstraints=CA:TRUE\nkeyUsage=digitalSignature,keyCertSign\nextendedKeyUsage=codeSigning\n",
	 "", SUTURE_VERIFY_ERROR_CMS_PURPOSE},
	{"below-an-entitlement-ca", "below-entitlement", "entitlement-ca", FIXTURE_P256, FIXTURE_SIGNER,
	 "-certfile entitlement-ca.pem", SUTURE_VERIFY_ERROR_CMS_PURPOSE},
	{"rsa-2048", "rsa2048", "ca", FIXTURE_RSA(2048), FIXTURE_SIGNER, "", SUTURE_VERIFY_ERROR_CMS_DIGEST},
	{"p-521", "p521", "ca", FIXTURE_P521, FIXTURE_SIGNER, "", SUTURE_VERIFY_ERROR_CMS_DIGEST},
	{"below-a-weak-ca", "below-weak", "weak-ca", FIXTURE_P256, FIXTURE_SIGNER, "-certfile weak-ca.pem",
	 SUTURE_VERIFY_ERROR_CMS_DIGEST},
};

static void a_certificate_of_the_wrong_kind(gconstpointer data)
{
	const Case *one = data;
	g_autoptr(GBytes) signature = NULL;

	fixture_issue(one->name, one->ca, one->newkey, one->extensions);
	signature = fixture_cms(one->name, one->options);
	assert_refused(signature, one->code);
}

/* A good signer, signing in a form that is not ours. */
static const struct {
	const gchar *test, *name, *options;
	int code;
} forms[] = {
	{"sha-1", "good", "-md sha1", SUTURE_VERIFY_ERROR_CMS_DIGEST},
	{"sha-224", "good", "-md sha224", SUTURE_VERIFY_ERROR_CMS_DIGEST},
	{"rsa-pss", "good-rsa", "-keyopt rsa_padding_mode:pss", SUTURE_VERIFY_ERROR_CMS_DIGEST},
	{"attached", "good", "-nodetach", SUTURE_VERIFY_ERROR_CMS_MALFORMED},
	{"no-certificate", "good", "-nocerts", SUTURE_VERIFY_ERROR_CMS_MALFORMED},
	{"no-attributes", "good", "-noattr", SUTURE_VERIFY_ERROR_CMS_MALFORMED},
	{"ber", "good", "-stream -nodetach", SUTURE_VERIFY_ERROR_CMS_MALFORMED},
	{"another-content-type", "good", "-econtent_type 1.2.3.4", SUTURE_VERIFY_ERROR_CMS_MALFORMED},
	{"two-signers", "good", "-signer good-rsa.pem -inkey good-rsa.key",
	 SUTURE_VERIFY_ERROR_CMS_MALFORMED},
	{"a-passenger", "good", "-certfile good-rsa.pem", SUTURE_VERIFY_ERROR_CMS_MALFORMED},
	{"many-certificates", "good", "-certfile many.pem", SUTURE_VERIFY_ERROR_CMS_MALFORMED},
};

static void a_form_that_is_not_ours(gconstpointer data)
{
	gsize i = GPOINTER_TO_SIZE(data);
	g_autoptr(GBytes) signature = fixture_cms(forms[i].name, forms[i].options);

	assert_refused(signature, forms[i].code);
}

static void the_ca_itself_as_signer(void)
{
	g_autoptr(GBytes) signature = fixture_cms("ca", "");

	assert_refused(signature, SUTURE_VERIFY_ERROR_CMS_PURPOSE);
}

static void changed_content(void)
{
	g_autoptr(GBytes) signature = fixture_cms("good", "");
	g_autoptr(GBytes) changed = g_bytes_new_static("{\"format\": 2}\n", 14);
	g_autoptr(GBytes) longer = g_bytes_new_static("{\"format\": 1}\n\n", 15);
	g_autoptr(GBytes) crlf = g_bytes_new_static("{\"format\": 1}\r\n", 15);
	g_autoptr(GBytes) empty = g_bytes_new_static("", 0);
	GBytes *const contents[] = {changed, longer, crlf, empty};

	for (gsize i = 0; i < G_N_ELEMENTS(contents); i++) {
		GError *error = NULL;

		fixture_assert_refused(
			suture_cms_verify(trust, contents[i], signature, fixture_now(), NULL, &error), &error,
			SUTURE_VERIFY_ERROR_CMS_SIGNATURE);
	}
}

/* OpenSSL holds issuers that differ in case for equal, so that it takes the twin's key for the good signer's.
 */
static void the_key_of_a_twin(void)
{
	static const gchar own[] = "vendor";
	g_autoptr(GBytes) signature = NULL;
	g_autoptr(GBytes) renamed = NULL;
	g_autofree gchar *bytes = NULL;
	gconstpointer data;
	gsize size, at;

	fixture_ca("lookalike", "/O=vendor/CN=CA");
	fixture_issue("twin", "lookalike", FIXTURE_P256, FIXTURE_SIGNER);
	fixture_run("sh -c 'openssl x509 -req -in twin.csr -CA lookalike.pem -CAkey lookalike.key -days 365 "
		    "-set_serial 0x$(openssl x509 -in good.pem -noout -serial | cut -d= -f2) -out twin.pem'");
	signature = fixture_cms("twin", "-certfile good.pem");
	data = g_bytes_get_data(signature, &size);
	bytes = g_memdup2(data, size);
	for (at = size - strlen(own); memcmp(bytes + at, own, strlen(own)) != 0; at--)
		g_assert_cmpuint(at, >, 0);
	bytes[at] = 'V';
	renamed = g_bytes_new(bytes, size);
	assert_refused(renamed, SUTURE_VERIFY_ERROR_CMS_SIGNATURE);
}

static void bytes_that_are_no_signature(void)
{
	g_autoptr(GBytes) signature = fixture_cms("good", "");
	g_autoptr(GByteArray) longer = g_byte_array_new();
	g_autoptr(GBytes) trailing = NULL;
	g_autoptr(GBytes) empty = g_bytes_new_static("", 0);
	g_autofree guint8 *zeros = g_malloc0(70000);
	g_autoptr(GBytes) large = g_bytes_new_static(zeros, 70000);
	gsize size = g_bytes_get_size(signature);

	g_byte_array_append(longer, g_bytes_get_data(signature, NULL), (guint)size);
	g_byte_array_append(longer, (const guint8 *)"", 1);
	trailing = g_bytes_new(longer->data, longer->len);
	assert_refused(trailing, SUTURE_VERIFY_ERROR_CMS_MALFORMED);
	assert_refused(empty, SUTURE_VERIFY_ERROR_CMS_MALFORMED);
	assert_refused(large, SUTURE_VERIFY_ERROR_CMS_MALFORMED);
	for (gsize cut = 1; cut < size; cut += 7) {
		g_autoptr(GBytes) shorter = g_bytes_new_from_bytes(signature, 0, size - cut);

		assert_refused(shorter, SUTURE_VERIFY_ERROR_CMS_MALFORMED);
	}
}

static void pem_and_other_cms(void)
{
	g_autoptr(GBytes) pem = NULL;
	g_autoptr(GBytes) data = NULL;

	fixture_run("openssl cms -sign -binary -in content -signer good.pem -inkey good.key -outform PEM "
		    "-out pem");
	fixture_run("openssl cms -data_create -binary -in content -outform DER -out data");
	pem = fixture_read("pem");
	data = fixture_read("data");
	assert_refused(pem, SUTURE_VERIFY_ERROR_CMS_MALFORMED);
	assert_refused(data, SUTURE_VERIFY_ERROR_CMS_MALFORMED);
}

static void prepare(void)
{
	g_autoptr(GBytes) ca = NULL;

	fixture_begin();
	content = g_bytes_new_static("{\"format\": 1}\n", 14);
	fixture_write("content", content);
	fixture_ca("ca", "/O=Vendor/CN=CA");
	fixture_ca("other", "/O=Other/CN=CA");
	fixture_ca("namesake", "/O=Vendor/CN=CA");
	fixture_issue("good", "ca", FIXTURE_P256, FIXTURE_SIGNER);
	fixture_issue("good-rsa", "ca", FIXTURE_RSA(3072), FIXTURE_SIGNER);
	fixture_issue("entitlement-ca", "ca", FIXTURE_P256,
		      "basicConstraints=CA:TRUE\nkeyUsage=keyCertSign\nextendedKeyUsage=clientAuth\n");
	fixture_issue("weak-ca", "ca", FIXTURE_RSA(2048), "basicConstraints=CA:TRUE\nkeyUsage=keyCertSign\n");
	fixture_run("sh -c 'cat ca.pem other.pem namesake.pem weak-ca.pem entitlement-ca.pem > many.pem'");
	ca = fixture_read("ca.pem");
	trust = suture_cms_trust_new(ca, NULL, NULL);
	g_assert_nonnull(trust);
}

int main(int argc, char **argv)
{
	int result;

	g_test_init(&argc, &argv, NULL);
	prepare();
	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree gchar *path = g_strconcat("/signer/cms/refuses-certificate/", cases[i].test, NULL);

		g_test_add_data_func(path, &cases[i], a_certificate_of_the_wrong_kind);
	}
	for (gsize i = 0; i < G_N_ELEMENTS(forms); i++) {
		g_autofree gchar *path = g_strconcat("/signer/cms/refuses-form/", forms[i].test, NULL);

		g_test_add_data_func(path, GSIZE_TO_POINTER(i), a_form_that_is_not_ours);
	}
	g_test_add_func("/signer/cms/refuses-the-ca-itself-as-signer", the_ca_itself_as_signer);
	g_test_add_func("/signer/cms/refuses-changed-content", changed_content);
	g_test_add_func("/signer/cms/refuses-the-key-of-a-twin", the_key_of_a_twin);
	g_test_add_func("/signer/cms/refuses-bytes-that-are-no-signature", bytes_that_are_no_signature);
	g_test_add_func("/signer/cms/refuses-pem-and-other-cms", pem_and_other_cms);
	result = g_test_run();
	suture_cms_trust_free(trust);
	g_bytes_unref(content);
	fixture_end();
	return result;
}
