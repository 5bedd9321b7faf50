// SPDX-License-Identifier: LGPL-2.1-or-later
#include "signer/verify/entitlement.h"

#include "signer/verify/openssl.h"

#include <openssl/decoder.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>

#define DAY 86400
#define MAX_NAME 64
#define MAX_SERIAL_BYTES 20 /* RFC 5280 section 4.1.2.2 */
#define MAX_BLOCKS 16

G_DEFINE_AUTOPTR_CLEANUP_FUNC(OSSL_DECODER_CTX, OSSL_DECODER_CTX_free)

static const SutureErrorEntry entitlement_errors[] = {
	{SUTURE_ENTITLEMENT_ERROR_MALFORMED, SUTURE_EXIT_INPUT, "entitlement-malformed"},
	{SUTURE_ENTITLEMENT_ERROR_PURPOSE, SUTURE_EXIT_INPUT, "entitlement-purpose"},
	{SUTURE_ENTITLEMENT_ERROR_KEY, SUTURE_EXIT_INPUT, "entitlement-key"},
	{SUTURE_ENTITLEMENT_ERROR_MODE, SUTURE_EXIT_INPUT, "entitlement-mode"},
	{SUTURE_ENTITLEMENT_ERROR_ISSUER, SUTURE_EXIT_UNTRUSTED, "entitlement-issuer"},
	{SUTURE_ENTITLEMENT_ERROR_EARLY, SUTURE_EXIT_NETWORK, "entitlement-not-yet-valid"},
	{SUTURE_ENTITLEMENT_ERROR_EXPIRED, SUTURE_EXIT_NETWORK, "entitlement-expired"},
	{SUTURE_ENTITLEMENT_ERROR_EXPIRING, SUTURE_EXIT_EXPIRING, "entitlement-expiring"},
};
SUTURE_DEFINE_ERROR_DOMAIN(suture_entitlement_error, entitlement_errors)

/* The blocks of a PEM file that count here. */
typedef struct {
	X509 *certificate;
	GPtrArray *keys; /* GBytes*, DER */
	gboolean locked; /* a key among them is encrypted */
} Blocks;

