// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fetcher/repo/settings.h"

#include <string.h>

#define ROLES                                     \
	"[targets]\nkeys=/k/t;\n"                 \
	"[snapshot]\nkeys=/k/s;\nexpiry-days=3\n" \
	"[timestamp]\nkeys=/k/m;/k/n;\n"          \
	"[kernels]\nkeys=/k/k;\nexpiry-days=30\n"
#define REPOSITORY "[repository]\ntrust=/trust\nrpm-key=gpg:ABCD\n"

static SutureRepoSettings *parse(const gchar *text, GError **error)
{
	g_autoptr(GBytes) bytes = g_bytes_new_static(text, strlen(text));

	return suture_repo_settings_parse(bytes, error);
}

static void check(const SutureRepoSettings *settings)
{
	g_assert_cmpstr(settings->trust, ==, "/trust");
	g_assert_cmpstr(settings->rpm_key, ==, "gpg:ABCD");
	g_assert_null(settings->roles[SUTURE_REPO_ROOT].keys);
	g_assert_cmpuint(settings->roles[SUTURE_REPO_ROOT].expiry_days, ==, 365);
	g_assert_cmpuint(settings->roles[SUTURE_REPO_SNAPSHOT].expiry_days, ==, 3);
	g_assert_cmpuint(g_strv_length(settings->roles[SUTURE_REPO_TIMESTAMP].keys), ==, 2);
	g_assert_cmpstr(settings->roles[SUTURE_REPO_TIMESTAMP].keys[1], ==, "/k/n");
	g_assert_cmpstr(settings->kernels.keys[0], ==, "/k/k");
	g_assert_cmpuint(settings->kernels.expiry_days, ==, 30);
}

static void test_round_trip(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(SutureRepoSettings) settings = parse(REPOSITORY ROLES, &error), again = NULL;
	g_autoptr(GBytes) written = NULL;

	g_assert_no_error(error);
	check(settings);
	written = suture_repo_settings_write(settings);
	again = suture_repo_settings_parse(written, &error);
	g_assert_no_error(error);
	check(again);
}

static void test_refusals(void)
{
	static const struct {
		const gchar *text, *names;
	} cases[] = {
		{"no group", "repository.conf"},
		{ROLES, "trust"},
		{"[repository]\ntrust=/trust\n" ROLES, "rpm-key"},
		{REPOSITORY ROLES "[kernels]\nexpiry-days=0\n", "kernels"},
		{REPOSITORY ROLES "[root]\nexpiry-days=0\n", "expiry-days"},
		{REPOSITORY ROLES "[root]\nexpiry-days=3651\n", "expiry-days"},
		{REPOSITORY ROLES "[root]\nexpiry-days=soon\n", "expiry-days"},
		{REPOSITORY ROLES "[root]\nexpiry=3\n", "expiry"},
		{REPOSITORY ROLES "[mirror]\nkeys=/m;\n", "mirror"},
	};

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GError) error = NULL;

		g_assert_null(parse(cases[i].text, &error));
		g_assert_nonnull(error);
		g_assert_cmpstr(suture_error_reason(error), ==, "config");
		g_assert_nonnull(strstr(error->message, cases[i].names));
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/repo/settings/written-file-reads-back", test_round_trip);
	g_test_add_func("/repo/settings/malformed-file-is-refused", test_refusals);
	return g_test_run();
}
