// SPDX-License-Identifier: LGPL-2.1-or-later
#include "common/error.h"

#include <gio/gio.h>

static void reason_of_own_domain(void)
{
	g_autoptr(GError) error = NULL;

	suture_error_set_errno(&error, ENOENT, "%s", "/nowhere");
	g_assert_cmpstr(suture_error_reason(error), ==, "io");
	g_assert_cmpint(suture_error_exit(error), ==, SUTURE_EXIT_FAILURE);
	g_assert_cmpstr(error->message, ==, "/nowhere: No such file or directory");
	error->code = SUTURE_COMMON_ERROR_BUSY;
	g_assert_cmpstr(suture_error_reason(error), ==, "busy");
	g_assert_cmpint(suture_error_exit(error), ==, SUTURE_EXIT_BUSY);
}

static void reason_of_glib_domains(void)
{
	g_autoptr(GError) option = g_error_new_literal(G_OPTION_ERROR, G_OPTION_ERROR_FAILED, "x");
	g_autoptr(GError) keyfile = g_error_new_literal(G_KEY_FILE_ERROR, G_KEY_FILE_ERROR_PARSE, "x");
	g_autoptr(GError) file = g_error_new_literal(G_FILE_ERROR, G_FILE_ERROR_IO, "x");
	g_autoptr(GError) other = g_error_new_literal(G_MARKUP_ERROR, G_MARKUP_ERROR_EMPTY, "x");

	g_assert_cmpstr(suture_error_reason(option), ==, "usage");
	g_assert_cmpint(suture_error_exit(option), ==, SUTURE_EXIT_USAGE);
	g_assert_cmpstr(suture_error_reason(keyfile), ==, "config");
	g_assert_cmpint(suture_error_exit(keyfile), ==, SUTURE_EXIT_INPUT);
	g_assert_cmpstr(suture_error_reason(file), ==, "io");
	g_assert_cmpstr(suture_error_reason(other), ==, "internal");
	g_assert_cmpint(suture_error_exit(other), ==, SUTURE_EXIT_FAILURE);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/common/error/own-domain-has-its-reason", reason_of_own_domain);
	g_test_add_func("/common/error/glib-domains-have-a-class", reason_of_glib_domains);
	return g_test_run();
}
