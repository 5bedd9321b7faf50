// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/policy/field.h"

static void merge(SuturePolicy *policy, const gchar *text)
{
	g_autoptr(GKeyFile) file = g_key_file_new();
	g_autoptr(GError) error = NULL;

	g_assert_true(g_key_file_load_from_data(file, text, strlen(text), G_KEY_FILE_NONE, NULL));
	g_assert_true(suture_policy_merge(policy, file, "test.conf", &error));
	g_assert_no_error(error);
}

static void merge_refused(const gchar *text, const gchar *key)
{
	g_autoptr(GKeyFile) file = g_key_file_new();
	g_autoptr(SuturePolicy) policy = suture_policy_new();
	g_autoptr(GError) error = NULL;

	g_assert_true(g_key_file_load_from_data(file, text, strlen(text), G_KEY_FILE_NONE, NULL));
	g_assert_false(suture_policy_merge(policy, file, "test.conf", &error));
	g_assert_error(error, SUTURE_POLICY_ERROR, SUTURE_POLICY_ERROR_SYNTAX);
	g_assert_cmpstr(suture_error_reason(error), ==, "policy-syntax");
	g_assert_cmpint(suture_error_exit(error), ==, SUTURE_EXIT_INPUT);
	g_assert_nonnull(strstr(error->message, "test.conf"));
	g_assert_nonnull(strstr(error->message, key));
}

static void test_merge(void)
{
	g_autoptr(SuturePolicy) policy = suture_policy_new();

	g_assert_cmpint(policy->minimum_severity, ==, SUTURE_SEVERITY_NONE);
	g_assert_false(policy->require_tuf);
	g_assert_cmpuint(policy->max_stale, ==, 0);
	g_assert_cmpuint(policy->warn_days, ==, 7);
	merge(policy, "[policy]\nmax-stale=30\nwarn-days=0\n");
	g_assert_cmpuint(policy->max_stale, ==, 30);
	g_assert_cmpuint(policy->warn_days, ==, 0);
	merge(policy, "[policy]\nseverity-floor=low\nallow=a;b*;\ndeny=c\nrequire-tuf=true\n");
	g_assert_cmpint(policy->minimum_severity, ==, SUTURE_SEVERITY_LOW);
	g_assert_cmpuint(policy->allow->len, ==, 2);
	g_assert_cmpstr(policy->allow->pdata[1], ==, "b*");
	g_assert_true(policy->require_tuf);
	/* later ones win, key by key */
	merge(policy, "[policy]\nallow=d\n[other]\nx=1\n");
	g_assert_cmpuint(policy->allow->len, ==, 1);
	g_assert_cmpuint(policy->deny->len, ==, 1);
	g_assert_true(policy->require_tuf);
	merge(policy, "[policy]\nallow=\nrequire-tuf=false\n");
	g_assert_cmpuint(policy->allow->len, ==, 0);
	g_assert_false(policy->require_tuf);
	g_assert_false(policy->revert_withdrawn);
	merge(policy, "[policy]\nrevert-withdrawn=true\n");
	g_assert_true(policy->revert_withdrawn);
	merge(policy, "[fetch]\nurl=x\n");
	g_assert_cmpint(policy->minimum_severity, ==, SUTURE_SEVERITY_LOW);
}

static void test_merge_refusals(void)
{
	merge_refused("[policy]\nseverity-floor=grave\n", "severity-floor");
	merge_refused("[policy]\nseverity-floor=\n", "severity-floor");
	merge_refused("[policy]\nrequire-tuf=perhaps\n", "require-tuf");
	merge_refused("[policy]\nmax-stale=-1\n", "max-stale");
	merge_refused("[policy]\nmax-stale=4000\n", "max-stale");
	merge_refused("[policy]\nwarn-days=a week\n", "warn-days");
	merge_refused("[policy]\nallow=a;;b\n", "allow");
	merge_refused("[policy]\ndeny= ;\n", "deny");
	merge_refused("[policy]\nseverity-flor=low\n", "severity-flor");
}

static void test_default(void)
{
	g_auto(Field) field;

	field_init(&field);
	field_add(&field, "a-1-1");
	field_decide(&field);
	field_assert(&field, "a-1-1", "apply", "default");
}

