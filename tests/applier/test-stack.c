// SPDX-License-Identifier: LGPL-2.1-or-later
#include "applier/revert.h"
#include "applier/stack.h"
#include "applier/status.h"
#include "tests/applier/fake-kernel.h"

#include <glib/gstdio.h>
#include <string.h>

static SutureLiveStack *read_stack(const FakeKernel *kernel)
{
	g_autoptr(SutureLivepatch) livepatch = fake_open(kernel);
	g_autoptr(GError) error = NULL;
	SutureLiveStack *stack = suture_live_stack_read(livepatch, kernel->root, FAKE_BOOT_ID, &error);

	g_assert_no_error(error);
	return stack;
}

/* Three of ours, lower to upper, whose kernel has them all. */
static void add_three(const FakeKernel *kernel)
{
	fake_patch(kernel, "lower", "vmlinux/f,1");
	fake_patch(kernel, "middle", "vmlinux/g,1");
	fake_patch(kernel, "upper", "vmlinux/h,1");
	fake_build_id(kernel, "lower", 1);
	fake_build_id(kernel, "middle", 2);
	fake_build_id(kernel, "upper", 3);
	fake_live_copy(kernel, "lower", 1, "CVE-2026-0001");
	fake_live_copy(kernel, "middle", 2, "CVE-2026-0002");
	fake_live_copy(kernel, "upper", 3, "CVE-2026-0001");
}

static const SutureStackEntry *entry_at(const SutureLiveStack *stack, guint i)
{
	return stack->entries->pdata[i];
}

static void test_join(FakeKernel *kernel, gconstpointer data)
{
	g_autoptr(SutureLiveStack) stack = NULL;

	(void)data;
	add_three(kernel);
	stack = read_stack(kernel);
	g_assert_cmpuint(stack->entries->len, ==, 3);
	g_assert_cmpstr(entry_at(stack, 0)->id, ==, "lower-1-1");
	g_assert_cmpstr(entry_at(stack, 2)->id, ==, "upper-1-1");
	g_assert_true(suture_stack_entry_is_live(entry_at(stack, 1)));
	g_assert_cmpstr(entry_at(stack, 1)->copy->receipt->origin, ==, "rpm");
}

static void test_foreign(FakeKernel *kernel, gconstpointer data)
{
	g_autoptr(SutureLiveStack) stack = NULL;

	(void)data;
	add_three(kernel);
	fake_patch(kernel, "theirs", "vmlinux/i,1");
	fake_build_id(kernel, "middle", 9); /* another module took the name */
	stack = read_stack(kernel);
	g_assert_cmpuint(stack->entries->len, ==, 4);
	g_assert_null(entry_at(stack, 1)->copy);
	g_assert_cmpstr(entry_at(stack, 1)->id, ==, "middle");
	g_assert_null(entry_at(stack, 3)->copy);
	g_assert_cmpstr(entry_at(stack, 3)->id, ==, "theirs");
	g_assert_null(suture_live_stack_find(stack, "middle-1-1"));
}

static void test_in_transition(FakeKernel *kernel, gconstpointer data)
{
	g_autoptr(SutureLiveStack) stack = NULL;

	(void)data;
	add_three(kernel);
	fake_write(kernel, "sys/kernel/livepatch/upper/transition", "1\n");
	stack = read_stack(kernel);
	g_assert_false(suture_stack_entry_is_live(entry_at(stack, 2)));
	g_assert_true(entry_at(stack, 2)->transition);
}

static void test_stale(FakeKernel *kernel, gconstpointer data)
{
	g_autoptr(SutureLiveStack) stack = NULL;

	(void)data;
	fake_patch(kernel, "lower", "vmlinux/f,1");
	fake_live_copy(kernel, "crashed", 5, "CVE-2026-0003");
	fake_live_copy(kernel, "lower", 1, "CVE-2026-0001");
	stack = read_stack(kernel);
	g_assert_cmpuint(stack->copies->len, ==, 2);
	g_assert_true(suture_live_copy_is_stale(stack, stack->copies->pdata[0]));
	g_assert_false(suture_live_copy_is_stale(stack, stack->copies->pdata[1]));
}

