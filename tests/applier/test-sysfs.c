// SPDX-License-Identifier: LGPL-2.1-or-later
#include "applier/functions.h"
#include "tests/applier/fake-kernel.h"

#include <glib/gstdio.h>

/* "a b c": names in the order of the list. */
static gchar *names_of(const FakeKernel *kernel)
{
	g_autoptr(SutureLivepatch) livepatch = fake_open(kernel);
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) patches = suture_livepatch_list(livepatch, &error);
	g_autoptr(GString) names = g_string_new(NULL);

	g_assert_no_error(error);
	for (guint i = 0; i < patches->len; i++)
		g_string_append_printf(names, "%s%s", i > 0 ? " " : "",
				       ((const SutureSysfsPatch *)patches->pdata[i])->name);
	return g_string_free(g_steal_pointer(&names), FALSE);
}

static void test_order_from_modules(FakeKernel *kernel, gconstpointer data)
{
	g_autofree gchar *names = NULL;

	(void)data;
	fake_patch(kernel, "zeta", "vmlinux/f,1");
	fake_patch(kernel, "alpha", "vmlinux/g,1");
	fake_patch(kernel, "mid", "vmlinux/h,1");
	names = names_of(kernel);
	g_assert_cmpstr(names, ==, "zeta alpha mid");
}

static void test_order_from_stack_order(FakeKernel *kernel, gconstpointer data)
{
	g_autofree gchar *names = NULL;

	(void)data;
	fake_patch(kernel, "zeta", "vmlinux/f,1");
	fake_patch(kernel, "alpha", "vmlinux/g,1");
	fake_write(kernel, "sys/kernel/livepatch/zeta/stack_order", "2\n");
	fake_write(kernel, "sys/kernel/livepatch/alpha/stack_order", "1\n");
	names = names_of(kernel);
	g_assert_cmpstr(names, ==, "alpha zeta");
}

static void test_attributes(FakeKernel *kernel, gconstpointer data)
{
	g_autoptr(SutureLivepatch) livepatch = fake_open(kernel);
	g_autoptr(SutureSysfsPatch) patch = NULL;
	g_autoptr(GError) error = NULL;
	const SutureSysfsObject *object;

	(void)data;
	fake_patch(kernel, "one", "ext4/some_function,2");
	fake_write(kernel, "sys/kernel/livepatch/one/transition", "1\n");
	fake_write(kernel, "sys/kernel/livepatch/one/replace", "1\n");
	g_assert_true(suture_livepatch_read(livepatch, "one", &patch, &error));
	g_assert_no_error(error);
	g_assert_true(patch->enabled);
	g_assert_true(patch->transition);
	g_assert_cmpint(patch->replace, ==, SUTURE_TRISTATE_YES);
	g_assert_cmpint(patch->stack_order, ==, 0);
	g_assert_cmpuint(patch->objects->len, ==, 1);
	object = patch->objects->pdata[0];
	g_assert_cmpstr(object->name, ==, "ext4");
	g_assert_cmpint(object->patched, ==, SUTURE_TRISTATE_UNKNOWN);
	g_assert_cmpuint(object->functions->len, ==, 1);
	g_assert_cmpstr(object->functions->pdata[0], ==, "some_function,2");
}

static void test_absent_patch(FakeKernel *kernel, gconstpointer data)
{
	g_autoptr(SutureLivepatch) livepatch = fake_open(kernel);
	g_autoptr(SutureSysfsPatch) patch = NULL;
	g_autoptr(GError) error = NULL;

	(void)data;
	g_assert_true(suture_livepatch_read(livepatch, "nothing", &patch, &error));
	g_assert_no_error(error);
	g_assert_null(patch);
	/* Writing to what has vanished is the end of a reversal, not a failure. */
	g_assert_true(suture_livepatch_set_enabled(livepatch, "nothing", FALSE, &error));
	g_assert_no_error(error);
}

static void test_malformed_attribute(FakeKernel *kernel, gconstpointer data)
{
	g_autoptr(SutureLivepatch) livepatch = fake_open(kernel);
	g_autoptr(SutureSysfsPatch) patch = NULL;
	g_autoptr(GError) error = NULL;

	(void)data;
	fake_patch(kernel, "one", "vmlinux/f,1");
	fake_write(kernel, "sys/kernel/livepatch/one/enabled", "maybe\n");
	g_assert_false(suture_livepatch_read(livepatch, "one", &patch, &error));
	g_assert_error(error, SUTURE_APPLY_ERROR, SUTURE_APPLY_ERROR_SYSFS);
}

