// SPDX-License-Identifier: LGPL-2.1-or-later
#include "common/error.h"
#include "spec/manifest.h"
#include "tests/spec/sample.h"

#include <string.h>

#define SAMPLE "manifest.json"

static gboolean parse(GBytes *bytes, GError **error)
{
	g_autoptr(SutureManifest) manifest = suture_manifest_parse(bytes, error);

	return manifest != NULL;
}

static SutureManifest *sample(void)
{
	g_autoptr(GError) error = NULL;
	SUTURE_AUTO_JSON *json = sample_load(SAMPLE);
	g_autoptr(GBytes) bytes = sample_bytes(json);
	SutureManifest *manifest = suture_manifest_parse(bytes, &error);

	g_assert_no_error(error);
	return manifest;
}

static void with(const gchar *path, json_t *value, const gchar *reason)
{
	sample_assert_with(SAMPLE, parse, path, value, reason);
}

static void with_string(const gchar *path, const gchar *value, const gchar *reason)
{
	with(path, json_string(value), reason);
}

static void with_filled(const gchar *path, gsize length, gchar fill, const gchar *reason)
{
	g_autofree gchar *value = g_strnfill(length, fill);

	with_string(path, value, reason);
}

static void test_members(void)
{
	sample_assert_members(SAMPLE, parse, "");
	with("stranger", json_integer(1), "json-unknown-key");
}

static void test_strict(void)
{
	sample_assert_strict(SAMPLE, parse, SUTURE_MANIFEST_MAX_BYTES);
}

static void test_content(void)
{
	g_autoptr(SutureManifest) manifest = sample();
	const SutureModule *module = manifest->modules->pdata[0];
	const SutureFunction *function = module->functions->pdata[0];
	const SutureVulnerability *vulnerability = manifest->patch.vulnerabilities->pdata[1];
	g_autofree gchar *id = suture_patch_id(&manifest->patch);
	g_autofree gchar *kernel_name = suture_module_kernel_name(module);

	g_assert_cmpstr(id, ==, "meminfo-2-1");
	g_assert_cmpint(manifest->patch.severity, ==, SUTURE_SEVERITY_IMPORTANT);
	g_assert_cmpstr(vulnerability->id, ==, "CVE-2026-0002");
	g_assert_cmpstr(vulnerability->status, ==, "not_affected");
	g_assert_cmpstr(manifest->patch.kernel.release, ==, "6.1.0-49-cloud-amd64");
	g_assert_cmpstr(manifest->patch.stack.supersedes->pdata[1], ==, "oldinfo");
	g_assert_cmpstr(kernel_name, ==, "meminfo_2");
	g_assert_cmpuint(module->size, ==, 345678);
	g_assert_cmpstr(function->name, ==, "meminfo_proc_show");
	g_assert_cmpuint(function->sympos, ==, 1);
	g_assert_cmpuint(manifest->sources->len, ==, 1);
}

static void test_round_trip(void)
{
	g_autoptr(GError) error = NULL;
	g_autofree gchar *path = g_test_build_filename(G_TEST_DIST, "samples", SAMPLE, NULL);
	g_autofree gchar *text = NULL;
	g_autoptr(SutureManifest) manifest = sample();
	g_autoptr(GBytes) written = suture_manifest_write(manifest, &error);
	gsize size;

	g_assert_no_error(error);
	g_assert_true(g_file_get_contents(path, &text, &size, NULL));
	g_assert_cmpmem(g_bytes_get_data(written, NULL), g_bytes_get_size(written), text, size);
}

static void test_format(void)
{
	with("format", json_integer(3), "manifest-format");
	with("format", json_integer(0), "manifest-format");
	with("format", json_integer(-1), "manifest-format");
	with("format", json_integer(G_MAXINT64), "manifest-format");
	sample_assert_bytes_refused("{\"format\":18446744073709551616}", -1, parse, "json-integer-overflow");
	/* what a newer format adds is no reason to call it malformed */
	sample_assert_bytes_refused("{\"format\":3,\"news\":1}", -1, parse, "manifest-format");
}

