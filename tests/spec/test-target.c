// SPDX-License-Identifier: LGPL-2.1-or-later
#include "common/error.h"
#include "spec/target.h"
#include "tests/spec/sample.h"

#define SAMPLE "target.json"

static gboolean parse(GBytes *bytes, GError **error)
{
	SUTURE_AUTO_JSON *custom = suture_json_parse(bytes, 1024 * 1024, "custom", error);
	g_autoptr(SutureTarget) target = NULL;

	return custom && suture_target_parse(custom, &target, error);
}

static SutureTarget *target_of(json_t *custom)
{
	g_autoptr(GError) error = NULL;
	SutureTarget *target = NULL;

	g_assert_true(suture_target_parse(custom, &target, &error));
	g_assert_no_error(error);
	return target;
}

static void with_string(const gchar *path, const gchar *value, const gchar *reason)
{
	sample_assert_with(SAMPLE, parse, path, json_string(value), reason);
}

static void test_members(void)
{
	sample_assert_members(SAMPLE, parse, "suture");
	/* the "custom" object itself is not ours alone */
	sample_assert_with(SAMPLE, parse, "other", json_integer(1), NULL);
}

static void test_not_a_bundle(void)
{
	SUTURE_AUTO_JSON *custom = json_pack("{s:i}", "other", 1);
	g_autoptr(GError) error = NULL;
	SutureTarget *target = (SutureTarget *)1;

	g_assert_true(suture_target_parse(custom, &target, &error));
	g_assert_no_error(error);
	g_assert_null(target);
	sample_assert_with(SAMPLE, parse, "suture", json_integer(1), "json-wrong-type");
}

static void test_format(void)
{
	sample_assert_with(SAMPLE, parse, "suture.format", json_integer(2), "manifest-format");
	sample_assert_with(SAMPLE, parse, "suture.format", json_integer(0), "manifest-format");
}

static void test_values(void)
{
	with_string("suture.manifest_sha256", "", "manifest-value");
	with_string("suture.name", "Meminfo", "manifest-value");
	with_string("suture.issued", "yesterday", "manifest-value");
	with_string("suture.severity", "grave", "manifest-value");
	with_string("suture.kernel.build_id", "xyz", "manifest-value");
	with_string("suture.stack.requires.0", "meminfo", "manifest-value");
	/* target data does not say the vermagic */
	with_string("suture.kernel.vermagic", "6.1.0-49-cloud-amd64 SMP ", "json-unknown-key");
}

static void test_limits(void)
{
	json_t *many = json_array();

	for (guint i = 0; i <= 64; i++) {
		g_autofree gchar *name = g_strdup_printf("patch%u", i);

		json_array_append_new(many, json_string(name));
	}
	sample_assert_with(SAMPLE, parse, "suture.stack.conflicts", many, "manifest-limit");
}

static void test_round_trip(void)
{
	SUTURE_AUTO_JSON *custom = sample_load(SAMPLE);
	g_autoptr(SutureTarget) target = target_of(custom);
	SUTURE_AUTO_JSON *written = NULL;

	g_assert_null(target->patch.kernel.vermagic);
	target->patch.kernel.vermagic = g_strdup("6.1.0-49-cloud-amd64 SMP ");
	written = suture_target_custom(&target->patch, target->manifest_sha256);
	g_assert_true(json_equal(custom, written));
}

static void differs(SuturePatch *patch, const gchar *path, json_t *value, const gchar *member)
{
	SUTURE_AUTO_JSON *custom = sample_load(SAMPLE);
	g_autoptr(SutureTarget) changed = NULL;

	sample_set(custom, path, value);
	changed = target_of(custom);
	g_assert_cmpstr(suture_patch_difference(patch, &changed->patch), ==, member);
	g_assert_cmpstr(suture_patch_difference(&changed->patch, patch), ==, member);
}

