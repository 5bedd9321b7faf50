// SPDX-License-Identifier: LGPL-2.1-or-later
#include "applier/error.h"
#include "applier/load.h"

#include <errno.h>
#include <string.h>

static const struct {
	int code;
	const gchar *reason;
} answers[] = {
	{EKEYREJECTED, "module-rejected-key"},
	{ENOKEY, "module-rejected-key"},
	{EBADMSG, "module-rejected-signature"},
	{ENOEXEC, "module-rejected-format"},
	{EEXIST, "module-exists"},
	{ENODEV, "module-rejected-device"},
	{EINVAL, "module-rejected-patch"},
	{ENOENT, "module-rejected-symbol"},
	{EBUSY, "module-rejected-busy"},
	{EPERM, "module-load-forbidden"},
	{ENOMEM, "module-rejected"},
	{EIO, "module-rejected"},
};

static void test_answers(void)
{
	for (gsize i = 0; i < G_N_ELEMENTS(answers); i++) {
		g_autoptr(GError) error = NULL;

		suture_module_set_answer(&error, answers[i].code, SUTURE_CONSISTENCY_PER_TASK, "a_module",
					 "; said");
		g_assert_cmpstr(suture_error_reason(error), ==, answers[i].reason);
		g_assert_cmpint(suture_error_exit(error), ==, SUTURE_EXIT_KERNEL);
		g_assert_true(g_str_has_prefix(error->message, "a_module: "));
		g_assert_nonnull(strstr(error->message, g_strerror(answers[i].code)));
		g_assert_true(g_str_has_suffix(error->message, "; said"));
	}
}

/* All of a stop-machine patch happens while it is loaded: there is no other answer that would say so. */
static void test_stop_machine(void)
{
	g_autoptr(GError) busy = NULL;
	g_autoptr(GError) immediate = NULL;
	g_autoptr(GError) other = NULL;

	suture_module_set_answer(&busy, EBUSY, SUTURE_CONSISTENCY_STOP_MACHINE, "a_module",
				 "; the kernel log says: cat:12 is in f");
	suture_module_set_answer(&immediate, EBUSY, SUTURE_CONSISTENCY_IMMEDIATE, "a_module", "");
	suture_module_set_answer(&other, ENOENT, SUTURE_CONSISTENCY_STOP_MACHINE, "a_module", "");
	g_assert_cmpstr(suture_error_reason(busy), ==, "transition-blocked");
	g_assert_cmpint(suture_error_exit(busy), ==, SUTURE_EXIT_KERNEL);
	g_assert_true(g_str_has_suffix(busy->message, "cat:12 is in f"));
	g_assert_cmpstr(suture_error_reason(immediate), ==, "module-rejected-busy");
	g_assert_cmpstr(suture_error_reason(other), ==, "module-rejected-symbol");
}

static void test_stay(void)
{
	g_assert_cmpint(suture_stay(SUTURE_PROVIDER_KERNEL, SUTURE_CONSISTENCY_PER_TASK), ==, SUTURE_STAY_NO);
	g_assert_cmpint(suture_stay(SUTURE_PROVIDER_FRAMEWORK, SUTURE_CONSISTENCY_PER_TASK), ==,
			SUTURE_STAY_MAYBE);
	g_assert_cmpint(suture_stay(SUTURE_PROVIDER_FRAMEWORK, SUTURE_CONSISTENCY_STOP_MACHINE), ==,
			SUTURE_STAY_MAYBE);
	g_assert_cmpint(suture_stay(SUTURE_PROVIDER_FRAMEWORK, SUTURE_CONSISTENCY_IMMEDIATE), ==,
			SUTURE_STAY_PINNED);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/applier/load/each-answer-has-its-reason", test_answers);
	g_test_add_func("/applier/load/stop-machine-that-is-busy-is-blocked", test_stop_machine);
	g_test_add_func("/applier/load/who-may-stay", test_stay);
	return g_test_run();
}