static void blocks_clear(Blocks *blocks)
{
	g_clear_pointer(&blocks->certificate, X509_free);
	g_clear_pointer(&blocks->keys, g_ptr_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Blocks, blocks_clear)

typedef struct {
	guint8 *data;
	gsize size;
} Secret;

static void secret_free(gpointer data)
{
	Secret *secret = data;

	OPENSSL_clear_free(secret->data, secret->size);
	g_free(secret);
}

void suture_entitlement_free(SutureEntitlement *entitlement)
{
	if (!entitlement)
		return;
	g_free(entitlement->serial);
	g_free(entitlement->issuer);
	g_free(entitlement->customer);
	g_strfreev(entitlement->channels);
	g_free(entitlement);
}

static gboolean refuse(GError **error, SutureEntitlementError code, const gchar *words)
{
	ERR_clear_error();
	g_set_error(error, SUTURE_ENTITLEMENT_ERROR, code, "entitlement certificate: %s", words);
	return FALSE;
}

static gboolean malformed(GError **error, const gchar *words)
{
	return refuse(error, SUTURE_ENTITLEMENT_ERROR_MALFORMED, words);
}

gboolean suture_channel_name_is_valid(const gchar *name)
{
	gsize length = strlen(name);

	return length > 0 && length <= MAX_NAME && g_ascii_isalnum(*name) &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._-") == length;
}

gboolean suture_customer_name_is_valid(const gchar *name)
{
	if (!*name || !g_utf8_validate(name, -1, NULL) || g_utf8_strlen(name, -1) > MAX_NAME)
		return FALSE;
	for (; *name; name = g_utf8_next_char(name))
		if (!g_unichar_isprint(g_utf8_get_char(name)))
			return FALSE;
	return TRUE;
}

static X509 *certificate_of(const guint8 *der, gsize size)
{
	const guint8 *end = der;
	g_autoptr(X509) certificate =
		size <= SUTURE_ENTITLEMENT_MAX_BYTES ? d2i_X509(NULL, &end, (long)size) : NULL;

	return certificate && end == der + size ? g_steal_pointer(&certificate) : NULL;
}

static GBytes *secret_new(const guint8 *der, gsize size)
{
	Secret *secret = g_new(Secret, 1);

	*secret = (Secret){OPENSSL_memdup(der, size), size};
	return g_bytes_new_with_free_func(secret->data, size, secret_free, secret);
}

static gboolean take_block(Blocks *blocks, const gchar *label, const gchar *header, const guint8 *der,
			   gsize size, GError **error)
{
	if (g_str_has_suffix(label, PEM_STRING_PKCS8INF)) {
		blocks->locked |= *header || g_str_equal(label, PEM_STRING_PKCS8);
		g_ptr_array_add(blocks->keys, secret_new(der, size));
		return TRUE;
	}
	if (!g_str_equal(label, PEM_STRING_X509))
		return malformed(error, "the file holds something else than a certificate and its key");
	if (blocks->certificate)
		return malformed(error, "the file holds more than one; give the one that the vendor issued");
	blocks->certificate = certificate_of(der, size);
	return blocks->certificate || malformed(error, "it cannot be read as X.509");
}

static gboolean blocks_read(Blocks *blocks, GBytes *pem, GError **error)
{
	g_autoptr(BIO) bio =
		g_bytes_get_size(pem) <= SUTURE_ENTITLEMENT_MAX_BYTES ? suture_bio_of(pem) : NULL;
	gchar *label = NULL, *header = NULL;
	guint8 *der = NULL;
	long size;

	if (!bio)
		return malformed(error, "the file is larger than 64 KiB");
	blocks->keys = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
	ERR_clear_error();
	for (guint i = 0; i < MAX_BLOCKS && PEM_read_bio(bio, &label, &header, &der, &size) == 1; i++) {
		gboolean taken = take_block(blocks, label, header, der, (gsize)size, error);

		OPENSSL_free(label);
		OPENSSL_free(header);
		OPENSSL_clear_free(der, (size_t)size);
		if (!taken)
			return FALSE;
	}
	if (!suture_pem_ended())
		return malformed(error, "the file is not PEM to its end");
	ERR_clear_error();
	return blocks->certificate || malformed(error, "there is none in the file; give one in PEM");
}

static gchar *serial_of(const X509 *certificate)
{
	const ASN1_INTEGER *serial = X509_get0_serialNumber(certificate);
	int size = ASN1_STRING_length(serial);
	g_autofree gchar *hex = NULL;

	if (ASN1_STRING_type(serial) != V_ASN1_INTEGER || size < 1 || size > MAX_SERIAL_BYTES)
		return NULL;
	hex = suture_hex(ASN1_STRING_get0_data(serial), (gsize)size);
	return g_ascii_strup(hex, -1);
}

static gchar *customer_of(const X509 *certificate)
{
	const X509_NAME *subject = X509_get_subject_name(certificate);
	int index = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	g_autofree gchar *name = NULL;
	guint8 *utf8 = NULL;
	int size;

	if (index < 0 || X509_NAME_get_index_by_NID(subject, NID_commonName, index) >= 0)
		return NULL;
	size = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, index)));
	if (size > 0 && strnlen((const gchar *)utf8, (gsize)size) == (gsize)size)
		name = g_strndup((const gchar *)utf8, (gsize)size);
	OPENSSL_free(utf8);
	return name && suture_customer_name_is_valid(name) ? g_steal_pointer(&name) : NULL;
}

/* Other names of the certificate are others' business; of ours each has to be good. */
static gboolean add_channel(GPtrArray *channels, const GENERAL_NAME *name)
{
	const ASN1_IA5STRING *uri;
	g_autofree gchar *text = NULL;
	const gchar *channel;

	if (name->type != GEN_URI)
		return TRUE;
	uri = name->d.uniformResourceIdentifier;
	text = g_strndup((const gchar *)ASN1_STRING_get0_data(uri), (gsize)ASN1_STRING_length(uri));
	if (!g_str_has_prefix(text, SUTURE_CHANNEL_URI))
		return TRUE;
	channel = text + strlen(SUTURE_CHANNEL_URI);
	if (strlen(text) != (gsize)ASN1_STRING_length(uri) || !suture_channel_name_is_valid(channel) ||
	    channels->len == SUTURE_ENTITLEMENT_MAX_CHANNELS ||
	    g_ptr_array_find_with_equal_func(channels, channel, g_str_equal, NULL))
		return FALSE;
	g_ptr_array_add(channels, g_strdup(channel));
	return TRUE;
}

