// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spec/receipt.h"

#include "spec/form.h"
#include "spec/patch-json.h"

#define RECEIPT_FORMAT 1
#define MAX_BYTES (64 * 1024)
#define MAX_PACKAGE_NAME 512
#define MAX_SUBJECT 1024

SutureReceipt *suture_receipt_new(void)
{
	return g_new0(SutureReceipt, 1);
}

void suture_receipt_free(SutureReceipt *receipt)
{
	if (!receipt)
		return;
	g_free(receipt->manifest_sha256);
	g_free(receipt->origin);
	g_free(receipt->accepted);
	g_free(receipt->package_sha256);
	g_free(receipt->package_name);
	g_free(receipt->rpm_key);
	g_free(receipt->cms_certificate);
	g_free(receipt->cms_subject);
	g_free(receipt->cms_not_after);
	g_free(receipt);
}

static gboolean validate(const SutureReceipt *receipt, GError **error)
{
	return suture_form_check(SUTURE_FORM_SHA256, receipt->manifest_sha256, "", "manifest_sha256",
				 error) &&
	       suture_form_check(SUTURE_FORM_ORIGIN, receipt->origin, "", "origin", error) &&
	       suture_form_check(SUTURE_FORM_TIME, receipt->accepted, "", "accepted", error) &&
	       suture_form_check(SUTURE_FORM_SHA256_OR_EMPTY, receipt->package_sha256, "", "package_sha256",
				 error) &&
	       suture_form_check_text(receipt->package_name, 0, MAX_PACKAGE_NAME, "", "package_name",
				      error) &&
	       suture_form_check(SUTURE_FORM_HEX_OR_EMPTY, receipt->rpm_key, "", "rpm_key", error) &&
	       suture_form_check(SUTURE_FORM_SHA256, receipt->cms_certificate, "", "cms_certificate",
				 error) &&
	       suture_form_check_text(receipt->cms_subject, 0, MAX_SUBJECT, "", "cms_subject", error) &&
	       suture_form_check(SUTURE_FORM_TIME, receipt->cms_not_after, "", "cms_not_after", error);
}

static gboolean read_strings(json_t *json, SutureReceipt *receipt, GError **error)
{
	return suture_json_copy_string(json, "", "manifest_sha256", &receipt->manifest_sha256, error) &&
	       suture_json_copy_string(json, "", "origin", &receipt->origin, error) &&
	       suture_json_copy_string(json, "", "accepted", &receipt->accepted, error) &&
	       suture_json_copy_string(json, "", "package_sha256", &receipt->package_sha256, error) &&
	       suture_json_copy_string(json, "", "package_name", &receipt->package_name, error) &&
	       suture_json_copy_string(json, "", "rpm_key", &receipt->rpm_key, error) &&
	       suture_json_copy_string(json, "", "cms_certificate", &receipt->cms_certificate, error) &&
	       suture_json_copy_string(json, "", "cms_subject", &receipt->cms_subject, error) &&
	       suture_json_copy_string(json, "", "cms_not_after", &receipt->cms_not_after, error);
}

static gboolean read_numbers(json_t *json, SutureReceipt *receipt, GError **error)
{
	return suture_json_integer(json, "", "rpm_signed", 0, G_MAXINT64, &receipt->rpm_signed, error) &&
	       suture_json_integer(json, "", "tuf_root", 0, G_MAXINT64, &receipt->tuf_root, error) &&
	       suture_json_integer(json, "", "tuf_timestamp", 0, G_MAXINT64, &receipt->tuf_timestamp,
				   error) &&
	       suture_json_integer(json, "", "tuf_snapshot", 0, G_MAXINT64, &receipt->tuf_snapshot, error) &&
	       suture_json_integer(json, "", "tuf_targets", 0, G_MAXINT64, &receipt->tuf_targets, error);
}

static gboolean read_receipt(json_t *json, SutureReceipt *receipt, GError **error)
{
	static const gchar *const known[] = {
		"format",          "manifest_sha256", "origin",        "accepted",
		"package_sha256",  "package_name",    "rpm_key",       "rpm_signed",
		"cms_certificate", "cms_subject",     "cms_not_after", "tuf_root",
		"tuf_timestamp",   "tuf_snapshot",    "tuf_targets",   NULL};

	return suture_format_read(json, RECEIPT_FORMAT, NULL, error) &&
	       suture_json_only(json, "", known, error) && read_strings(json, receipt, error) &&
	       read_numbers(json, receipt, error) && validate(receipt, error);
}

SutureReceipt *suture_receipt_parse(GBytes *bytes, GError **error)
{
	g_autoptr(SutureReceipt) receipt = suture_receipt_new();
	SUTURE_AUTO_JSON *json = suture_json_parse(bytes, MAX_BYTES, "receipt", error);

	if (!json)
		return NULL;
	if (!read_receipt(json, receipt, error)) {
		g_prefix_error(error, "receipt: ");
		return NULL;
	}
	return g_steal_pointer(&receipt);
}

GBytes *suture_receipt_write(const SutureReceipt *receipt)
{
	g_autofree gchar *package_name = suture_form_make_text(receipt->package_name, MAX_PACKAGE_NAME);
	g_autofree gchar *subject = suture_form_make_text(receipt->cms_subject, MAX_SUBJECT);
	SUTURE_AUTO_JSON *json = NULL;
	SutureReceipt written = *receipt;

	written.package_sha256 = receipt->package_sha256 ? receipt->package_sha256 : (gchar *)"";
	written.rpm_key = receipt->rpm_key ? receipt->rpm_key : (gchar *)"";
	written.package_name = package_name;
	written.cms_subject = subject;
	g_return_val_if_fail(validate(&written, NULL), NULL);
	json = json_pack("{s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:s, s:s, s:s, s:I, s:I, s:I, s:I}",
			 "format", RECEIPT_FORMAT, "manifest_sha256", written.manifest_sha256, "origin",
			 written.origin, "accepted", written.accepted, "package_sha256",
			 written.package_sha256, "package_name", written.package_name, "rpm_key",
			 written.rpm_key, "rpm_signed", (json_int_t)written.rpm_signed, "cms_certificate",
			 written.cms_certificate, "cms_subject", written.cms_subject, "cms_not_after",
			 written.cms_not_after, "tuf_root", (json_int_t)written.tuf_root, "tuf_timestamp",
			 (json_int_t)written.tuf_timestamp, "tuf_snapshot", (json_int_t)written.tuf_snapshot,
			 "tuf_targets", (json_int_t)written.tuf_targets);
	return suture_json_pretty(json);
}