static void test_names(void)
{
	static const gchar *const bad[] = {"",    "Meminfo", "-a",  "_a",  "a b",
					   "a/b", "..",      "a.b", "a\n", "\xc3\xa9"};

	for (gsize i = 0; i < G_N_ELEMENTS(bad); i++)
		with_string("name", bad[i], "manifest-value");
	with_filled("name", 64, 'a', NULL);
	with_filled("name", 65, 'a', "manifest-value");
	with_string("version", "", "manifest-value");
	with_string("version", "1-2", "manifest-value");
	with_string("version", "../1", "manifest-value");
	with_string("version", ".1", "manifest-value");
	with_filled("version", 33, '1', "manifest-value");
	with_string("release", "1~rc", "manifest-value");
	with_string("release", "1.el9", NULL);
	with_string("advisory", "", "manifest-value");
	with_string("advisory", "RH SA", "manifest-value");
	with_filled("advisory", 65, 'A', "manifest-value");
}

static void test_text(void)
{
	with_string("summary", "", "manifest-value");
	with_string("summary", "two\nlines", "manifest-value");
	with_string("summary", "escape \x1b[31m", "manifest-value");
	with_string("summary", "one \xc3\xa9t\xc3\xa9", NULL);
	with_filled("summary", 256, 's', NULL);
	with_filled("summary", 257, 's', "manifest-value");
	with_string("toolchain", "", NULL);
	with_string("toolchain", "gcc\r", "manifest-value");
	with_filled("toolchain", 257, 'g', "manifest-value");
}

static void test_time(void)
{
	static const gchar *const bad[] = {"",
					   "2026-11-22",
					   "2026-11-22T12:00:00",
					   "2026-11-22T12:00:00+00:00",
					   "2026-11-22 12:00:00Z",
					   "2026-13-01T00:00:00Z",
					   "2026-02-30T00:00:00Z",
					   "2026-11-22T24:00:00Z",
					   "2026-11-22T12:60:00Z",
					   "2026-11-22T12:00:00.5Z",
					   "2026-11-22T12:00:00Z\n"};

	for (gsize i = 0; i < G_N_ELEMENTS(bad); i++)
		with_string("issued", bad[i], "manifest-value");
	with_string("issued", "2028-02-29T23:59:59Z", NULL);
}

static void test_words(void)
{
	with_string("severity", "grave", "manifest-value");
	with_string("severity", "", "manifest-value");
	with_string("severity", "none", NULL);
	with_string("severity", "critical", NULL);
	with_string("provider", "kpatch", "manifest-value");
	with_string("provider", "framework", NULL);
	with_string("consistency", "none", "manifest-value");
	/* the kernel's own livepatch knows one consistency model only */
	with_string("consistency", "stop-machine", "manifest-value");
	with_string("vulnerabilities.0.status", "affected", "manifest-value");
	with_string("vulnerabilities.0.status", "under_investigation", NULL);
}

static void test_framework(void)
{
	SUTURE_AUTO_JSON *json = sample_load(SAMPLE);

	sample_set(json, "provider", json_string("framework"));
	sample_set(json, "consistency", json_string("stop-machine"));
	sample_assert_ok(json, parse);
	sample_set(json, "consistency", json_string("immediate"));
	sample_assert_ok(json, parse);
}

static void test_vulnerabilities(void)
{
	json_t *many = json_array();

	for (guint i = 0; i < SUTURE_MANIFEST_MAX_VULNERABILITIES; i++) {
		g_autofree gchar *id = g_strdup_printf("CVE-2026-%04u", i);

		json_array_append_new(many, json_pack("{s:s, s:s}", "id", id, "status", "fixed"));
	}
	with("vulnerabilities", json_incref(many), NULL);
	json_array_append_new(many, json_pack("{s:s, s:s}", "id", "CVE-1", "status", "fixed"));
	with("vulnerabilities", many, "manifest-limit");
	with("vulnerabilities", json_array(), NULL);
	with_string("vulnerabilities.0.id", "CVE 1", "manifest-value");
	with_string("vulnerabilities.0.id", "", "manifest-value");
	with_string("vulnerabilities.0.id", "CVE-2026-0002", "manifest-value");
}

