// SPDX-License-Identifier: LGPL-2.1-or-later
#include "applier/kernel-log.h"
#include "common/file.h"
#include "tests/applier/fake-kernel.h"

#include <fcntl.h>
#include <string.h>

static int open_root(const FakeKernel *kernel)
{
	int root = open(kernel->root, O_PATH | O_DIRECTORY | O_CLOEXEC);

	g_assert_cmpint(root, >=, 0);
	return root;
}

static void append(const FakeKernel *kernel, const gchar *text)
{
	g_autofree gchar *path = g_build_filename(kernel->root, "dev/kmsg", NULL);
	int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);

	g_assert_cmpint(write(fd, text, strlen(text)), ==, (gssize)strlen(text));
	close(fd);
}

/* What is said of "fix" when @later comes to the log after it was marked. */
static gchar *said(const FakeKernel *kernel, const gchar *later)
{
	SUTURE_AUTO_FD root = open_root(kernel);
	g_autoptr(SutureKernelLog) log = NULL;

	fake_write(kernel, "dev/kmsg", "4,1,1,-;livepatch: 'fix': old news\n");
	log = suture_kernel_log_mark(root);
	append(kernel, later);
	return suture_kernel_log_said(log, "fix");
}

static void test_complaints(FakeKernel *kernel, gconstpointer data)
{
	g_autofree gchar *text = said(kernel, "5,2,100,-;livepatch: enabling patch 'fix'\n"
					      "4,3,101,-;livepatch: 'fix': cat:212 is in park\n"
					      " SUBSYSTEM=x\n DEVICE=y;livepatch: not a message\n"
					      "6,4,102,-;virtio_blk: something else\n"
					      "4,5,103,-;livepatch: 'fix': cat:212 is in park\n"
					      "4,6,104,-;livepatch: failed to enable patch 'fix'\n"
					      "4,7,105,-;fix: Unknown symbol nothing (err -2)\n"
					      "4,8,106,-;fixed: not ours\n");

	(void)data;
	g_assert_cmpstr(text, ==,
			"; the kernel log says: 'fix': cat:212 is in park; Unknown symbol nothing (err -2)");
}

static void test_silence(FakeKernel *kernel, gconstpointer data)
{
	g_autofree gchar *text = said(kernel, "5,2,100,-;livepatch: enabling patch 'fix'\n");

	(void)data;
	g_assert_cmpstr(text, ==, "");
}

static void test_many(FakeKernel *kernel, gconstpointer data)
{
	g_autofree gchar *text =
		said(kernel, "4,1,1,-;livepatch: a\n4,1,1,-;livepatch: b\n"
			     "4,1,1,-;suture: c\n4,1,1,-;livepatch: d\n4,1,1,-;livepatch: e\n");

	(void)data;
	g_assert_cmpstr(text, ==, "; the kernel log says: a; b; c; d");
}

static void test_unreadable(FakeKernel *kernel, gconstpointer data)
{
	SUTURE_AUTO_FD root = open_root(kernel);
	g_autoptr(SutureKernelLog) log = suture_kernel_log_mark(root);
	g_autofree gchar *text = suture_kernel_log_said(log, "fix");

	(void)data;
	g_assert_cmpstr(text, ==, "");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	FAKE_TEST("/applier/kernel-log/complaints-since-the-mark", test_complaints);
	FAKE_TEST("/applier/kernel-log/progress-is-no-complaint", test_silence);
	FAKE_TEST("/applier/kernel-log/four-lines-at-most", test_many);
	FAKE_TEST("/applier/kernel-log/unreadable-says-nothing", test_unreadable);
	return g_test_run();
}
