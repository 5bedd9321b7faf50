// SPDX-License-Identifier: LGPL-2.1-or-later
#include "signer/verify/tuf-key.h"

#include "common/mutation.h"
#include "signer/verify/digest.h"
#include "signer/verify/openssl.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <string.h>

#define ED25519_KEY_BYTES 32
#define MAX_SIGNATURE_BYTES 2048 /* RSA of 16384 bits */
#define RSA_BITS 2048
#define RSA_MAX_BITS 16384

/* How TUF names what OpenSSL calls @type and @group. The first of a type is what we write. */
typedef struct {
	const gchar *keytype, *scheme;
	const gchar *type, *group;
	const gchar *digest; /* NULL: the scheme has its own */
} Scheme;

static const Scheme schemes[] = {
	{"ed25519", "ed25519", "ED25519", NULL, NULL},
	{"ecdsa", "ecdsa-sha2-nistp256", "EC", SN_X9_62_prime256v1, "SHA256"},
	{"ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256", "EC", SN_X9_62_prime256v1, "SHA256"},
	{"ecdsa", "ecdsa-sha2-nistp384", "EC", SN_secp384r1, "SHA384"},
	{"ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384", "EC", SN_secp384r1, "SHA384"},
	{"rsa", "rsassa-pss-sha256", "RSA", NULL, "SHA256"},
	{"rsa", "rsa-pkcs1v15-sha256", "RSA", NULL, "SHA256"},
};

struct _SutureTufKey {
	json_t *json;
	const Scheme *scheme;
	EVP_PKEY *key;
};

void suture_tuf_key_free(SutureTufKey *key)
{
	if (!key)
		return;
	json_decref(key->json);
	EVP_PKEY_free(key->key);
	g_free(key);
}

G_GNUC_PRINTF(2, 3) static gpointer broken(GError **error, const gchar *format, ...)
{
	g_autofree gchar *words = NULL;
	va_list args;

	va_start(args, format);
	words = g_strdup_vprintf(format, args);
	va_end(args);
	ERR_clear_error();
	g_set_error(error, SUTURE_VERIFY_ERROR, SUTURE_VERIFY_ERROR_KEY, "public key: %s", words);
	return NULL;
}

/* An equal key has one SubjectPublicKeyInfo, so that its fingerprint is one: curves are named and points
 * uncompressed. */
static gboolean normalise(EVP_PKEY *key, const Scheme *scheme)
{
	gchar group[64] = "";
	int explicit_parameters = 0;

	if (!EVP_PKEY_is_a(key, scheme->type))
		return FALSE;
	if (EVP_PKEY_is_a(key, "RSA"))
		return EVP_PKEY_get_bits(key) >= RSA_BITS && EVP_PKEY_get_bits(key) <= RSA_MAX_BITS;
	if (!scheme->group)
		return TRUE;
	EVP_PKEY_get_int_param(key, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS, &explicit_parameters);
	EVP_PKEY_get_group_name(key, group, sizeof group, NULL);
	return !explicit_parameters && g_str_equal(group, scheme->group) &&
	       EVP_PKEY_set_utf8_string_param(key, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT,
					      OSSL_PKEY_EC_POINT_CONVERSION_FORMAT_UNCOMPRESSED) == 1;
}

static EVP_PKEY *read_pem(const gchar *pem, gsize size)
{
	g_autoptr(GBytes) bytes = g_bytes_new_static(pem, size);
	g_autoptr(BIO) bio = suture_bio_of(bytes);

	return bio ? PEM_read_bio_PUBKEY(bio, NULL, suture_openssl_no_password, NULL) : NULL;
}

static EVP_PKEY *read_ed25519(const gchar *hex)
{
	guint8 raw[ED25519_KEY_BYTES];
	size_t size;

	if (strlen(hex) != 2 * sizeof raw || OPENSSL_hexstr2buf_ex(raw, sizeof raw, &size, hex, '\0') != 1)
		return NULL;
	return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, raw, size);
}

static const Scheme *scheme_find(const gchar *keytype, const gchar *scheme)
{
	for (gsize i = 0; i < G_N_ELEMENTS(schemes); i++)
		if (g_str_equal(keytype, schemes[i].keytype) && g_str_equal(scheme, schemes[i].scheme))
			return &schemes[i];
	return NULL;
}

static SutureTufKey *key_new(json_t *json, const Scheme *scheme, EVP_PKEY *pkey)
{
	SutureTufKey *key = g_new(SutureTufKey, 1);

	*key = (SutureTufKey){json, scheme, pkey};
	return key;
}

