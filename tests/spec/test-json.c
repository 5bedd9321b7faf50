// SPDX-License-Identifier: LGPL-2.1-or-later
#include "common/error.h"
#include "spec/json.h"
#include "tests/spec/sample.h"

#include <string.h>

static gboolean parse_any(GBytes *bytes, GError **error)
{
	SUTURE_AUTO_JSON *json = suture_json_parse(bytes, 1024 * 1024, "document", error);

	return json != NULL;
}

static json_t *parsed(const gchar *text)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GBytes) bytes = g_bytes_new(text, strlen(text));
	json_t *json = suture_json_parse(bytes, 1024 * 1024, "document", &error);

	g_assert_no_error(error);
	return json;
}

static void refused(const gchar *text, const gchar *reason)
{
	sample_assert_bytes_refused(text, -1, parse_any, reason);
}

static void test_syntax(void)
{
	refused("", "json-syntax");
	refused("{", "json-syntax");
	refused("{\"a\":1,}", "json-syntax");
	refused("{\"a\":01}", "json-syntax");
	refused("{'a':1}", "json-syntax");
	refused("{\"a\":NaN}", "json-syntax");
	refused("{} x", "json-syntax");
	refused("{\"a\":\"line\nbreak\"}", "json-syntax");
	refused("{/* no */}", "json-syntax");
	refused("\xef\xbb\xbf{}", "json-syntax");
}

static void test_utf8(void)
{
	refused("{\"a\":\"\xff\"}", "json-syntax");
	refused("{\"a\":\"\xc0\x80\"}", "json-syntax");
	refused("{\"a\":\"\xed\xa0\x80\"}", "json-syntax");
	refused("{\"a\":\"\xf5\x80\x80\x80\"}", "json-syntax");
	refused("{\"\xff\":1}", "json-syntax");
	refused("{\"a\":\"\\ud800\"}", "json-syntax");
}

static void test_nul(void)
{
	refused("{\"a\":\"\\u0000\"}", "json-syntax");
	refused("{\"a\\u0000\":1}", "json-syntax");
	sample_assert_bytes_refused("{\"a\":\"\0\"}", 9, parse_any, "json-syntax");
	sample_assert_bytes_refused("{}\0", 3, parse_any, "json-syntax");
}

static void test_duplicate_key(void)
{
	refused("{\"a\":1,\"a\":1}", "json-duplicate-key");
	refused("{\"b\":[{\"a\":1,\"\\u0061\":2}]}", "json-duplicate-key");
}

static void test_overflow(void)
{
	SUTURE_AUTO_JSON *json = parsed("{\"max\":9223372036854775807,\"min\":-9223372036854775808}");
	gint64 value;

	g_assert_true(suture_json_integer(json, "", "max", G_MININT64, G_MAXINT64, &value, NULL));
	g_assert_cmpint(value, ==, G_MAXINT64);
	g_assert_true(suture_json_integer(json, "", "min", G_MININT64, G_MAXINT64, &value, NULL));
	g_assert_cmpint(value, ==, G_MININT64);
	refused("{\"a\":9223372036854775808}", "json-integer-overflow");
	refused("{\"a\":-9223372036854775809}", "json-integer-overflow");
	refused("{\"a\":18446744073709551616}", "json-integer-overflow");
	refused("{\"a\":1e999}", "json-integer-overflow");
}

static gchar *nested(guint lists)
{
	g_autofree gchar *open = g_strnfill(lists, '[');
	g_autofree gchar *close = g_strnfill(lists, ']');

	return g_strdup_printf("{\"a\":%s%s}", open, close);
}

static void test_depth(void)
{
	g_autofree gchar *within = nested(31);
	g_autofree gchar *beyond = nested(32);
	g_autofree gchar *far_beyond = nested(4000);
	g_autofree gchar *megabyte = g_strnfill(1024 * 1024, '[');
	SUTURE_AUTO_JSON *json = parsed(within);

	g_assert_nonnull(json);
	refused(beyond, "json-too-deep");
	refused(far_beyond, "json-too-deep");
	refused(megabyte, "json-too-deep");
}

