// SPDX-License-Identifier: LGPL-2.1-or-later
#include "common/file.h"
#include "common/staging.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

typedef struct {
	SutureScratch *scratch;
	int fd;
} Fixture;

static void set_up(Fixture *f, gconstpointer data)
{
	(void)data;
	f->scratch = suture_scratch_new(NULL);
	f->fd = suture_file_open_folder(suture_scratch_path(f->scratch), FALSE, NULL);
	g_assert_cmpint(f->fd, >=, 0);
}

static void tear_down(Fixture *f, gconstpointer data)
{
	(void)data;
	suture_fd_clear(&f->fd);
	suture_scratch_free(f->scratch);
}

static guint entries(Fixture *f)
{
	g_autoptr(GDir) folder = g_dir_open(suture_scratch_path(f->scratch), 0, NULL);
	guint n = 0;

	while (g_dir_read_name(folder))
		n++;
	return n;
}

static SutureStaging *staging_with(Fixture *f, const gchar *text)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GBytes) bytes = g_bytes_new(text, strlen(text));
	SutureStaging *staging = suture_staging_new(f->fd, &error);

	g_assert_no_error(error);
	g_assert_true(suture_file_write_atomic(suture_staging_fd(staging), "file", bytes, 0644, &error));
	return staging;
}

static void dropped_leaves_nothing(Fixture *f, gconstpointer data)
{
	(void)data;
	suture_staging_free(staging_with(f, "x"));
	g_assert_cmpuint(entries(f), ==, 0);
}

static void commit_names_and_replaces(Fixture *f, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GBytes) now = NULL;

	(void)data;
	for (const gchar *const *text = (const gchar *const[]){"old", "new", NULL}; *text; text++) {
		g_autoptr(SutureStaging) staging = staging_with(f, *text);

		g_assert_true(suture_staging_commit(staging, "done", &error));
		g_assert_no_error(error);
	}
	now = suture_file_read_at(f->fd, "done/file", 10, &error);
	g_assert_cmpmem(g_bytes_get_data(now, NULL), g_bytes_get_size(now), "new", 3);
	g_assert_cmpuint(entries(f), ==, 1);
}

static void sweep_removes_leftovers(Fixture *f, gconstpointer data)
{
	g_autoptr(GError) error = NULL;

	(void)data;
	g_assert_cmpint(mkdirat(f->fd, ".staging.0123", 0700), ==, 0);
	g_assert_cmpint(mkdirat(f->fd, "kept", 0700), ==, 0);
	g_assert_true(suture_staging_sweep(f->fd, &error));
	g_assert_cmpuint(entries(f), ==, 1);
	g_assert_cmpint(faccessat(f->fd, "kept", F_OK, 0), ==, 0);
}

#define ADD(name, func) g_test_add("/common/staging/" name, Fixture, NULL, set_up, func, tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	ADD("dropped/leaves-nothing", dropped_leaves_nothing);
	ADD("commit/names-and-replaces", commit_names_and_replaces);
	ADD("sweep/removes-leftovers", sweep_removes_leftovers);
	return g_test_run();
}