static void test_kernel(void)
{
	with_string("kernel.release", "", "manifest-value");
	with_string("kernel.release", "..", "manifest-value");
	with_string("kernel.release", "6.1/../../etc", "manifest-value");
	with_string("kernel.release", "5.14.0-362.8.1.el9_3.x86_64+rt", NULL);
	with_filled("kernel.release", 65, '6', "manifest-value");
	with_string("kernel.arch", "X86", "manifest-value");
	with_string("kernel.build_id", "", "manifest-value");
	with_string("kernel.build_id", "0123456789ABCDEF", "manifest-value");
	with_string("kernel.build_id", "0123456789abcde", "manifest-value");
	with_string("kernel.build_id", "0123456789abcdef0", "manifest-value");
	with_string("kernel.build_id", "0123456789abcdef", NULL);
	with_filled("kernel.build_id", 128, 'a', NULL);
	with_filled("kernel.build_id", 130, 'a', "manifest-value");
	with_string("kernel.vermagic", "", "manifest-value");
	with_filled("kernel.vermagic", 257, 'v', "manifest-value");
}

static void test_stack(void)
{
	json_t *many = json_array();

	for (guint i = 0; i < SUTURE_MANIFEST_MAX_STACK; i++) {
		g_autofree gchar *name = g_strdup_printf("patch%u", i);

		json_array_append_new(many, json_string(name));
	}
	with("stack.requires", json_incref(many), NULL);
	with("stack.supersedes", json_incref(many), NULL);
	with("stack.conflicts", json_incref(many), NULL);
	json_array_append_new(many, json_string("onemore"));
	with("stack.requires", json_incref(many), "manifest-limit");
	with("stack.supersedes", json_incref(many), "manifest-limit");
	with("stack.conflicts", many, "manifest-limit");
	with_string("stack.requires.0", "", "manifest-value");
	with_string("stack.requires.0", "a/b", "manifest-value");
	with_string("stack.requires.0", "A-1-1", "manifest-value");
	with_string("stack.requires.0", "cmdline-1.2-3.el9", NULL);
	with_string("stack.requires.1", "cmdline", "manifest-value");
}

static void test_stack_itself(void)
{
	with_string("stack.requires.0", "meminfo", "manifest-value");
	with_string("stack.supersedes.0", "meminfo-2-1", "manifest-value");
	with_string("stack.conflicts.0", "meminfo", "manifest-value");
}

static json_t *module_json(const gchar *file, guint functions)
{
	json_t *list = json_array();
	g_autofree gchar *sha256 = g_strnfill(64, 'a');
	g_autofree gchar *prefix = g_strdelimit(g_strdup(file), "-", '_');

	for (guint i = 0; i < functions; i++) {
		g_autofree gchar *name = g_strdup_printf("%s_%u", prefix, i);

		json_array_append_new(
			list, json_pack("{s:s, s:s, s:i}", "object", "vmlinux", "name", name, "sympos", 0));
	}
	return json_pack("{s:s, s:i, s:s, s:s, s:s, s:o, s:[]}", "file", file, "size", 1, "sha256", sha256,
			 "build_id", "", "srcversion", "", "functions", list, "patches");
}

static void test_modules(void)
{
	json_t *many = json_array();

	with("modules", json_array(), "manifest-value");
	for (guint i = 0; i < SUTURE_MANIFEST_MAX_MODULES; i++) {
		g_autofree gchar *file = g_strdup_printf("m%u.ko", i);

		json_array_append_new(many, module_json(file, 1));
	}
	with("modules", json_deep_copy(many), NULL);
	json_array_append_new(many, module_json("last.ko", 1));
	with("modules", many, "manifest-limit");
	/* one name in the kernel */
	with("modules.1", module_json("meminfo-2.ko", 1), "manifest-value");
	with("modules.1", module_json("meminfo_2.ko", 1), "manifest-value");
	with("modules.1", module_json("meminfo_3.ko", 1), NULL);
}