static void test_providers(FakeKernel *kernel, gconstpointer data)
{
	g_autofree gchar *native = g_build_filename(kernel->root, "sys/kernel/livepatch", NULL);
	g_autofree gchar *framework = g_build_filename(kernel->root, "sys/kernel/suture", NULL);
	g_autoptr(SutureLivepatch) first = fake_open(kernel);
	g_autoptr(SutureLivepatch) second = NULL;
	g_autoptr(GError) error = NULL;

	(void)data;
	g_assert_true(suture_livepatch_has(first, SUTURE_PROVIDER_KERNEL));
	g_assert_false(suture_livepatch_has(first, SUTURE_PROVIDER_FRAMEWORK));
	g_assert_cmpint(g_rmdir(native), ==, 0);
	second = fake_open(kernel);
	g_assert_false(suture_livepatch_has_any(second, &error));
	g_assert_error(error, SUTURE_APPLY_ERROR, SUTURE_APPLY_ERROR_PROVIDER);
	g_clear_error(&error);
	g_assert_cmpint(g_mkdir(framework, 0755), ==, 0);
	suture_livepatch_look_again(second);
	g_assert_true(suture_livepatch_has_any(second, &error));
	g_assert_no_error(error);
	g_assert_true(suture_livepatch_has(second, SUTURE_PROVIDER_FRAMEWORK));
	g_assert_false(suture_livepatch_has(second, SUTURE_PROVIDER_KERNEL));
	suture_livepatch_look_again(first);
	g_assert_true(suture_livepatch_has(first, SUTURE_PROVIDER_KERNEL));
	g_assert_true(suture_livepatch_has(first, SUTURE_PROVIDER_FRAMEWORK));
}

/* As the framework has it on a kernel without livepatch. */
static void test_link_to_the_framework(FakeKernel *kernel, gconstpointer data)
{
	g_autofree gchar *native = g_build_filename(kernel->root, "sys/kernel/livepatch", NULL);
	g_autoptr(SutureLivepatch) livepatch = NULL;
	g_autofree gchar *names = NULL;

	(void)data;
	fake_framework_patch(kernel, "one", "vmlinux/f,1", 1);
	g_assert_cmpint(g_rmdir(native), ==, 0);
	g_assert_cmpint(symlink("suture", native), ==, 0);
	livepatch = fake_open(kernel);
	g_assert_false(suture_livepatch_has(livepatch, SUTURE_PROVIDER_KERNEL));
	names = names_of(kernel);
	g_assert_cmpstr(names, ==, "one");
}

static void test_order_of_two_stacks(FakeKernel *kernel, gconstpointer data)
{
	g_autofree gchar *mixed = NULL;

	(void)data;
	fake_framework_patch(kernel, "zeta", "vmlinux/f,1", 1);
	fake_patch(kernel, "mid", "vmlinux/g,1");
	fake_write(kernel, "sys/kernel/livepatch/mid/stack_order", "1\n");
	fake_framework_patch(kernel, "alpha", "vmlinux/h,1", 2);
	mixed = names_of(kernel);
	g_assert_cmpstr(mixed, ==, "zeta mid alpha");
}

static void test_patch_of_either_provider(FakeKernel *kernel, gconstpointer data)
{
	g_autofree gchar *path = g_build_filename(kernel->root, "sys/kernel/suture/ours/enabled", NULL);
	g_autoptr(SutureLivepatch) livepatch = NULL;
	g_autoptr(SutureSysfsPatch) ours = NULL;
	g_autoptr(SutureSysfsPatch) native = NULL;
	g_autofree gchar *text = NULL;
	g_autoptr(GError) error = NULL;

	(void)data;
	fake_patch(kernel, "theirs", "vmlinux/f,1");
	fake_framework_patch(kernel, "ours", "vmlinux/g,1", 7);
	livepatch = fake_open(kernel);
	g_assert_true(suture_livepatch_read(livepatch, "ours", &ours, &error));
	g_assert_true(suture_livepatch_read(livepatch, "theirs", &native, &error));
	g_assert_no_error(error);
	g_assert_cmpint(ours->provider, ==, SUTURE_PROVIDER_FRAMEWORK);
	g_assert_cmpint(ours->stack_order, ==, 7);
	g_assert_cmpint(native->provider, ==, SUTURE_PROVIDER_KERNEL);
	g_assert_true(suture_livepatch_set_enabled(livepatch, "ours", FALSE, &error));
	g_assert_no_error(error);
	g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
	g_assert_cmpstr(text, ==, "0\n");
}