static void test_difference(void)
{
	SUTURE_AUTO_JSON *custom = sample_load(SAMPLE);
	g_autoptr(SutureTarget) target = target_of(custom);
	g_autoptr(SutureTarget) same = target_of(custom);
	SuturePatch *patch = &target->patch;

	g_assert_null(suture_patch_difference(patch, &same->patch));
	differs(patch, "suture.name", json_string("other"), "name");
	differs(patch, "suture.version", json_string("3"), "version");
	differs(patch, "suture.release", json_string("3"), "release");
	differs(patch, "suture.advisory", json_string("X"), "advisory");
	differs(patch, "suture.issued", json_string("2026-11-22T12:00:01Z"), "issued");
	differs(patch, "suture.severity", json_string("low"), "severity");
	differs(patch, "suture.vulnerabilities", json_array(), "vulnerabilities");
	differs(patch, "suture.vulnerabilities.0.status", json_string("not_affected"), "vulnerabilities");
	differs(patch, "suture.kernel.release", json_string("6.1.0-50"), "kernel.release");
	differs(patch, "suture.kernel.arch", json_string("aarch64"), "kernel.arch");
	differs(patch, "suture.kernel.build_id", json_string("0123456789abcdef"), "kernel.build_id");
	differs(patch, "suture.provider", json_string("framework"), "provider");
	differs(patch, "suture.stack.requires", json_array(), "stack.requires");
	differs(patch, "suture.stack.supersedes.0", json_string("x"), "stack.supersedes");
	differs(patch, "suture.stack.conflicts.0", json_string("x"), "stack.conflicts");
	differs(patch, "suture.stack.cumulative", json_true(), "stack.cumulative");
}

static void test_difference_beyond_target(void)
{
	SUTURE_AUTO_JSON *custom = sample_load(SAMPLE);
	g_autoptr(SutureTarget) a = target_of(custom);
	g_autoptr(SutureTarget) b = target_of(custom);

	b->patch.kernel.vermagic = g_strdup("one");
	g_assert_null(suture_patch_difference(&a->patch, &b->patch));
	a->patch.kernel.vermagic = g_strdup("two");
	g_assert_cmpstr(suture_patch_difference(&a->patch, &b->patch), ==, "kernel.vermagic");
	g_clear_pointer(&a->patch.kernel.vermagic, g_free);
	a->patch.consistency = SUTURE_CONSISTENCY_IMMEDIATE;
	g_assert_cmpstr(suture_patch_difference(&a->patch, &b->patch), ==, "consistency");
}

static void test_matches(void)
{
	SUTURE_AUTO_JSON *custom = sample_load(SAMPLE);
	g_autoptr(SutureTarget) target = target_of(custom);

	g_assert_true(suture_patch_matches(&target->patch, "meminfo"));
	g_assert_true(suture_patch_matches(&target->patch, "meminfo-2-1"));
	g_assert_false(suture_patch_matches(&target->patch, "meminfo-2"));
	g_assert_false(suture_patch_matches(&target->patch, "meminfo-1-1"));
	g_assert_false(suture_patch_matches(&target->patch, "mem"));
	g_assert_false(suture_patch_matches(&target->patch, ""));
}

static void test_words(void)
{
	SutureSeverity severity = SUTURE_SEVERITY_LOW;
	SutureKernel kernel = {0}, copy = {.release = g_strdup("old")};

	g_assert_true(suture_severity_parse("critical", &severity));
	g_assert_cmpint(severity, ==, SUTURE_SEVERITY_CRITICAL);
	g_assert_false(suture_severity_parse("Critical", &severity));
	g_assert_false(suture_severity_parse(NULL, &severity));
	g_assert_cmpint(severity, ==, SUTURE_SEVERITY_CRITICAL);
	g_assert_null(suture_severity_name((SutureSeverity)5));
	kernel.release = g_strdup("new");
	suture_kernel_copy(&copy, &kernel);
	suture_kernel_copy(&copy, &copy);
	g_assert_cmpstr(copy.release, ==, "new");
	g_assert_null(copy.vermagic);
	suture_kernel_clear(&kernel);
	suture_kernel_clear(&copy);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/spec/target/every-member-is-needed-and-typed", test_members);
	g_test_add_func("/spec/target/passes-over-other-targets", test_not_a_bundle);
	g_test_add_func("/spec/target/refuses-unknown-format", test_format);
	g_test_add_func("/spec/target/refuses-bad-values", test_values);
	g_test_add_func("/spec/target/limits-stack-lists", test_limits);
	g_test_add_func("/spec/target/writes-what-it-parsed", test_round_trip);
	g_test_add_func("/spec/patch/names-the-difference", test_difference);
	g_test_add_func("/spec/patch/compares-what-both-say", test_difference_beyond_target);
	g_test_add_func("/spec/patch/matches-stack-entries", test_matches);
	g_test_add_func("/spec/patch/words-and-copies", test_words);
	return g_test_run();
}
