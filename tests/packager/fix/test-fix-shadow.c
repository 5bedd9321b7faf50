// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/fix/shadow.h"

#include "tests/packager/fix/folder.h"

#include <string.h>

static void make_tree(const Folder *folder)
{
	folder_put(folder, "tree/include/net/sock.h", "sock");
	folder_put(folder, "tree/include/net/tcp.h", "tcp");
	folder_put(folder, "tree/net/ipv4/tcp.c", "tcp.c");
	folder_put(folder, "tree/net/ipv4/local.h", "local");
	folder_put(folder, "tree/drivers/net/a.c", "a.c");
	folder_put(folder, "tree/Makefile", "all:");
}

static SutureShadow *shadow_of(const Folder *folder, const gchar *const *names, GError **error)
{
	g_autofree gchar *tree = folder_file(folder, "tree");
	g_autofree gchar *shadow = folder_file(folder, "shadow");
	g_autoptr(GPtrArray) paths = g_ptr_array_new();

	for (; *names; names++)
		g_ptr_array_add(paths, (gpointer)*names);
	return suture_shadow_new(tree, shadow, paths, error);
}

static gboolean is_link(const Folder *folder, const gchar *name)
{
	g_autofree gchar *path = folder_file(folder, name);

	return g_file_test(path, G_FILE_TEST_IS_SYMLINK);
}

static void test_copies_what_changes(Folder *folder, gconstpointer data)
{
	const gchar *const names[] = {"net/ipv4/tcp.c", "include/net/tcp.h", NULL};
	g_autoptr(GError) error = NULL;
	g_autoptr(SutureShadow) shadow = NULL;
	g_autofree gchar *original = NULL;
	g_autofree gchar *other = NULL;

	(void)data;
	make_tree(folder);
	shadow = shadow_of(folder, names, &error);
	g_assert_no_error(error);
	g_assert_false(is_link(folder, "shadow/net"));
	g_assert_false(is_link(folder, "shadow/net/ipv4/tcp.c"));
	g_assert_true(is_link(folder, "shadow/net/ipv4/local.h"));
	g_assert_true(is_link(folder, "shadow/drivers"));
	folder_put(folder, "shadow/net/ipv4/tcp.c", "changed");
	original = folder_get(folder, "tree/net/ipv4/tcp.c");
	g_assert_cmpstr(original, ==, "tcp.c");
	other = folder_get(folder, "shadow/include/net/sock.h");
	g_assert_cmpstr(other, ==, "sock");
}

static void assert_refused(const Folder *folder, const gchar *name, SutureFixError code)
{
	const gchar *const names[] = {name, NULL};
	g_autoptr(GError) error = NULL;
	g_autoptr(SutureShadow) shadow = shadow_of(folder, names, &error);

	g_assert_null(shadow);
	g_assert_error(error, SUTURE_FIX_ERROR, (gint)code);
	g_assert_nonnull(strstr(error->message, name));
}

static void test_no_such_file(Folder *folder, gconstpointer data)
{
	(void)data;
	make_tree(folder);
	assert_refused(folder, "net/ipv6/none.c", SUTURE_FIX_ERROR_NO_SOURCE);
}

static void test_not_a_file(Folder *folder, gconstpointer data)
{
	(void)data;
	make_tree(folder);
	assert_refused(folder, "net/ipv4", SUTURE_FIX_ERROR_KIND);
}

static gboolean check(const SutureShadow *shadow, const gchar *name, GError **error)
{
	g_autoptr(GPtrArray) read = g_ptr_array_new();

	g_ptr_array_add(read, (gpointer)name);
	return suture_shadow_check(shadow, read, error);
}

/* drivers/ is a symlink, so that its ".." is the tree's. */
static void test_pristine_copy_read(Folder *folder, gconstpointer data)
{
	const gchar *const names[] = {"net/ipv4/tcp.c", NULL};
	g_autoptr(SutureShadow) shadow = NULL;
	g_autoptr(GError) error = NULL;

	(void)data;
	make_tree(folder);
	shadow = shadow_of(folder, names, &error);
	g_assert_no_error(error);
	g_assert_true(check(shadow, "net/ipv4/tcp.c", &error));
	g_assert_true(check(shadow, "include/net/tcp.h", &error));
	g_assert_true(check(shadow, "net/ipv4/../ipv4/tcp.c", &error));
	g_assert_false(check(shadow, "drivers/net/../../net/ipv4/tcp.c", &error));
	g_assert_error(error, SUTURE_FIX_ERROR, SUTURE_FIX_ERROR_PRISTINE);
	g_assert_nonnull(strstr(error->message, "drivers/net/../../net/ipv4/tcp.c"));
}

static void test_reached_by_its_parent(Folder *folder, gconstpointer data)
{
	const gchar *const names[] = {"net/ipv4/tcp.c", NULL};
	g_autoptr(SutureShadow) shadow = NULL;
	g_autoptr(GError) error = NULL;

	(void)data;
	make_tree(folder);
	shadow = shadow_of(folder, names, &error);
	g_assert_true(suture_shadow_reach(shadow, "drivers/net/generated-later.c", &error));
	g_assert_true(suture_shadow_reach(shadow, "drivers/net/again.c", &error));
	g_assert_true(check(shadow, "drivers/net/../../net/ipv4/tcp.c", &error));
	g_assert_no_error(error);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	FOLDER_TEST("/packager/fix-shadow/copies-what-changes", test_copies_what_changes);
	FOLDER_TEST("/packager/fix-shadow/no-such-file", test_no_such_file);
	FOLDER_TEST("/packager/fix-shadow/not-a-file", test_not_a_file);
	FOLDER_TEST("/packager/fix-shadow/pristine-copy-read", test_pristine_copy_read);
	FOLDER_TEST("/packager/fix-shadow/reached-by-its-parent", test_reached_by_its_parent);
	return g_test_run();
}
