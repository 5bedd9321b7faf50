// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/build/description.h"

#include <string.h>

#define WHOLE "[patch]\nname=meminfo\nversion=1\nrelease=1\nsummary=A fix\nseverity=low\nadvisory=A-1\n"

static SutureDescription *parse(const gchar *text, GError **error)
{
	g_autoptr(GBytes) bytes = g_bytes_new(text, strlen(text));

	return suture_description_parse(bytes, "patch.conf", error);
}

static SutureManifest *manifest_of(const gchar *text, GError **error)
{
	g_autoptr(SutureDescription) description = parse(text, error);

	g_assert_nonnull(description);
	return suture_description_manifest(description, 1700000000, error);
}

static void test_defaults(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(SutureManifest) manifest = manifest_of(WHOLE, &error);

	g_assert_no_error(error);
	g_assert_cmpstr(manifest->patch.issued, ==, "2023-11-14T22:13:20Z");
	g_assert_cmpint(manifest->patch.consistency, ==, SUTURE_CONSISTENCY_PER_TASK);
	g_assert_cmpuint(manifest->patch.vulnerabilities->len, ==, 0);
	g_assert_cmpuint(manifest->modules->len, ==, 0);
}

static void test_lists(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(SutureManifest) manifest = manifest_of(
		WHOLE "vulnerabilities=C-1; C-2:under_investigation;\nsupersedes=a;b-1-1;\n", &error);
	const SutureVulnerability *second;

	g_assert_no_error(error);
	g_assert_cmpuint(manifest->patch.vulnerabilities->len, ==, 2);
	second = manifest->patch.vulnerabilities->pdata[1];
	g_assert_cmpstr(second->id, ==, "C-2");
	g_assert_cmpstr(second->status, ==, "under_investigation");
	g_assert_cmpuint(manifest->patch.stack.supersedes->len, ==, 2);
}

static void test_overrides(void)
{
	const gchar *const cves[] = {"C-9", NULL};
	g_autoptr(GError) error = NULL;
	g_autoptr(SutureDescription) description = parse(WHOLE "vulnerabilities=C-1;C-2\n", &error);
	g_autoptr(SutureManifest) manifest = NULL;
	const SutureVulnerability *only;

	suture_description_set(description, "summary", "Semi;colon \\ and back");
	suture_description_set_list(description, "vulnerabilities", cves);
	manifest = suture_description_manifest(description, 0, &error);
	g_assert_no_error(error);
	g_assert_cmpstr(manifest->summary, ==, "Semi;colon \\ and back");
	g_assert_cmpuint(manifest->patch.vulnerabilities->len, ==, 1);
	only = manifest->patch.vulnerabilities->pdata[0];
	g_assert_cmpstr(only->id, ==, "C-9");
}

static void assert_settles(const gchar *text, SutureProvider provider, SutureConsistency consistency,
			   gboolean cumulative, gint code)
{
	const SutureModuleInfo module = {.name = (gchar *)"a_module",
					 .provider = provider,
					 .consistency = consistency,
					 .cumulative = cumulative};
	g_autoptr(GError) error = NULL;
	g_autoptr(SutureDescription) description = parse(text, &error);
	g_autoptr(SutureManifest) manifest = suture_description_manifest(description, 0, &error);

	g_assert_no_error(error);
	if (code < 0) {
		g_assert_true(suture_description_settle(description, &module, &manifest->patch, &error));
		g_assert_no_error(error);
		g_assert_cmpint(manifest->patch.consistency, ==, consistency);
		g_assert_cmpint(manifest->patch.provider, ==, provider);
		g_assert_cmpint(manifest->patch.stack.cumulative, ==, cumulative);
		return;
	}
	g_assert_false(suture_description_settle(description, &module, &manifest->patch, &error));
	g_assert_error(error, SUTURE_BUILD_ERROR, code);
}

static void test_module_settles(void)
{
	const SutureProvider kernel = SUTURE_PROVIDER_KERNEL, framework = SUTURE_PROVIDER_FRAMEWORK;
	const SutureConsistency per_task = SUTURE_CONSISTENCY_PER_TASK;

	assert_settles(WHOLE, kernel, per_task, TRUE, -1);
	assert_settles(WHOLE "provider=framework\nconsistency=stop-machine\ncumulative=false\n", framework,
		       SUTURE_CONSISTENCY_STOP_MACHINE, FALSE, -1);
	assert_settles(WHOLE "provider=kernel\n", framework, per_task, FALSE, SUTURE_BUILD_ERROR_DISAGREE);
	assert_settles(WHOLE "cumulative=false\n", kernel, per_task, TRUE, SUTURE_BUILD_ERROR_DISAGREE);
	assert_settles(WHOLE "provider=nobody\n", kernel, per_task, FALSE,
		       SUTURE_BUILD_ERROR_DESCRIPTION_VALUE);
	assert_settles(WHOLE "cumulative=maybe\n", kernel, per_task, FALSE,
		       SUTURE_BUILD_ERROR_DESCRIPTION_VALUE);
}