static void test_prune(FakeKernel *kernel, gconstpointer data)
{
	g_autofree gchar *other = g_build_filename(kernel->root, "var/lib/suture/live/other-boot", NULL);
	g_autoptr(SutureLiveStack) stack = NULL;
	g_autoptr(GError) error = NULL;

	(void)data;
	fake_live_copy(kernel, "lower", 1, "CVE-2026-0001");
	fake_write(kernel, "var/lib/suture/live/other-boot/x-1-1/manifest.json", "{}");
	g_assert_true(suture_live_prune(kernel->root, FAKE_BOOT_ID, &error));
	g_assert_no_error(error);
	g_assert_false(g_file_test(other, G_FILE_TEST_EXISTS));
	stack = read_stack(kernel);
	g_assert_cmpuint(stack->copies->len, ==, 1);
}

/* What a crash in the middle of a removal left before removals were atomic. */
static void break_copy(const FakeKernel *kernel, const gchar *id)
{
	g_autofree gchar *path = g_build_filename(kernel->root, "var/lib/suture/live", FAKE_BOOT_ID, id,
						  "manifest.json", NULL);

	g_assert_cmpint(g_unlink(path), ==, 0);
}

static void test_unreadable_leftover(FakeKernel *kernel, gconstpointer data)
{
	g_autoptr(SutureLiveStack) stack = NULL;

	(void)data;
	add_three(kernel);
	fake_live_copy(kernel, "x", 4, "CVE-2026-0009");
	break_copy(kernel, "x-1-1");
	stack = read_stack(kernel);
	g_assert_cmpuint(stack->entries->len, ==, 3);
	g_assert_cmpuint(stack->faults->len, ==, 1);
	g_assert_false(suture_live_stack_has_faults(stack));
}

