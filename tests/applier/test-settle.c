// SPDX-License-Identifier: LGPL-2.1-or-later
#include "applier/settle.h"
#include "tests/applier/fake-kernel.h"

#include <glib/gstdio.h>

/* "event bundle reason;" of each */
static gboolean note(const SutureEvent *event, gpointer data, GError **error)
{
	(void)error;
	g_string_append_printf(data, "%s %s %s;", event->event, event->bundle ? event->bundle : "-",
			       event->reason);
	return TRUE;
}

static gboolean settle(const FakeKernel *kernel, GString *events, GError **error)
{
	g_autoptr(SutureLivepatch) livepatch = fake_open(kernel);
	g_autoptr(SutureLiveStack) stack =
		suture_live_stack_read(livepatch, kernel->root, FAKE_BOOT_ID, NULL);
	const SutureApplyOptions options = {
		.root = kernel->root, .boot_id = FAKE_BOOT_ID, .sink = note, .sink_data = events};

	g_assert_nonnull(stack);
	return suture_settle(&options, livepatch, stack, error);
}

/* Twice: the second time there is nothing left to record. */
static void assert_settled(const FakeKernel *kernel, const gchar *expected)
{
	g_autoptr(GString) events = g_string_new(NULL);
	g_autoptr(GError) error = NULL;

	g_assert_true(settle(kernel, events, &error));
	g_assert_no_error(error);
	g_assert_cmpstr(events->str, ==, expected);
	g_assert_true(settle(kernel, events, &error));
	g_assert_cmpstr(events->str, ==, expected);
}

static void set_pending(const FakeKernel *kernel, const gchar *id, const gchar *action)
{
	g_autoptr(GError) error = NULL;

	g_assert_true(suture_live_set_pending(kernel->root, FAKE_BOOT_ID, id, action, &error));
	g_assert_no_error(error);
}

static void test_applied(FakeKernel *kernel, gconstpointer data)
{
	(void)data;
	fake_patch(kernel, "one", "vmlinux/a_function,1");
	fake_live_copy(kernel, "one", 1, "CVE-2026-0001");
	assert_settled(kernel, "apply one-1-1 ok;");
}

static void test_never_loaded(FakeKernel *kernel, gconstpointer data)
{
	(void)data;
	fake_live_copy(kernel, "one", 1, "CVE-2026-0001");
	assert_settled(kernel, "");
}

static void test_in_motion(FakeKernel *kernel, gconstpointer data)
{
	(void)data;
	fake_patch(kernel, "one", "vmlinux/a_function,1");
	fake_write(kernel, "sys/kernel/livepatch/one/transition", "1\n");
	fake_live_copy(kernel, "one", 1, "CVE-2026-0001");
	assert_settled(kernel, "");
	fake_write(kernel, "sys/kernel/livepatch/one/transition", "0\n");
	assert_settled(kernel, "apply one-1-1 ok;");
}

static void test_other_functions(FakeKernel *kernel, gconstpointer data)
{
	g_autoptr(GString) events = g_string_new(NULL);
	g_autoptr(GError) error = NULL;

	(void)data;
	fake_patch(kernel, "one", "vmlinux/another_function,1");
	fake_live_copy(kernel, "one", 1, "CVE-2026-0001");
	g_assert_false(settle(kernel, events, &error));
	g_assert_error(error, SUTURE_APPLY_ERROR, SUTURE_APPLY_ERROR_FUNCTIONS);
	g_assert_cmpstr(events->str, ==, "refuse one-1-1 functions-differ;");
}

static void test_reverted(FakeKernel *kernel, gconstpointer data)
{
	(void)data;
	fake_live_copy(kernel, "one", 1, "CVE-2026-0001");
	set_pending(kernel, "one-1-1", SUTURE_LIVE_REVERT);
	assert_settled(kernel, "revert one-1-1 ok;");
}

static void test_not_reverted(FakeKernel *kernel, gconstpointer data)
{
	(void)data;
	fake_patch(kernel, "one", "vmlinux/a_function,1");
	fake_live_copy(kernel, "one", 1, "CVE-2026-0001");
	set_pending(kernel, "one-1-1", SUTURE_LIVE_REVERT);
	assert_settled(kernel, "");
}

static void test_replaced(FakeKernel *kernel, gconstpointer data)
{
	(void)data;
	fake_live_copy(kernel, "one", 1, "CVE-2026-0001");
	set_pending(kernel, "one-1-1", NULL);
	fake_patch(kernel, "all", "vmlinux/a_function,1");
	fake_cumulative_copy(kernel, "all", 2, "CVE-2026-0001");
	assert_settled(kernel, "apply all-1-1 ok;revert one-1-1 replaced;");
}

static void assert_apply_refused(const FakeKernel *kernel, SutureApplyError code, const gchar *expected)
{
	const gchar *const order[] = {NULL};
	g_autoptr(GPtrArray) none = g_ptr_array_new();
	g_autoptr(GString) events = g_string_new(NULL);
	g_autoptr(GError) error = NULL;
	const SutureApplyOptions options = {
		.root = kernel->root, .boot_id = FAKE_BOOT_ID, .sink = note, .sink_data = events};

	g_assert_false(suture_apply(&options, none, order, none, &error));
	g_assert_error(error, SUTURE_APPLY_ERROR, (gint)code);
	g_assert_cmpstr(events->str, ==, expected);
}

static void test_host_refused(FakeKernel *kernel, gconstpointer data)
{
	g_autofree gchar *livepatch = g_build_filename(kernel->root, "sys/kernel/livepatch", NULL);

	(void)data;
	assert_apply_refused(kernel, SUTURE_APPLY_ERROR_NOT_SYSFS, "refuse - not-sysfs;");
	g_assert_cmpint(g_rmdir(livepatch), ==, 0);
	assert_apply_refused(kernel, SUTURE_APPLY_ERROR_PROVIDER, "refuse - provider-missing;");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	FAKE_TEST("/applier/settle/live-patch-gets-its-apply", test_applied);
	FAKE_TEST("/applier/settle/never-loaded-is-no-event", test_never_loaded);
	FAKE_TEST("/applier/settle/in-motion-waits", test_in_motion);
	FAKE_TEST("/applier/settle/other-functions-refused", test_other_functions);
	FAKE_TEST("/applier/settle/gone-patch-gets-its-revert", test_reverted);
	FAKE_TEST("/applier/settle/revert-that-never-began-is-no-event", test_not_reverted);
	FAKE_TEST("/applier/settle/replaced-is-a-revert", test_replaced);
	FAKE_TEST("/applier/settle/refusal-of-the-host-is-recorded", test_host_refused);
	return g_test_run();
}