static void test_too_large(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GBytes) bytes = g_bytes_new_static("{\"a\":1}", 7);
	SUTURE_AUTO_JSON *fits = suture_json_parse(bytes, 7, "document", &error);

	g_assert_no_error(error);
	g_assert_nonnull(fits);
	g_assert_null(suture_json_parse(bytes, 6, "document", &error));
	g_assert_error(error, SUTURE_JSON_ERROR, SUTURE_JSON_ERROR_TOO_LARGE);
	g_assert_nonnull(strstr(error->message, "document"));
}

static void test_top(void)
{
	refused("[]", "json-wrong-type");
	refused("[1,2]", "json-wrong-type");
	refused("null", "json-syntax");
	refused("1", "json-syntax");
}

static void test_getters(void)
{
	SUTURE_AUTO_JSON *json = parsed("{\"s\":\"x\",\"i\":5,\"t\":true,\"f\":false,\"o\":{},\"l\":[1,2]}");
	gboolean yes = FALSE, no = TRUE;
	gint64 number = 0;

	g_assert_cmpstr(suture_json_string(json, "", "s", NULL), ==, "x");
	g_assert_true(suture_json_integer(json, "", "i", 5, 5, &number, NULL));
	g_assert_cmpint(number, ==, 5);
	g_assert_true(suture_json_boolean(json, "", "t", &yes, NULL));
	g_assert_true(suture_json_boolean(json, "", "f", &no, NULL));
	g_assert_true(yes);
	g_assert_false(no);
	g_assert_true(suture_json_object(json, "", "o", NULL) == json_object_get(json, "o"));
	g_assert_cmpuint(json_array_size(suture_json_array(json, "", "l", 2, NULL)), ==, 2);
}

static void test_getter_refusals(void)
{
	SUTURE_AUTO_JSON *json = parsed("{\"s\":\"x\",\"i\":5,\"r\":5.0,\"l\":[1,2]}");
	g_autoptr(GError) error = NULL;
	gint64 number = 77;

	g_assert_null(suture_json_string(json, "top", "absent", &error));
	g_assert_error(error, SUTURE_JSON_ERROR, SUTURE_JSON_ERROR_MISSING_KEY);
	g_assert_cmpstr(error->message, ==, "top.absent: missing");
	g_clear_error(&error);
	g_assert_null(suture_json_string(json, "", "i", &error));
	g_assert_error(error, SUTURE_JSON_ERROR, SUTURE_JSON_ERROR_TYPE);
	g_clear_error(&error);
	g_assert_false(suture_json_integer(json, "", "r", 0, 9, &number, &error));
	g_assert_error(error, SUTURE_JSON_ERROR, SUTURE_JSON_ERROR_TYPE);
	g_clear_error(&error);
	g_assert_false(suture_json_integer(json, "", "i", 0, 4, &number, &error));
	g_assert_error(error, SUTURE_JSON_ERROR, SUTURE_JSON_ERROR_RANGE);
	g_clear_error(&error);
	g_assert_false(suture_json_integer(json, "", "i", 6, 9, &number, &error));
	g_assert_error(error, SUTURE_JSON_ERROR, SUTURE_JSON_ERROR_RANGE);
	g_clear_error(&error);
	g_assert_cmpint(number, ==, 77);
	g_assert_null(suture_json_array(json, "", "l", 1, &error));
	g_assert_error(error, SUTURE_JSON_ERROR, SUTURE_JSON_ERROR_RANGE);
}

static void test_only(void)
{
	static const gchar *const known[] = {"a", "b", NULL};
	SUTURE_AUTO_JSON *good = parsed("{\"b\":1}");
	SUTURE_AUTO_JSON *bad = parsed("{\"a\":1,\"c\\n\":1}");
	g_autoptr(GError) error = NULL;

	g_assert_true(suture_json_only(good, "", known, &error));
	g_assert_no_error(error);
	g_assert_false(suture_json_only(bad, "x", known, &error));
	g_assert_error(error, SUTURE_JSON_ERROR, SUTURE_JSON_ERROR_UNKNOWN_KEY);
	g_assert_nonnull(strstr(error->message, "x.c\\n"));
}