static void test_kernel(void)
{
	g_auto(Field) field;
	SuturePatch *patch;

	field_init(&field);
	patch = field_add(&field, "arch-1-1");
	g_free(patch->kernel.arch);
	patch->kernel.arch = g_strdup("aarch64");
	patch = field_add(&field, "release-1-1 live");
	g_free(patch->kernel.release);
	patch->kernel.release = g_strdup("6.1.0-50");
	patch = field_add(&field, "build-1-1");
	g_free(patch->kernel.build_id);
	patch->kernel.build_id = g_strdup("fedcba9876543210");
	field_decide(&field);
	field_assert(&field, "arch-1-1", "mismatch", "kernel-arch");
	field_assert(&field, "release-1-1", "mismatch", "kernel-release");
	field_assert(&field, "build-1-1", "mismatch", "kernel-build-id");
	/* an unknown build is another build */
	g_clear_pointer(&field.kernel.build_id, g_free);
	field_add(&field, "any-1-1");
	field_decide(&field);
	field_assert(&field, "build-1-1", "mismatch", "kernel-build-id");
}

static void test_deny_and_allow(void)
{
	g_auto(Field) field;

	field_init(&field);
	merge(field.policy, "[policy]\nallow=net-*;one;exact-1-?\ndeny=*-bad*;two-2-1\n");
	field_add(&field, "net-core-1-1");
	field_add(&field, "net-bad-1-1");
	field_add(&field, "one-7-1");
	field_add(&field, "two-2-1");
	field_add(&field, "exact-1-3");
	field_add(&field, "exact-2-1");
	field_add(&field, "oneself-1-1");
	field_decide(&field);
	field_assert(&field, "net-core-1-1", "apply", "default");
	field_assert(&field, "net-bad-1-1", "held", "deny");
	field_assert(&field, "one-7-1", "apply", "default");
	field_assert(&field, "two-2-1", "held", "deny");
	field_assert(&field, "exact-1-3", "apply", "default");
	field_assert(&field, "exact-2-1", "held", "allow");
	field_assert(&field, "oneself-1-1", "held", "allow");
	g_assert_nonnull(strstr(field_decision(&field, "net-bad-1-1")->detail, "*-bad*"));
}

static void test_severity(void)
{
	g_auto(Field) field;

	field_init(&field);
	merge(field.policy, "[policy]\nseverity-floor=important\n");
	field_add(&field, "below-1-1")->severity = SUTURE_SEVERITY_MODERATE;
	field_add(&field, "at-1-1")->severity = SUTURE_SEVERITY_IMPORTANT;
	field_add(&field, "above-1-1")->severity = SUTURE_SEVERITY_CRITICAL;
	field_decide(&field);
	field_assert(&field, "below-1-1", "held", "severity-floor");
	field_assert(&field, "at-1-1", "apply", "default");
	field_assert(&field, "above-1-1", "apply", "default");
}

static void test_require_tuf(void)
{
	g_auto(Field) field;

	field_init(&field);
	merge(field.policy, "[policy]\nrequire-tuf=true\n");
	field_add(&field, "fetched-1-1 tuf");
	field_add(&field, "installed-1-1");
	field_decide(&field);
	field_assert(&field, "fetched-1-1", "apply", "default");
	field_assert(&field, "installed-1-1", "held", "require-tuf");
}

/* The publisher's word is stronger than this host's allow; what is live stays until somebody reverts it. */
static void test_withdrawn(void)
{
	g_auto(Field) field;

	field_init(&field);
	merge(field.policy, "[policy]\nallow=a;b\n");
	field_add(&field, "a-1-1 withdrawn");
	field_add(&field, "b-1-1 withdrawn live");
	field_decide(&field);
	field_assert(&field, "a-1-1", "held", "withdrawn");
	field_assert(&field, "b-1-1", "live", "live");
}

static void test_live(void)
{
	g_auto(Field) field;

	field_init(&field);
	merge(field.policy, "[policy]\nseverity-floor=critical\ndeny=*\nrequire-tuf=true\n");
	field_add(&field, "a-1-1 live");
	field_add(&field, "b-1-1 tuf");
	field_decide(&field);
	field_assert(&field, "a-1-1", "live", "live");
	field_assert(&field, "b-1-1", "held", "deny");
}

