// SPDX-License-Identifier: LGPL-2.1-or-later
/* The vendor's root of entitlements: made, and opened. */
#include "signer/sign/entitle.h"

#include "common/file.h"
#include "common/lock.h"
#include "signer/sign/certificate.h"
#include "signer/sign/entitle-private.h"
#include "signer/sign/key-create.h"
#include "signer/sign/private.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define CONFIG "entitlements.conf"
#define LOCK "lock"
#define OWN_KEY "private/ca.key"
#define GROUP "entitlements"
#define DEFAULT_WARN_DAYS 14
#define MAX_WARN_DAYS 3650

static const SutureErrorEntry entitle_errors[] = {
	{SUTURE_ENTITLE_ERROR_DATABASE, SUTURE_EXIT_INPUT, "entitle-database"},
	{SUTURE_ENTITLE_ERROR_EXISTS, SUTURE_EXIT_INPUT, "entitle-exists"},
	{SUTURE_ENTITLE_ERROR_NAME, SUTURE_EXIT_INPUT, "entitle-name"},
	{SUTURE_ENTITLE_ERROR_REQUEST, SUTURE_EXIT_INPUT, "entitle-request"},
	{SUTURE_ENTITLE_ERROR_UNKNOWN, SUTURE_EXIT_INPUT, "entitle-unknown"},
	{SUTURE_ENTITLE_ERROR_CRL_DUE, SUTURE_EXIT_EXPIRING, "entitle-crl-due"},
	{SUTURE_ENTITLE_ERROR_ROOT_DUE, SUTURE_EXIT_EXPIRING, "entitle-root-due"},
};
SUTURE_DEFINE_ERROR_DOMAIN(suture_entitle_error, entitle_errors)

gboolean suture_entitle_damaged(const SutureEntitleRoot *root, const gchar *file, GError **error,
				const gchar *format, ...)
{
	g_autofree gchar *words = NULL;
	va_list args;

	va_start(args, format);
	words = g_strdup_vprintf(format, args);
	va_end(args);
	g_set_error(error, SUTURE_ENTITLE_ERROR, SUTURE_ENTITLE_ERROR_DATABASE, "%s/%s: %s", root->path, file,
		    words);
	return FALSE;
}

void suture_entitle_root_free(SutureEntitleRoot *root)
{
	if (!root)
		return;
	suture_fd_clear(&root->fd);
	suture_fd_clear(&root->lock);
	g_clear_pointer(&root->ca_pem, g_bytes_unref);
	g_free(root->path);
	g_free(root->ca_key);
	g_free(root->issuer);
	g_free(root);
}

guint suture_entitle_warn_days(const SutureEntitleRoot *root)
{
	return root->warn_days;
}

static gchar *key_uri(const gchar *folder, const gchar *stored)
{
	return g_uri_peek_scheme(stored) || g_path_is_absolute(stored)
		       ? g_strdup(stored)
		       : g_build_filename(folder, stored, NULL);
}

static gboolean read_config(SutureEntitleRoot *root, GError **error)
{
	g_autoptr(GKeyFile) file = g_key_file_new();
	g_autoptr(GBytes) bytes = suture_file_read_at(root->fd, CONFIG, SUTURE_ENTITLE_MAX_BYTES, error);
	g_autofree gchar *stored = NULL;
	gint days;

	if (!bytes)
		return FALSE;
	if (!g_key_file_load_from_bytes(file, bytes, G_KEY_FILE_NONE, error)) {
		g_prefix_error(error, "%s/" CONFIG ": ", root->path);
		return FALSE;
	}
	stored = g_key_file_get_string(file, GROUP, "ca-key", NULL);
	if (!stored || !*stored)
		return suture_entitle_damaged(root, CONFIG, error,
					      "[" GROUP "] ca-key is missing: the URI of the root's key");
	root->ca_key = key_uri(root->path, stored);
	root->warn_days = DEFAULT_WARN_DAYS;
	if (!g_key_file_has_key(file, GROUP, "warn-days", NULL))
		return TRUE;
	days = g_key_file_get_integer(file, GROUP, "warn-days", NULL);
	if (days < 1 || days > MAX_WARN_DAYS)
		return suture_entitle_damaged(root, CONFIG, error, "[" GROUP "] warn-days: give 1 to %d days",
					      MAX_WARN_DAYS);
	root->warn_days = (guint)days;
	return TRUE;
}

/* The CMS CA, put here by mistake, would make every host of a customer look like a signer's relative. */
static gboolean is_entitlement_ca(X509 *certificate)
{
	g_autoptr(EXTENDED_KEY_USAGE) usage = X509_get_ext_d2i(certificate, NID_ext_key_usage, NULL, NULL);

	return X509_check_ca(certificate) == 1 && sk_ASN1_OBJECT_num(usage) == 1 &&
	       OBJ_obj2nid(sk_ASN1_OBJECT_value(usage, 0)) == NID_client_auth;
}

static gboolean read_ca(SutureEntitleRoot *root, GError **error)
{
	g_autoptr(SutureCertificates) certificates = NULL;
	X509 *ca;

	root->ca_pem = suture_file_read_at(root->fd, SUTURE_ENTITLE_CA, SUTURE_ENTITLE_MAX_BYTES, error);
	certificates =
		root->ca_pem ? suture_certificates_from_pem(root->ca_pem, SUTURE_ENTITLE_CA, error) : NULL;
	if (!certificates)
		return FALSE;
	ca = sk_X509_value(certificates, 0);
	if (sk_X509_num(certificates) != 1 || !is_entitlement_ca(ca))
		return suture_entitle_damaged(root, SUTURE_ENTITLE_CA, error,
					      "not the certificate of an entitlement root; put back the one "
					      "that 'suture entitle init' made");
	root->issuer = suture_certificate_subject(ca);
	root->not_after = suture_asn1_time(X509_get0_notAfter(ca));
	return TRUE;
}