static void canonical_is(const gchar *text, const gchar *expected)
{
	g_autoptr(GError) error = NULL;
	SUTURE_AUTO_JSON *json = parsed(text);
	g_autoptr(GBytes) bytes = suture_json_canonical(json, &error);

	g_assert_no_error(error);
	g_assert_cmpmem(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), expected, strlen(expected));
}

static void test_canonical(void)
{
	canonical_is("{}", "{}");
	canonical_is("{ \"b\" : [ ] , \"a\" : { } }", "{\"a\":{},\"b\":[]}");
	canonical_is("{\"a\":[true,false,null,-1,0,9223372036854775807]}",
		     "{\"a\":[true,false,null,-1,0,9223372036854775807]}");
	canonical_is("{\"a\":-9223372036854775808}", "{\"a\":-9223372036854775808}");
	canonical_is("{\"a\":\"\\\"\\\\\\/\"}", "{\"a\":\"\\\"\\\\/\"}");
	/* nothing but the quote and the backslash is escaped, control characters included */
	canonical_is("{\"a\":\"\\n\\t\\u0001\\u007f\"}", "{\"a\":\"\n\t\x01\x7f\"}");
	canonical_is("{\"a\":\"\\u00e9\\ud83d\\ude00\"}", "{\"a\":\"\xc3\xa9\xf0\x9f\x98\x80\"}");
}

static void test_canonical_order(void)
{
	canonical_is("{\"b\":1,\"B\":2,\"a\":3,\"\":4,\"ab\":5,\"a-\":6}",
		     "{\"\":4,\"B\":2,\"a\":3,\"a-\":6,\"ab\":5,\"b\":1}");
	/* U+FFFF before U+10000: by code point, where UTF-16 units would say the reverse */
	canonical_is("{\"\\ud800\\udc00\":1,\"\\uffff\":2,\"z\":3}",
		     "{\"z\":3,\"\xef\xbf\xbf\":2,\"\xf0\x90\x80\x80\":1}");
}

static void test_canonical_real(void)
{
	g_autoptr(GError) error = NULL;
	SUTURE_AUTO_JSON *json = parsed("{\"a\":[{\"b\":1.0}]}");

	g_assert_null(suture_json_canonical(json, &error));
	g_assert_error(error, SUTURE_JSON_ERROR, SUTURE_JSON_ERROR_ENCODING);
	g_assert_cmpstr(suture_error_reason(error), ==, "json-not-canonical");
}

static void test_pretty(void)
{
	SUTURE_AUTO_JSON *json = parsed("{\"b\":1,\"a\":[\"\\u00e9\"]}");
	g_autoptr(GBytes) bytes = suture_json_pretty(json);
	static const gchar expected[] = "{\n  \"b\": 1,\n  \"a\": [\n    \"\xc3\xa9\"\n  ]\n}\n";

	g_assert_cmpmem(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), expected,
			sizeof expected - 1);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/spec/json/refuses-bad-syntax", test_syntax);
	g_test_add_func("/spec/json/refuses-bad-utf8", test_utf8);
	g_test_add_func("/spec/json/refuses-nul", test_nul);
	g_test_add_func("/spec/json/refuses-duplicate-key", test_duplicate_key);
	g_test_add_func("/spec/json/refuses-numbers-over-64-bits", test_overflow);
	g_test_add_func("/spec/json/refuses-deep-nesting", test_depth);
	g_test_add_func("/spec/json/refuses-more-than-the-limit", test_too_large);
	g_test_add_func("/spec/json/refuses-other-than-an-object", test_top);
	g_test_add_func("/spec/json/getters-return-members", test_getters);
	g_test_add_func("/spec/json/getters-refuse", test_getter_refusals);
	g_test_add_func("/spec/json/only-refuses-strangers", test_only);
	g_test_add_func("/spec/canonical/vectors", test_canonical);
	g_test_add_func("/spec/canonical/sorts-by-code-point", test_canonical_order);
	g_test_add_func("/spec/canonical/refuses-real-numbers", test_canonical_real);
	g_test_add_func("/spec/json/pretty-keeps-order", test_pretty);
	return g_test_run();
}