static GStrv channels_of(X509 *certificate)
{
	g_autoptr(GENERAL_NAMES) names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
	g_autoptr(GPtrArray) channels = g_ptr_array_new_with_free_func(g_free);

	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++)
		if (!add_channel(channels, sk_GENERAL_NAME_value(names, i)))
			return NULL;
	if (channels->len == 0)
		return NULL;
	g_ptr_array_add(channels, NULL);
	return (GStrv)g_ptr_array_free(g_steal_pointer(&channels), FALSE);
}

static gboolean check_purpose(X509 *certificate, GError **error)
{
	g_autoptr(EXTENDED_KEY_USAGE) usage = X509_get_ext_d2i(certificate, NID_ext_key_usage, NULL, NULL);
	uint32_t key_usage = X509_get_key_usage(certificate);

	if (sk_ASN1_OBJECT_num(usage) != 1 || OBJ_obj2nid(sk_ASN1_OBJECT_value(usage, 0)) != NID_client_auth)
		return refuse(error, SUTURE_ENTITLEMENT_ERROR_PURPOSE,
			      "it is not for TLS clients alone (extended key usage)");
	if (key_usage == UINT32_MAX || !(key_usage & KU_DIGITAL_SIGNATURE) || X509_check_ca(certificate) != 0)
		return refuse(error, SUTURE_ENTITLEMENT_ERROR_PURPOSE,
			      "it is a CA's, or lacks key usage digitalSignature");
	return TRUE;
}

static SutureEntitlement *entitlement_of(X509 *certificate, GError **error)
{
	g_autoptr(SutureEntitlement) entitlement = g_new0(SutureEntitlement, 1);

	if (X509_get_version(certificate) != X509_VERSION_3 || !X509_get0_pubkey(certificate)) {
		malformed(error, "it is not of version 3, or its key is of no known kind");
		return NULL;
	}
	if (!check_purpose(certificate, error))
		return NULL;
	entitlement->serial = serial_of(certificate);
	entitlement->customer = customer_of(certificate);
	entitlement->channels = channels_of(certificate);
	entitlement->not_before = suture_asn1_time(X509_get0_notBefore(certificate));
	entitlement->not_after = suture_asn1_time(X509_get0_notAfter(certificate));
	ERR_clear_error();
	if (!entitlement->serial || !entitlement->customer || !entitlement->channels ||
	    entitlement->not_before == G_MININT64 || entitlement->not_after <= entitlement->not_before) {
		malformed(error, !entitlement->channels ? "it names no channels, or not as it should"
				 : !entitlement->customer
					 ? "it names no customer"
					 : "its serial number or its validity is out of bounds");
		return NULL;
	}
	entitlement->issuer = suture_name_text(X509_get_issuer_name(certificate));
	return g_steal_pointer(&entitlement);
}

SutureEntitlement *suture_entitlement_parse(GBytes *pem, GError **error)
{
	g_auto(Blocks) blocks = {NULL};

	return blocks_read(&blocks, pem, error) ? entitlement_of(blocks.certificate, error) : NULL;
}

SutureEntitlement *suture_entitlement_parse_der(GBytes *der, GError **error)
{
	gsize size;
	const guint8 *data = g_bytes_get_data(der, &size);
	g_autoptr(X509) certificate = certificate_of(data, size);

	if (certificate)
		return entitlement_of(certificate, error);
	malformed(error, "it cannot be read as X.509");
	return NULL;
}

static gchar *date_of(gint64 seconds)
{
	g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(seconds);

	return time ? g_date_time_format(time, "%Y-%m-%d %H:%M UTC") : g_strdup("an unknown time");
}