SutureTufKey *suture_tuf_key_parse(json_t *object, GError **error)
{
	const gchar *keytype = json_string_value(json_object_get(object, "keytype"));
	const gchar *name = json_string_value(json_object_get(object, "scheme"));
	json_t *value = json_object_get(json_object_get(object, "keyval"), "public");
	const gchar *public = json_string_value(value);
	g_autoptr(GBytes) canonical = NULL;
	g_autoptr(EVP_PKEY) pkey = NULL;
	const Scheme *scheme;

	if (!keytype || !name || !public || strlen(public) != json_string_length(value))
		return broken(error, "it lacks keytype, scheme or keyval.public as strings");
	/* So that suture_tuf_key_id() cannot fail later. */
	canonical = suture_json_canonical(object, error);
	if (!canonical) {
		g_clear_error(error);
		return broken(error, "it has no canonical form");
	}
	scheme = scheme_find(keytype, name);
	if (!scheme)
		return broken(error, "keytype %.64s with scheme %.64s is not known to this version", keytype,
			      name);
	pkey = g_str_equal(scheme->type, "ED25519") ? read_ed25519(public) : read_pem(public, strlen(public));
	if (!pkey || !normalise(pkey, scheme))
		return broken(error, "it is not a %s key for %s", scheme->keytype, scheme->scheme);
	return key_new(json_deep_copy(object), scheme, g_steal_pointer(&pkey));
}

static gchar *public_text(EVP_PKEY *pkey)
{
	g_autoptr(BIO) bio = BIO_new(BIO_s_mem());
	guint8 raw[ED25519_KEY_BYTES];
	size_t size = sizeof raw;
	gchar *data = NULL;
	long length;

	if (EVP_PKEY_is_a(pkey, "ED25519"))
		return EVP_PKEY_get_raw_public_key(pkey, raw, &size) == 1 ? suture_hex(raw, size) : NULL;
	if (PEM_write_bio_PUBKEY(bio, pkey) != 1)
		return NULL;
	length = BIO_get_mem_data(bio, &data);
	return g_strndup(data, (gsize)length);
}

SutureTufKey *suture_tuf_key_from_pem(GBytes *pem, GError **error)
{
	gsize size;
	const gchar *data = g_bytes_get_data(pem, &size);
	g_autoptr(EVP_PKEY) pkey = read_pem(data ? data : "", size);
	g_autofree gchar *text = NULL;
	const Scheme *scheme = NULL;

	if (!pkey)
		return broken(error, "it cannot be read; give a public key in PEM");
	for (gsize i = 0; i < G_N_ELEMENTS(schemes) && !scheme; i++)
		if (normalise(pkey, &schemes[i]))
			scheme = &schemes[i];
	text = scheme ? public_text(pkey) : NULL;
	if (!text)
		return broken(
			error,
			"a %s key of %d bits cannot sign metadata; use P-256, Ed25519 or RSA of %d bits",
			EVP_PKEY_get0_type_name(pkey), EVP_PKEY_get_bits(pkey), RSA_BITS);
	return key_new(json_pack("{s:s, s:s, s:{s:s}}", "keytype", scheme->keytype, "scheme", scheme->scheme,
				 "keyval", "public", text),
		       scheme, g_steal_pointer(&pkey));
}

json_t *suture_tuf_key_json(const SutureTufKey *key)
{
	return json_incref(key->json);
}

gchar *suture_tuf_key_id(const SutureTufKey *key)
{
	g_autoptr(GBytes) canonical = suture_json_canonical(key->json, NULL);

	return suture_digest_bytes(canonical);
}

gchar *suture_tuf_key_fingerprint(const SutureTufKey *key)
{
	guint8 *der = NULL;
	int size = i2d_PUBKEY(key->key, &der);
	g_autoptr(GBytes) bytes = g_bytes_new(der, size > 0 ? (gsize)size : 0);

	OPENSSL_free(der);
	return suture_digest_bytes(bytes);
}

static gboolean signature_fits(const SutureTufKey *key, GBytes *data, const guint8 *signature, gsize size)
{
	g_autoptr(EVP_MD_CTX) context = EVP_MD_CTX_new();
	EVP_PKEY_CTX *parameters = NULL;
	gsize data_size;
	const guint8 *bytes = g_bytes_get_data(data, &data_size);

	if (EVP_DigestVerifyInit_ex(context, &parameters, key->scheme->digest, NULL, NULL, key->key, NULL) !=
	    1)
		return FALSE;
	/* The scheme's own salt length is the digest's, but other writers of TUF use the longest. */
	if (g_str_has_prefix(key->scheme->scheme, "rsassa-pss") &&
	    (EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) != 1 ||
	     EVP_PKEY_CTX_set_rsa_mgf1_md(parameters, EVP_sha256()) != 1 ||
	     EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_AUTO) != 1))
		return FALSE;
	return EVP_DigestVerify(context, signature, size, bytes ? bytes : (const guint8 *)"", data_size) == 1;
}

gboolean suture_tuf_key_verify(const SutureTufKey *key, GBytes *data, const gchar *signature_hex,
			       GError **error)
{
	guint8 signature[MAX_SIGNATURE_BYTES];
	size_t size = 0;
	const gchar *wrong = NULL;

	if (OPENSSL_hexstr2buf_ex(signature, sizeof signature, &size, signature_hex, '\0') != 1)
		wrong = "it is not hex or too long";
	else if (!signature_fits(key, data, signature, size))
		wrong = "it does not fit the data";
	ERR_clear_error();
	if (!wrong || suture_check_skipped("signature"))
		return TRUE;
	g_set_error(error, SUTURE_VERIFY_ERROR, SUTURE_VERIFY_ERROR_SIGNATURE, "%s signature refused: %s",
		    key->scheme->scheme, wrong);
	return FALSE;
}
