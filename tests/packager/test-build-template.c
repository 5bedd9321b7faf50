// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/build/template.h"

static void set(gchar **to, const gchar *text)
{
	g_free(*to);
	*to = g_strdup(text);
}

static SutureManifest *sample(const gchar *summary)
{
	SutureManifest *manifest = suture_manifest_new();
	SutureModule *module = suture_module_new();
	SuturePatch *patch = &manifest->patch;

	set(&patch->name, "meminfo");
	set(&patch->version, "1");
	set(&patch->release, "2");
	set(&patch->advisory, "A-1");
	set(&patch->kernel.release, "6.4.0-150600.23.14-default");
	set(&patch->kernel.build_id, "0123456789abcdef");
	set(&manifest->summary, summary);
	set(&module->file, "meminfo.ko");
	g_ptr_array_add(manifest->modules, module);
	g_ptr_array_add(patch->vulnerabilities, suture_vulnerability_new("CVE-0000-0001", "fixed"));
	g_ptr_array_add(patch->vulnerabilities, suture_vulnerability_new("CVE-0000-0002", "not_affected"));
	return manifest;
}

static void assert_fills(const gchar *template, const gchar *expected)
{
	g_autoptr(SutureManifest) manifest = sample("a summary");
	g_autoptr(GError) error = NULL;
	g_autofree gchar *text = suture_template_fill(template, manifest, &error);

	g_assert_no_error(error);
	g_assert_cmpstr(text, ==, expected);
}

static void assert_refuses(const gchar *template, const gchar *summary, gint code)
{
	g_autoptr(SutureManifest) manifest = sample(summary);
	g_autoptr(GError) error = NULL;

	g_assert_null(suture_template_fill(template, manifest, &error));
	g_assert_error(error, SUTURE_BUILD_ERROR, code);
}

static void test_scalars(void)
{
	assert_fills(
		"Name: @RPM_NAME@\n@VERSION@-@RELEASE@ @ADVISORY@ @SEVERITY@ @KERNEL_RELEASE@ @SUMMARY@ x@y",
		"Name: livepatch-6.4.0-150600.23.14-default-meminfo\n1-2 A-1 none "
		"6.4.0-150600.23.14-default a summary x@y");
	assert_fills("@FOLDER@", "/usr/lib/suture/6.4.0-150600.23.14-default/meminfo-1-2");
}

static void test_lines(void)
{
	assert_fills("@PROVIDES@\n", "Provides: livepatch(6.4.0-150600.23.14-default)\n"
				     "Provides: livepatch(build-id:0123456789abcdef)\n"
				     "Provides: livepatch(cve:CVE-0000-0001)\n");
	assert_fills("@FILES@\n", "%dir /usr/lib/suture/6.4.0-150600.23.14-default/meminfo-1-2\n"
				  "/usr/lib/suture/6.4.0-150600.23.14-default/meminfo-1-2/manifest.json\n"
				  "/usr/lib/suture/6.4.0-150600.23.14-default/meminfo-1-2/manifest.json.p7s\n"
				  "/usr/lib/suture/6.4.0-150600.23.14-default/meminfo-1-2/meminfo.ko\n");
}

static void test_kernel_parts(void)
{
	assert_fills("kernel-@KERNEL_FLAVOR@ = @KERNEL_PACKAGE_VERSION@",
		     "kernel-default = 6.4.0-150600.23.14");
}

static void test_values_are_not_looked_at_again(void)
{
	g_autoptr(SutureManifest) manifest = sample("@NAME@ @SUMMARY@ @FILES@");
	g_autoptr(GError) error = NULL;
	g_autofree gchar *text = suture_template_fill("@SUMMARY@", manifest, &error);

	g_assert_no_error(error);
	g_assert_cmpstr(text, ==, "@NAME@ @SUMMARY@ @FILES@");
}

static void test_injection(void)
{
	const gchar *const evil[] = {"%{lua:os.exit()}",
				     "50%",
				     "a\n%post\nrm -rf /",
				     "a\rb",
				     "a\tb",
				     "ends with \\",
				     " begins with ",
				     "",
				     "\xff",
				     "a\xc2\x85"
				     "b"};

	for (gsize i = 0; i < G_N_ELEMENTS(evil); i++)
		assert_refuses("@SUMMARY@", evil[i], SUTURE_BUILD_ERROR_VALUE);
}

static void test_unknown_placeholder(void)
{
	assert_refuses("@PASSWORD@", "a", SUTURE_BUILD_ERROR_TEMPLATE);
}

static void test_unknown_distribution(void)
{
	g_autoptr(GError) error = NULL;

	g_assert_null(suture_template_load("/nowhere", "generic", &error));
	g_assert_error(error, SUTURE_BUILD_ERROR, SUTURE_BUILD_ERROR_TEMPLATE);
	g_clear_error(&error);
	g_assert_null(suture_template_load(NULL, "../rpm/generic", &error));
	g_assert_error(error, SUTURE_BUILD_ERROR, SUTURE_BUILD_ERROR_TEMPLATE);
}

static void test_templates_are_found_from_the_program(void)
{
	const gchar *const names[] = {"generic", "rhel", "suse"};

	for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autoptr(GError) error = NULL;
		g_autoptr(SutureManifest) manifest = sample("a summary");
		g_autofree gchar *template = suture_template_load(NULL, names[i], &error);
		g_autofree gchar *text = NULL;

		g_assert_no_error(error);
		text = suture_template_fill(template, manifest, &error);
		g_assert_no_error(error);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/packager/build-template/values-are-filled-in", test_scalars);
	g_test_add_func("/packager/build-template/lists-are-lines", test_lines);
	g_test_add_func("/packager/build-template/release-is-split-for-suse", test_kernel_parts);
	g_test_add_func("/packager/build-template/values-are-not-templates",
			test_values_are_not_looked_at_again);
	g_test_add_func("/packager/build-template/spec-syntax-is-refused", test_injection);
	g_test_add_func("/packager/build-template/unknown-placeholder-is-refused", test_unknown_placeholder);
	g_test_add_func("/packager/build-template/unknown-distribution-is-refused",
			test_unknown_distribution);
	g_test_add_func("/packager/build-template/templates-are-found-from-the-program",
			test_templates_are_found_from_the_program);
	return g_test_run();
}
