// SPDX-License-Identifier: LGPL-2.1-or-later
/* Signatures appended to modules: PKCS#7 by the openssl program, put behind the module here by hand. */
#include "fixture.h"
#include "signer/sign/module.h"
#include "signer/verify/module-signature.h"

#include <string.h>

#define MAGIC "~Module signature appended~\n"
#define TRAILER_BYTES (12 + sizeof MAGIC - 1)
#define NO_CERTIFICATES "-noattr -nocerts -nosmimecap"

static GBytes *content;
static SutureModuleTrust *trust;

static GBytes *append(GBytes *pkcs7, const guint8 header[8], guint32 size)
{
	GByteArray *module = g_byte_array_new();
	guint32 big_endian = GUINT32_TO_BE(size);

	g_byte_array_append(module, g_bytes_get_data(content, NULL), (guint)g_bytes_get_size(content));
	g_byte_array_append(module, g_bytes_get_data(pkcs7, NULL), (guint)g_bytes_get_size(pkcs7));
	g_byte_array_append(module, header, 8);
	g_byte_array_append(module, (const guint8 *)&big_endian, 4);
	g_byte_array_append(module, (const guint8 *)MAGIC, sizeof MAGIC - 1);
	return g_byte_array_free_to_bytes(module);
}

static const guint8 plain_header[8] = {0, 0, 2, 0, 0, 0, 0, 0};

static GBytes *module_by(const gchar *name, const gchar *options)
{
	g_autoptr(GBytes) pkcs7 = fixture_cms(name, options);

	return append(pkcs7, plain_header, (guint32)g_bytes_get_size(pkcs7));
}

static void assert_refused(GBytes *module, int code)
{
	SutureModuleSigner *signer = NULL;
	GError *error = NULL;

	fixture_assert_refused(suture_module_signature_verify(trust, module, &signer, &error), &error, code);
	g_assert_null(signer);
}

static void signers_that_fit_are_accepted(void)
{
	static const gchar *const names[] = {"rsa2048", "rsa3072", "p256", "p384"};
	static const gchar *const digests[] = {"-md sha256", "-md sha384", "-md sha512", "-keyid -md sha256"};

	for (gsize i = 0; i < G_N_ELEMENTS(names) * G_N_ELEMENTS(digests); i++) {
		g_autofree gchar *options =
			g_strconcat(NO_CERTIFICATES " ", digests[i % G_N_ELEMENTS(digests)], NULL);
		g_autoptr(GBytes) module = module_by(names[i / G_N_ELEMENTS(digests)], options);
		g_autoptr(SutureModuleSigner) signer = NULL;
		g_autoptr(GError) error = NULL;

		g_assert_true(suture_module_signature_verify(trust, module, &signer, &error));
		g_assert_no_error(error);
		g_assert_cmpuint(signer->content_size, ==, g_bytes_get_size(content));
		g_assert_cmpuint(strlen(signer->key_id), ==, 40);
		g_assert_true(g_str_has_prefix(signer->subject, "CN="));
	}
}

static void our_own_signature_is_accepted(void)
{
	static const gchar *const names[] = {"rsa2048", "p256"};

	for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autofree gchar *key_name = g_strconcat(names[i], ".key", NULL);
		g_autofree gchar *certificate_name = g_strconcat(names[i], ".pem", NULL);
		g_autofree gchar *key = fixture_path(key_name);
		g_autofree gchar *certificate = fixture_path(certificate_name);
		g_autoptr(GError) error = NULL;
		g_autoptr(SutureSigner) signer = suture_signer_open(key, certificate, &error);
		g_autoptr(GBytes) module = NULL;

		g_assert_no_error(error);
		module = suture_module_sign(signer, NULL, FALSE, content, &error);
		g_assert_no_error(error);
		g_assert_true(suture_module_signature_verify(trust, module, NULL, &error));
	}
}

static void an_unsigned_module_is_refused(void)
{
	g_autoptr(GBytes) empty = g_bytes_new_static("", 0);

	assert_refused(content, SUTURE_VERIFY_ERROR_MODULE_UNSIGNED);
	assert_refused(empty, SUTURE_VERIFY_ERROR_MODULE_UNSIGNED);
}