static void test_paths(void)
{
	static const gchar *const bad[] = {"/meminfo.ko", "a/b.ko",  "../a.ko",       "a..ko",       "..",
					   ".a.ko",       "meminfo", "meminfo.ko.xz", "/etc/passwd", ""};

	for (gsize i = 0; i < G_N_ELEMENTS(bad); i++)
		with_string("modules.0.file", bad[i], "manifest-path");
	with_string("modules.0.file", "mem info.ko", "manifest-value");
	with_string("modules.0.file", "m\xc3\xa9minfo.ko", "manifest-value");
	with_filled("modules.0.file", 4096, 'm', "manifest-path");
	with_string("sources.0.name", "../meminfo.c", "manifest-path");
	with_string("sources.0.name", "src/meminfo.c", "manifest-path");
	with_string("sources.0.name", ".hidden", "manifest-path");
	with_string("sources.0.name", "mem info.c", "manifest-value");
	with_string("sources.0.name", "", "manifest-value");
	with_string("sources.0.name", "Makefile", NULL);
}

static void test_module_values(void)
{
	with("modules.0.size", json_integer(SUTURE_MANIFEST_MAX_MODULE_BYTES), NULL);
	with("modules.0.size", json_integer(SUTURE_MANIFEST_MAX_MODULE_BYTES + 1), "manifest-limit");
	with("modules.0.size", json_integer(G_MAXINT64), "manifest-limit");
	with("modules.0.size", json_integer(0), "json-out-of-range");
	with("modules.0.size", json_integer(-1), "json-out-of-range");
	with_filled("modules.0.sha256", 63, 'a', "manifest-value");
	with_filled("modules.0.sha256", 65, 'a', "manifest-value");
	with_filled("modules.0.sha256", 64, 'A', "manifest-value");
	with_filled("modules.0.sha256", 64, 'g', "manifest-value");
	with_string("modules.0.build_id", "", NULL);
	with_string("modules.0.build_id", "abc", "manifest-value");
	with_string("modules.0.srcversion", "", NULL);
	with_string("modules.0.srcversion", "0F 4B", "manifest-value");
	with_filled("sources.0.sha256", 63, 'b', "manifest-value");
}

static void test_functions(void)
{
	with("modules.0.functions", json_array(), "manifest-value");
	with("modules.0.functions.0.sympos", json_integer(G_MAXINT64), NULL);
	with("modules.0.functions.0.sympos", json_integer(-1), "json-out-of-range");
	with_string("modules.0.functions.0.name", "a b", "manifest-value");
	with_string("modules.0.functions.0.name", "", "manifest-value");
	with_string("modules.0.functions.0.name", "../f", "manifest-value");
	with_filled("modules.0.functions.0.name", 511, 'f', NULL);
	with_filled("modules.0.functions.0.name", 512, 'f', "manifest-value");
	with_string("modules.0.functions.0.object", "", "manifest-value");
	with_string("modules.0.functions.0.object", "a/b", "manifest-value");
	with("modules.0", module_json("meminfo-2.ko", SUTURE_MANIFEST_MAX_FUNCTIONS), NULL);
	with("modules.0", module_json("meminfo-2.ko", SUTURE_MANIFEST_MAX_FUNCTIONS + 1), "manifest-limit");
	/* the limit is the manifest's, not each module's */
	with("modules.1", module_json("second.ko", SUTURE_MANIFEST_MAX_FUNCTIONS - 1), "manifest-limit");
}

static json_t *function_json(const gchar *object, const gchar *name, gint sympos)
{
	return json_pack("{s:s, s:s, s:i}", "object", object, "name", name, "sympos", sympos);
}

static void test_functions_once(void)
{
	json_t *second = module_json("second.ko", 1);

	with("modules.0.functions.2", function_json("vmlinux", "meminfo_proc_show", 1), "manifest-value");
	with("modules.0.functions.2", function_json("vmlinux", "meminfo_proc_show", 2), NULL);
	with("modules.0.functions.2", function_json("ext4", "meminfo_proc_show", 1), NULL);
	sample_set(second, "functions.0", function_json("vmlinux", "meminfo_proc_show", 1));
	with("modules.1", second, "manifest-value");
}

static void write_refused(const SutureManifest *manifest, const gchar *reason)
{
	g_autoptr(GError) error = NULL;

	g_assert_null(suture_manifest_write(manifest, &error));
	g_assert_nonnull(error);
	g_assert_cmpstr(suture_error_reason(error), ==, reason);
}

