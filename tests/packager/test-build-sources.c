// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/build/kbuild.h"

#include "common/file.h"
#include "spec/manifest.h"

#include <fcntl.h>
#include <glib/gstdio.h>

typedef struct {
	gchar *folder;
} Fixture;

static void fixture_put(Fixture *fixture, const gchar *name, const gchar *text)
{
	g_autofree gchar *path = g_build_filename(fixture->folder, name, NULL);
	g_autoptr(GError) error = NULL;

	g_file_set_contents(path, text, -1, &error);
	g_assert_no_error(error);
}

static void fixture_set_up(Fixture *fixture, gconstpointer data)
{
	(void)data;
	fixture->folder = g_dir_make_tmp("suture-test-XXXXXX", NULL);
	fixture_put(fixture, "b.c", "b");
	fixture_put(fixture, "a.c", "a");
}

static void fixture_tear_down(Fixture *fixture, gconstpointer data)
{
	(void)data;
	g_assert_true(suture_file_remove_tree(AT_FDCWD, fixture->folder, NULL));
	g_free(fixture->folder);
}

static void test_only_sources(Fixture *fixture, gconstpointer data)
{
	const gchar *const leavings[] = {"patch.conf", "a.o", "x.ko", "x.mod.c", ".hidden.c", "README.md"};
	g_autoptr(GError) error = NULL;
	g_autoptr(SutureSourceSet) sources = NULL;
	g_autoptr(GPtrArray) digests = NULL;
	const SutureSource *first;

	(void)data;
	for (gsize i = 0; i < G_N_ELEMENTS(leavings); i++)
		fixture_put(fixture, leavings[i], "");
	fixture_put(fixture, "c.h", "c");
	sources = suture_source_set_read(fixture->folder, &error);
	g_assert_no_error(error);
	g_assert_false(sources->has_kbuild);
	g_assert_cmpuint(sources->names->len, ==, 3);
	g_assert_cmpstr(sources->names->pdata[2], ==, "c.h");
	digests = suture_source_set_digests(sources);
	first = digests->pdata[0];
	g_assert_cmpstr(first->name, ==, "a.c");
	g_assert_cmpstr(first->sha256, ==,
			"ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb");
}

static void test_kbuild_is_noticed(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(SutureSourceSet) sources = NULL;

	(void)data;
	fixture_put(fixture, "Makefile", "");
	sources = suture_source_set_read(fixture->folder, &error);
	g_assert_no_error(error);
	g_assert_true(sources->has_kbuild);
}

static void test_generated_kbuild(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(SutureSourceSet) sources = suture_source_set_read(fixture->folder, &error);
	g_autofree gchar *text = suture_kbuild_generate(sources, "proc-fix-1.2-1", &error);
	g_autofree gchar *longest = g_strnfill(56, 'x');

	(void)data;
	g_assert_no_error(error);
	g_assert_cmpstr(text, ==, "obj-m := proc_fix_1_2_1.o\nproc_fix_1_2_1-y := source/a.o source/b.o\n");
	g_assert_null(suture_kbuild_generate(sources, longest, &error));
	g_assert_error(error, SUTURE_BUILD_ERROR, SUTURE_BUILD_ERROR_NAME);
}

static void test_nothing_to_compile(Fixture *fixture, gconstpointer data)
{
	g_autofree gchar *header = g_build_filename(fixture->folder, "c.h", NULL);
	g_autofree gchar *absent = g_build_filename(fixture->folder, "absent.c", NULL);
	g_autoptr(GError) error = NULL;

	(void)data;
	fixture_put(fixture, "c.h", "");
	g_assert_null(suture_source_set_read(header, &error));
	g_assert_error(error, SUTURE_BUILD_ERROR, SUTURE_BUILD_ERROR_SOURCE);
	g_clear_error(&error);
	g_assert_null(suture_source_set_read(absent, &error));
	g_assert_error(error, SUTURE_COMMON_ERROR, SUTURE_COMMON_ERROR_IO);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add("/packager/build-sources/only-sources-are-taken", Fixture, NULL, fixture_set_up,
		   test_only_sources, fixture_tear_down);
	g_test_add("/packager/build-sources/kbuild-of-the-author-is-noticed", Fixture, NULL, fixture_set_up,
		   test_kbuild_is_noticed, fixture_tear_down);
	g_test_add("/packager/build-sources/kbuild-is-written-where-there-is-none", Fixture, NULL,
		   fixture_set_up, test_generated_kbuild, fixture_tear_down);
	g_test_add("/packager/build-sources/nothing-to-compile-is-refused", Fixture, NULL, fixture_set_up,
		   test_nothing_to_compile, fixture_tear_down);
	return g_test_run();
}
