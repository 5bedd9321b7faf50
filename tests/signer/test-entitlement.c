// SPDX-License-Identifier: LGPL-2.1-or-later
/* Entitlement certificates that openssl made: what is read of them, and each refusal. */
#include "signer/verify/entitlement.h"
#include "tests/signer/fixture.h"

#define USAGE "keyUsage=digitalSignature\n"
#define CLIENT "basicConstraints=CA:FALSE\n" USAGE "extendedKeyUsage=clientAuth\n"
#define CHANNEL(name) "URI:urn:suture:channel:" name

typedef struct {
	const gchar *name, *extensions;
	SutureEntitlementError code;
} Case;

static const Case cases[] = {
	{"no-channel", CLIENT, SUTURE_ENTITLEMENT_ERROR_MALFORMED},
	{"other-uri-alone", CLIENT "subjectAltName=URI:urn:other:channel:a\n",
	 SUTURE_ENTITLEMENT_ERROR_MALFORMED},
	{"channel-upper-case", CLIENT "subjectAltName=" CHANNEL("Stable") "\n",
	 SUTURE_ENTITLEMENT_ERROR_MALFORMED},
	{"channel-empty", CLIENT "subjectAltName=" CHANNEL("") "\n", SUTURE_ENTITLEMENT_ERROR_MALFORMED},
	{"channel-with-slash", CLIENT "subjectAltName=" CHANNEL("a/../b") "\n",
	 SUTURE_ENTITLEMENT_ERROR_MALFORMED},
	{"channel-hidden", CLIENT "subjectAltName=" CHANNEL(".a") "\n", SUTURE_ENTITLEMENT_ERROR_MALFORMED},
	{"channel-twice", CLIENT "subjectAltName=" CHANNEL("a") "," CHANNEL("a") "\n",
	 SUTURE_ENTITLEMENT_ERROR_MALFORMED},
	{"one-good-one-bad", CLIENT "subjectAltName=" CHANNEL("a") "," CHANNEL("B") "\n",
	 SUTURE_ENTITLEMENT_ERROR_MALFORMED},
	{"for-code-signing", USAGE "extendedKeyUsage=codeSigning\nsubjectAltName=" CHANNEL("a") "\n",
	 SUTURE_ENTITLEMENT_ERROR_PURPOSE},
	{"for-two-uses", USAGE "extendedKeyUsage=clientAuth,codeSigning\nsubjectAltName=" CHANNEL("a") "\n",
	 SUTURE_ENTITLEMENT_ERROR_PURPOSE},
	{"for-any-use", USAGE "subjectAltName=" CHANNEL("a") "\n", SUTURE_ENTITLEMENT_ERROR_PURPOSE},
	{"no-key-usage", "extendedKeyUsage=clientAuth\nsubjectAltName=" CHANNEL("a") "\n",
	 SUTURE_ENTITLEMENT_ERROR_PURPOSE},
	{"a-ca",
	 "basicConstraints=critical,CA:TRUE\nkeyUsage=digitalSignature,keyCertSign\nextendedKeyUsage="
	 "clientAuth\nsubjectAltName=" CHANNEL("a") "\n",
	 SUTURE_ENTITLEMENT_ERROR_PURPOSE},
};

static GBytes *issue(const gchar *name, const gchar *extensions)
{
	g_autofree gchar *file = g_strconcat(name, ".pem", NULL);

	fixture_issue(name, "ca", FIXTURE_P256, extensions);
	return fixture_read(file);
}

static void test_refused(gconstpointer data)
{
	const Case *expected = data;
	g_autoptr(GBytes) pem = issue(expected->name, expected->extensions);
	g_autoptr(GError) error = NULL;

	g_assert_null(suture_entitlement_parse(pem, &error));
	g_assert_error(error, SUTURE_ENTITLEMENT_ERROR, (gint)expected->code);
}

static void test_read(void)
{
	g_autoptr(GBytes) pem = issue(
		"good", CLIENT "subjectAltName=DNS:other.example," CHANNEL("b") "," CHANNEL("a.1_x-y") "\n");
	g_autoptr(SutureEntitlement) entitlement = suture_entitlement_parse(pem, NULL);

	g_assert_nonnull(entitlement);
	g_assert_cmpstr(entitlement->customer, ==, "good");
	g_assert_cmpuint(g_strv_length(entitlement->channels), ==, 2);
	g_assert_cmpstr(entitlement->channels[0], ==, "b");
	g_assert_cmpstr(entitlement->channels[1], ==, "a.1_x-y");
	g_assert_cmpstr(entitlement->issuer, ==, "CN=ca");
}

