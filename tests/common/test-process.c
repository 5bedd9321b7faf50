// SPDX-License-Identifier: LGPL-2.1-or-later
#include "common/cancel.h"
#include "common/error.h"
#include "common/process.h"

#include <string.h>

static gboolean shell(const gchar *script, GBytes *input, gchar **ret_output, GError **error)
{
	const gchar *const argv[] = {"/bin/sh", "-c", script, NULL};
	const gchar *const environ_add[] = {"SUTURE_TEST=a=b", NULL};

	return suture_process_run(argv, environ_add, "/usr", input, ret_output, error);
}

static void passes_everything(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GBytes) input = g_bytes_new_static("line\n", 5);
	g_autofree gchar *output = NULL;

	g_assert_true(shell("pwd; echo $SUTURE_TEST; cat", input, &output, &error));
	g_assert_no_error(error);
	g_assert_cmpstr(output, ==, "/usr\na=b\nline\n");
}

/* More than any pipe holds, in both directions at once. */
static void passes_megabytes(void)
{
	g_autoptr(GError) error = NULL;
	g_autofree gchar *text = g_strnfill(3 * 1024 * 1024, 'x');
	g_autoptr(GBytes) input = g_bytes_new_static(text, strlen(text));
	g_autofree gchar *output = NULL;

	g_assert_true(shell("tee /dev/stderr", input, &output, &error));
	g_assert_no_error(error);
	g_assert_cmpstr(output, ==, text);
}

static void failure_says_what_it_said(void)
{
	g_autoptr(GError) error = NULL;
	g_autofree gchar *output = NULL;

	g_assert_false(shell("echo the report; echo the reason >&2; exit 3", NULL, &output, &error));
	g_assert_cmpstr(output, ==, "the report\n");
	g_assert_error(error, SUTURE_COMMON_ERROR, SUTURE_COMMON_ERROR_PROCESS);
	g_assert_nonnull(strstr(error->message, "status 3: the reason"));
}

static void absent_program(void)
{
	const gchar *const argv[] = {"/nonexistent/program", NULL};
	g_autoptr(GError) error = NULL;

	g_assert_false(suture_process_run(argv, NULL, NULL, NULL, NULL, &error));
	g_assert_error(error, SUTURE_COMMON_ERROR, SUTURE_COMMON_ERROR_PROCESS);
}

static gpointer cancel_soon(gpointer data)
{
	(void)data;
	g_usleep(200000);
	g_cancellable_cancel(suture_cancellable());
	return NULL;
}

static void cancelled_child_is_ended(gconstpointer script)
{
	g_autoptr(GError) error = NULL;
	GThread *thread = g_thread_new("cancel", cancel_soon, NULL);
	gint64 start = g_get_monotonic_time();

	g_assert_false(shell(script, NULL, NULL, &error));
	g_assert_error(error, SUTURE_COMMON_ERROR, SUTURE_COMMON_ERROR_CANCELLED);
	g_assert_cmpint(g_get_monotonic_time() - start, <, 10 * G_USEC_PER_SEC);
	g_thread_join(thread);
	g_cancellable_reset(suture_cancellable());
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/common/process/run/passes-folder-environment-and-input", passes_everything);
	g_test_add_func("/common/process/run/passes-megabytes", passes_megabytes);
	g_test_add_func("/common/process/run/failure-carries-the-programs-words", failure_says_what_it_said);
	g_test_add_func("/common/process/run/absent-program", absent_program);
	g_test_add_data_func("/common/process/run/cancelled-child-is-ended", "exec sleep 30",
			     cancelled_child_is_ended);
	g_test_add_data_func("/common/process/run/cancelled-child-without-output-is-ended",
			     "exec sleep 30 >/dev/null 2>&1", cancelled_child_is_ended);
	return g_test_run();
}
