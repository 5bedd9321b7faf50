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

		suture_module_set_answer(&error, answers[i].code, "a_module");
		g_assert_cmpstr(suture_error_reason(error), ==, answers[i].reason);
		g_assert_cmpint(suture_error_exit(error), ==, SUTURE_EXIT_KERNEL);
		g_assert_true(g_str_has_prefix(error->message, "a_module: "));
		g_assert_nonnull(strstr(error->message, g_strerror(answers[i].code)));
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/applier/load/each-answer-has-its-reason", test_answers);
	return g_test_run();
}