static void test_unreadable_live(FakeKernel *kernel, gconstpointer data)
{
	const gchar *const wanted[] = {"upper", NULL};
	g_autoptr(SutureLiveStack) stack = NULL;
	g_autoptr(SutureRevertPlan) plan = NULL;
	g_autoptr(SutureStatus) status = NULL;
	g_autoptr(GError) error = NULL;
	const SutureStoredFault *fault;

	(void)data;
	add_three(kernel);
	break_copy(kernel, "upper-1-1");
	status = suture_status_read(kernel->root, FAKE_BOOT_ID, "6.1.0-1-test", 60, 0, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(status->faults->len, ==, 1);
	fault = status->faults->pdata[0];
	g_assert_true(g_str_has_suffix(fault->path, "/upper-1-1"));
	g_assert_error(fault->error, SUTURE_APPLY_ERROR, SUTURE_APPLY_ERROR_LIVE_COPY);
	stack = read_stack(kernel);
	plan = suture_revert_plan_new(stack, wanted, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(plan->entries->len, ==, 1);
}

/* A foreign patch is not ours to revert, even by its name. */
static void test_plan_foreign(FakeKernel *kernel, gconstpointer data)
{
	const gchar *const wanted[] = {"theirs", NULL};
	g_autoptr(SutureLiveStack) stack = NULL;
	g_autoptr(GError) error = NULL;

	(void)data;
	add_three(kernel);
	fake_patch(kernel, "theirs", "vmlinux/i,1");
	stack = read_stack(kernel);
	g_assert_null(suture_revert_plan_new(stack, wanted, &error));
	g_assert_error(error, SUTURE_APPLY_ERROR, SUTURE_APPLY_ERROR_NOT_LIVE);
}

static void test_dropped(FakeKernel *kernel, gconstpointer data)
{
	g_autoptr(SutureLiveStack) stack = NULL;
	g_autoptr(GError) error = NULL;

	(void)data;
	add_three(kernel);
	g_assert_true(suture_live_drop(kernel->root, FAKE_BOOT_ID, "upper-1-1", &error));
	g_assert_true(suture_live_drop(kernel->root, FAKE_BOOT_ID, "upper-1-1", &error));
	g_assert_no_error(error);
	stack = read_stack(kernel);
	g_assert_cmpuint(stack->copies->len, ==, 2);
	g_assert_cmpuint(stack->faults->len, ==, 0);
}

static void test_plan_all(FakeKernel *kernel, gconstpointer data)
{
	g_autoptr(SutureLiveStack) stack = NULL;
	g_autoptr(SutureRevertPlan) plan = NULL;
	g_autoptr(GError) error = NULL;

	(void)data;
	add_three(kernel);
	stack = read_stack(kernel);
	plan = suture_revert_plan_new(stack, NULL, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(plan->entries->len, ==, 3);
	g_assert_true(plan->entries->pdata[0] == entry_at(stack, 2));
	g_assert_cmpuint(plan->reopened->len, ==, 2);
	g_assert_cmpstr(plan->reopened->pdata[0], ==, "CVE-2026-0001");
}

static void test_plan_top(FakeKernel *kernel, gconstpointer data)
{
	const gchar *const wanted[] = {"upper", NULL};
	g_autoptr(SutureLiveStack) stack = NULL;
	g_autoptr(SutureRevertPlan) plan = NULL;
	g_autoptr(GError) error = NULL;

	(void)data;
	add_three(kernel);
	stack = read_stack(kernel);
	plan = suture_revert_plan_new(stack, wanted, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(plan->entries->len, ==, 1);
	/* lower fixes it too */
	g_assert_cmpuint(plan->reopened->len, ==, 0);
}

static void test_plan_below(FakeKernel *kernel, gconstpointer data)
{
	const gchar *const wanted[] = {"lower-1-1", "upper", NULL};
	g_autoptr(SutureLiveStack) stack = NULL;
	g_autoptr(GError) error = NULL;

	(void)data;
	add_three(kernel);
	stack = read_stack(kernel);
	g_assert_null(suture_revert_plan_new(stack, wanted, &error));
	g_assert_error(error, SUTURE_APPLY_ERROR, SUTURE_APPLY_ERROR_STACK_NOT_TOP);
	g_assert_nonnull(strstr(error->message, "middle-1-1"));
	g_assert_null(strstr(error->message, "upper"));
}

static void test_plan_unknown(FakeKernel *kernel, gconstpointer data)
{
	const gchar *const wanted[] = {"upper-2-1", NULL};
	g_autoptr(SutureLiveStack) stack = NULL;
	g_autoptr(GError) error = NULL;

	(void)data;
	add_three(kernel);
	stack = read_stack(kernel);
	g_assert_null(suture_revert_plan_new(stack, wanted, &error));
	g_assert_error(error, SUTURE_APPLY_ERROR, SUTURE_APPLY_ERROR_NOT_LIVE);
}

static void test_plan_replaced(FakeKernel *kernel, gconstpointer data)
{
	g_autoptr(SutureLiveStack) stack = NULL;
	g_autoptr(SutureRevertPlan) plan = NULL;
	g_autoptr(GError) error = NULL;

	(void)data;
	fake_patch(kernel, "cumulative", "vmlinux/f,1");
	fake_live_copy(kernel, "cumulative", 1, "CVE-2026-0001");
	fake_live_copy(kernel, "before", 2, "CVE-2026-0002");
	g_assert_true(
		suture_live_set_replaced(kernel->root, FAKE_BOOT_ID, "before-1-1", "cumulative-1-1", &error));
	g_assert_no_error(error);
	stack = read_stack(kernel);
	g_assert_cmpuint(stack->entries->len, ==, 1);
	plan = suture_revert_plan_new(stack, NULL, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(plan->not_restored->len, ==, 1);
	g_assert_cmpstr(plan->not_restored->pdata[0], ==, "before-1-1");
	g_assert_cmpuint(plan->reopened->len, ==, 1);
}

/* Two stacks are told apart by what sysfs shows, and both are shown. */
static void test_status_of_two_stacks(FakeKernel *kernel, gconstpointer data)
{
	g_autoptr(SutureStatus) status = NULL;
	g_autoptr(GError) error = NULL;
	const SutureStatusRow *top, *bottom;

	(void)data;
	fake_patch(kernel, "native", "vmlinux/f,1");
	fake_framework_patch(kernel, "framework", "vmlinux/g,1", 1);
	fake_module(kernel, "pinned", "OEK\n");
	status = suture_status_read(kernel->root, FAKE_BOOT_ID, "6.1.0-1-test", 60, 0, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(status->rows->len, ==, 2);
	top = status->rows->pdata[0];
	bottom = status->rows->pdata[1];
	g_assert_cmpstr(top->id, ==, "framework");
	g_assert_cmpint(suture_stack_entry_provider(top->entry), ==, SUTURE_PROVIDER_FRAMEWORK);
	g_assert_cmpstr(bottom->id, ==, "native");
	g_assert_cmpint(suture_stack_entry_provider(bottom->entry), ==, SUTURE_PROVIDER_KERNEL);
	g_assert_cmpuint(status->pinned->len, ==, 1);
	g_assert_cmpstr(status->pinned->pdata[0], ==, "pinned");
}

/* What somebody else has in the other stack is in nobody's way; what is ours there may need what is below. */
static void test_plan_of_two_stacks(FakeKernel *kernel, gconstpointer data)
{
	const gchar *const wanted[] = {"lower", NULL};
	g_autoptr(SutureLiveStack) stack = NULL;
	g_autoptr(SutureLiveStack) higher = NULL;
	g_autoptr(SutureRevertPlan) plan = NULL;
	g_autoptr(GError) error = NULL;

	(void)data;
	fake_live_copy(kernel, "lower", 1, "CVE-1");
	fake_framework_patch(kernel, "lower", "vmlinux/a_function,1", 1);
	fake_patch(kernel, "theirs", "vmlinux/g,1");
	stack = read_stack(kernel);
	plan = suture_revert_plan_new(stack, wanted, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(plan->entries->len, ==, 1);
	fake_live_copy(kernel, "upper", 2, "CVE-2");
	fake_patch(kernel, "upper", "vmlinux/h,1");
	higher = read_stack(kernel);
	g_assert_null(suture_revert_plan_new(higher, wanted, &error));
	g_assert_error(error, SUTURE_APPLY_ERROR, SUTURE_APPLY_ERROR_STACK_NOT_TOP);
	g_assert_nonnull(strstr(error->message, "upper-1-1"));
	g_assert_null(strstr(error->message, "theirs"));
}

static void test_status_without_provider(FakeKernel *kernel, gconstpointer data)
{
	g_autofree gchar *livepatch = g_build_filename(kernel->root, "sys/kernel/livepatch", NULL);
	g_autoptr(SutureStatus) status = NULL;
	g_autoptr(GError) error = NULL;

	(void)data;
	g_assert_cmpint(g_rmdir(livepatch), ==, 0);
	status = suture_status_read(kernel->root, FAKE_BOOT_ID, "6.1.0-1-test", 60, 0, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(status->stack->entries->len, ==, 0);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	FAKE_TEST("/applier/stack/joined-in-order", test_join);
	FAKE_TEST("/applier/stack/others-are-foreign", test_foreign);
	FAKE_TEST("/applier/stack/in-transition-is-not-live", test_in_transition);
	FAKE_TEST("/applier/stack/copy-without-patch-is-stale", test_stale);
	FAKE_TEST("/applier/live/other-boots-pruned", test_prune);
	FAKE_TEST("/applier/live/unreadable-leftover-passed-over", test_unreadable_leftover);
	FAKE_TEST("/applier/live/unreadable-copy-of-live-patch-is-a-fault", test_unreadable_live);
	FAKE_TEST("/applier/live/dropped-whole", test_dropped);
	FAKE_TEST("/applier/revert/foreign-refused", test_plan_foreign);
	FAKE_TEST("/applier/revert/all-top-down", test_plan_all);
	FAKE_TEST("/applier/revert/still-fixed-is-not-reopened", test_plan_top);
	FAKE_TEST("/applier/revert/below-others-refused", test_plan_below);
	FAKE_TEST("/applier/revert/not-live-refused", test_plan_unknown);
	FAKE_TEST("/applier/revert/replaced-do-not-come-back", test_plan_replaced);
	FAKE_TEST("/applier/revert/other-stack-of-somebody-is-in-nobodys-way", test_plan_of_two_stacks);
	FAKE_TEST("/applier/status/two-stacks", test_status_of_two_stacks);
	FAKE_TEST("/applier/status/no-provider-is-no-error", test_status_without_provider);
	return g_test_run();
}
