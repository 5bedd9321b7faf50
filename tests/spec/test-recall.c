// SPDX-License-Identifier: LGPL-2.1-or-later
#include "common/error.h"
#include "spec/recall.h"

#include <string.h>

#define DIGEST "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define GOOD                                                                              \
	"{\"id\":\"a-1-1\",\"manifest_sha256\":\"" DIGEST "\",\"reason\":\"slows down\"," \
	"\"withdrawn\":\"2026-01-02T03:04:05Z\"}"

static GPtrArray *read_text(const gchar *list, GError **error)
{
	g_autofree gchar *text = g_strdup_printf("{\"list\":%s}", list);
	g_autoptr(GBytes) bytes = g_bytes_new(text, strlen(text));
	SUTURE_AUTO_JSON *document = suture_json_parse(bytes, 1024 * 1024, "recalls", NULL);

	g_assert_nonnull(document);
	return suture_recalls_read(json_object_get(document, "list"), error);
}

static void test_round_trip(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) recalls = read_text("[" GOOD "]", &error), again = NULL;
	SUTURE_AUTO_JSON *written = NULL;
	const SutureRecall *found;

	g_assert_no_error(error);
	written = suture_recalls_write(recalls);
	again = suture_recalls_read(written, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(again->len, ==, 1);
	found = suture_recalls_find(again, DIGEST);
	g_assert_cmpstr(found->id, ==, "a-1-1");
	g_assert_cmpstr(found->reason, ==, "slows down");
	g_assert_cmpstr(found->withdrawn, ==, "2026-01-02T03:04:05Z");
	g_assert_null(suture_recalls_find(again, "0"));
}

static void test_none(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) recalls = suture_recalls_read(NULL, &error);

	g_assert_no_error(error);
	g_assert_cmpuint(recalls->len, ==, 0);
}

static void test_refusals(void)
{
	static const struct {
		const gchar *list, *reason;
	} cases[] = {
		{"{}", "json-wrong-type"},
		{"[1]", "json-wrong-type"},
		{"[{}]", "json-missing-key"},
		{"[" GOOD ",{\"id\":\"b\"}]", "json-missing-key"},
		{"[{\"id\":\"a\",\"manifest_sha256\":\"" DIGEST "\",\"reason\":\"\",\"withdrawn\":"
		 "\"2026-01-02T03:04:05Z\"}]",
		 "manifest-value"},
		{"[{\"id\":\"a\",\"manifest_sha256\":\"0\",\"reason\":\"r\",\"withdrawn\":\"2026-01-02T03:04:"
		 "05Z\"}]",
		 "manifest-value"},
		{"[{\"id\":\"a\",\"manifest_sha256\":\"" DIGEST
		 "\",\"reason\":\"a\\u001b[31m\",\"withdrawn\":"
		 "\"2026-01-02T03:04:05Z\"}]",
		 "manifest-value"},
		{"[{\"id\":\"a\",\"manifest_sha256\":\"" DIGEST
		 "\",\"reason\":\"r\",\"withdrawn\":\"soon\"}]",
		 "manifest-value"},
		{"[{\"id\":\"a\",\"manifest_sha256\":\"" DIGEST "\",\"reason\":\"r\",\"withdrawn\":"
		 "\"2026-01-02T03:04:05Z\",\"more\":1}]",
		 "json-unknown-key"},
	};

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GError) error = NULL;

		g_assert_null(read_text(cases[i].list, &error));
		g_assert_cmpstr(suture_error_reason(error), ==, cases[i].reason);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/spec/recall/written-list-reads-back", test_round_trip);
	g_test_add_func("/spec/recall/absent-is-none", test_none);
	g_test_add_func("/spec/recall/malformed-is-refused", test_refusals);
	return g_test_run();
}
