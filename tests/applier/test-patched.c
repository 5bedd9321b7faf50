// SPDX-License-Identifier: LGPL-2.1-or-later
#include "applier/patched.h"
#include "applier/status.h"
#include "tests/applier/fake-kernel.h"

#include <string.h>

#define RELEASE "6.1.0-1-test"
#define ID_1 "0101010101010101"
#define ID_2 "0202020202020202"

/* Files that are installed are judged in a real system: test_apply_vm.py. */

/* What is said of a patch for the module "target" with that build. */
static GError *check(const FakeKernel *kernel, const gchar *build_id, const gchar *srcversion)
{
	g_autoptr(SutureLivepatch) livepatch = fake_open(kernel);
	g_autoptr(SutureManifest) manifest = suture_manifest_new();
	SutureModule *module = suture_module_new();
	GError *error = NULL;

	g_ptr_array_add(module->patches, suture_patched_build_new("target", build_id, srcversion));
	g_ptr_array_add(manifest->modules, module);
	g_assert_cmpint(suture_patched_check(livepatch, kernel->root, RELEASE, manifest, "fix-1-1", &error),
			==, error == NULL);
	return error;
}

static void assert_fine(const FakeKernel *kernel, const gchar *build_id, const gchar *srcversion)
{
	g_autoptr(GError) error = check(kernel, build_id, srcversion);

	g_assert_no_error(error);
}

/* @words: what the refusal says. */
static void assert_other(const FakeKernel *kernel, const gchar *build_id, const gchar *srcversion,
			 const gchar *words)
{
	g_autoptr(GError) error = check(kernel, build_id, srcversion);

	g_assert_error(error, SUTURE_APPLY_ERROR, SUTURE_APPLY_ERROR_MODULE_BUILD);
	g_assert_true(g_str_has_prefix(error->message, "fix-1-1: is for the module target with "));
	g_assert_nonnull(strstr(error->message, words));
}

static void load(const FakeKernel *kernel, guint8 build_id, const gchar *srcversion)
{
	fake_module(kernel, "target", "\n");
	if (build_id)
		fake_build_id(kernel, "target", build_id);
	if (srcversion)
		fake_write(kernel, "sys/module/target/srcversion", srcversion);
}

static void test_absent(FakeKernel *kernel, gconstpointer data)
{
	(void)data;
	assert_fine(kernel, ID_1, "AAAA");
	/* a part of the kernel itself has parameters there, and no state */
	fake_write(kernel, "sys/module/target/parameters/debug", "0\n");
	assert_fine(kernel, ID_1, "AAAA");
}

static void test_same_build(FakeKernel *kernel, gconstpointer data)
{
	(void)data;
	load(kernel, 1, "AAAA\n");
	assert_fine(kernel, ID_1, "AAAA");
	assert_fine(kernel, ID_1, "");
	assert_fine(kernel, "", "AAAA");
}

static void test_another_build(FakeKernel *kernel, gconstpointer data)
{
	(void)data;
	load(kernel, 2, "BBBB\n");
	assert_other(kernel, ID_1, "AAAA", "build-id " ID_1 ", and the one that is loaded has " ID_2 ":");
	assert_other(kernel, ID_1, "", "build-id " ID_1);
	assert_other(kernel, "", "AAAA", "srcversion AAAA, and the one that is loaded has BBBB:");
}

/* Built again of the same source, with other options or another compiler. */
static void test_build_id_decides(FakeKernel *kernel, gconstpointer data)
{
	(void)data;
	load(kernel, 2, "AAAA\n");
	assert_other(kernel, ID_1, "AAAA", "build-id");
	assert_fine(kernel, ID_2, "BBBB");
}

static void test_srcversion_alone(FakeKernel *kernel, gconstpointer data)
{
	(void)data;
	load(kernel, 0, "AAAA\n");
	assert_fine(kernel, ID_1, "AAAA");
	assert_other(kernel, ID_1, "BBBB", "srcversion BBBB, and the one that is loaded has AAAA:");
	assert_other(kernel, ID_1, "", "build-id " ID_1 ", and the one that is loaded has none:");
}

static void test_nothing_to_compare(FakeKernel *kernel, gconstpointer data)
{
	(void)data;
	load(kernel, 0, NULL);
	assert_other(kernel, ID_1, "AAAA", "has none:");
}

/* Loaded later, over a patch that is live. */
static void test_status(FakeKernel *kernel, gconstpointer data)
{
	g_autoptr(SutureStatus) status = NULL;
	g_autoptr(GError) error = NULL;
	const SutureStoredFault *fault;

	(void)data;
	fake_patch(kernel, "fix", "target/f,1");
	fake_build_id(kernel, "fix", 7);
	fake_patching_copy(kernel, "fix", 7, "target", ID_1);
	status = suture_status_read(kernel->root, FAKE_BOOT_ID, RELEASE, 60, 0, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(status->stack->entries->len, ==, 1);
	suture_status_check_builds(status);
	g_assert_cmpuint(status->faults->len, ==, 0);
	load(kernel, 1, NULL);
	suture_status_check_builds(status);
	g_assert_cmpuint(status->faults->len, ==, 0);
	load(kernel, 2, NULL);
	suture_status_check_builds(status);
	g_assert_cmpuint(status->faults->len, ==, 1);
	fault = status->faults->pdata[0];
	g_assert_cmpstr(fault->path, ==, "/sys/module/target");
	g_assert_error(fault->error, SUTURE_APPLY_ERROR, SUTURE_APPLY_ERROR_MODULE_BUILD);
	g_assert_true(g_str_has_prefix(fault->error->message, "fix-1-1: "));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	FAKE_TEST("/applier/patched/absent", test_absent);
	FAKE_TEST("/applier/patched/same-build", test_same_build);
	FAKE_TEST("/applier/patched/another-build-loaded", test_another_build);
	FAKE_TEST("/applier/patched/build-id-decides", test_build_id_decides);
	FAKE_TEST("/applier/patched/srcversion-where-there-is-no-build-id", test_srcversion_alone);
	FAKE_TEST("/applier/patched/nothing-to-compare-is-another", test_nothing_to_compare);
	FAKE_TEST("/applier/patched/status-tells-of-one-loaded-later", test_status);
	return g_test_run();
}
