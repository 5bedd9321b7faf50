// SPDX-License-Identifier: LGPL-2.1-or-later
#include "common/error.h"
#include "common/file.h"
#include "common/lock.h"
#include "common/staging.h"

static void second_holder_is_busy(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(SutureScratch) scratch = suture_scratch_new(NULL);
	g_autofree gchar *path = g_build_filename(suture_scratch_path(scratch), "run", "apply.lock", NULL);
	SUTURE_AUTO_FD again = -1;
	int first = suture_lock_take(path, FALSE, &error);

	g_assert_no_error(error);
	g_assert_cmpint(suture_lock_take(path, FALSE, &error), ==, -1);
	g_assert_error(error, SUTURE_COMMON_ERROR, SUTURE_COMMON_ERROR_BUSY);
	g_assert_cmpint(suture_error_exit(error), ==, SUTURE_EXIT_BUSY);
	g_clear_error(&error);
	suture_fd_clear(&first);
	again = suture_lock_take(path, FALSE, &error);
	g_assert_no_error(error);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/common/lock/take/second-holder-is-busy", second_holder_is_busy);
	return g_test_run();
}
