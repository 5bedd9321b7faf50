// SPDX-License-Identifier: LGPL-2.1-or-later
#include "common/error.h"
#include "spec/receipt.h"
#include "tests/spec/sample.h"

#include <string.h>

#define SAMPLE "receipt.json"

static gboolean parse(GBytes *bytes, GError **error)
{
	g_autoptr(SutureReceipt) receipt = suture_receipt_parse(bytes, error);

	return receipt != NULL;
}

static SutureReceipt *parsed(GBytes *bytes)
{
	g_autoptr(GError) error = NULL;
	SutureReceipt *receipt = suture_receipt_parse(bytes, &error);

	g_assert_no_error(error);
	return receipt;
}

static SutureReceipt *sample(void)
{
	SUTURE_AUTO_JSON *json = sample_load(SAMPLE);
	g_autoptr(GBytes) bytes = sample_bytes(json);

	return parsed(bytes);
}

static void with_string(const gchar *path, const gchar *value, const gchar *reason)
{
	sample_assert_with(SAMPLE, parse, path, json_string(value), reason);
}

static void test_members(void)
{
	sample_assert_members(SAMPLE, parse, "");
	sample_assert_with(SAMPLE, parse, "stranger", json_integer(1), "json-unknown-key");
}

static void test_strict(void)
{
	sample_assert_strict(SAMPLE, parse, 64 * 1024);
}

static void test_format(void)
{
	sample_assert_with(SAMPLE, parse, "format", json_integer(2), "manifest-format");
}

static void test_values(void)
{
	with_string("manifest_sha256", "", "manifest-value");
	with_string("origin", "fetched", "manifest-value");
	with_string("origin", "rpm", NULL);
	with_string("origin", "file", NULL);
	with_string("accepted", "2026-11-23", "manifest-value");
	with_string("package_sha256", "abc", "manifest-value");
	with_string("package_sha256", "", NULL);
	with_string("package_name", "a\nb", "manifest-value");
	with_string("rpm_key", "0x00", "manifest-value");
	with_string("rpm_key", "", NULL);
	with_string("cms_certificate", "", "manifest-value");
	with_string("cms_subject", "CN=\x1b[2J", "manifest-value");
	with_string("cms_not_after", "never", "manifest-value");
	sample_assert_with(SAMPLE, parse, "rpm_signed", json_integer(-1), "json-out-of-range");
	sample_assert_with(SAMPLE, parse, "tuf_root", json_integer(-1), "json-out-of-range");
}

static void test_round_trip(void)
{
	g_autofree gchar *path = g_test_build_filename(G_TEST_DIST, "samples", SAMPLE, NULL);
	g_autofree gchar *text = NULL;
	g_autoptr(SutureReceipt) receipt = sample();
	g_autoptr(GBytes) written = suture_receipt_write(receipt);
	gsize size;

	g_assert_true(g_file_get_contents(path, &text, &size, NULL));
	g_assert_cmpmem(g_bytes_get_data(written, NULL), g_bytes_get_size(written), text, size);
}

/* Certificates and package names come from outside; they must not be able to keep a receipt from being
 * written. */
static void test_writes_any_subject(void)
{
	g_autoptr(SutureReceipt) receipt = sample();
	g_autoptr(SutureReceipt) again = NULL;
	g_autoptr(GBytes) written = NULL;

	g_free(receipt->cms_subject);
	receipt->cms_subject = g_strdup("CN=a\nb\xff");
	g_free(receipt->package_name);
	receipt->package_name = g_strnfill(5000, 'p');
	g_clear_pointer(&receipt->package_sha256, g_free);
	g_clear_pointer(&receipt->rpm_key, g_free);
	written = suture_receipt_write(receipt);
	again = parsed(written);
	g_assert_cmpstr(again->cms_subject, ==, "CN=a b\xef\xbf\xbd");
	g_assert_cmpuint(strlen(again->package_name), ==, 512);
	g_assert_cmpstr(again->package_sha256, ==, "");
	g_assert_cmpstr(again->rpm_key, ==, "");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/spec/receipt/every-member-is-needed-and-typed", test_members);
	g_test_add_func("/spec/receipt/is-strict-json", test_strict);
	g_test_add_func("/spec/receipt/refuses-unknown-format", test_format);
	g_test_add_func("/spec/receipt/refuses-bad-values", test_values);
	g_test_add_func("/spec/receipt/writes-what-it-parsed", test_round_trip);
	g_test_add_func("/spec/receipt/writes-any-subject", test_writes_any_subject);
	return g_test_run();
}
