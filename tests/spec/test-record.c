// SPDX-License-Identifier: LGPL-2.1-or-later
#include "common/error.h"
#include "spec/record.h"
#include "tests/spec/sample.h"

#include <string.h>

#define SAMPLE "ledger.json"

static gboolean parse(GBytes *bytes, GError **error)
{
	g_autoptr(SutureRecord) record = suture_record_parse(bytes, error);

	return record != NULL;
}

static SutureRecord *parsed(GBytes *bytes)
{
	g_autoptr(GError) error = NULL;
	SutureRecord *record = suture_record_parse(bytes, &error);

	g_assert_no_error(error);
	return record;
}

static SutureRecord *sample(void)
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
	sample_assert_strict(SAMPLE, parse, SUTURE_RECORD_MAX_BYTES);
}

static void test_format(void)
{
	sample_assert_with(SAMPLE, parse, "format", json_integer(2), "manifest-format");
}

static void test_values(void)
{
	static const gchar *const bad_times[] = {"2026-11-23T08:00:00Z", "2026-11-23T08:00:00.123Z",
						 "2026-11-23T08:00:00.123456", "2026-11-31T08:00:00.123456Z"};

	for (gsize i = 0; i < G_N_ELEMENTS(bad_times); i++)
		with_string("time", bad_times[i], "manifest-value");
	sample_assert_with(SAMPLE, parse, "sequence", json_integer(0), "json-out-of-range");
	sample_assert_with(SAMPLE, parse, "sequence", json_integer(G_MAXINT64), NULL);
	with_string("host", "a\tb", "manifest-value");
	with_string("kernel_build_id", "abc", "manifest-value");
	with_string("kernel_build_id", "", NULL);
	with_string("event", "", "manifest-value");
	with_string("event", "Apply", "manifest-value");
	with_string("manifest_sha256", "abc", "manifest-value");
	with_string("manifest_sha256", "", NULL);
	with_string("package_sha256", "abc", "manifest-value");
	with_string("reason", "not ok", "manifest-value");
	with_string("reason", "", NULL);
	with_string("previous", "", "manifest-value");
}

static void test_text_limits(void)
{
	g_autofree gchar *within = g_strnfill(4096, 'd');
	g_autofree gchar *beyond = g_strnfill(4097, 'd');

	with_string("detail", within, NULL);
	with_string("detail", beyond, "manifest-value");
	with_string("actor", beyond, "manifest-value");
	with_string("bundle", beyond, "manifest-value");
	with_string("boot_id", beyond, "manifest-value");
}

static void test_one_line(void)
{
	SUTURE_AUTO_JSON *json = sample_load(SAMPLE);
	g_autofree gchar *compact = json_dumps(json, JSON_COMPACT);
	g_autofree gchar *ended = g_strconcat(compact, "\n", NULL);
	g_autofree gchar *broken = json_dumps(json, JSON_INDENT(1));
	g_autofree gchar *doubled = g_strconcat(compact, "\n\n", NULL);
	g_autofree gchar *returned = g_strconcat(compact, "\r\n", NULL);
	g_autoptr(GBytes) line = g_bytes_new(ended, strlen(ended));
	g_autoptr(SutureRecord) record = parsed(line);

	g_assert_cmpuint(record->sequence, ==, 1);
	sample_assert_bytes_refused(broken, -1, parse, "json-syntax");
	sample_assert_bytes_refused(doubled, -1, parse, "json-syntax");
	sample_assert_bytes_refused(returned, -1, parse, "json-syntax");
	sample_assert_bytes_refused("\n", -1, parse, "json-syntax");
}

static void test_round_trip(void)
{
	g_autofree gchar *path = g_test_build_filename(G_TEST_DIST, "samples", SAMPLE, NULL);
	g_autofree gchar *text = NULL;
	g_autoptr(SutureRecord) record = sample();
	g_autoptr(GBytes) written = suture_record_write(record);
	gsize size;

	g_assert_true(g_file_get_contents(path, &text, &size, NULL));
	g_assert_cmpmem(g_bytes_get_data(written, NULL), g_bytes_get_size(written), text, size);
}

/* The worst text in every member still makes one line that can be read back. */
static void test_writes_any_text(void)
{
	g_autoptr(SutureRecord) record = sample();
	g_autoptr(SutureRecord) again = NULL;
	g_autoptr(GBytes) written = NULL;
	GString *emoji = g_string_new(NULL);
	gsize size;
	const gchar *line;

	for (guint i = 0; i < 10000; i++)
		g_string_append(emoji, "\xf0\x9f\x98\x80");
	g_free(record->detail);
	record->detail = g_string_free(emoji, FALSE);
	g_free(record->bundle);
	record->bundle = g_strnfill(100000, '"');
	g_free(record->host);
	record->host = g_strdup("a\nb\xff\x01");
	g_clear_pointer(&record->actor, g_free);
	g_clear_pointer(&record->reason, g_free);
	written = suture_record_write(record);
	line = g_bytes_get_data(written, &size);
	g_assert_cmpuint(size, <=, SUTURE_RECORD_MAX_BYTES);
	g_assert_true(memchr(line, '\n', size) == line + size - 1);
	again = parsed(written);
	g_assert_cmpint(g_utf8_strlen(again->detail, -1), ==, 4096);
	g_assert_cmpstr(again->host, ==, "a b\xef\xbf\xbd ");
	g_assert_cmpstr(again->actor, ==, "");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/spec/record/every-member-is-needed-and-typed", test_members);
	g_test_add_func("/spec/record/is-strict-json", test_strict);
	g_test_add_func("/spec/record/refuses-unknown-format", test_format);
	g_test_add_func("/spec/record/refuses-bad-values", test_values);
	g_test_add_func("/spec/record/limits-text", test_text_limits);
	g_test_add_func("/spec/record/is-one-line", test_one_line);
	g_test_add_func("/spec/record/writes-what-it-parsed", test_round_trip);
	g_test_add_func("/spec/record/writes-any-text", test_writes_any_text);
	return g_test_run();
}