static void test_leftovers(FakeKernel *kernel, gconstpointer data)
{
	g_autoptr(SutureLivepatch) livepatch = NULL;
	g_autoptr(GPtrArray) names = NULL;

	(void)data;
	fake_patch(kernel, "live", "vmlinux/f,1");
	fake_framework_patch(kernel, "live_too", "vmlinux/g,1", 1);
	fake_module(kernel, "ext4", "\n");
	fake_module(kernel, "suture", "OE\n");
	fake_module(kernel, "pinned", "OEK\n");
	fake_module(kernel, "loading", "K\n");
	fake_write(kernel, "sys/module/loading/initstate", "coming\n");
	livepatch = fake_open(kernel);
	names = suture_livepatch_list_leftovers(livepatch);
	g_assert_cmpuint(names->len, ==, 1);
	g_assert_cmpstr(names->pdata[0], ==, "pinned");
}

static void test_not_sysfs(FakeKernel *kernel, gconstpointer data)
{
	g_autoptr(SutureLivepatch) livepatch = fake_open(kernel);
	g_autoptr(GError) error = NULL;

	(void)data;
	g_assert_false(suture_livepatch_check_real(livepatch, &error));
	g_assert_error(error, SUTURE_APPLY_ERROR, SUTURE_APPLY_ERROR_NOT_SYSFS);
}

static void test_build_id(FakeKernel *kernel, gconstpointer data)
{
	g_autoptr(SutureLivepatch) livepatch = fake_open(kernel);
	g_autofree gchar *build_id = NULL;

	(void)data;
	g_assert_null(suture_livepatch_module_build_id(livepatch, "one"));
	fake_build_id(kernel, "one", 0x5a);
	build_id = suture_livepatch_module_build_id(livepatch, "one");
	g_assert_cmpstr(build_id, ==, "5a5a5a5a5a5a5a5a");
}

/* What suture_functions_check() says of a patch that sysfs shows with @shown, and the manifest with @named.
 */
static GError *check_functions(const FakeKernel *kernel, const gchar *shown, const gchar *named,
			       guint64 sympos)
{
	g_autoptr(SutureLivepatch) livepatch = fake_open(kernel);
	g_autoptr(SutureModule) module = suture_module_new();
	GError *error = NULL;

	fake_patch(kernel, "my_patch", shown);
	module->file = g_strdup("my-patch.ko");
	g_ptr_array_add(module->functions, suture_function_new("vmlinux", named, sympos));
	g_assert_cmpint(suture_functions_check(livepatch, module, &error), ==, error == NULL);
	return error;
}

static void test_functions_agree(FakeKernel *kernel, gconstpointer data)
{
	g_autoptr(GError) unique = check_functions(kernel, "vmlinux/f,1", "f", 0);

	(void)data;
	g_assert_no_error(unique);
}

static void test_functions_other_name(FakeKernel *kernel, gconstpointer data)
{
	g_autoptr(GError) error = check_functions(kernel, "vmlinux/f,1", "g", 0);

	(void)data;
	g_assert_error(error, SUTURE_APPLY_ERROR, SUTURE_APPLY_ERROR_FUNCTIONS);
}

static void test_functions_other_position(FakeKernel *kernel, gconstpointer data)
{
	g_autoptr(GError) error = check_functions(kernel, "vmlinux/f,1", "f", 2);

	(void)data;
	g_assert_error(error, SUTURE_APPLY_ERROR, SUTURE_APPLY_ERROR_FUNCTIONS);
}

static void test_functions_not_patched(FakeKernel *kernel, gconstpointer data)
{
	g_autoptr(GError) error = NULL;

	(void)data;
	fake_write(kernel, "sys/kernel/livepatch/my_patch/vmlinux/patched", "0\n");
	error = check_functions(kernel, "vmlinux/f,1", "f", 0);
	g_assert_error(error, SUTURE_APPLY_ERROR, SUTURE_APPLY_ERROR_FUNCTIONS);
}