static SutureEntitleRoot *root_new(const gchar *folder)
{
	SutureEntitleRoot *root = g_new0(SutureEntitleRoot, 1);

	root->path = g_canonicalize_filename(folder, NULL);
	root->fd = root->lock = -1;
	return root;
}

static gboolean take_lock(SutureEntitleRoot *root, GError **error)
{
	g_autofree gchar *path = g_build_filename(root->path, LOCK, NULL);

	root->lock = suture_lock_take(path, FALSE, error);
	return root->lock >= 0;
}

static gboolean has(const SutureEntitleRoot *root, const gchar *name)
{
	struct stat status;

	return fstatat(root->fd, name, &status, AT_SYMLINK_NOFOLLOW) == 0;
}

SutureEntitleRoot *suture_entitle_open(const gchar *folder, gboolean change, GError **error)
{
	g_autoptr(SutureEntitleRoot) root = root_new(folder);

	root->fd = suture_file_open_folder(root->path, FALSE, error);
	if (root->fd < 0)
		return NULL;
	if (!has(root, CONFIG)) {
		g_set_error(error, SUTURE_ENTITLE_ERROR, SUTURE_ENTITLE_ERROR_DATABASE,
			    "%s is no root of entitlements; make one with 'suture entitle init'", root->path);
		return NULL;
	}
	if ((change && !take_lock(root, error)) || !read_config(root, error) || !read_ca(root, error))
		return NULL;
	return g_steal_pointer(&root);
}

/* A root that is there is as good as one made now, if it is of the key that was asked for. */
static gboolean judge_existing(SutureEntitleRoot *root, const gchar *wanted, GError **error)
{
	if (!read_config(root, error) || !read_ca(root, error))
		return FALSE;
	if (!wanted || g_str_equal(wanted, root->ca_key))
		return TRUE;
	g_set_error(error, SUTURE_ENTITLE_ERROR, SUTURE_ENTITLE_ERROR_EXISTS,
		    "%s has a root with the key %s; make another one in another folder", root->path,
		    root->ca_key);
	return FALSE;
}

/* @uri NULL: the key in the folder, which an interrupted call may have made. */
static SuturePrivateKey *open_key(const SutureEntitleRoot *root, const gchar *uri, GError **error)
{
	g_autofree gchar *own = g_build_filename(root->path, OWN_KEY, NULL);
	g_autoptr(SuturePrivateKey) key = NULL;

	if (uri || g_file_test(own, G_FILE_TEST_EXISTS))
		return suture_private_key_open(uri ? uri : own, error);
	if (mkdirat(root->fd, "private", 0700) < 0 && errno != EEXIST) {
		suture_error_set_errno(error, errno, "%s/private", root->path);
		return NULL;
	}
	key = suture_private_key_create("ec", 256, error);
	return key && suture_private_key_save(key, own, error) ? g_steal_pointer(&key) : NULL;
}

static gboolean write_config(const SutureEntitleRoot *root, const gchar *uri, guint warn_days, GError **error)
{
	g_autoptr(GKeyFile) file = g_key_file_new();
	g_autoptr(GBytes) bytes = NULL;
	gchar *text;
	gsize size;

	g_key_file_set_string(file, GROUP, "ca-key", uri ? uri : OWN_KEY);
	g_key_file_set_integer(file, GROUP, "warn-days", (gint)(warn_days ? warn_days : DEFAULT_WARN_DAYS));
	text = g_key_file_to_data(file, &size, NULL);
	bytes = g_bytes_new_take(text, size);
	return suture_file_write_atomic(root->fd, CONFIG, bytes, 0600, error);
}

/* entitlements.conf comes last: with it the root is there. */
static gboolean make_root(SutureEntitleRoot *root, const SutureEntitleSettings *settings, const gchar *uri,
			  gint64 now, GError **error)
{
	const SutureCertificateRequest request = {
		.purpose = SUTURE_CERTIFICATE_ENTITLEMENT_CA,
		.subject = settings->subject,
		.not_before = now,
		.not_after = now + (gint64)settings->days * SUTURE_DAY,
	};
	static const gchar *const folders[] = {SUTURE_ENTITLE_ISSUED, SUTURE_ENTITLE_REVOKED};
	g_autoptr(SuturePrivateKey) key = open_key(root, uri, error);
	g_autoptr(GBytes) certificate = key ? suture_certificate_make(key, &request, error) : NULL;

	if (!certificate)
		return FALSE;
	for (gsize i = 0; i < G_N_ELEMENTS(folders); i++)
		if (mkdirat(root->fd, folders[i], 0700) < 0 && errno != EEXIST)
			return suture_error_set_errno(error, errno, "%s/%s", root->path, folders[i]);
	return suture_file_write_atomic(root->fd, SUTURE_ENTITLE_CA, certificate, 0644, error) &&
	       write_config(root, uri, settings->warn_days, error);
}

gboolean suture_entitle_init(const gchar *folder, const SutureEntitleSettings *settings, gint64 now,
			     gboolean *ret_made, GError **error)
{
	g_autoptr(SutureEntitleRoot) root = root_new(folder);
	g_autofree gchar *uri = settings->ca_key ? suture_private_key_absolute(settings->ca_key) : NULL;

	if (g_mkdir_with_parents(root->path, 0700) < 0)
		return suture_error_set_errno(error, errno, "%s", root->path);
	root->fd = suture_file_open_folder(root->path, FALSE, error);
	if (root->fd < 0 || !take_lock(root, error))
		return FALSE;
	*ret_made = !has(root, CONFIG);
	return *ret_made ? make_root(root, settings, uri, now, error) : judge_existing(root, uri, error);
}