static json_t *build_json(const gchar *object, const gchar *build_id, const gchar *srcversion)
{
	return json_pack("{s:s, s:s, s:s}", "object", object, "build_id", build_id, "srcversion", srcversion);
}

static void test_patches(void)
{
	json_t *many = json_array();

	with("modules.0.patches.0", build_json("ext4", "0123456789abcdef", ""), NULL);
	with("modules.0.patches.0", build_json("ext4", "", "5A3C"), NULL);
	with("modules.0.patches.0", build_json("ext4", "", ""), "manifest-value");
	with("modules.0.patches.0", build_json("vmlinux", "", "5A3C"), "manifest-value");
	with("modules.0.patches.0", build_json("a/b", "", "5A3C"), "manifest-value");
	with("modules.0.patches.0", build_json("ext4", "0123456789ABCDEF", ""), "manifest-value");
	with("modules.0.patches.0", build_json("ext4", "", "5A 3C"), "manifest-value");
	with("modules.0.patches.1", build_json("ext5", "", "5A3C"), NULL);
	with("modules.0.patches.1", build_json("ext4", "", "5A3C"), "manifest-value");
	with("modules.0.patches.1", build_json("ext3", "", "5A3C"), "manifest-value");
	for (guint i = 0; i <= SUTURE_MANIFEST_MAX_PATCHES; i++) {
		g_autofree gchar *object = g_strdup_printf("m%03u", i);

		json_array_append_new(many, build_json(object, "", "5A3C"));
	}
	with("modules.0.patches", json_deep_copy(many), "manifest-limit");
	json_array_remove(many, 0);
	with("modules.0.patches", many, NULL);
}