static void test_functions_absent_object(FakeKernel *kernel, gconstpointer data)
{
	g_autoptr(SutureLivepatch) livepatch = fake_open(kernel);
	g_autoptr(SutureModule) module = suture_module_new();
	g_autoptr(GError) error = NULL;

	(void)data;
	/* The object's module is not loaded: its functions wait for it. */
	fake_patch(kernel, "my_patch", "ext4/f,1");
	fake_write(kernel, "sys/kernel/livepatch/my_patch/ext4/patched", "0\n");
	module->file = g_strdup("my_patch.ko");
	g_ptr_array_add(module->functions, suture_function_new("ext4", "f", 0));
	g_assert_true(suture_functions_check(livepatch, module, &error));
	g_assert_no_error(error);
	fake_write(kernel, "sys/module/ext4/initstate", "live\n");
	g_assert_false(suture_functions_check(livepatch, module, &error));
	g_assert_error(error, SUTURE_APPLY_ERROR, SUTURE_APPLY_ERROR_FUNCTIONS);
}

static void test_functions_of_two_patches(FakeKernel *kernel, gconstpointer data)
{
	g_autoptr(SutureModule) module = suture_module_new();
	g_autoptr(SutureModule) other = suture_module_new();
	g_autoptr(SutureSysfsPatch) patch = NULL;
	g_autoptr(SutureLivepatch) livepatch = NULL;
	g_autofree gchar *in_patch = NULL;
	g_autofree gchar *in_module = NULL;
	g_autoptr(GError) error = NULL;

	(void)data;
	fake_patch(kernel, "one", "ext4/f,1");
	livepatch = fake_open(kernel);
	g_assert_true(suture_livepatch_read(livepatch, "one", &patch, &error));
	g_assert_no_error(error);
	g_ptr_array_add(module->functions, suture_function_new("vmlinux", "f", 0));
	g_ptr_array_add(module->functions, suture_function_new("ext4", "f", 2));
	g_ptr_array_add(other->functions, suture_function_new("ext4", "f", 1));
	g_assert_null(suture_functions_in_patch(module, patch));
	g_assert_null(suture_functions_in_module(module, other));
	/* 0 is the first one, as sysfs shows it. */
	g_ptr_array_add(module->functions, suture_function_new("ext4", "f", 0));
	in_patch = suture_functions_in_patch(module, patch);
	in_module = suture_functions_in_module(module, other);
	g_assert_cmpstr(in_patch, ==, "ext4/f,1");
	g_assert_cmpstr(in_module, ==, "ext4/f,1");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	FAKE_TEST("/applier/sysfs/order-is-that-of-loading", test_order_from_modules);
	FAKE_TEST("/applier/sysfs/stack-order-wins", test_order_from_stack_order);
	FAKE_TEST("/applier/sysfs/absent-attributes-are-unknown", test_attributes);
	FAKE_TEST("/applier/sysfs/absent-patch-is-no-error", test_absent_patch);
	FAKE_TEST("/applier/sysfs/malformed-attribute-refused", test_malformed_attribute);
	FAKE_TEST("/applier/sysfs/providers-by-folder", test_providers);
	FAKE_TEST("/applier/sysfs/link-is-no-provider", test_link_to_the_framework);
	FAKE_TEST("/applier/sysfs/two-stacks-in-order-of-loading", test_order_of_two_stacks);
	FAKE_TEST("/applier/sysfs/patch-of-either-provider", test_patch_of_either_provider);
	FAKE_TEST("/applier/sysfs/modules-without-patch", test_leftovers);
	FAKE_TEST("/applier/sysfs/other-root-is-not-acted-on", test_not_sysfs);
	FAKE_TEST("/applier/sysfs/module-build-id", test_build_id);
	FAKE_TEST("/applier/functions/same-accepted", test_functions_agree);
	FAKE_TEST("/applier/functions/other-name-refused", test_functions_other_name);
	FAKE_TEST("/applier/functions/other-position-refused", test_functions_other_position);
	FAKE_TEST("/applier/functions/unpatched-object-refused", test_functions_not_patched);
	FAKE_TEST("/applier/functions/absent-object-waits", test_functions_absent_object);
	FAKE_TEST("/applier/functions/common-to-two", test_functions_of_two_patches);
	return g_test_run();
}
