// SPDX-License-Identifier: LGPL-2.1-or-later
#include "signer/sign/describe.h"

#include "common/file.h"
#include "signer/sign/key-create.h"
#include "signer/sign/private.h"
#include "signer/verify/digest.h"
#include "spec/json.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>

static void set_string(json_t *object, const gchar *key, gchar *take_value)
{
	json_object_set_new(object, key, json_string(take_value));
	g_free(take_value);
}

static void set_time(json_t *object, const gchar *key, gint64 seconds)
{
	g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(seconds);

	set_string(object, key, time ? g_date_time_format(time, "%Y-%m-%dT%H:%M:%SZ") : g_strdup("unknown"));
}

static void set_algorithm(json_t *object, const EVP_PKEY *key)
{
	gchar group[64] = "";

	EVP_PKEY_get_group_name(key, group, sizeof group, NULL);
	set_string(object, "algorithm",
		   *group ? g_strdup(group) : g_ascii_strdown(EVP_PKEY_get0_type_name(key), -1));
	json_object_set_new(object, "bits", json_integer(EVP_PKEY_get_bits(key)));
}

static json_t *describe_public(GBytes *pem, const EVP_PKEY *key, const gchar *type)
{
	g_autoptr(SutureTufKey) tuf = suture_tuf_key_from_pem(pem, NULL);
	json_t *object = json_pack("{s:s}", "type", type);

	set_algorithm(object, key);
	if (tuf) {
		set_string(object, "fingerprint", suture_tuf_key_fingerprint(tuf));
		set_string(object, "tuf_key_id", suture_tuf_key_id(tuf));
	}
	return object;
}

static json_t *describe_private(const gchar *path, GError **error)
{
	g_autoptr(SuturePrivateKey) key = suture_private_key_open(path, error);
	g_autoptr(GBytes) pem = key ? suture_private_key_public_pem(key, error) : NULL;

	return pem ? describe_public(pem, suture_private_key_evp(key), "private key") : NULL;
}

static json_t *purposes_of(X509 *certificate)
{
	static const struct {
		uint32_t bit;
		const gchar *name;
	} usages[] = {{KU_DIGITAL_SIGNATURE, "digitalSignature"},
		      {KU_KEY_CERT_SIGN, "keyCertSign"},
		      {KU_CRL_SIGN, "cRLSign"}};
	g_autoptr(EXTENDED_KEY_USAGE) extended = X509_get_ext_d2i(certificate, NID_ext_key_usage, NULL, NULL);
	uint32_t usage = X509_get_key_usage(certificate);
	json_t *purposes = json_array();

	if (X509_check_ca(certificate) == 1)
		json_array_append_new(purposes, json_string("CA"));
	for (gsize i = 0; usage != UINT32_MAX && i < G_N_ELEMENTS(usages); i++)
		if (usage & usages[i].bit)
			json_array_append_new(purposes, json_string(usages[i].name));
	for (int i = 0; i < sk_ASN1_OBJECT_num(extended); i++) {
		int nid = OBJ_obj2nid(sk_ASN1_OBJECT_value(extended, i));

		json_array_append_new(purposes, json_string(nid == NID_undef ? "unknown" : OBJ_nid2sn(nid)));
	}
	return purposes;
}

static gchar *serial_of(const ASN1_INTEGER *serial)
{
	return suture_hex(ASN1_STRING_get0_data(serial), (gsize)ASN1_STRING_length(serial));
}

static json_t *describe_certificate(X509 *certificate)
{
	json_t *object = json_pack("{s:s}", "type", "certificate");

	set_string(object, "subject", suture_certificate_subject(certificate));
	set_string(object, "issuer", suture_name_text(X509_get_issuer_name(certificate)));
	set_string(object, "serial", serial_of(X509_get0_serialNumber(certificate)));
	if (X509_get0_pubkey(certificate))
		set_algorithm(object, X509_get0_pubkey(certificate));
	set_string(object, "fingerprint", suture_certificate_fingerprint(certificate));
	set_string(object, "key_id", suture_certificate_key_id(certificate));
	set_time(object, "not_before", suture_asn1_time(X509_get0_notBefore(certificate)));
	set_time(object, "not_after", suture_asn1_time(X509_get0_notAfter(certificate)));
	json_object_set_new(object, "purposes", purposes_of(certificate));
	return object;
}

static json_t *describe_crl(X509_CRL *crl)
{
	STACK_OF(X509_REVOKED) *entries = X509_CRL_get_REVOKED(crl);
	json_t *object = json_pack("{s:s}", "type", "crl");
	json_t *revoked = json_array();

	set_string(object, "issuer", suture_name_text(X509_CRL_get_issuer(crl)));
	set_time(object, "not_before", suture_asn1_time(X509_CRL_get0_lastUpdate(crl)));
	if (X509_CRL_get0_nextUpdate(crl))
		set_time(object, "not_after", suture_asn1_time(X509_CRL_get0_nextUpdate(crl)));
	for (int i = 0; i < sk_X509_REVOKED_num(entries); i++) {
		g_autofree gchar *serial =
			serial_of(X509_REVOKED_get0_serialNumber(sk_X509_REVOKED_value(entries, i)));

		json_array_append_new(revoked, json_string(serial));
	}
	json_object_set_new(object, "revoked", revoked);
	return object;
}