/* What was written before there was the member is read, and written, as it was. */
static void test_format_1(void)
{
	SUTURE_AUTO_JSON *json = sample_load(SAMPLE);
	json_t *module = json_array_get(json_object_get(json, "modules"), 0);
	g_autoptr(SutureManifest) manifest = NULL;
	g_autoptr(GBytes) bytes = NULL, written = NULL;
	g_autoptr(GError) error = NULL;

	sample_set(json, "format", json_integer(1));
	sample_assert_refused(json, parse, "json-unknown-key");
	json_object_del(module, "patches");
	bytes = suture_json_pretty(json);
	manifest = suture_manifest_parse(bytes, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(((const SutureModule *)manifest->modules->pdata[0])->patches->len, ==, 0);
	written = suture_manifest_write(manifest, &error);
	g_assert_no_error(error);
	g_assert_true(g_bytes_equal(bytes, written));
}

static void test_settle_patches(void)
{
	g_autoptr(SutureManifest) manifest = sample();
	SutureModule *module = manifest->modules->pdata[0];
	g_autoptr(GBytes) written = NULL;
	g_autoptr(GError) error = NULL;

	manifest->format = SUTURE_MANIFEST_FORMAT;
	write_refused(manifest, "manifest-value");
	g_ptr_array_add(module->patches, suture_patched_build_new("btrfs", "", "5A3C"));
	suture_manifest_settle_patches(manifest);
	g_assert_cmpint(manifest->format, ==, SUTURE_MANIFEST_FORMAT_PATCHES);
	g_assert_cmpstr(((const SuturePatchedBuild *)module->patches->pdata[0])->object, ==, "btrfs");
	written = suture_manifest_write(manifest, &error);
	g_assert_no_error(error);
	g_ptr_array_set_size(module->patches, 0);
	manifest->format = SUTURE_MANIFEST_FORMAT;
	suture_manifest_settle_patches(manifest);
	g_assert_cmpint(manifest->format, ==, SUTURE_MANIFEST_FORMAT);
}

static void test_sources(void)
{
	json_t *many = json_array();
	g_autofree gchar *sha256 = g_strnfill(64, 'a');

	for (guint i = 0; i <= SUTURE_MANIFEST_MAX_SOURCES; i++) {
		g_autofree gchar *name = g_strdup_printf("s%u.c", i);

		json_array_append_new(many, json_pack("{s:s, s:s}", "name", name, "sha256", sha256));
	}
	with("sources", json_deep_copy(many), "manifest-limit");
	json_array_remove(many, 0);
	with("sources", many, NULL);
	with("sources", json_array(), NULL);
	with("sources.1", json_pack("{s:s, s:s}", "name", "meminfo.c", "sha256", sha256), "manifest-value");
}

static void test_write_empty(void)
{
	g_autoptr(SutureManifest) manifest = suture_manifest_new();

	write_refused(manifest, "manifest-value");
}

static void test_write_impossible(void)
{
	g_autoptr(SutureManifest) manifest = sample();
	SutureModule *module = manifest->modules->pdata[0];
	SutureFunction *function = module->functions->pdata[0];

	function->sympos = (guint64)G_MAXINT64 + 1;
	write_refused(manifest, "manifest-value");
	function->sympos = 0;
	module->size = 0;
	write_refused(manifest, "manifest-value");
	module->size = SUTURE_MANIFEST_MAX_MODULE_BYTES + 1;
	write_refused(manifest, "manifest-limit");
	module->size = 1;
	manifest->patch.severity = (SutureSeverity)99;
	write_refused(manifest, "manifest-value");
	manifest->patch.severity = SUTURE_SEVERITY_LOW;
	manifest->format = 3;
	write_refused(manifest, "manifest-format");
	manifest->format = 2;
	g_free(manifest->summary);
	manifest->summary = g_strdup("\xff");
	write_refused(manifest, "manifest-value");
	g_free(module->file);
	module->file = g_strdup("../x.ko");
	write_refused(manifest, "manifest-value");
}

/* Each part within its limit, all of them together not. */
static void test_write_large(void)
{
	g_autoptr(SutureManifest) manifest = sample();
	SutureModule *module = manifest->modules->pdata[0];
	g_autofree gchar *name = g_strnfill(500, 'f');

	for (guint i = 0; i < SUTURE_MANIFEST_MAX_FUNCTIONS - 2; i++)
		g_ptr_array_add(module->functions, suture_function_new("vmlinux", name, i));
	write_refused(manifest, "json-too-large");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/spec/manifest/every-member-is-needed-and-typed", test_members);
	g_test_add_func("/spec/manifest/is-strict-json", test_strict);
	g_test_add_func("/spec/manifest/parses-content", test_content);
	g_test_add_func("/spec/manifest/writes-what-it-parsed", test_round_trip);
	g_test_add_func("/spec/manifest/refuses-unknown-format", test_format);
	g_test_add_func("/spec/manifest/refuses-bad-names", test_names);
	g_test_add_func("/spec/manifest/refuses-bad-text", test_text);
	g_test_add_func("/spec/manifest/refuses-bad-time", test_time);
	g_test_add_func("/spec/manifest/refuses-unknown-words", test_words);
	g_test_add_func("/spec/manifest/takes-the-framework-consistencies", test_framework);
	g_test_add_func("/spec/manifest/limits-vulnerabilities", test_vulnerabilities);
	g_test_add_func("/spec/manifest/refuses-bad-kernels", test_kernel);
	g_test_add_func("/spec/manifest/limits-stack-lists", test_stack);
	g_test_add_func("/spec/manifest/refuses-itself-in-the-stack", test_stack_itself);
	g_test_add_func("/spec/manifest/limits-modules", test_modules);
	g_test_add_func("/spec/manifest/refuses-paths", test_paths);
	g_test_add_func("/spec/manifest/refuses-bad-module-values", test_module_values);
	g_test_add_func("/spec/manifest/limits-functions", test_functions);
	g_test_add_func("/spec/manifest/refuses-functions-twice", test_functions_once);
	g_test_add_func("/spec/manifest/names-builds-of-patched-modules", test_patches);
	g_test_add_func("/spec/manifest/reads-format-1-without-them", test_format_1);
	g_test_add_func("/spec/manifest/settles-order-and-format", test_settle_patches);
	g_test_add_func("/spec/manifest/limits-sources", test_sources);
	g_test_add_func("/spec/manifest/writes-no-empty-manifest", test_write_empty);
	g_test_add_func("/spec/manifest/writes-nothing-it-would-refuse", test_write_impossible);
	g_test_add_func("/spec/manifest/writes-nothing-too-large", test_write_large);
	return g_test_run();
}
