// SPDX-License-Identifier: LGPL-2.1-or-later
/* Entitlements issued, and taken back. */
#include "common/file.h"
#include "signer/sign/certificate.h"
#include "signer/sign/entitle-private.h"
#include "signer/sign/key-create.h"
#include "signer/sign/private.h"
#include "spec/json.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>

/* RFC 5280 section 5.3.1, but for what suits no entitlement. */
static const struct {
	const gchar *name;
	guint code;
} reasons[] = {{"unspecified", 0}, {"key-compromise", 1},         {"affiliation-changed", 3},
	       {"superseded", 4},  {"cessation-of-operation", 5}, {"privilege-withdrawn", 9}};

const gchar *const *suture_entitle_reasons(void)
{
	static const gchar *names[G_N_ELEMENTS(reasons) + 1];

	for (gsize i = 0; i < G_N_ELEMENTS(reasons); i++)
		names[i] = reasons[i].name;
	return names;
}

guint suture_entitle_reason_code(const gchar *name)
{
	for (gsize i = 0; i < G_N_ELEMENTS(reasons); i++)
		if (g_str_equal(reasons[i].name, name))
			return reasons[i].code;
	return SUTURE_ENTITLE_NO_REASON;
}

G_GNUC_PRINTF(2, 3) static gboolean bad_name(GError **error, const gchar *format, ...)
{
	g_autofree gchar *words = NULL;
	va_list args;

	va_start(args, format);
	words = g_strdup_vprintf(format, args);
	va_end(args);
	g_set_error_literal(error, SUTURE_ENTITLE_ERROR, SUTURE_ENTITLE_ERROR_NAME, words);
	return FALSE;
}

static gboolean check_names(const SutureEntitleRequest *request, GError **error)
{
	const gchar *const *channels = request->channels;

	if (!suture_customer_name_is_valid(request->customer))
		return bad_name(error, "\"%s\" cannot be a customer: give 1 to 64 printable characters",
				request->customer);
	if (g_strv_length((GStrv)channels) > SUTURE_ENTITLEMENT_MAX_CHANNELS)
		return bad_name(error, "more than %d channels in one entitlement; issue two",
				SUTURE_ENTITLEMENT_MAX_CHANNELS);
	for (gsize i = 0; channels[i]; i++) {
		if (!suture_channel_name_is_valid(channels[i]))
			return bad_name(error,
					"\"%s\" cannot be a channel: give 1 to 64 of a-z, 0-9, '.', '_' and "
					"'-', the first a letter or digit",
					channels[i]);
		for (gsize j = 0; j < i; j++)
			if (g_str_equal(channels[i], channels[j]))
				return bad_name(error, "channel %s is named twice", channels[i]);
	}
	return TRUE;
}

static gboolean bad_request(GError **error, const gchar *words)
{
	ERR_clear_error();
	g_set_error(error, SUTURE_ENTITLE_ERROR, SUTURE_ENTITLE_ERROR_REQUEST, "certificate request: %s",
		    words);
	return FALSE;
}

/* The public key alone: what else a request says is the customer's wish, and not looked at. */
static SuturePrivateKey *key_of_request(GBytes *pem, GError **error)
{
	g_autoptr(BIO) bio = suture_bio_of(pem);
	g_autoptr(X509_REQ) request =
		bio ? PEM_read_bio_X509_REQ(bio, NULL, suture_openssl_no_password, NULL) : NULL;
	EVP_PKEY *public;

	if (!request) {
		bad_request(error, "it cannot be read; give PKCS#10 in PEM");
		return NULL;
	}
	public = X509_REQ_get0_pubkey(request);
	if (!public || X509_REQ_verify(request, public) != 1) {
		bad_request(error, "its signature is not by its key; ask the customer for another one");
		return NULL;
	}
	EVP_PKEY_up_ref(public);
	return suture_private_key_take(public);
}

static GBytes *make_certificate(const SutureEntitleRoot *root, const SutureEntitleRequest *request,
				const SuturePrivateKey *key, gint64 now, GError **error)
{
	g_autoptr(SuturePrivateKey) ca_key = suture_private_key_open(root->ca_key, error);
	const SutureCertificateRequest wanted = {
		.purpose = SUTURE_CERTIFICATE_ENTITLEMENT,
		.not_before = now,
		.not_after = now + (gint64)request->days * SUTURE_DAY,
		.ca_key = ca_key,
		.ca_pem = root->ca_pem,
		.customer = request->customer,
		.channels = request->channels,
	};

	return ca_key ? suture_certificate_make(key, &wanted, error) : NULL;
}

