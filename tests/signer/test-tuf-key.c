// SPDX-License-Identifier: LGPL-2.1-or-later
/* TUF keys and signatures: keys and signatures by the openssl program, and one vector of RFC 8032. */
#include "fixture.h"
#include "signer/sign/key-create.h"
#include "signer/verify/tuf-key.h"

#include <string.h>

static GBytes *data;

static SutureTufKey *key_of(const gchar *name)
{
	g_autofree gchar *file = g_strconcat(name, ".pub", NULL);
	g_autoptr(GBytes) pem = fixture_read(file);
	g_autoptr(GError) error = NULL;
	SutureTufKey *key = suture_tuf_key_from_pem(pem, &error);

	g_assert_no_error(error);
	return key;
}

static gchar *hex_of(GBytes *bytes)
{
	GString *hex = g_string_new(NULL);
	gsize size;
	const guint8 *raw = g_bytes_get_data(bytes, &size);

	for (gsize i = 0; i < size; i++)
		g_string_append_printf(hex, "%02x", raw[i]);
	return g_string_free(hex, FALSE);
}

static const struct {
	const gchar *name, *genpkey, *sign; /* "sign" makes the file "signature" from "data" */
	const gchar *keytype, *scheme;
} kinds[] = {
	{"ed25519", "-algorithm ED25519",
	 "openssl pkeyutl -sign -rawin -in data -inkey ed25519.key -out signature", "ed25519", "ed25519"},
	{"p256", "-algorithm EC -pkeyopt ec_paramgen_curve:P-256",
	 "openssl dgst -sha256 -sign p256.key -out signature data", "ecdsa", "ecdsa-sha2-nistp256"},
	{"p384", "-algorithm EC -pkeyopt ec_paramgen_curve:P-384",
	 "openssl dgst -sha384 -sign p384.key -out signature data", "ecdsa", "ecdsa-sha2-nistp384"},
	{"rsa", "-algorithm RSA -pkeyopt rsa_keygen_bits:2048",
	 "openssl dgst -sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest -sign rsa.key "
	 "-out signature data",
	 "rsa", "rsassa-pss-sha256"},
};

static void assert_signature_refused(const SutureTufKey *key, GBytes *bytes, const gchar *hex)
{
	GError *error = NULL;

	fixture_assert_refused(suture_tuf_key_verify(key, bytes, hex, &error), &error,
			       SUTURE_VERIFY_ERROR_SIGNATURE);
}

static void signatures_of_openssl_verify_and_no_others(void)
{
	g_autoptr(GBytes) other = g_bytes_new_static("other data", 10);

	for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++) {
		g_autoptr(SutureTufKey) key = key_of(kinds[i].name);
		g_autoptr(SutureTufKey) wrong = key_of(kinds[(i + 1) % G_N_ELEMENTS(kinds)].name);
		g_autoptr(GBytes) signature = NULL;
		g_autofree gchar *hex = NULL;
		g_autofree gchar *upper = NULL;
		g_autoptr(GError) error = NULL;

		fixture_run("%s", kinds[i].sign);
		signature = fixture_read("signature");
		hex = hex_of(signature);
		upper = g_ascii_strup(hex, -1);
		g_assert_true(suture_tuf_key_verify(key, data, hex, &error));
		g_assert_true(suture_tuf_key_verify(key, data, upper, &error));
		g_assert_no_error(error);
		assert_signature_refused(key, other, hex);
		assert_signature_refused(wrong, data, hex);
	}
}

static void no_digit_of_a_signature_may_change(void)
{
	for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++) {
		g_autoptr(SutureTufKey) key = key_of(kinds[i].name);
		g_autoptr(GBytes) signature = NULL;
		g_autofree gchar *hex = NULL;

		fixture_run("%s", kinds[i].sign);
		signature = fixture_read("signature");
		hex = hex_of(signature);
		for (gchar *digit = hex; *digit; digit++) {
			gchar kept = *digit;

			*digit = kept == '0' ? '1' : '0';
			assert_signature_refused(key, data, hex);
			*digit = kept;
		}
	}
}

