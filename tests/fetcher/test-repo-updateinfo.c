// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fetcher/repo/updateinfo.h"

#include <string.h>

static SutureRepoBundle *bundle_new(const gchar *name, const gchar *advisory, SutureSeverity severity)
{
	SutureRepoBundle *bundle = g_new0(SutureRepoBundle, 1);
	SuturePatch *patch;

	bundle->target = g_new0(SutureTarget, 1);
	patch = &bundle->target->patch;
	suture_patch_init(patch);
	patch->name = g_strdup(name);
	patch->advisory = g_strdup(advisory);
	patch->issued = g_strdup("2030-01-02T03:04:05Z");
	patch->severity = severity;
	bundle->id = g_strconcat(name, "-1-1", NULL);
	bundle->kernel = g_strdup("6.1.0+k");
	bundle->summary = g_strdup("Fix <it> & more");
	bundle->file = g_strdup_printf("livepatch-%s-1-1.x86_64.rpm", name);
	bundle->sha256 = g_strnfill(64, 'a');
	bundle->rpm_name = g_strconcat("livepatch-", name, NULL);
	bundle->rpm_epoch = g_strdup("0");
	bundle->rpm_version = g_strdup("1");
	bundle->rpm_release = g_strdup("1");
	bundle->rpm_arch = g_strdup("x86_64");
	return bundle;
}

static void add_vulnerability(SutureRepoBundle *bundle, const gchar *id, const gchar *status)
{
	SutureVulnerability *vulnerability = g_new0(SutureVulnerability, 1);

	vulnerability->id = g_strdup(id);
	vulnerability->status = g_strdup(status);
	g_ptr_array_add(bundle->target->patch.vulnerabilities, vulnerability);
}

static GPtrArray *records_of(GPtrArray *bundles)
{
	g_autoptr(GError) error = NULL;
	GPtrArray *records = suture_updateinfo_records(bundles, &error);

	g_assert_no_error(error);
	return records;
}

static guint count(const gchar *text, const gchar *part)
{
	g_auto(GStrv) parts = g_strsplit(text, part, -1);

	return g_strv_length(parts) - 1;
}

/* Two patches of one advisory: one record, the graver severity, each CVE once, both packages. */
static void test_one_advisory(void)
{
	g_autoptr(GPtrArray) bundles =
		g_ptr_array_new_with_free_func((GDestroyNotify)suture_repo_bundle_free);
	g_autoptr(GPtrArray) records = NULL;

	g_ptr_array_add(bundles, bundle_new("a", "ADV-1", SUTURE_SEVERITY_LOW));
	g_ptr_array_add(bundles, bundle_new("b", "ADV-2", SUTURE_SEVERITY_NONE));
	g_ptr_array_add(bundles, bundle_new("c", "ADV-1", SUTURE_SEVERITY_CRITICAL));
	add_vulnerability(bundles->pdata[0], "CVE-2030-1", "fixed");
	add_vulnerability(bundles->pdata[2], "CVE-2030-1", "fixed");
	add_vulnerability(bundles->pdata[2], "CVE-2030-2", "fixed");
	records = records_of(bundles);
	g_assert_cmpuint(records->len, ==, 2);
	g_assert_cmpuint(count(records->pdata[0], "<package "), ==, 2);
	g_assert_cmpuint(count(records->pdata[0], "type=\"cve\""), ==, 2);
	g_assert_nonnull(strstr(records->pdata[0], "<severity>Critical</severity>"));
	g_assert_nonnull(strstr(records->pdata[0], "<issued date=\"2030-01-02 03:04:05\"/>"));
	g_assert_nonnull(strstr(records->pdata[1], "<severity>None</severity>"));
}

/* What the patch does not fix must not look fixed to dnf. */
static void test_only_fixed(void)
{
	g_autoptr(GPtrArray) bundles =
		g_ptr_array_new_with_free_func((GDestroyNotify)suture_repo_bundle_free);
	g_autoptr(GPtrArray) records = NULL;

	g_ptr_array_add(bundles, bundle_new("a", "ADV-1", SUTURE_SEVERITY_MODERATE));
	add_vulnerability(bundles->pdata[0], "CVE-2030-1", "not_affected");
	add_vulnerability(bundles->pdata[0], "CVE-2030-2", "under_investigation");
	add_vulnerability(bundles->pdata[0], "VENDOR-3", "fixed");
	records = records_of(bundles);
	g_assert_null(strstr(records->pdata[0], "CVE-2030"));
	g_assert_nonnull(strstr(records->pdata[0], "id=\"VENDOR-3\" type=\"other\""));
}

static void test_escapes(void)
{
	g_autoptr(GPtrArray) bundles =
		g_ptr_array_new_with_free_func((GDestroyNotify)suture_repo_bundle_free);
	g_autoptr(GPtrArray) records = NULL;

	g_ptr_array_add(bundles, bundle_new("a", "ADV-1", SUTURE_SEVERITY_IMPORTANT));
	records = records_of(bundles);
	g_assert_nonnull(strstr(records->pdata[0], "<title>Fix &lt;it&gt; &amp; more</title>"));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/repo/updateinfo/one-record-per-advisory", test_one_advisory);
	g_test_add_func("/repo/updateinfo/only-fixed-cves-are-listed", test_only_fixed);
	g_test_add_func("/repo/updateinfo/text-is-escaped", test_escapes);
	return g_test_run();
}