static void test_live_twin(void)
{
	g_auto(Field) field;
	const SutureDecision *twin;

	field_init(&field);
	field_add(&field, "a-1-1 live");
	field_add(&field, "a-1-1");
	field_decide(&field);
	twin = field.decisions->pdata[1];
	g_assert_cmpint(twin->verdict, ==, SUTURE_VERDICT_SUPERSEDED);
	g_assert_cmpstr(twin->rule, ==, "live");
}

/* Of two rules that hold a patch, the first in the documented order is named. */
static void test_rule_order(void)
{
	g_auto(Field) field;
	SuturePatch *patch;

	field_init(&field);
	merge(field.policy, "[policy]\nallow=x\ndeny=c*\nseverity-floor=critical\nrequire-tuf=true\n");
	patch = field_add(&field, "all-1-1");
	g_free(patch->kernel.arch);
	patch->kernel.arch = g_strdup("s390x");
	g_free(patch->kernel.release);
	patch->kernel.release = g_strdup("other");
	patch = field_add(&field, "c-kernel-1-1");
	g_free(patch->kernel.release);
	patch->kernel.release = g_strdup("other");
	g_free(patch->kernel.build_id);
	patch->kernel.build_id = g_strdup("00");
	field_add(&field, "c-1-1");
	field_add(&field, "d-1-1");
	field_add(&field, "x-1-1");
	field_decide(&field);
	field_assert(&field, "all-1-1", "mismatch", "kernel-arch");
	field_assert(&field, "c-kernel-1-1", "mismatch", "kernel-release");
	field_assert(&field, "c-1-1", "held", "deny");
	field_assert(&field, "d-1-1", "held", "allow");
	field_assert(&field, "x-1-1", "held", "severity-floor");
	field.policy->minimum_severity = SUTURE_SEVERITY_NONE;
	field_decide(&field);
	field_assert(&field, "x-1-1", "held", "require-tuf");
}

static void test_newer(void)
{
	g_auto(Field) field;

	field_init(&field);
	field_add(&field, "a-2-1");
	field_add(&field, "a-10-1");
	field_add(&field, "a-9-1");
	field_add(&field, "a-10-2");
	field_add(&field, "b-1-1");
	field_decide(&field);
	field_assert(&field, "a-2-1", "superseded", "newer-version");
	field_assert(&field, "a-9-1", "superseded", "newer-version");
	field_assert(&field, "a-10-1", "superseded", "newer-version");
	field_assert(&field, "a-10-2", "apply", "default");
	field_assert(&field, "b-1-1", "apply", "default");
	g_assert_cmpstr(field_decision(&field, "a-2-1")->detail, ==, "a-10-2 is newer");
}

static void test_newer_and_live(void)
{
	g_auto(Field) field;

	field_init(&field);
	field_add(&field, "a-1-1");
	field_add(&field, "a-2-1 live");
	field_add(&field, "b-1-1 live");
	field_add(&field, "b-2-1");
	field_decide(&field);
	field_assert(&field, "a-1-1", "superseded", "newer-version");
	field_assert(&field, "a-2-1", "live", "live");
	field_assert(&field, "b-1-1", "live", "live");
	field_assert(&field, "b-2-1", "apply", "default");
}

/* A newer version that is held, or for another kernel, does not keep an older one out. */
static void test_newer_held(void)
{
	g_auto(Field) field;
	SuturePatch *patch;

	field_init(&field);
	merge(field.policy, "[policy]\ndeny=a-3-1\n");
	field_add(&field, "a-1-1");
	field_add(&field, "a-2-1");
	field_add(&field, "a-3-1");
	patch = field_add(&field, "a-4-1");
	g_free(patch->kernel.build_id);
	patch->kernel.build_id = g_strdup("00");
	field_decide(&field);
	field_assert(&field, "a-1-1", "superseded", "newer-version");
	field_assert(&field, "a-2-1", "apply", "default");
	field_assert(&field, "a-3-1", "held", "deny");
}

