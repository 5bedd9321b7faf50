// SPDX-License-Identifier: LGPL-2.1-or-later
#include "applier/transition.h"
#include "tests/applier/fake-kernel.h"

static void add_task(const FakeKernel *kernel, const gchar *task, const gchar *state, const gchar *comm)
{
	g_autofree gchar *state_path = g_strdup_printf("proc/%s/patch_state", task);
	g_autofree gchar *comm_path = g_strdup_printf("proc/%s/comm", task);

	fake_write(kernel, state_path, state);
	fake_write(kernel, comm_path, comm);
}

static void test_blockers(FakeKernel *kernel, gconstpointer data)
{
	g_autoptr(SutureLivepatch) livepatch = fake_open(kernel);
	g_autoptr(GPtrArray) enabling = NULL;
	g_autoptr(GPtrArray) disabling = NULL;
	g_autofree gchar *text = NULL;

	(void)data;
	add_task(kernel, "200/task/201", "0\n", "reader\n");
	add_task(kernel, "200/task/200", "1\n", "main\n");
	add_task(kernel, "30/task/30", "-1\n", "idle\n");
	add_task(kernel, "9/task/9", "0\n", "early\n");
	fake_write(kernel, "proc/200/task/201/stack",
		   "[<0>] stall_wait+0x6b/0xa0 [stall]\n[<0>] vfs_read+0x10/0x20\n");
	enabling = suture_transition_blockers(livepatch, "one", TRUE);
	text = suture_transition_describe(enabling);
	g_assert_cmpstr(
		text, ==,
		"2 tasks: early[9], reader[201] in stall_wait+0x6b/0xa0 [stall] < vfs_read+0x10/0x20");
	disabling = suture_transition_blockers(livepatch, "one", FALSE);
	g_assert_cmpuint(disabling->len, ==, 1);
	g_assert_cmpstr(((const SutureBlockingTask *)disabling->pdata[0])->comm, ==, "main");
}

static void test_many_blockers(FakeKernel *kernel, gconstpointer data)
{
	g_autoptr(SutureLivepatch) livepatch = fake_open(kernel);
	g_autoptr(GPtrArray) blockers = NULL;
	g_autofree gchar *text = NULL;

	(void)data;
	for (guint i = 1; i <= 7; i++) {
		g_autofree gchar *task = g_strdup_printf("%u/task/%u", i, i);

		add_task(kernel, task, "0\n", "t\n");
	}
	blockers = suture_transition_blockers(livepatch, "one", TRUE);
	text = suture_transition_describe(blockers);
	g_assert_cmpstr(text, ==, "7 tasks: t[1], t[2], t[3], t[4], t[5] and 2 more");
}

/* The framework says itself who it is and where, whatever /proc says of the kernel's own transitions. */
static void test_framework_blockers(FakeKernel *kernel, gconstpointer data)
{
	g_autoptr(SutureLivepatch) livepatch = NULL;
	g_autoptr(GPtrArray) blockers = NULL;
	g_autofree gchar *text = NULL;
	const SutureBlockingTask *task;

	(void)data;
	fake_framework_patch(kernel, "one", "vmlinux/f,1", 1);
	add_task(kernel, "9/task/9", "0\n", "not this one\n");
	fake_write(kernel, "proc/200/task/201/stack", "[<0>] f+0x6b/0xa0\n[<0>] vfs_read+0x10/0x20\n");
	fake_write(kernel, "sys/kernel/suture/one/blockers",
		   "200 201 f a b  c\n31 31 - kworker/0:1\nnonsense\n1 x f c\n\n-1 2 f c\n5 6 f\n");
	livepatch = fake_open(kernel);
	blockers = suture_transition_blockers(livepatch, "one", TRUE);
	g_assert_cmpuint(blockers->len, ==, 2);
	task = blockers->pdata[1];
	g_assert_cmpuint(task->pid, ==, 200);
	g_assert_cmpuint(task->tid, ==, 201);
	g_assert_cmpstr(task->comm, ==, "a b  c");
	g_assert_cmpstr(task->function, ==, "f");
	text = suture_transition_describe(blockers);
	g_assert_cmpstr(text, ==,
			"2 tasks: kworker/0:1[31], a b  c[201] in f (f+0x6b/0xa0 < vfs_read+0x10/0x20)");
}

static void test_framework_without_blockers(FakeKernel *kernel, gconstpointer data)
{
	g_autoptr(SutureLivepatch) livepatch = NULL;
	g_autoptr(GPtrArray) blockers = NULL;

	(void)data;
	fake_framework_patch(kernel, "one", "vmlinux/f,1", 1);
	fake_write(kernel, "sys/kernel/suture/one/blockers", "");
	add_task(kernel, "9/task/9", "0\n", "not this one\n");
	livepatch = fake_open(kernel);
	blockers = suture_transition_blockers(livepatch, "one", TRUE);
	g_assert_cmpuint(blockers->len, ==, 0);
}

static void test_enabled_already(FakeKernel *kernel, gconstpointer data)
{
	g_autoptr(SutureLivepatch) livepatch = fake_open(kernel);
	g_autoptr(GError) error = NULL;

	(void)data;
	fake_patch(kernel, "one", "vmlinux/f,1");
	g_assert_true(suture_transition_finish_enable(livepatch, "one", 1, &error));
	g_assert_no_error(error);
}

static void test_lost(FakeKernel *kernel, gconstpointer data)
{
	g_autoptr(SutureLivepatch) livepatch = fake_open(kernel);
	g_autoptr(GError) error = NULL;

	(void)data;
	g_assert_false(suture_transition_finish_enable(livepatch, "gone", 1, &error));
	g_assert_error(error, SUTURE_APPLY_ERROR, SUTURE_APPLY_ERROR_LOST);
}

static void test_busy(FakeKernel *kernel, gconstpointer data)
{
	g_autoptr(SutureLivepatch) livepatch = fake_open(kernel);
	g_autoptr(GError) error = NULL;

	(void)data;
	fake_patch(kernel, "one", "vmlinux/f,1");
	g_assert_true(suture_transition_wait_idle(livepatch, 1, &error));
	g_assert_no_error(error);
	fake_write(kernel, "sys/kernel/livepatch/one/transition", "1\n");
	add_task(kernel, "9/task/9", "0\n", "early\n");
	g_assert_false(suture_transition_wait_idle(livepatch, 1, &error));
	g_assert_error(error, SUTURE_APPLY_ERROR, SUTURE_APPLY_ERROR_BUSY);
	g_assert_nonnull(strstr(error->message, "early[9]"));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	FAKE_TEST("/applier/transition/blockers-by-state", test_blockers);
	FAKE_TEST("/applier/transition/names-five-blockers", test_many_blockers);
	FAKE_TEST("/applier/transition/framework-names-blockers", test_framework_blockers);
	FAKE_TEST("/applier/transition/framework-names-nobody", test_framework_without_blockers);
	FAKE_TEST("/applier/transition/on-already", test_enabled_already);
	FAKE_TEST("/applier/transition/vanished-is-lost", test_lost);
	FAKE_TEST("/applier/transition/other-transition-is-busy", test_busy);
	return g_test_run();
}