static void test_issuer(void)
{
	g_autoptr(GBytes) pem = issue("mine", CLIENT "subjectAltName=" CHANNEL("a") "\n");
	g_autoptr(GBytes) ca = fixture_read("ca.pem");
	g_autoptr(GBytes) same_name = fixture_read("other.pem");
	g_autoptr(GError) error = NULL;

	g_assert_true(suture_entitlement_check_issuer(pem, ca, NULL));
	g_assert_false(suture_entitlement_check_issuer(pem, same_name, &error));
	g_assert_error(error, SUTURE_ENTITLEMENT_ERROR, SUTURE_ENTITLEMENT_ERROR_ISSUER);
}

static void test_time(void)
{
	const SutureEntitlement entitlement = {
		.customer = "x", .not_before = 1000, .not_after = 1000 + 86400};
	static const struct {
		gint64 now, days;
		gint code; /* -1: none */
	} times[] = {{999, 1, SUTURE_ENTITLEMENT_ERROR_EARLY},
		     {1000, 1, -1},
		     {1001, 0, -1},
		     {1000 + 86400, 0, -1},
		     {1001 + 86400, -1, SUTURE_ENTITLEMENT_ERROR_EXPIRED},
		     {1000 + 2 * 86400, -1, SUTURE_ENTITLEMENT_ERROR_EXPIRED},
		     {1001 + 2 * 86400, -2, SUTURE_ENTITLEMENT_ERROR_EXPIRED}};

	for (gsize i = 0; i < G_N_ELEMENTS(times); i++) {
		g_autoptr(GError) error = NULL;

		g_assert_cmpint(suture_entitlement_days_left(&entitlement, times[i].now), ==, times[i].days);
		g_assert_true(suture_entitlement_check_time(&entitlement, times[i].now, &error) ==
			      (times[i].code < 0));
		if (times[i].code >= 0)
			g_assert_error(error, SUTURE_ENTITLEMENT_ERROR, times[i].code);
	}
}

/* Each byte of a certificate changed in turn: read as another or not at all, and never by the CA any more. */
static void test_every_byte(void)
{
	g_autoptr(GBytes) pem = issue("bytes", CLIENT "subjectAltName=" CHANNEL("a") "\n");
	g_autoptr(GBytes) ca = fixture_read("ca.pem");
	g_autoptr(GBytes) der = NULL;
	g_autofree guint8 *copy = NULL;
	gsize size;

	fixture_run("openssl x509 -in bytes.pem -outform DER -out bytes.der");
	der = fixture_read("bytes.der");
	copy = g_memdup2(g_bytes_get_data(der, &size), g_bytes_get_size(der));
	for (gsize i = 0; i < size; i++) {
		g_autoptr(GBytes) changed = NULL;
		g_autoptr(GBytes) again = NULL;
		g_autofree gchar *base64 = NULL;
		g_autofree gchar *text = NULL;

		copy[i] ^= 1;
		changed = g_bytes_new(copy, size);
		suture_entitlement_free(suture_entitlement_parse_der(changed, NULL));
		base64 = g_base64_encode(copy, size);
		text = g_strdup_printf("-----BEGIN CERTIFICATE-----\n%s\n-----END CERTIFICATE-----\n",
				       base64);
		again = g_bytes_new(text, strlen(text));
		g_assert_false(suture_entitlement_check_issuer(again, ca, NULL));
		copy[i] ^= 1;
	}
	g_assert_true(suture_entitlement_check_issuer(pem, ca, NULL));
}

int main(int argc, char **argv)
{
	int result;

	g_test_init(&argc, &argv, NULL);
	fixture_begin();
	fixture_ca("other", "/CN=ca");
	fixture_ca("ca", "/CN=ca");
	g_test_add_func("/signer/entitlement/is-read", test_read);
	g_test_add_func("/signer/entitlement/issuer", test_issuer);
	g_test_add_func("/signer/entitlement/time", test_time);
	g_test_add_func("/signer/entitlement/every-byte", test_every_byte);
	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree gchar *path = g_strconcat("/signer/entitlement/refused/", cases[i].name, NULL);

		g_test_add_data_func(path, &cases[i], test_refused);
	}
	result = g_test_run();
	fixture_end();
	return result;
}
