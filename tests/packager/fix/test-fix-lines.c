// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/fix/lines.h"
#include "packager/fix/touched.h"

#include "tests/packager/fix/folder.h"

#include <string.h>

#define FUNCTION "int f(void)\n{\n\treturn __LINE__;\n}\n"
#define BEFORE "/* head */\n\nint g(int a)\n{\n\treturn a;\n}\n\n" FUNCTION "\nint last = __LINE__;\n"

/* What the C preprocessor makes of the kept text. */
static gchar *preprocessed(const Folder *folder)
{
	g_autofree gchar *path = folder_file(folder, "after.c");
	g_autofree gchar *command = g_strdup_printf("cpp -P '%s'", path);
	gchar *text = NULL;
	gint status = -1;

	g_assert_true(g_spawn_command_line_sync(command, &text, NULL, &status, NULL));
	g_assert_cmpint(status, ==, 0);
	return text;
}

static gchar *keep(const Folder *folder, const gchar *before, const gchar *after)
{
	g_autofree gchar *before_path = folder_file(folder, "before.c");
	g_autofree gchar *after_path = folder_file(folder, "after.c");
	g_autoptr(GError) error = NULL;

	folder_put(folder, "before.c", before);
	folder_put(folder, "after.c", after);
	g_assert_true(suture_lines_keep(before_path, after_path, &error));
	g_assert_no_error(error);
	return preprocessed(folder);
}

static void assert_lines(const gchar *text, const gchar *f, const gchar *last)
{
	g_autofree gchar *in_function = g_strdup_printf("return %s;", f);
	g_autofree gchar *at_end = g_strdup_printf("last = %s;", last);

	g_assert_nonnull(strstr(text, in_function));
	g_assert_nonnull(strstr(text, at_end));
}

static void test_added(Folder *folder, gconstpointer data)
{
	g_autofree gchar *text =
		keep(folder, BEFORE,
		     "/* head */\n\nint g(int a)\n{\n\tif (a)\n\t\ta++;\n\treturn a;\n}\n\n" FUNCTION
		     "\nint last = __LINE__;\n");

	(void)data;
	assert_lines(text, "10", "13");
}

static void test_removed(Folder *folder, gconstpointer data)
{
	g_autofree gchar *text =
		keep(folder, BEFORE, "int g(int a)\n{\n}\n\n" FUNCTION "\nint last = __LINE__;\n");

	(void)data;
	assert_lines(text, "10", "13");
}

static void test_two_hunks(Folder *folder, gconstpointer data)
{
	g_autofree gchar *text =
		keep(folder, BEFORE,
		     "#define A 1\n/* head */\n\nint g(int a)\n{\n\treturn a;\n}\n\n" FUNCTION
		     "int h(void)\n{\n\treturn 7;\n}\n\nint last = __LINE__;\n");

	(void)data;
	assert_lines(text, "10", "13");
}

static void test_same(Folder *folder, gconstpointer data)
{
	g_autofree gchar *text = keep(folder, BEFORE, BEFORE);
	g_autofree gchar *kept = folder_get(folder, "after.c");

	(void)data;
	g_assert_cmpstr(kept, ==, BEFORE);
	assert_lines(text, "10", "13");
}

/* A directive must not end up in a macro's definition, nor do harm in a comment. */
static void test_macros_and_comments(Folder *folder, gconstpointer data)
{
	const gchar *rest =
		"#define M(x) \\\n\t((x) + \\\n\n\n/* a comment\n\n over lines\n}\n */\nint k(void)\n{\n"
		"\treturn __LINE__;\n}\n\nint last = __LINE__;\n";
	g_autofree gchar *before = g_strconcat("int a;\n", rest, NULL);
	g_autofree gchar *after = g_strconcat("int a;\nint b;\n", rest, NULL);
	g_autofree gchar *text = keep(folder, before, after);

	(void)data;
	g_assert_nonnull(strstr(text, "return 14;"));
	g_assert_nonnull(strstr(text, "last = 17;"));
	g_assert_null(strstr(text, "line"));
}

static void test_no_newline_at_the_end(Folder *folder, gconstpointer data)
{
	g_autofree gchar *text =
		keep(folder, "int a;\n\nint b = __LINE__;", "int z;\nint a;\n\nint b = __LINE__;");

	(void)data;
	g_assert_nonnull(strstr(text, "b = 3;"));
}

/* Line 5 of BEFORE, and one behind its line 2. */
static void test_touched(Folder *folder, gconstpointer data)
{
	const gchar *const trees[] = {"one", "two"};
	const gchar *const texts[] = {
		BEFORE, "/* head */\n\nint first;\nint g(int a)\n{\n\treturn a + 1;\n}\n\n#line 8\n" FUNCTION
			"\nint last = __LINE__;\n"};
	g_autofree gchar *before = folder_file(folder, "one");
	g_autofree gchar *after = folder_file(folder, "two");
	g_autofree gchar *absolute = folder_file(folder, "one/./net/x.c");
	g_autofree gchar *elsewhere = folder_file(folder, "ones/net/x.c");
	g_autoptr(GPtrArray) paths = g_ptr_array_new();
	g_autoptr(SutureTouched) touched = NULL;

	(void)data;
	for (gsize i = 0; i < G_N_ELEMENTS(trees); i++) {
		g_autofree gchar *where = g_build_filename(trees[i], "net", NULL);
		g_autofree gchar *directory = folder_file(folder, where);
		g_autofree gchar *file = g_build_filename(where, "x.c", NULL);

		g_assert_cmpint(g_mkdir_with_parents(directory, 0755), ==, 0);
		folder_put(folder, file, texts[i]);
	}
	g_ptr_array_add(paths, "net/x.c");
	g_ptr_array_add(paths, "net/none.c");
	touched = suture_touched_new(before, after, paths);
	g_assert_true(suture_touched_lines(touched, "net/x.c", 3, 7));
	g_assert_true(suture_touched_lines(touched, absolute, 5, 5));
	g_assert_true(suture_touched_lines(touched, "./net/x.c", 2, 2));
	g_assert_false(suture_touched_lines(touched, "net/x.c", 3, 4));
	g_assert_false(suture_touched_lines(touched, "net/x.c", 6, G_MAXUINT));
	g_assert_false(suture_touched_lines(touched, elsewhere, 5, 5));
	g_assert_false(suture_touched_lines(touched, "net/none.c", 1, G_MAXUINT));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	FOLDER_TEST("/packager/fix-lines/added", test_added);
	FOLDER_TEST("/packager/fix-lines/removed", test_removed);
	FOLDER_TEST("/packager/fix-lines/two-hunks", test_two_hunks);
	FOLDER_TEST("/packager/fix-lines/same", test_same);
	FOLDER_TEST("/packager/fix-lines/macros-and-comments", test_macros_and_comments);
	FOLDER_TEST("/packager/fix-lines/no-newline-at-the-end", test_no_newline_at_the_end);
	FOLDER_TEST("/packager/fix-lines/touched", test_touched);
	return g_test_run();
}