gboolean suture_entitlement_check_time(const SutureEntitlement *entitlement, gint64 now, GError **error)
{
	g_autofree gchar *begin = date_of(entitlement->not_before);
	g_autofree gchar *end = date_of(entitlement->not_after);

	if (now < entitlement->not_before)
		g_set_error(error, SUTURE_ENTITLEMENT_ERROR, SUTURE_ENTITLEMENT_ERROR_EARLY,
			    "the entitlement of %s begins on %s: nothing can be downloaded before; is this "
			    "host's clock right?",
			    entitlement->customer, begin);
	else if (now > entitlement->not_after)
		g_set_error(error, SUTURE_ENTITLEMENT_ERROR, SUTURE_ENTITLEMENT_ERROR_EXPIRED,
			    "the entitlement of %s ended on %s: nothing new is downloaded, and what is "
			    "applied stays; get a new one from the vendor and give it to 'suture subscribe'",
			    entitlement->customer, end);
	else
		return TRUE;
	return FALSE;
}

gint64 suture_entitlement_days_left(const SutureEntitlement *entitlement, gint64 now)
{
	gint64 left = entitlement->not_after - now;

	return left >= 0 ? left / DAY : -((-left + DAY - 1) / DAY);
}

/* Of a host's own TLS key alone: to compare its public half with the certificate's. */
static EVP_PKEY *key_of(GBytes *der)
{
	EVP_PKEY *key = NULL;
	g_autoptr(OSSL_DECODER_CTX) context =
		OSSL_DECODER_CTX_new_for_pkey(&key, "DER", NULL, NULL, EVP_PKEY_KEYPAIR, NULL, NULL);
	gsize size;
	const guint8 *data = g_bytes_get_data(der, &size);

	if (context && OSSL_DECODER_from_data(context, &data, &size) == 1)
		return key;
	EVP_PKEY_free(key);
	return NULL;
}

static gboolean fits(EVP_PKEY *key, const X509 *certificate)
{
	g_autoptr(EVP_PKEY_CTX) context = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);

	return EVP_PKEY_eq(key, X509_get0_pubkey(certificate)) == 1 && EVP_PKEY_pairwise_check(context) == 1;
}

gboolean suture_entitlement_check_key(GBytes *pem, GError **error)
{
	g_auto(Blocks) blocks = {NULL};
	g_autoptr(EVP_PKEY) key = NULL;

	if (!blocks_read(&blocks, pem, error))
		return FALSE;
	if (blocks.keys->len != 1)
		return refuse(error, SUTURE_ENTITLEMENT_ERROR_KEY,
			      blocks.keys->len ? "there is more than one private key beside it"
					       : "its private key is not in the file; give it with --key");
	if (blocks.locked)
		return refuse(
			error, SUTURE_ENTITLEMENT_ERROR_KEY,
			"its private key is encrypted; a host needs it in the clear, in a file of root");
	key = key_of(g_ptr_array_index(blocks.keys, 0));
	if (!key || !fits(key, blocks.certificate))
		return refuse(error, SUTURE_ENTITLEMENT_ERROR_KEY,
			      "the private key beside it is damaged, or another's");
	ERR_clear_error();
	return TRUE;
}

gboolean suture_entitlement_check_issuer(GBytes *pem, GBytes *ca_pem, GError **error)
{
	g_auto(Blocks) blocks = {NULL};
	g_autoptr(SutureCertificates) cas = NULL;
	g_autoptr(X509_STORE) store = X509_STORE_new();
	g_autoptr(X509_STORE_CTX) context = X509_STORE_CTX_new();

	if (!blocks_read(&blocks, pem, error))
		return FALSE;
	cas = suture_certificates_from_pem(ca_pem, "the entitlement root", error);
	if (!cas)
		return FALSE;
	for (int i = 0; i < sk_X509_num(cas); i++)
		X509_STORE_add_cert(store, sk_X509_value(cas, i));
	if (X509_STORE_CTX_init(context, store, blocks.certificate, NULL) == 1 &&
	    X509_STORE_CTX_set_purpose(context, X509_PURPOSE_SSL_CLIENT) == 1) {
		X509_STORE_CTX_set_flags(context, X509_V_FLAG_NO_CHECK_TIME);
		if (X509_verify_cert(context) == 1)
			return TRUE;
	}
	return refuse(error, SUTURE_ENTITLEMENT_ERROR_ISSUER,
		      X509_verify_cert_error_string(X509_STORE_CTX_get_error(context)));
}
