// SPDX-License-Identifier: LGPL-2.1-or-later
/* What was issued, and what servers get of it: the CRL and the map. */
#include "common/file.h"
#include "signer/sign/certificate.h"
#include "signer/sign/entitle-private.h"
#include "signer/sign/private.h"
#include "spec/json.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>
#include <sys/stat.h>

void suture_entitle_row_free(SutureEntitleRow *row)
{
	if (!row)
		return;
	suture_entitlement_free(row->entitlement);
	g_free(row->reason);
	g_free(row);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureEntitleRow, suture_entitle_row_free)

void suture_entitle_health_clear(SutureEntitleHealth *health)
{
	g_clear_pointer(&health->issuer, g_free);
}

const gchar *suture_entitle_row_state(const SutureEntitleRow *row, gint64 now)
{
	if (row->revoked)
		return "revoked";
	if (now > row->entitlement->not_after)
		return "expired";
	return now < row->entitlement->not_before ? "early" : "valid";
}

static gboolean parse_revocation(GBytes *bytes, SutureEntitleRow *row)
{
	SUTURE_AUTO_JSON *json = suture_json_parse(bytes, SUTURE_ENTITLE_MAX_BYTES, "revocation", NULL);
	const gchar *text = json_string_value(json_object_get(json, "revoked"));
	const gchar *reason = json_string_value(json_object_get(json, "reason"));
	g_autoptr(GDateTime) time = text ? g_date_time_new_from_iso8601(text, NULL) : NULL;

	if (json_integer_value(json_object_get(json, "format")) != 1 || !time || !reason ||
	    suture_entitle_reason_code(reason) == SUTURE_ENTITLE_NO_REASON)
		return FALSE;
	row->revoked = g_date_time_to_unix(time);
	row->reason = g_strdup(reason);
	return row->revoked > 0;
}