static void test_superseded(void)
{
	g_auto(Field) field;

	field_init(&field);
	field_add(&field, "all-1-1 >a >b-1-1 cumulative");
	field_add(&field, "a-1-1");
	field_add(&field, "a-2-1");
	field_add(&field, "b-1-1");
	field_add(&field, "c-1-1 live");
	field_decide(&field);
	field_assert(&field, "all-1-1", "apply", "default");
	field_assert(&field, "a-1-1", "superseded", "superseded");
	field_assert(&field, "a-2-1", "superseded", "superseded");
	field_assert(&field, "b-1-1", "superseded", "superseded");
	field_assert(&field, "c-1-1", "live", "live");
	g_assert_cmpstr(field_decision(&field, "b-1-1")->detail, ==, "all-1-1 supersedes it");
	/* a-2-1 is newer, but it is not what is applied */
	g_assert_cmpstr(field_decision(&field, "a-1-1")->detail, ==, "all-1-1 supersedes it");
}

static void test_superseder_held(void)
{
	g_auto(Field) field;

	field_init(&field);
	merge(field.policy, "[policy]\ndeny=all\n");
	field_add(&field, "all-1-1 >a");
	field_add(&field, "a-1-1");
	field_decide(&field);
	field_assert(&field, "all-1-1", "held", "deny");
	field_assert(&field, "a-1-1", "apply", "default");
}

static void test_superseder_live(void)
{
	g_auto(Field) field;

	field_init(&field);
	field_add(&field, "all-1-1 >a live");
	field_add(&field, "a-1-1");
	field_add(&field, "b-1-1 live");
	field_add(&field, "c-1-1 >b");
	field_decide(&field);
	field_assert(&field, "a-1-1", "superseded", "superseded");
	field_assert(&field, "b-1-1", "live", "live");
	field_assert(&field, "c-1-1", "apply", "default");
}

static void test_superseded_through_another(void)
{
	g_auto(Field) field;

	field_init(&field);
	field_add(&field, "a-1-1");
	field_add(&field, "b-1-1 >a");
	field_add(&field, "c-1-1 >b");
	field_decide(&field);
	field_assert(&field, "a-1-1", "superseded", "superseded");
	field_assert(&field, "b-1-1", "superseded", "superseded");
	field_assert(&field, "c-1-1", "apply", "default");
	g_assert_cmpstr(field_decision(&field, "a-1-1")->detail, ==, "c-1-1 supersedes it");
}

static void test_supersedes_each_other(void)
{
	g_auto(Field) field;

	field_init(&field);
	field_add(&field, "a-1-1 >b");
	field_add(&field, "b-1-1 >a");
	field_add(&field, "c-1-1");
	field_add(&field, "d-1-1 >c");
	field_decide(&field);
	/* neither may vanish; the order refuses them */
	field_assert(&field, "a-1-1", "apply", "default");
	field_assert(&field, "b-1-1", "apply", "default");
	field_assert(&field, "c-1-1", "superseded", "superseded");
}

/* A vendor takes a version back: the older one says so itself. */
static void test_older_takes_back(void)
{
	g_auto(Field) field;

	field_init(&field);
	field_add(&field, "a-1-2 >a-2-1");
	field_add(&field, "a-2-1");
	field_add(&field, "a-1-1");
	field_decide(&field);
	field_assert(&field, "a-1-2", "apply", "default");
	field_assert(&field, "a-2-1", "superseded", "superseded");
	field_assert(&field, "a-1-1", "superseded", "newer-version");
}

static void test_select(void)
{
	g_auto(Field) field;
	g_autoptr(GPtrArray) chosen = g_ptr_array_new();
	g_autoptr(GPtrArray) part = NULL;

	field_init(&field);
	merge(field.policy, "[policy]\ndeny=held\n");
	field_add(&field, "top-1-1 +middle");
	field_add(&field, "middle-1-1 +old");
	field_add(&field, "old-1-1");
	field_add(&field, "new-1-1 >old");
	field_add(&field, "other-1-1");
	field_add(&field, "held-1-1");
	field_add(&field, "live-1-1 live");
	field_decide(&field);
	g_ptr_array_add(chosen, field.decisions->pdata[0]);
	part = suture_policy_select(field.decisions, chosen);
	g_assert_cmpuint(part->len, ==, 6);
	g_assert_true(g_ptr_array_find(part, field_decision(&field, "top-1-1"), NULL));
	g_assert_true(g_ptr_array_find(part, field_decision(&field, "middle-1-1"), NULL));
	g_assert_true(g_ptr_array_find(part, field_decision(&field, "new-1-1"), NULL));
	g_assert_true(g_ptr_array_find(part, field_decision(&field, "live-1-1"), NULL));
	g_assert_false(g_ptr_array_find(part, field_decision(&field, "other-1-1"), NULL));
}