static void text_that_is_no_signature_is_refused(void)
{
	g_autofree gchar *long_hex = g_strnfill(8192, 'a');
	const gchar *const texts[] = {"", "0", "zz", "00:11", " 00", "30", long_hex};

	for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++) {
		g_autoptr(SutureTufKey) key = key_of(kinds[i].name);

		for (gsize j = 0; j < G_N_ELEMENTS(texts); j++)
			assert_signature_refused(key, data, texts[j]);
	}
}

static void any_salt_length_verifies_but_not_another_padding(void)
{
	static const gchar *const salts[] = {"0", "20", "max"};
	g_autoptr(SutureTufKey) key = key_of("rsa");
	g_autoptr(GBytes) plain = NULL;
	g_autofree gchar *plain_hex = NULL;

	for (gsize i = 0; i < G_N_ELEMENTS(salts); i++) {
		g_autoptr(GBytes) signature = NULL;
		g_autofree gchar *hex = NULL;
		g_autoptr(GError) error = NULL;

		fixture_run("openssl dgst -sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:%s"
			    " -sign rsa.key -out signature data",
			    salts[i]);
		signature = fixture_read("signature");
		hex = hex_of(signature);
		g_assert_true(suture_tuf_key_verify(key, data, hex, &error));
		g_assert_no_error(error);
	}
	fixture_run("openssl dgst -sha256 -sign rsa.key -out signature data");
	plain = fixture_read("signature");
	plain_hex = hex_of(plain);
	assert_signature_refused(key, data, plain_hex);
}

/* The scheme of the key decides the padding, not what the signature happens to fit. */
static void a_pkcs1_key_takes_that_padding_alone(void)
{
	g_autoptr(SutureTufKey) pss = key_of("rsa");
	SUTURE_AUTO_JSON *shared = suture_tuf_key_json(pss);
	SUTURE_AUTO_JSON *json = json_deep_copy(shared);
	g_autoptr(SutureTufKey) key = NULL;
	g_autoptr(GBytes) plain = NULL;
	g_autofree gchar *plain_hex = NULL;
	g_autofree gchar *pss_hex = NULL;
	g_autoptr(GBytes) pss_signature = NULL;
	g_autoptr(GError) error = NULL;

	json_object_set_new(json, "scheme", json_string("rsa-pkcs1v15-sha256"));
	key = suture_tuf_key_parse(json, &error);
	g_assert_no_error(error);
	fixture_run("openssl dgst -sha256 -sign rsa.key -out signature data");
	plain = fixture_read("signature");
	plain_hex = hex_of(plain);
	g_assert_true(suture_tuf_key_verify(key, data, plain_hex, &error));
	g_assert_no_error(error);
	fixture_run("%s", kinds[3].sign);
	pss_signature = fixture_read("signature");
	pss_hex = hex_of(pss_signature);
	assert_signature_refused(key, data, pss_hex);
}

static void our_signatures_verify(void)
{
	for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++) {
		g_autofree gchar *file = g_strconcat(kinds[i].name, ".key", NULL);
		g_autofree gchar *path = fixture_path(file);
		g_autoptr(GError) error = NULL;
		g_autoptr(SuturePrivateKey) private = suture_private_key_open(path, &error);
		g_autoptr(SutureTufKey) public = NULL;
		g_autoptr(SutureTufKey) read = key_of(kinds[i].name);
		g_autofree gchar *hex = NULL;
		g_autofree gchar *id = NULL;
		g_autofree gchar *read_id = suture_tuf_key_id(read);

		g_assert_no_error(error);
		public = suture_private_key_tuf_public(private, &error);
		hex = suture_private_key_sign_tuf(private, data, &error);
		g_assert_no_error(error);
		g_assert_true(suture_tuf_key_verify(public, data, hex, &error));
		id = suture_tuf_key_id(public);
		g_assert_cmpstr(id, ==, read_id);
	}
}

static void key_objects_have_the_names_of_the_specification(void)
{
	for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++) {
		g_autoptr(SutureTufKey) key = key_of(kinds[i].name);
		SUTURE_AUTO_JSON *json = suture_tuf_key_json(key);

		g_assert_cmpstr(json_string_value(json_object_get(json, "keytype")), ==, kinds[i].keytype);
		g_assert_cmpstr(json_string_value(json_object_get(json, "scheme")), ==, kinds[i].scheme);
	}
}