static gboolean add_revocation(const SutureEntitleRoot *root, SutureEntitleRow *row, GError **error)
{
	g_autofree gchar *file = g_strdup_printf(SUTURE_ENTITLE_REVOKED "/%s.json", row->entitlement->serial);
	g_autoptr(GBytes) bytes = NULL;
	struct stat status;

	if (fstatat(root->fd, file, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT || suture_error_set_errno(error, errno, "%s/%s", root->path, file);
	bytes = suture_file_read_at(root->fd, file, SUTURE_ENTITLE_MAX_BYTES, error);
	if (!bytes)
		return FALSE;
	return parse_revocation(bytes, row) ||
	       suture_entitle_damaged(root, file, error, "damaged; restore it, or the folder, from a copy");
}

static SutureEntitleRow *read_row(const SutureEntitleRoot *root, const gchar *serial, GError **error)
{
	g_autofree gchar *file = g_strdup_printf(SUTURE_ENTITLE_ISSUED "/%s.pem", serial);
	g_autoptr(SutureEntitleRow) row = g_new0(SutureEntitleRow, 1);
	g_autoptr(GBytes) bytes = suture_file_read_at(root->fd, file, SUTURE_ENTITLE_MAX_BYTES, error);
	g_autoptr(GError) cause = NULL;

	if (!bytes)
		return NULL;
	row->entitlement = suture_entitlement_parse(bytes, &cause);
	if (!row->entitlement || !g_str_equal(row->entitlement->serial, serial) ||
	    !g_str_equal(row->entitlement->issuer, root->issuer)) {
		suture_entitle_damaged(root, file, error, "%s; restore it from a copy",
				       cause ? cause->message : "another certificate than its name says");
		return NULL;
	}
	return add_revocation(root, row, error) ? g_steal_pointer(&row) : NULL;
}

static gint compare_rows(gconstpointer a, gconstpointer b)
{
	const SutureEntitlement *one = (*(SutureEntitleRow *const *)a)->entitlement;
	const SutureEntitlement *two = (*(SutureEntitleRow *const *)b)->entitlement;
	gint order = strcmp(one->customer, two->customer);

	if (order == 0 && one->not_after != two->not_after)
		order = one->not_after < two->not_after ? -1 : 1;
	return order ? order : strcmp(one->serial, two->serial);
}

GPtrArray *suture_entitle_rows(const SutureEntitleRoot *root, GError **error)
{
	g_autofree gchar *folder = g_build_filename(root->path, SUTURE_ENTITLE_ISSUED, NULL);
	g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func((GDestroyNotify)suture_entitle_row_free);
	g_autoptr(GDir) open = g_dir_open(folder, 0, error);
	const gchar *name;

	if (!open)
		return NULL;
	while ((name = g_dir_read_name(open))) {
		g_autofree gchar *serial = g_strdup(name);
		SutureEntitleRow *row;

		/* A temporary file of a call that was cut short, or under way. */
		if (*name == '.' || !g_str_has_suffix(name, ".pem"))
			continue;
		serial[strlen(serial) - strlen(".pem")] = '\0';
		row = read_row(root, serial, error);
		if (!row)
			return NULL;
		g_ptr_array_add(rows, row);
	}
	g_ptr_array_sort(rows, compare_rows);
	return g_steal_pointer(&rows);
}

/* The last CRL; *@ret NULL when none was made. */
static gboolean read_crl(const SutureEntitleRoot *root, X509_CRL **ret, GError **error)
{
	g_autoptr(GBytes) pem = NULL;
	g_autoptr(BIO) bio = NULL;
	struct stat status;

	*ret = NULL;
	if (fstatat(root->fd, SUTURE_ENTITLE_CRL, &status, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
		return TRUE;
	pem = suture_file_read_at(root->fd, SUTURE_ENTITLE_CRL, SUTURE_ENTITLE_MAX_CRL_BYTES, error);
	if (!pem)
		return FALSE;
	bio = suture_bio_of(pem);
	*ret = bio ? PEM_read_bio_X509_CRL(bio, NULL, suture_openssl_no_password, NULL) : NULL;
	ERR_clear_error();
	return *ret ||
	       suture_entitle_damaged(root, SUTURE_ENTITLE_CRL, error,
				      "damaged; remove it and make a new one with 'suture entitle crl'");
}

static GPtrArray *revocations_of(GPtrArray *rows)
{
	GPtrArray *list = g_ptr_array_new_with_free_func(g_free);

	for (guint i = 0; i < rows->len; i++) {
		const SutureEntitleRow *row = rows->pdata[i];
		SutureRevocation *revocation;

		if (!row->revoked)
			continue;
		revocation = g_new(SutureRevocation, 1);
		*revocation = (SutureRevocation){row->entitlement->serial, row->revoked,
						 suture_entitle_reason_code(row->reason)};
		g_ptr_array_add(list, revocation);
	}
	return list;
}

GBytes *suture_entitle_crl(SutureEntitleRoot *root, guint days, gint64 now, GError **error)
{
	g_autoptr(GPtrArray) rows = suture_entitle_rows(root, error);
	g_autoptr(GPtrArray) revocations = NULL;
	g_autoptr(SuturePrivateKey) key = NULL;
	g_autoptr(X509_CRL) previous = NULL;
	g_autoptr(GBytes) crl = NULL;
	gint64 number;

	if (!rows || !read_crl(root, &previous, error))
		return NULL;
	key = suture_private_key_open(root->ca_key, error);
	if (!key)
		return NULL;
	number = previous ? MAX(suture_crl_number(previous), 0) : 0;
	revocations = revocations_of(rows);
	crl = suture_crl_list(key, root->ca_pem, revocations, number + 1, now,
			      now + (gint64)days * SUTURE_DAY, error);
	if (!crl || !suture_file_write_atomic(root->fd, SUTURE_ENTITLE_CRL, crl, 0644, error))
		return NULL;
	return g_steal_pointer(&crl);
}

/* As nginx reads a quoted string of its configuration. */
static void append_quoted(GString *text, const gchar *part)
{
	for (; *part; part++) {
		if (*part == '"' || *part == '\\')
			g_string_append_c(text, '\\');
		g_string_append_c(text, *part);
	}
}

GBytes *suture_entitle_map(const SutureEntitleRoot *root, gint64 now, GError **error)
{
	g_autoptr(GPtrArray) rows = suture_entitle_rows(root, error);
	GString *text;

	if (!rows)
		return NULL;
	text = g_string_new("# Written by 'suture entitle nginx': serial number, channel and issuer of each "
			    "entitlement in force.\n");
	for (guint i = 0; i < rows->len; i++) {
		const SutureEntitleRow *row = rows->pdata[i];

		if (row->revoked || now > row->entitlement->not_after)
			continue;
		for (gchar **channel = row->entitlement->channels; *channel; channel++) {
			g_string_append_printf(text, "\"%s:%s:", row->entitlement->serial, *channel);
			append_quoted(text, root->issuer);
			g_string_append(text, "\" 1;\n");
		}
	}
	return g_string_free_to_bytes(text);
}

static gboolean crl_lists(X509_CRL *crl, const gchar *serial)
{
	g_autoptr(ASN1_INTEGER) wanted = NULL;
	X509_REVOKED *entry = NULL;
	BIGNUM *number = NULL;

	if (BN_hex2bn(&number, serial) > 0)
		wanted = BN_to_ASN1_INTEGER(number, NULL);
	BN_free(number);
	return wanted && X509_CRL_get0_by_serial(crl, &entry, wanted) != 0;
}

static void count_row(SutureEntitleHealth *health, const SutureEntitleRow *row, X509_CRL *crl, gint64 now,
		      guint warn_days)
{
	if (row->revoked) {
		health->revoked++;
		/* Whoever has expired is refused without a CRL. */
		health->unlisted += now <= row->entitlement->not_after &&
				    (!crl || !crl_lists(crl, row->entitlement->serial));
	} else if (now > row->entitlement->not_after) {
		health->expired++;
	} else {
		health->valid++;
		health->expiring += suture_entitlement_days_left(row->entitlement, now) < warn_days;
	}
}

gboolean suture_entitle_health(const SutureEntitleRoot *root, gint64 now, guint warn_days,
			       SutureEntitleHealth *ret, GError **error)
{
	g_autoptr(GPtrArray) rows = suture_entitle_rows(root, error);
	g_autoptr(X509_CRL) crl = NULL;
	SutureEntitleHealth health = {.root_not_after = root->not_after};

	if (!rows || !read_crl(root, &crl, error))
		return FALSE;
	if (crl) {
		health.crl_number = MAX(suture_crl_number(crl), 1);
		health.crl_this = suture_asn1_time(X509_CRL_get0_lastUpdate(crl));
		health.crl_next = suture_asn1_time(X509_CRL_get0_nextUpdate(crl));
	}
	for (guint i = 0; i < rows->len; i++)
		count_row(&health, rows->pdata[i], crl, now, warn_days);
	health.issuer = g_strdup(root->issuer);
	*ret = health;
	return TRUE;
}

gboolean suture_entitle_health_check(const SutureEntitleHealth *health, gint64 now, guint warn_days,
				     GError **error)
{
	gint64 limit = now + (gint64)warn_days * SUTURE_DAY;
	g_autoptr(GDateTime) time =
		g_date_time_new_from_unix_utc(health->crl_number ? health->crl_next : health->root_not_after);
	g_autofree gchar *date = time ? g_date_time_format(time, "%Y-%m-%d %H:%M UTC") : NULL;

	if (!health->crl_number)
		g_set_error_literal(error, SUTURE_ENTITLE_ERROR, SUTURE_ENTITLE_ERROR_CRL_DUE,
				    "there is no CRL yet, and without one servers refuse everybody; make it "
				    "with 'suture entitle crl'");
	else if (health->crl_next < limit)
		g_set_error(error, SUTURE_ENTITLE_ERROR, SUTURE_ENTITLE_ERROR_CRL_DUE,
			    "the CRL %s on %s, and from then on servers refuse everybody; make the next one "
			    "with 'suture entitle crl'",
			    health->crl_next < now ? "ended" : "ends", date);
	else if (health->unlisted > 0)
		g_set_error(error, SUTURE_ENTITLE_ERROR, SUTURE_ENTITLE_ERROR_CRL_DUE,
			    "%u revoked since the last CRL; make the next one with 'suture entitle crl'",
			    health->unlisted);
	else if (health->root_not_after < limit)
		g_set_error_literal(error, SUTURE_ENTITLE_ERROR, SUTURE_ENTITLE_ERROR_ROOT_DUE,
				    "the root ends soon, and all that it issued with it; make a new one in "
				    "another folder and issue anew");
	else
		return TRUE;
	return FALSE;
}
