// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/command.h"
#include "cli/vendor.h"
#include "common/file.h"
#include "signer/sign/certificate.h"
#include "signer/sign/describe.h"
#include "signer/sign/gpg.h"
#include "signer/sign/key-create.h"
#include "spec/json.h"

#include <string.h>

#define DAY 86400
#define MAX_PEM_BYTES (1024 * 1024)

/* What a type of key is by default; the matrix of suture-key(1). */
typedef struct {
	const gchar *name, *algorithm;
	gint days;
	gboolean certified;
	SutureCertificatePurpose purpose;
} Type;

static const Type types[] = {
	{"module", "rsa", 3650, TRUE, SUTURE_CERTIFICATE_MODULE},
	{"cms-ca", "ec", 3650, TRUE, SUTURE_CERTIFICATE_CMS_CA},
	{"cms", "ec", 730, TRUE, SUTURE_CERTIFICATE_CMS},
	{"tuf", "ec", 0, FALSE, 0},
	{"rpm", "rsa", 1825, FALSE, 0},
};

typedef struct {
	gchar *type, *key, *algorithm, *out, *subject, *ca_key, *ca_cert, *not_before, *not_after, *homedir,
		*user_id;
	gint bits, days;
	gboolean no_passphrase;
} Create;

static void create_clear(Create *create)
{
	gchar **strings[] = {&create->type,      &create->key,     &create->algorithm, &create->out,
			     &create->subject,   &create->ca_key,  &create->ca_cert,   &create->not_before,
			     &create->not_after, &create->homedir, &create->user_id};

	for (gsize i = 0; i < G_N_ELEMENTS(strings); i++)
		g_clear_pointer(strings[i], g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Create, create_clear)

static const Type *type_find(const gchar *name)
{
	for (gsize i = 0; name && i < G_N_ELEMENTS(types); i++)
		if (strcmp(types[i].name, name) == 0)
			return &types[i];
	return NULL;
}

static gboolean parse_time(const gchar *option, const gchar *text, gint64 *time, GError **error)
{
	g_autoptr(GDateTime) parsed = NULL;

	if (!text)
		return TRUE;
	parsed = g_date_time_new_from_iso8601(text, NULL);
	if (!parsed)
		return suture_vendor_usage(error, "%s %s: write a time as 2030-01-31T00:00:00Z", option,
					   text);
	*time = g_date_time_to_unix(parsed);
	return TRUE;
}

static gboolean fill_request(const Create *create, const Type *type, SutureCertificateRequest *request,
			     GError **error)
{
	gint64 now = g_get_real_time() / G_USEC_PER_SEC;

	request->purpose = type->purpose;
	request->not_before = now;
	if (!parse_time("--not-before", create->not_before, &request->not_before, error))
		return FALSE;
	request->not_after = request->not_before + (gint64)(create->days ? create->days : type->days) * DAY;
	return parse_time("--not-after", create->not_after, &request->not_after, error);
}

static GBytes *certify(const Create *create, const Type *type, const SuturePrivateKey *key, GError **error)
{
	g_autofree gchar *name = g_path_get_basename(create->out);
	g_autofree gchar *subject =
		create->subject ? g_strdup(create->subject) : g_strconcat("CN=", name, NULL);
	g_autoptr(SuturePrivateKey) ca_key = NULL;
	g_autoptr(GBytes) ca_pem = NULL;
	SutureCertificateRequest request = {.subject = subject};

	if (!fill_request(create, type, &request, error))
		return NULL;
	if (type->purpose == SUTURE_CERTIFICATE_CMS) {
		ca_key = suture_private_key_open(create->ca_key, error);
		ca_pem = ca_key ? suture_file_read(create->ca_cert, MAX_PEM_BYTES, error) : NULL;
		if (!ca_pem)
			return NULL;
		request.ca_key = ca_key;
		request.ca_pem = ca_pem;
	}
	return suture_certificate_make(key, &request, error);
}

static void print_created(const SutureContext *context, const gchar *private_key, const gchar *label,
			  const gchar *public, const gchar *id)
{
	g_autofree gchar *member = g_strdelimit(g_strdup(label), " ", '_');
	SUTURE_AUTO_JSON *json =
		json_pack("{s:s, s:s?, s:s?}", "private_key", private_key, member, public, "tuf_key_id", id);

	if (context->json) {
		suture_vendor_print_json(json);
		return;
	}
	if (context->quiet)
		return;
	g_print("private key  %s\n", private_key);
	if (public)
		g_print("%-12s %s\n", label, public);
	if (id)
		g_print("TUF key id   %s\n", id);
}

/* A new key, or that of --key, which stays where it is. */
static SuturePrivateKey *key_of(const Create *create, const Type *type, GError **error)
{
	const gchar *algorithm = create->algorithm ? create->algorithm : type->algorithm;

	return create->key ? suture_private_key_open(create->key, error)
			   : suture_private_key_create(algorithm, (guint)create->bits, error);
}

/* All is made in memory before the first file appears, and the private key is written first: a certificate
 * without its key would be of no use. */
static gboolean create_files(const SutureContext *context, const Create *create, const Type *type,
			     GError **error)
{
	g_autofree gchar *key_path =
		create->key ? g_strdup(create->key) : g_strconcat(create->out, ".key", NULL);
	g_autofree gchar *public_path = g_strconcat(create->out, type->certified ? ".pem" : ".pub", NULL);
	g_autoptr(SuturePrivateKey) key = key_of(create, type, error);
	g_autoptr(SutureTufKey) tuf = NULL;
	g_autoptr(GBytes) public = NULL;
	g_autofree gchar *id = NULL;

	if (!key)
		return FALSE;
	public = type->certified ? certify(create, type, key, error)
				 : suture_private_key_public_pem(key, error);
	if (!public)
		return FALSE;
	tuf = type->certified ? NULL : suture_private_key_tuf_public(key, error);
	if (!type->certified && !tuf)
		return FALSE;
	if (g_file_test(public_path, G_FILE_TEST_EXISTS)) {
		g_set_error(error, SUTURE_SIGN_ERROR, SUTURE_SIGN_ERROR_EXISTS,
			    "%s exists and is not overwritten; choose another name", public_path);
		return FALSE;
	}
	if ((!create->key && !suture_private_key_save(key, key_path, error)) ||
	    !suture_file_write_atomic_path(public_path, public, 0644, error))
		return FALSE;
	id = tuf ? suture_tuf_key_id(tuf) : NULL;
	print_created(context, key_path, type->certified ? "certificate" : "public key", public_path, id);
	return TRUE;
}

static gboolean create_gpg(const SutureContext *context, const Create *create, const Type *type,
			   GError **error)
{
	SutureGpgRequest request = {
		.user_id = create->user_id,
		.home = create->homedir,
		.bits = create->bits ? (guint)create->bits : 3072,
		.days = (guint)(create->days ? create->days : type->days),
		.no_passphrase = create->no_passphrase,
	};
	g_autofree gchar *public_path = create->out ? g_strconcat(create->out, ".asc", NULL) : NULL;
	g_autofree gchar *uri = suture_gpg_create(&request, error);
	g_autoptr(GBytes) public = NULL;

	if (!uri)
		return FALSE;
	if (public_path) {
		public = suture_gpg_export(uri, error);
		if (!public || !suture_file_write_atomic_path(public_path, public, 0644, error))
			return FALSE;
	}
	print_created(context, uri, "public key", public_path, NULL);
	return TRUE;
}

static gboolean check_create(const Create *create, const Type *type, int argc, GError **error)
{
	gboolean rpm = type && strcmp(type->name, "rpm") == 0;
	gboolean issued = type && type->certified && type->purpose == SUTURE_CERTIFICATE_CMS;

	if (argc > 1 || !type)
		return suture_vendor_usage(
			error, "give --type module, cms-ca, cms, tuf or rpm, and no other argument");
	if (create->bits < 0 || create->days < 0)
		return suture_vendor_usage(error, "--bits and --days are not negative");
	if (rpm && (!create->homedir || !create->user_id))
		return suture_vendor_usage(error,
					   "an RPM key needs --homedir and --user-id \"Name <address>\"");
	if (create->key && (rpm || create->algorithm || create->bits))
		return suture_vendor_usage(
			error,
			"--key names a key that is there: without --algorithm and --bits, and not for rpm");
	if (rpm && create->algorithm && strcmp(create->algorithm, "rsa") != 0)
		return suture_vendor_usage(error, "an RPM key is of algorithm rsa");
	if (!rpm && !create->out)
		return suture_vendor_usage(error, "give --out FOLDER/NAME for NAME.key and its public half");
	if (!rpm && (create->homedir || create->user_id || create->no_passphrase))
		return suture_vendor_usage(error,
					   "--homedir, --user-id and --no-passphrase are for --type rpm");
	if (issued != (create->ca_key && create->ca_cert) || (!issued && (create->ca_key || create->ca_cert)))
		return suture_vendor_usage(error,
					   "--ca-key and --ca-cert go with --type cms, and it needs both");
	return TRUE;
}

static gboolean key_create(SutureContext *context, int argc, char **argv, GError **error)
{
	g_auto(Create) create = {NULL};
	const GOptionEntry entries[] = {
		{"type", 't', 0, G_OPTION_ARG_STRING, &create.type, "module, cms-ca, cms, tuf or rpm",
		 "TYPE"},
		{"out", 'o', 0, G_OPTION_ARG_FILENAME, &create.out,
		 "write PREFIX.key and PREFIX.pem (certificate), .pub (TUF) or .asc (RPM)", "PREFIX"},
		{"key", 'k', 0, G_OPTION_ARG_STRING, &create.key,
		 "for this private key, on a token or in a file, instead of a new one", "URI"},
		{"algorithm", 'a', 0, G_OPTION_ARG_STRING, &create.algorithm, "rsa, ec or ed25519", "NAME"},
		{"bits", 'b', 0, G_OPTION_ARG_INT, &create.bits, "RSA: 2048 to 8192; EC: 256 or 384", "N"},
		{"subject", 's', 0, G_OPTION_ARG_STRING, &create.subject,
		 "of the certificate, as \"O=Vendor,CN=Name\"", "NAME"},
		{"days", 'd', 0, G_OPTION_ARG_INT, &create.days, "how long it is valid", "N"},
		{"not-before", 0, 0, G_OPTION_ARG_STRING, &create.not_before, "valid from, instead of now",
		 "TIME"},
		{"not-after", 0, 0, G_OPTION_ARG_STRING, &create.not_after, "valid to, instead of --days",
		 "TIME"},
		{"ca-key", 0, 0, G_OPTION_ARG_STRING, &create.ca_key, "private key of the CMS CA (cms)",
		 "URI"},
		{"ca-cert", 0, 0, G_OPTION_ARG_FILENAME, &create.ca_cert, "certificate of the CMS CA (cms)",
		 "FILE"},
		{"homedir", 0, 0, G_OPTION_ARG_FILENAME, &create.homedir, "GnuPG home folder (rpm)", "DIR"},
		{"user-id", 0, 0, G_OPTION_ARG_STRING, &create.user_id, "\"Name <address>\" (rpm)", "ID"},
		{"no-passphrase", 0, 0, G_OPTION_ARG_NONE, &create.no_passphrase,
		 "leave the RPM key unprotected; else gpg asks for a passphrase", NULL},
		{NULL},
	};
	const Type *type;

	if (!suture_vendor_parse("- make a key and what makes it public",
				 "Private keys get mode 0600 and are never overwritten. An RPM key lives in "
				 "GnuPG; its URI is printed.",
				 entries, &argc, &argv, error))
		return FALSE;
	type = type_find(create.type);
	if (!check_create(&create, type, argc, error))
		return FALSE;
	return create.homedir ? create_gpg(context, &create, type, error)
			      : create_files(context, &create, type, error);
}

static void print_description(const gchar *name, json_t *object)
{
	const gchar *key;
	json_t *value;

	g_print("%s: %s\n", name, json_string_value(json_object_get(object, "type")));
	json_object_foreach (object, key, value) {
		if (strcmp(key, "type") == 0)
			continue;
		g_print("  %-12s", key);
		if (json_is_integer(value))
			g_print(" %" JSON_INTEGER_FORMAT, json_integer_value(value));
		if (json_is_string(value))
			g_print(" %s", json_string_value(value));
		for (gsize i = 0; i < json_array_size(value); i++)
			g_print(" %s", json_string_value(json_array_get(value, i)));
		g_print("\n");
	}
}

static gboolean key_show(SutureContext *context, int argc, char **argv, GError **error)
{
	const GOptionEntry entries[] = {{NULL}};
	SUTURE_AUTO_JSON *all = json_array();

	if (!suture_vendor_parse(
		    "FILE|gpg:FINGERPRINT|pkcs11:... - say what keys, certificates and CRLs are",
		    "Prints type, algorithm, fingerprint, TUF key id, subject, validity and purposes.",
		    entries, &argc, &argv, error))
		return FALSE;
	if (argc < 2)
		return suture_vendor_usage(error, "name at least one file, gpg: or pkcs11: key");
	for (int i = 1; i < argc; i++) {
		json_t *list = suture_key_describe(argv[i], error);

		if (!list)
			return FALSE;
		for (gsize j = 0; j < json_array_size(list); j++) {
			json_t *object = json_array_get(list, j);

			if (!context->json)
				print_description(argv[i], object);
			json_object_set_new(object, "name", json_string(argv[i]));
			json_array_append(all, object);
		}
		json_decref(list);
	}
	if (context->json)
		suture_vendor_print_json(all);
	return TRUE;
}

typedef struct {
	gchar *ca_key, *ca_cert, *previous, *out;
	gchar **revoke;
	gint days;
} CrlOptions;

static void crl_options_clear(CrlOptions *options)
{
	g_free(options->ca_key);
	g_free(options->ca_cert);
	g_free(options->previous);
	g_free(options->out);
	g_strfreev(options->revoke);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(CrlOptions, crl_options_clear)

static GPtrArray *read_all(gchar **paths, GError **error)
{
	g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);

	for (; paths && *paths; paths++) {
		GBytes *bytes = suture_file_read(*paths, MAX_PEM_BYTES, error);

		if (!bytes)
			return NULL;
		g_ptr_array_add(files, bytes);
	}
	return g_steal_pointer(&files);
}

static gboolean write_crl(const CrlOptions *options, GError **error)
{
	gint64 now = g_get_real_time() / G_USEC_PER_SEC;
	g_autoptr(SuturePrivateKey) key = suture_private_key_open(options->ca_key, error);
	g_autoptr(GBytes) ca = key ? suture_file_read(options->ca_cert, MAX_PEM_BYTES, error) : NULL;
	g_autoptr(GPtrArray) revoked = ca ? read_all(options->revoke, error) : NULL;
	g_autoptr(GBytes) previous = NULL;
	g_autoptr(GBytes) crl = NULL;

	if (!revoked)
		return FALSE;
	if (options->previous) {
		previous = suture_file_read(options->previous, MAX_PEM_BYTES, error);
		if (!previous)
			return FALSE;
	}
	crl = suture_crl_make(key, ca, revoked, previous, now, now + (gint64)options->days * DAY, error);
	return crl && suture_file_write_atomic_path(options->out, crl, 0644, error);
}

static gboolean key_crl(SutureContext *context, int argc, char **argv, GError **error)
{
	g_auto(CrlOptions) options = {.days = 30};
	const GOptionEntry entries[] = {
		{"ca-key", 0, 0, G_OPTION_ARG_STRING, &options.ca_key, "private key of the CA", "URI"},
		{"ca-cert", 0, 0, G_OPTION_ARG_FILENAME, &options.ca_cert, "certificate of the CA", "FILE"},
		{"revoke", 'r', 0, G_OPTION_ARG_FILENAME_ARRAY, &options.revoke,
		 "list this certificate; may be repeated", "FILE"},
		{"previous", 'p', 0, G_OPTION_ARG_FILENAME, &options.previous,
		 "the CA's last CRL: what it lists stays listed", "FILE"},
		{"days", 'd', 0, G_OPTION_ARG_INT, &options.days, "until the next one is due (30)", "N"},
		{"out", 'o', 0, G_OPTION_ARG_FILENAME, &options.out, "write the CRL here", "FILE"},
		{NULL},
	};

	(void)context;
	if (!suture_vendor_parse(
		    "- issue a CA's list of revoked certificates",
		    "Give --previous from the second CRL on, or what was revoked becomes valid again.",
		    entries, &argc, &argv, error))
		return FALSE;
	if (argc > 1 || !options.ca_key || !options.ca_cert || !options.out || options.days <= 0)
		return suture_vendor_usage(error,
					   "--ca-key, --ca-cert and --out are needed, and no other argument");
	return write_crl(&options, error);
}

static gboolean key_export(SutureContext *context, int argc, char **argv, GError **error)
{
	g_autofree gchar *out = NULL;
	const GOptionEntry entries[] = {
		{"out", 'o', 0, G_OPTION_ARG_FILENAME, &out, "write the public key here", "FILE"}, {NULL}};
	g_autoptr(GBytes) public = NULL;

	(void)context;
	if (!suture_vendor_parse("gpg:FINGERPRINT[?homedir=DIR] - write an RPM key's public half",
				 "The file is what hosts get as rpm-keyring.asc.", entries, &argc, &argv,
				 error))
		return FALSE;
	if (argc != 2 || !out)
		return suture_vendor_usage(error, "name one gpg: key, and --out FILE");
	public = suture_gpg_export(argv[1], error);
	return public && suture_file_write_atomic_path(out, public, 0644, error);
}

gboolean cmd_key(SutureContext *context, int argc, char **argv, GError **error)
{
	static const SutureCommand commands[] = {
		{"create", key_create, "make a key and its certificate or public half"},
		{"show", key_show, "say what keys, certificates and CRLs are"},
		{"crl", key_crl, "issue a CA's list of revoked certificates"},
		{"export", key_export, "write an RPM key's public half"},
		{NULL},
	};

	return suture_subcommand(context, commands, argc, argv, error);
}