static json_t *describe_public_der(const guint8 *der, long size)
{
	g_autoptr(EVP_PKEY) key = d2i_PUBKEY(NULL, &der, size);
	g_autoptr(BIO) bio = BIO_new(BIO_s_mem());
	g_autoptr(GBytes) pem = NULL;

	if (!key || PEM_write_bio_PUBKEY(bio, key) != 1)
		return NULL;
	pem = suture_bio_bytes(bio);
	return describe_public(pem, key, "public key");
}

/* One PEM block; NULL when it is of no kind that we know. */
static json_t *describe_block(const gchar *path, const gchar *label, const guint8 *der, long size,
			      GError **error)
{
	json_t *object = NULL;

	if (g_str_has_suffix(label, PEM_STRING_PKCS8INF))
		return describe_private(path, error);
	if (g_str_equal(label, PEM_STRING_X509)) {
		g_autoptr(X509) certificate = d2i_X509(NULL, &der, size);

		object = certificate ? describe_certificate(certificate) : NULL;
	} else if (g_str_equal(label, PEM_STRING_X509_CRL)) {
		g_autoptr(X509_CRL) crl = d2i_X509_CRL(NULL, &der, size);

		object = crl ? describe_crl(crl) : NULL;
	} else if (g_str_equal(label, PEM_STRING_PUBLIC)) {
		object = describe_public_der(der, size);
	}
	if (!object)
		suture_key_unusable(error, "%s: its %.64s block cannot be read", path, label);
	return object;
}

static json_t *describe_file(const gchar *path, BIO *bio, GError **error)
{
	SUTURE_AUTO_JSON *list = json_array();
	gchar *label = NULL, *header = NULL;
	guint8 *der = NULL;
	long size;

	while (PEM_read_bio(bio, &label, &header, &der, &size) == 1) {
		json_t *object = describe_block(path, label, der, size, error);

		OPENSSL_free(label);
		OPENSSL_free(header);
		OPENSSL_clear_free(der, (size_t)size);
		if (!object)
			return NULL;
		json_array_append_new(list, object);
	}
	if (json_array_size(list) > 0 && suture_pem_ended()) {
		ERR_clear_error();
		return g_steal_pointer(&list);
	}
	suture_key_unusable(error, "%s is no key, certificate or CRL in PEM", path);
	return NULL;
}

/* The pub, fpr and uid lines of gpg's colon listing. */
static json_t *describe_gpg(const gchar *uri, GError **error)
{
	g_autofree gchar *listing = suture_gpg_list(uri, error);
	g_auto(GStrv) lines = listing ? g_strsplit(listing, "\n", -1) : NULL;
	json_t *object;

	if (!lines)
		return NULL;
	object = json_pack("{s:s}", "type", "rpm key");
	for (gchar **line = lines; *line; line++) {
		g_auto(GStrv) fields = g_strsplit(*line, ":", -1);

		if (g_strv_length(fields) < 10)
			continue;
		if (g_str_equal(fields[0], "pub")) {
			json_object_set_new(object, "bits",
					    json_integer(g_ascii_strtoll(fields[2], NULL, 10)));
			set_string(object, "state", g_strdup(fields[1]));
			set_time(object, "not_before", g_ascii_strtoll(fields[5], NULL, 10));
			if (*fields[6])
				set_time(object, "not_after", g_ascii_strtoll(fields[6], NULL, 10));
		}
		if (g_str_equal(fields[0], "fpr") && !json_object_get(object, "fingerprint"))
			set_string(object, "fingerprint", g_strdup(fields[9]));
		if (g_str_equal(fields[0], "uid") && !json_object_get(object, "subject"))
			set_string(object, "subject", g_utf8_make_valid(fields[9], -1));
	}
	return json_pack("[o]", object);
}

json_t *suture_key_describe(const gchar *name, GError **error)
{
	g_autoptr(BIO) bio = NULL;
	SUTURE_AUTO_FD fd = -1;

	if (g_str_has_prefix(name, "gpg:"))
		return describe_gpg(name, error);
	if (suture_private_key_is_on_token(name)) {
		json_t *object = describe_private(name, error);

		return object ? json_pack("[o]", object) : NULL;
	}
	fd = suture_file_open(name, O_RDONLY, error);
	if (fd < 0)
		return NULL;
	bio = BIO_new_fd(fd, BIO_NOCLOSE);
	return describe_file(name, bio, error);
}
