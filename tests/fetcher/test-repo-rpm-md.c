// SPDX-License-Identifier: LGPL-2.1-or-later
#include "common/file.h"
#include "common/staging.h"
#include "fetcher/repo/rpm-md.h"

#include <fcntl.h>
#include <string.h>

typedef struct {
	SutureScratch *scratch;
	gchar *package;
	int folder;
	SutureRepoBundle *bundle;
} Fixture;

static void set_up(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GError) error = NULL;

	fixture->scratch = suture_scratch_new(&error);
	g_assert_no_error(error);
	fixture->package = g_build_filename(suture_scratch_path(fixture->scratch), "a.rpm", NULL);
	g_file_set_contents(fixture->package, data, -1, &error);
	g_assert_no_error(error);
	fixture->folder =
		suture_file_open(suture_scratch_path(fixture->scratch), O_RDONLY | O_DIRECTORY, &error);
	g_assert_no_error(error);
	fixture->bundle = g_new0(SutureRepoBundle, 1);
	fixture->bundle->sha256 = g_strnfill(64, '0');
}

static void tear_down(Fixture *fixture, gconstpointer data)
{
	(void)data;
	suture_fd_clear(&fixture->folder);
	suture_repo_bundle_free(fixture->bundle);
	suture_scratch_free(fixture->scratch);
	g_free(fixture->package);
}

static void check_refused(const GError *error)
{
	g_assert_error(error, SUTURE_REPO_ERROR, SUTURE_REPO_ERROR_RPM_MD);
	g_assert_cmpstr(suture_error_reason(error), ==, "repo-rpm-md");
	g_assert_cmpint(suture_error_exit(error), ==, SUTURE_EXIT_FAILURE);
}

static void test_not_a_package(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GError) error = NULL;

	(void)data;
	g_assert_false(
		suture_rpm_md_read_package(fixture->package, fixture->bundle, fixture->folder, &error));
	check_refused(error);
}

/* Names are ours to give: a file in the way means that something else writes there. */
static void test_file_in_the_way(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GPtrArray) none = g_ptr_array_new();
	g_autofree gchar *path =
		g_build_filename(suture_scratch_path(fixture->scratch), "primary.xml.gz", NULL);
	g_autoptr(GError) error = NULL;

	(void)data;
	g_assert_true(g_file_set_contents(path, "", 0, NULL));
	g_assert_false(suture_rpm_md_write(fixture->folder, fixture->folder, none, 1, &error));
	check_refused(error);
}

static void test_empty(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GPtrArray) none = g_ptr_array_new();
	g_autoptr(GBytes) repomd = NULL;
	g_autoptr(GError) error = NULL;
	gboolean ok = suture_rpm_md_write(fixture->folder, fixture->folder, none, 1234567890, &error);

	(void)data;
	g_assert_no_error(error);
	g_assert_true(ok);
	repomd = suture_file_read_at(fixture->folder, "repomd.xml", 65536, &error);
	g_assert_no_error(error);
	g_assert_nonnull(g_strstr_len(g_bytes_get_data(repomd, NULL), (gssize)g_bytes_get_size(repomd),
				      "<revision>1234567890</revision>"));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	/* libcreaterepo_c warns of what it refuses. */
	g_log_set_always_fatal(G_LOG_FATAL_MASK | G_LOG_LEVEL_CRITICAL);
#define ADD(name, content, test) g_test_add("/repo/rpm-md/" name, Fixture, content, set_up, test, tear_down)
	ADD("text-is-no-package", "no package", test_not_a_package);
	ADD("empty-file-is-no-package", "", test_not_a_package);
	ADD("file-in-the-way-is-refused", "", test_file_in_the_way);
	ADD("no-bundles-give-empty-metadata", "", test_empty);
	return g_test_run();
}