/* What the customer gets: the certificate, and its key if it was made here. */
static GBytes *make_file(GBytes *certificate, const SuturePrivateKey *key, GError **error)
{
	g_autoptr(BIO) bio = NULL;
	gsize size;
	const guint8 *data = g_bytes_get_data(certificate, &size);

	if (!key)
		return g_bytes_ref(certificate);
	bio = BIO_new(BIO_s_mem());
	if (bio && BIO_write(bio, data, (int)size) == (int)size &&
	    PEM_write_bio_PKCS8PrivateKey(bio, suture_private_key_evp(key), NULL, NULL, 0, NULL, NULL) == 1)
		return suture_bio_bytes(bio);
	suture_sign_failed(error, "cannot write the entitlement's key");
	return NULL;
}

/* On record first: a certificate that nobody has does no harm, one that nobody knows of cannot be revoked. */
static gboolean deliver(const SutureEntitleRoot *root, const gchar *serial, GBytes *certificate, GBytes *file,
			const gchar *path, GError **error)
{
	g_autofree gchar *name = g_strconcat(serial, ".pem", NULL);
	SUTURE_AUTO_FD issued =
		suture_file_open_beneath(root->fd, SUTURE_ENTITLE_ISSUED, O_RDONLY | O_DIRECTORY, 0, error);

	if (issued < 0 || !suture_file_write_atomic(issued, name, certificate, 0600, error))
		return FALSE;
	if (suture_file_write_atomic_path(path, file, 0600, error))
		return TRUE;
	suture_file_remove_tree(issued, name, NULL);
	return FALSE;
}

SutureEntitlement *suture_entitle_issue(SutureEntitleRoot *root, const SutureEntitleRequest *request,
					gint64 now, const gchar *path, GError **error)
{
	g_autoptr(SuturePrivateKey) key = NULL;
	g_autoptr(GBytes) certificate = NULL;
	g_autoptr(GBytes) file = NULL;
	g_autoptr(SutureEntitlement) entitlement = NULL;

	if (!check_names(request, error))
		return NULL;
	if (g_file_test(path, G_FILE_TEST_EXISTS)) {
		g_set_error(error, SUTURE_SIGN_ERROR, SUTURE_SIGN_ERROR_EXISTS,
			    "%s exists and is not overwritten; choose another name", path);
		return NULL;
	}
	key = request->csr ? key_of_request(request->csr, error)
			   : suture_private_key_create("ec", 256, error);
	certificate = key ? make_certificate(root, request, key, now, error) : NULL;
	/* What no host would take is not issued. */
	entitlement = certificate ? suture_entitlement_parse(certificate, error) : NULL;
	file = entitlement ? make_file(certificate, request->csr ? NULL : key, error) : NULL;
	if (!file || !deliver(root, entitlement->serial, certificate, file, path, error))
		return NULL;
	return g_steal_pointer(&entitlement);
}

static GBytes *revocation_of(const gchar *reason, gint64 now)
{
	g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(now);
	g_autofree gchar *text = g_date_time_format(time, "%Y-%m-%dT%H:%M:%SZ");
	SUTURE_AUTO_JSON *json = json_pack("{s:i, s:s, s:s}", "format", 1, "revoked", text, "reason", reason);

	return suture_json_pretty(json);
}

gboolean suture_entitle_revoke(SutureEntitleRoot *root, const gchar *serial, const gchar *reason, gint64 now,
			       gboolean *ret_done, GError **error)
{
	g_autofree gchar *upper = g_ascii_strup(serial, -1);
	g_autofree gchar *issued = g_strdup_printf("%s/%s/%s.pem", root->path, SUTURE_ENTITLE_ISSUED, upper);
	g_autofree gchar *name = g_strconcat(upper, ".json", NULL);
	g_autofree gchar *revoked = g_build_filename(root->path, SUTURE_ENTITLE_REVOKED, name, NULL);
	g_autoptr(GBytes) record = NULL;

	if (suture_entitle_reason_code(reason) == SUTURE_ENTITLE_NO_REASON)
		return bad_name(error,
				"\"%s\" is no reason to revoke; 'suture entitle revoke --help' has them",
				reason);
	if (!*upper || strspn(upper, "0123456789ABCDEF") != strlen(upper) ||
	    !g_file_test(issued, G_FILE_TEST_EXISTS)) {
		g_set_error(error, SUTURE_ENTITLE_ERROR, SUTURE_ENTITLE_ERROR_UNKNOWN,
			    "no entitlement has the serial number %s; 'suture entitle list' has them",
			    serial);
		return FALSE;
	}
	*ret_done = !g_file_test(revoked, G_FILE_TEST_EXISTS);
	if (!*ret_done)
		return TRUE;
	record = revocation_of(reason, now);
	return suture_file_write_atomic_path(revoked, record, 0600, error);
}
