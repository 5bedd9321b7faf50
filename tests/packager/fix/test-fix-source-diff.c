// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/fix/source-diff.h"

#include "tests/packager/fix/folder.h"

#include <string.h>

#define CHANGE                                                                                 \
	"From: somebody\nSubject: a fix\n\n--- a/fs/one.c\n+++ b/fs/one.c\n@@ -2,3 +2,3 @@\n " \
	"first\n-second\n+"                                                                    \
	"2nd\n third\n"
#define OTHER "--- a/net/two.c\n+++ b/net/two.c\n@@ -1 +1,2 @@\n alone\n+not alone\n"

static SutureSourceDiff *diff_of(const Folder *folder, const gchar *text)
{
	g_autofree gchar *path = folder_file(folder, "fix.patch");
	g_autoptr(GError) error = NULL;
	SutureSourceDiff *diff;

	folder_put(folder, "fix.patch", text);
	diff = suture_source_diff_read(path, &error);
	g_assert_no_error(error);
	return diff;
}

static void assert_refused(const Folder *folder, const gchar *text, SutureFixError code, const gchar *word)
{
	g_autoptr(SutureSourceDiff) diff = diff_of(folder, text);
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) paths = suture_source_diff_paths(diff, &error);

	g_assert_null(paths);
	g_assert_error(error, SUTURE_FIX_ERROR, (gint)code);
	g_assert_nonnull(strstr(error->message, "fix.patch"));
	g_assert_nonnull(strstr(error->message, word));
	g_assert_null(strchr(error->message, '\n'));
	g_assert_null(strstr(error->message, "--allow"));
}

static void test_paths(Folder *folder, gconstpointer data)
{
	g_autoptr(SutureSourceDiff) diff = diff_of(folder, OTHER CHANGE);
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) paths = suture_source_diff_paths(diff, &error);

	(void)data;
	g_assert_no_error(error);
	g_assert_cmpuint(paths->len, ==, 2);
	g_assert_cmpstr(paths->pdata[0], ==, "fs/one.c");
	g_assert_cmpstr(paths->pdata[1], ==, "net/two.c");
}

static void test_malformed(Folder *folder, gconstpointer data)
{
	(void)data;
	assert_refused(folder, "words that are no diff\n", SUTURE_FIX_ERROR_DIFF, "is no diff: ");
	assert_refused(folder, "", SUTURE_FIX_ERROR_DIFF, "is no diff: ");
	assert_refused(folder, "--- a/x.c\n+++ b/x.c\n@@ -1,2 +1 @@\n-a\n+b\n", SUTURE_FIX_ERROR_DIFF,
		       "corrupt patch at line");
	assert_refused(folder, "--- a/../x.c\n+++ b/../x.c\n@@ -1 +1 @@\n-a\n+b\n", SUTURE_FIX_ERROR_DIFF,
		       "within the source");
}

static void test_other_than_changed(Folder *folder, gconstpointer data)
{
	(void)data;
	assert_refused(folder, "--- /dev/null\n+++ b/new.c\n@@ -0,0 +1 @@\n+a\n", SUTURE_FIX_ERROR_KIND,
		       "create new.c");
	assert_refused(folder, "--- a/old.c\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n", SUTURE_FIX_ERROR_KIND,
		       "delete old.c");
	assert_refused(folder,
		       "diff --git a/x.c b/y.c\nsimilarity index 100%\nrename from x.c\nrename to y.c\n",
		       SUTURE_FIX_ERROR_KIND, "x.c => y.c");
}

static void test_applies(Folder *folder, gconstpointer data)
{
	g_autoptr(SutureSourceDiff) diff = diff_of(folder, CHANGE);
	g_autoptr(GError) error = NULL;
	g_autofree gchar *text = NULL;

	(void)data;
	/* At another line than the diff says. */
	folder_put(folder, "fs/one.c", "zero\nzero\nfirst\nsecond\nthird\n");
	g_assert_true(suture_source_diff_apply(diff, folder->path, &error));
	g_assert_no_error(error);
	text = folder_get(folder, "fs/one.c");
	g_assert_cmpstr(text, ==, "zero\nzero\nfirst\n2nd\nthird\n");
}

static void test_all_or_none(Folder *folder, gconstpointer data)
{
	g_autoptr(SutureSourceDiff) diff = diff_of(folder, CHANGE OTHER);
	g_autoptr(GError) error = NULL;
	g_autofree gchar *text = NULL;

	(void)data;
	folder_put(folder, "fs/one.c", "0\nfirst\nsecond\nthird\n");
	folder_put(folder, "net/two.c", "something else\n");
	g_assert_false(suture_source_diff_apply(diff, folder->path, &error));
	g_assert_error(error, SUTURE_FIX_ERROR, SUTURE_FIX_ERROR_REJECTED);
	g_assert_nonnull(strstr(error->message, "net/two.c"));
	text = folder_get(folder, "fs/one.c");
	g_assert_cmpstr(text, ==, "0\nfirst\nsecond\nthird\n");
}

/* git-apply passes over files that are not below its folder when that is part of a repository. */
static void test_within_a_repository(Folder *folder, gconstpointer data)
{
	g_autoptr(SutureSourceDiff) diff = diff_of(folder, CHANGE);
	g_autofree gchar *repository = folder_file(folder, "repository");
	g_autofree gchar *source = g_build_filename(repository, "source", NULL);
	g_autofree gchar *command = g_strdup_printf("git init -q '%s'", repository);
	g_autoptr(GError) error = NULL;
	g_autofree gchar *text = NULL;

	(void)data;
	g_assert_true(g_spawn_command_line_sync(command, NULL, NULL, NULL, NULL));
	folder_put(folder, "repository/source/fs/one.c", "0\nfirst\nsecond\nthird\n");
	g_assert_true(suture_source_diff_apply(diff, source, &error));
	g_assert_no_error(error);
	text = folder_get(folder, "repository/source/fs/one.c");
	g_assert_cmpstr(text, ==, "0\nfirst\n2nd\nthird\n");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	FOLDER_TEST("/packager/fix-source-diff/paths", test_paths);
	FOLDER_TEST("/packager/fix-source-diff/malformed", test_malformed);
	FOLDER_TEST("/packager/fix-source-diff/other-than-changed", test_other_than_changed);
	FOLDER_TEST("/packager/fix-source-diff/applies", test_applies);
	FOLDER_TEST("/packager/fix-source-diff/all-or-none", test_all_or_none);
	FOLDER_TEST("/packager/fix-source-diff/within-a-repository", test_within_a_repository);
	return g_test_run();
}