/* RFC 8032 section 7.1, test 2; the key id is that of `printf '{"keytype":...}' | sha256sum` on the canonical
 * form. */
static void a_published_vector_verifies(void)
{
	SUTURE_AUTO_JSON *json =
		json_pack("{s:s, s:s, s:{s:s}}", "scheme", "ed25519", "keytype", "ed25519", "keyval",
			  "public", "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
	g_autoptr(GBytes) message = g_bytes_new_static("\x72", 1);
	g_autoptr(GError) error = NULL;
	g_autoptr(SutureTufKey) key = suture_tuf_key_parse(json, &error);
	g_autofree gchar *expected =
		g_compute_checksum_for_string(G_CHECKSUM_SHA256,
					      "{\"keytype\":\"ed25519\",\"keyval\":{\"public\":"
					      "\"3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4"
					      "660c\"},\"scheme\":\"ed25519\"}",
					      -1);
	g_autofree gchar *id = NULL;

	g_assert_no_error(error);
	g_assert_true(
		suture_tuf_key_verify(key, message,
				      "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
				      "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
				      &error));
	g_assert_no_error(error);
	id = suture_tuf_key_id(key);
	g_assert_cmpstr(id, ==, expected);
}

/* The id covers the object as it was given; the fingerprint only the key. */
static void one_key_under_two_ids_has_one_fingerprint(void)
{
	g_autoptr(SutureTufKey) key = key_of("p256");
	SUTURE_AUTO_JSON *json = suture_tuf_key_json(key);
	SUTURE_AUTO_JSON *other = json_deep_copy(json);
	SUTURE_AUTO_JSON *older = json_deep_copy(json);
	g_autofree gchar *id = suture_tuf_key_id(key);
	g_autofree gchar *fingerprint = suture_tuf_key_fingerprint(key);
	json_t *const variants[] = {other, older};

	json_object_set_new(other, "x-note", json_string("an unknown member"));
	json_object_set_new(older, "keytype", json_string("ecdsa-sha2-nistp256"));
	for (gsize i = 0; i < G_N_ELEMENTS(variants); i++) {
		g_autoptr(GError) error = NULL;
		g_autoptr(SutureTufKey) variant = suture_tuf_key_parse(variants[i], &error);
		g_autofree gchar *variant_id = NULL;
		g_autofree gchar *variant_fingerprint = NULL;

		g_assert_no_error(error);
		variant_id = suture_tuf_key_id(variant);
		variant_fingerprint = suture_tuf_key_fingerprint(variant);
		g_assert_cmpstr(variant_id, !=, id);
		g_assert_cmpstr(variant_fingerprint, ==, fingerprint);
	}
}

static void a_compressed_point_is_the_same_key(void)
{
	g_autoptr(SutureTufKey) key = key_of("p256");
	g_autoptr(SutureTufKey) compressed = NULL;
	g_autofree gchar *fingerprint = suture_tuf_key_fingerprint(key);
	g_autofree gchar *other = NULL;

	fixture_run("openssl ec -in p256.key -pubout -conv_form compressed -out compressed.pub");
	compressed = key_of("compressed");
	other = suture_tuf_key_fingerprint(compressed);
	g_assert_cmpstr(other, ==, fingerprint);
}

static void assert_key_refused(json_t *json)
{
	GError *error = NULL;

	fixture_assert_refused(suture_tuf_key_parse(json, &error) != NULL, &error, SUTURE_VERIFY_ERROR_KEY);
}

static void objects_that_are_no_key_are_refused(void)
{
	g_autoptr(SutureTufKey) key = key_of("p256");
	SUTURE_AUTO_JSON *good = suture_tuf_key_json(key);
	static const gchar *const changes[][3] = {
		{"scheme", "rsassa-pss-sha256"},
		{"scheme", "ecdsa-sha2-nistp384"},
		{"keytype", "rsa"},
		{"keytype", "ed25519"},
		{"keytype", "unknown"},
		{"keytype", ""},
	};
	static const gchar *const publics[] = {"", "zz", "-----BEGIN PUBLIC KEY-----\n", "3d40"};
	static const gchar *const members[] = {"keytype", "scheme", "keyval"};

	for (gsize i = 0; i < G_N_ELEMENTS(changes); i++) {
		SUTURE_AUTO_JSON *json = json_deep_copy(good);

		json_object_set_new(json, changes[i][0], json_string(changes[i][1]));
		assert_key_refused(json);
	}
	for (gsize i = 0; i < G_N_ELEMENTS(publics); i++) {
		SUTURE_AUTO_JSON *json = json_deep_copy(good);

		json_object_set_new(json_object_get(json, "keyval"), "public", json_string(publics[i]));
		assert_key_refused(json);
	}
	for (gsize i = 0; i < G_N_ELEMENTS(members); i++) {
		SUTURE_AUTO_JSON *json = json_deep_copy(good);

		json_object_set_new(json, members[i], json_integer(1));
		assert_key_refused(json);
		json_object_del(json, members[i]);
		assert_key_refused(json);
	}
	json_object_set_new(good, "x", json_real(1.5));
	assert_key_refused(good);
}

static void keys_below_the_floor_are_refused(void)
{
	static const gchar *const weak[] = {
		"-algorithm RSA -pkeyopt rsa_keygen_bits:1024",
		"-algorithm EC -pkeyopt ec_paramgen_curve:secp256k1",
		"-algorithm EC -pkeyopt ec_paramgen_curve:P-521",
		"-algorithm EC -pkeyopt ec_paramgen_curve:P-256 -pkeyopt ec_param_enc:explicit",
		"-algorithm X25519",
		"-algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048",
	};

	for (gsize i = 0; i < G_N_ELEMENTS(weak); i++) {
		g_autoptr(GBytes) pem = NULL;
		GError *error = NULL;

		fixture_run("openssl genpkey %s -out weak.key", weak[i]);
		fixture_run("openssl pkey -in weak.key -pubout -out weak.pub");
		pem = fixture_read("weak.pub");
		fixture_assert_refused(suture_tuf_key_from_pem(pem, &error) != NULL, &error,
				       SUTURE_VERIFY_ERROR_KEY);
	}
}

int main(int argc, char **argv)
{
	int result;

	g_test_init(&argc, &argv, NULL);
	fixture_begin();
	data = g_bytes_new_static("{\"_type\":\"root\"}", 16);
	fixture_write("data", data);
	for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++) {
		fixture_run("openssl genpkey %s -out %s.key", kinds[i].genpkey, kinds[i].name);
		fixture_run("openssl pkey -in %s.key -pubout -out %s.pub", kinds[i].name, kinds[i].name);
	}
	g_test_add_func("/signer/tuf-key/signatures-of-openssl-verify",
			signatures_of_openssl_verify_and_no_others);
	g_test_add_func("/signer/tuf-key/no-digit-may-change", no_digit_of_a_signature_may_change);
	g_test_add_func("/signer/tuf-key/no-signature-is-refused", text_that_is_no_signature_is_refused);
	g_test_add_func("/signer/tuf-key/any-salt-length-verifies",
			any_salt_length_verifies_but_not_another_padding);
	g_test_add_func("/signer/tuf-key/pkcs1-takes-that-padding-alone",
			a_pkcs1_key_takes_that_padding_alone);
	g_test_add_func("/signer/tuf-key/our-signatures-verify", our_signatures_verify);
	g_test_add_func("/signer/tuf-key/names-of-the-specification",
			key_objects_have_the_names_of_the_specification);
	g_test_add_func("/signer/tuf-key/a-published-vector-verifies", a_published_vector_verifies);
	g_test_add_func("/signer/tuf-key/two-ids-one-fingerprint", one_key_under_two_ids_has_one_fingerprint);
	g_test_add_func("/signer/tuf-key/compressed-point-is-the-same-key",
			a_compressed_point_is_the_same_key);
	g_test_add_func("/signer/tuf-key/objects-that-are-no-key-are-refused",
			objects_that_are_no_key_are_refused);
	g_test_add_func("/signer/tuf-key/keys-below-the-floor-are-refused", keys_below_the_floor_are_refused);
	result = g_test_run();
	g_bytes_unref(data);
	fixture_end();
	return result;
}