static void forms_that_are_not_ours_are_refused(void)
{
	static const struct {
		const gchar *name, *options;
		int code;
	} forms[] = {
		{"stranger", NO_CERTIFICATES, SUTURE_VERIFY_ERROR_MODULE_KEY},
		{"namesake", NO_CERTIFICATES, SUTURE_VERIFY_ERROR_MODULE_KEY},
		{"rsa3072", NO_CERTIFICATES " -md sha1", SUTURE_VERIFY_ERROR_MODULE_WEAK},
		{"rsa1024", NO_CERTIFICATES, SUTURE_VERIFY_ERROR_MODULE_WEAK},
		{"rsa3072", NO_CERTIFICATES " -keyopt rsa_padding_mode:pss", SUTURE_VERIFY_ERROR_MODULE_WEAK},
		{"rsa3072", "-nocerts", SUTURE_VERIFY_ERROR_MODULE_MALFORMED},
		{"rsa3072", "-noattr", SUTURE_VERIFY_ERROR_MODULE_MALFORMED},
		{"rsa3072", NO_CERTIFICATES " -nodetach", SUTURE_VERIFY_ERROR_MODULE_MALFORMED},
		{"rsa3072", NO_CERTIFICATES " -econtent_type 1.2.3.4", SUTURE_VERIFY_ERROR_MODULE_MALFORMED},
		{"rsa3072", NO_CERTIFICATES " -signer p256.pem -inkey p256.key",
		 SUTURE_VERIFY_ERROR_MODULE_MALFORMED},
	};

	for (gsize i = 0; i < G_N_ELEMENTS(forms); i++) {
		g_autoptr(GBytes) module = module_by(forms[i].name, forms[i].options);

		g_test_message("%s %s", forms[i].name, forms[i].options);
		assert_refused(module, forms[i].code);
	}
}

/* One byte of the module, of the signature's value, then each byte of the trailer. */
static void changed_bytes_are_refused(void)
{
	g_autoptr(GBytes) module = module_by("p256", NO_CERTIFICATES);
	gsize size;
	const guint8 *data = g_bytes_get_data(module, &size);
	gsize signature_end = size - TRAILER_BYTES;

	for (gsize i = 0; i < size; i++) {
		g_autofree guint8 *changed = g_memdup2(data, size);
		g_autoptr(GBytes) bytes = g_bytes_new_static(changed, size);
		GError *error = NULL;
		int code = SUTURE_VERIFY_ERROR_MODULE_SIGNATURE;

		if (i >= g_bytes_get_size(content) && i < signature_end - 60)
			continue; /* structure: see below */
		if (i >= signature_end)
			code = i < size - sizeof MAGIC + 1 ? SUTURE_VERIFY_ERROR_MODULE_MALFORMED
							   : SUTURE_VERIFY_ERROR_MODULE_UNSIGNED;
		changed[i] ^= 0x40;
		fixture_assert_refused(suture_module_signature_verify(trust, bytes, NULL, &error), &error,
				       code);
	}
}

/* As in test-cms.c: all but the two version numbers, which nothing covers. */
static void no_byte_of_the_structure_may_change_but_two_versions(void)
{
	g_autoptr(GBytes) module = module_by("rsa3072", NO_CERTIFICATES);
	gsize size;
	const guint8 *data = g_bytes_get_data(module, &size);
	static const guint8 masks[] = {0x01, 0x20, 0x80};
	guint accepted = 0;

	for (gsize i = g_bytes_get_size(content); i < size; i++)
		for (gsize j = 0; j < G_N_ELEMENTS(masks); j++) {
			g_autofree guint8 *changed = g_memdup2(data, size);
			g_autoptr(GBytes) bytes = g_bytes_new_static(changed, size);
			g_autoptr(GError) error = NULL;

			changed[i] ^= masks[j];
			if (!suture_module_signature_verify(trust, bytes, NULL, &error))
				continue;
			if (data[i - 2] != 2 || data[i - 1] != 1 || data[i] != 1)
				g_error("byte %zu of %zu may change", i, size);
			accepted++;
		}
	g_assert_cmpuint(accepted, ==, 2 * G_N_ELEMENTS(masks));
}

static void a_trailer_that_is_not_ours_is_refused(void)
{
	g_autoptr(GBytes) pkcs7 = fixture_cms("p256", NO_CERTIFICATES);
	guint32 size = (guint32)g_bytes_get_size(pkcs7);
	const guint32 sizes[] = {
		0, 1, size - 1, size + 1, size + (guint32)g_bytes_get_size(content), 0x7fffffff, 0xffffffff};
	g_autoptr(GBytes) magic_alone = g_bytes_new_static(MAGIC, sizeof MAGIC - 1);
	g_autoptr(GBytes) cut = g_bytes_new_static("12345678901" MAGIC, 11 + sizeof MAGIC - 1);

	for (gsize i = 0; i < sizeof plain_header; i++) {
		guint8 header[sizeof plain_header];
		g_autoptr(GBytes) module = NULL;

		memcpy(header, plain_header, sizeof header);
		header[i] ^= 1;
		module = append(pkcs7, header, size);
		assert_refused(module, SUTURE_VERIFY_ERROR_MODULE_MALFORMED);
	}
	for (gsize i = 0; i < G_N_ELEMENTS(sizes); i++) {
		g_autoptr(GBytes) module = append(pkcs7, plain_header, sizes[i]);

		assert_refused(module, SUTURE_VERIFY_ERROR_MODULE_MALFORMED);
	}
	assert_refused(magic_alone, SUTURE_VERIFY_ERROR_MODULE_MALFORMED);
	assert_refused(cut, SUTURE_VERIFY_ERROR_MODULE_MALFORMED);
}