static void test_consistency(void)
{
	const SutureProvider kernel = SUTURE_PROVIDER_KERNEL, framework = SUTURE_PROVIDER_FRAMEWORK;

	assert_settles(WHOLE, framework, SUTURE_CONSISTENCY_IMMEDIATE, FALSE, -1);
	assert_settles(WHOLE "consistency=per-task\n", kernel, SUTURE_CONSISTENCY_PER_TASK, FALSE, -1);
	assert_settles(WHOLE "consistency=per-task\n", framework, SUTURE_CONSISTENCY_IMMEDIATE, FALSE,
		       SUTURE_BUILD_ERROR_CONSISTENCY);
	assert_settles(WHOLE "consistency=stop-machine\n", framework, SUTURE_CONSISTENCY_IMMEDIATE, FALSE,
		       SUTURE_BUILD_ERROR_CONSISTENCY);
	assert_settles(WHOLE "consistency=immediate\n", kernel, SUTURE_CONSISTENCY_PER_TASK, FALSE,
		       SUTURE_BUILD_ERROR_CONSISTENCY);
}

static void test_provider_to_compile_for(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(SutureDescription) silent = parse(WHOLE, &error);
	g_autoptr(SutureDescription) framework = parse(WHOLE "provider=framework\n", &error);
	g_autoptr(SutureDescription) nobody = parse(WHOLE "provider=nobody\n", &error);
	SutureProvider provider;

	g_assert_no_error(error);
	g_assert_true(suture_description_provider(silent, &provider, &error));
	g_assert_cmpint(provider, ==, SUTURE_PROVIDER_KERNEL);
	g_assert_true(suture_description_provider(framework, &provider, &error));
	g_assert_cmpint(provider, ==, SUTURE_PROVIDER_FRAMEWORK);
	g_assert_false(suture_description_provider(nobody, &provider, &error));
	g_assert_error(error, SUTURE_BUILD_ERROR, SUTURE_BUILD_ERROR_DESCRIPTION_VALUE);
}

static void test_refusals(void)
{
	const struct {
		const gchar *text;
		gint code;
	} cases[] = {
		{"name", SUTURE_BUILD_ERROR_DESCRIPTION_SYNTAX},
		{"[patch]\nnmae=x\n", SUTURE_BUILD_ERROR_DESCRIPTION_UNKNOWN},
		{"[package]\n", SUTURE_BUILD_ERROR_DESCRIPTION_UNKNOWN},
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GError) error = NULL;

		g_assert_null(parse(cases[i].text, &error));
		g_assert_error(error, SUTURE_BUILD_ERROR, cases[i].code);
	}
}

static void test_missing_keys(void)
{
	const gchar *const keys[] = {"name", "version", "release", "summary", "severity", "advisory"};

	for (gsize i = 0; i < G_N_ELEMENTS(keys); i++) {
		g_autofree gchar *pattern = g_strdup_printf("\n%s=[^\n]*", keys[i]);
		g_autoptr(GRegex) line = g_regex_new(pattern, 0, 0, NULL);
		g_autofree gchar *text = g_regex_replace_literal(line, WHOLE, -1, 0, "", 0, NULL);
		g_autoptr(GError) error = NULL;

		g_assert_null(manifest_of(text, &error));
		g_assert_error(error, SUTURE_BUILD_ERROR, SUTURE_BUILD_ERROR_DESCRIPTION_MISSING);
		g_assert_nonnull(strstr(error->message, keys[i]));
	}
}

static void test_bad_text(void)
{
	g_autoptr(GError) error = NULL;

	g_assert_null(manifest_of(WHOLE "requires=\xff\xfe\n", &error));
	g_assert_error(error, SUTURE_BUILD_ERROR, SUTURE_BUILD_ERROR_DESCRIPTION_VALUE);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/packager/description/absent-keys-have-defaults", test_defaults);
	g_test_add_func("/packager/description/lists-are-read", test_lists);
	g_test_add_func("/packager/description/command-line-replaces-keys", test_overrides);
	g_test_add_func("/packager/description/module-and-description-must-agree", test_module_settles);
	g_test_add_func("/packager/description/consistency-is-the-modules", test_consistency);
	g_test_add_func("/packager/description/provider-to-compile-for", test_provider_to_compile_for);
	g_test_add_func("/packager/description/unknown-words-are-refused", test_refusals);
	g_test_add_func("/packager/description/missing-keys-are-refused", test_missing_keys);
	g_test_add_func("/packager/description/text-that-is-no-text-is-refused", test_bad_text);
	return g_test_run();
}