static gint compare_lines(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const gchar *const *)a, *(const gchar *const *)b);
}

static gchar *describe(Field *field)
{
	g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);

	field_decide(field);
	for (guint i = 0; i < field->decisions->len; i++) {
		const SutureDecision *decision = field->decisions->pdata[i];
		g_autofree gchar *id = suture_patch_id(decision->candidate->patch);

		g_ptr_array_add(lines, g_strdup_printf("%s %d %s %s", id, decision->verdict, decision->rule,
						       decision->detail));
	}
	g_ptr_array_sort(lines, compare_lines);
	g_ptr_array_add(lines, NULL);
	return g_strjoinv("\n", (gchar **)lines->pdata);
}

static void add_random(Field *field, guint count)
{
	for (guint i = 0; i < count; i++) {
		g_autoptr(GString) line = g_string_new(NULL);

		g_string_printf(line, "p%d-%u-1", g_test_rand_int_range(0, 8), i);
		for (gint j = g_test_rand_int_range(0, 3); j > 0; j--) {
			gint other = g_test_rand_int_range(0, 8);

			if (line->str[1] != '0' + other)
				g_string_append_printf(line, " >p%d", other);
		}
		if (g_test_rand_int_range(0, 5) == 0)
			g_string_append(line, " live");
		field_add(field, line->str);
	}
}

/* Whatever is in the field: nothing vanishes without one that stays in its place, and the order given does
 * not count. */
static void test_properties(void)
{
	for (guint round = 0; round < 200; round++) {
		g_auto(Field) field;
		g_autofree gchar *first = NULL, *second = NULL;
		gboolean stays = FALSE;

		field_init(&field);
		add_random(&field, (guint)g_test_rand_int_range(1, 15));
		first = describe(&field);
		for (guint i = 0; i < field.decisions->len; i++) {
			const SutureDecision *decision = field.decisions->pdata[i];

			stays |= decision->verdict != SUTURE_VERDICT_SUPERSEDED;
			g_assert_true(!decision->candidate->live || decision->verdict == SUTURE_VERDICT_LIVE);
		}
		g_assert_true(stays);
		field_shuffle(&field);
		second = describe(&field);
		g_assert_cmpstr(first, ==, second);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/policy/merge/later-files-win-by-key", test_merge);
	g_test_add_func("/policy/merge/refuses-what-it-does-not-know", test_merge_refusals);
	g_test_add_func("/policy/decide/applies-by-default", test_default);
	g_test_add_func("/policy/decide/kernel-must-match", test_kernel);
	g_test_add_func("/policy/decide/deny-is-stronger-than-allow", test_deny_and_allow);
	g_test_add_func("/policy/decide/severity-floor", test_severity);
	g_test_add_func("/policy/decide/require-tuf", test_require_tuf);
	g_test_add_func("/policy/decide/withdrawn", test_withdrawn);
	g_test_add_func("/policy/decide/live-stays-live", test_live);
	g_test_add_func("/policy/decide/live-twin-is-not-applied-again", test_live_twin);
	g_test_add_func("/policy/decide/names-the-first-rule", test_rule_order);
	g_test_add_func("/policy/decide/newest-version-is-applied", test_newer);
	g_test_add_func("/policy/decide/newer-version-beside-live", test_newer_and_live);
	g_test_add_func("/policy/decide/held-newer-version-counts-not", test_newer_held);
	g_test_add_func("/policy/decide/superseded", test_superseded);
	g_test_add_func("/policy/decide/held-superseder-counts-not", test_superseder_held);
	g_test_add_func("/policy/decide/live-superseder-counts", test_superseder_live);
	g_test_add_func("/policy/decide/superseded-through-another", test_superseded_through_another);
	g_test_add_func("/policy/decide/mutual-superseders-both-stay", test_supersedes_each_other);
	g_test_add_func("/policy/decide/older-version-takes-back-newer", test_older_takes_back);
	g_test_add_func("/policy/select/takes-what-requirements-need", test_select);
	g_test_add_func("/policy/decide/properties", test_properties);
	return g_test_run();
}