static void strip_finds_the_modules_end(void)
{
	g_autoptr(GBytes) module = module_by("p256", NO_CERTIFICATES);
	g_autoptr(GBytes) cut = g_bytes_new_static("12345678901" MAGIC, 11 + sizeof MAGIC - 1);
	g_autoptr(GError) error = NULL;
	GError *refusal = NULL;
	gsize size = 0;

	g_assert_true(suture_module_signature_strip(module, &size, &error));
	g_assert_cmpuint(size, ==, g_bytes_get_size(content));
	g_assert_true(suture_module_signature_strip(content, &size, &error));
	g_assert_cmpuint(size, ==, g_bytes_get_size(content));
	g_assert_no_error(error);
	fixture_assert_refused(suture_module_signature_strip(cut, &size, &refusal), &refusal,
			       SUTURE_VERIFY_ERROR_MODULE_MALFORMED);
}

static void trust_needs_certificates(void)
{
	g_autoptr(GBytes) key = fixture_read("p256.key");
	g_autoptr(GBytes) empty = g_bytes_new_static("", 0);
	GError *error = NULL;

	fixture_assert_refused(suture_module_trust_new(key, &error) != NULL, &error, SUTURE_VERIFY_ERROR_KEY);
	fixture_assert_refused(suture_module_trust_new(empty, &error) != NULL, &error,
			       SUTURE_VERIFY_ERROR_KEY);
}

static void issue(const gchar *name, const gchar *ca, const gchar *newkey)
{
	fixture_issue(name, ca, newkey, "keyUsage=digitalSignature\nsubjectKeyIdentifier=hash\n");
}

static void prepare(void)
{
	g_autoptr(GBytes) pem = NULL;

	fixture_begin();
	content = g_bytes_new_static("\177ELF, as far as a signature is concerned", 40);
	fixture_write("content", content);
	fixture_ca("ca", "/CN=Modules");
	fixture_ca("other", "/CN=Modules");
	issue("rsa1024", "ca", FIXTURE_RSA(1024));
	issue("rsa2048", "ca", FIXTURE_RSA(2048));
	issue("rsa3072", "ca", FIXTURE_RSA(3072));
	issue("p256", "ca", FIXTURE_P256);
	issue("p384", "ca", FIXTURE_P384);
	issue("stranger", "ca", FIXTURE_P256);
	issue("namesake", "other", FIXTURE_P256);
	fixture_run("sh -c 'cat rsa1024.pem rsa2048.pem rsa3072.pem p256.pem p384.pem > trusted.pem'");
	pem = fixture_read("trusted.pem");
	trust = suture_module_trust_new(pem, NULL);
	g_assert_nonnull(trust);
}

int main(int argc, char **argv)
{
	int result;

	g_test_init(&argc, &argv, NULL);
	prepare();
	g_test_add_func("/signer/module/signers-that-fit-are-accepted", signers_that_fit_are_accepted);
	g_test_add_func("/signer/module/our-own-signature-is-accepted", our_own_signature_is_accepted);
	g_test_add_func("/signer/module/an-unsigned-module-is-refused", an_unsigned_module_is_refused);
	g_test_add_func("/signer/module/forms-that-are-not-ours-are-refused",
			forms_that_are_not_ours_are_refused);
	g_test_add_func("/signer/module/changed-bytes-are-refused", changed_bytes_are_refused);
	g_test_add_func("/signer/module/no-byte-of-the-structure-may-change",
			no_byte_of_the_structure_may_change_but_two_versions);
	g_test_add_func("/signer/module/a-trailer-that-is-not-ours-is-refused",
			a_trailer_that_is_not_ours_is_refused);
	g_test_add_func("/signer/module/strip-finds-the-modules-end", strip_finds_the_modules_end);
	g_test_add_func("/signer/module/trust-needs-certificates", trust_needs_certificates);
	result = g_test_run();
	suture_module_trust_free(trust);
	g_bytes_unref(content);
	fixture_end();
	return result;
}
