// SPDX-License-Identifier: LGPL-2.1-or-later
#include "common/error.h"
#include "common/file.h"
#include "common/staging.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

typedef struct {
	SutureScratch *scratch;
	int fd;
} Fixture;

static void set_up(Fixture *f, gconstpointer data)
{
	g_autoptr(GError) error = NULL;

	(void)data;
	f->scratch = suture_scratch_new(&error);
	g_assert_no_error(error);
	f->fd = suture_file_open_folder(suture_scratch_path(f->scratch), FALSE, &error);
	g_assert_no_error(error);
}

static void tear_down(Fixture *f, gconstpointer data)
{
	(void)data;
	suture_fd_clear(&f->fd);
	suture_scratch_free(f->scratch);
}

static void put(Fixture *f, const gchar *name, const gchar *text)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GBytes) bytes = g_bytes_new_static(text, strlen(text));

	g_assert_true(suture_file_write_atomic(f->fd, name, bytes, 0640, &error));
	g_assert_no_error(error);
}

static void assert_content(Fixture *f, const gchar *name, const gchar *text)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GBytes) bytes = suture_file_read_at(f->fd, name, 1024, &error);

	g_assert_no_error(error);
	g_assert_cmpmem(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), text, strlen(text));
}

static void write_replaces(Fixture *f, gconstpointer data)
{
	struct stat st;

	(void)data;
	put(f, "a", "first, and longer");
	put(f, "a", "second");
	assert_content(f, "a", "second");
	g_assert_cmpint(fstatat(f->fd, "a", &st, 0), ==, 0);
	g_assert_cmpint(st.st_mode & 07777, ==, 0640);
}

static void failed_write_leaves_nothing(Fixture *f, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GBytes) bytes = g_bytes_new_static("x", 1);
	g_autoptr(GDir) folder = NULL;

	(void)data;
	g_assert_cmpint(mkdirat(f->fd, "taken", 0755), ==, 0);
	g_assert_false(suture_file_write_atomic(f->fd, "taken", bytes, 0644, &error));
	g_assert_error(error, SUTURE_COMMON_ERROR, SUTURE_COMMON_ERROR_IO);
	folder = g_dir_open(suture_scratch_path(f->scratch), 0, NULL);
	g_assert_cmpstr(g_dir_read_name(folder), ==, "taken");
	g_assert_null(g_dir_read_name(folder));
}

/* Names that look alike may be somebody's: a role's, say. */
static void sweep_removes_temporaries_alone(Fixture *f, gconstpointer data)
{
	static const gchar *const kept[] = {
		"a", "a.01234567", ".01234567", ".a.0123456g", ".a.012345678", ".a.json", ".a.01234567.json"};
	static const gchar *const gone[] = {".a.01234567", ".a.json.89abcdef", "..a.01234567"};
	g_autoptr(GError) error = NULL;

	(void)data;
	for (gsize i = 0; i < G_N_ELEMENTS(kept); i++)
		put(f, kept[i], "x");
	for (gsize i = 0; i < G_N_ELEMENTS(gone); i++)
		put(f, gone[i], "x");
	g_assert_true(suture_file_sweep(f->fd, &error));
	g_assert_no_error(error);
	for (gsize i = 0; i < G_N_ELEMENTS(kept); i++)
		assert_content(f, kept[i], "x");
	for (gsize i = 0; i < G_N_ELEMENTS(gone); i++)
		g_assert_cmpint(faccessat(f->fd, gone[i], F_OK, 0), <, 0);
}

static void read_over_limit(Fixture *f, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GBytes) exact = NULL;

	(void)data;
	put(f, "a", "12345678");
	exact = suture_file_read_at(f->fd, "a", 8, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(g_bytes_get_size(exact), ==, 8);
	g_assert_null(suture_file_read_at(f->fd, "a", 7, &error));
	g_assert_error(error, SUTURE_COMMON_ERROR, SUTURE_COMMON_ERROR_TOO_LARGE);
}

static void assert_refused(Fixture *f, const gchar *path, SutureCommonError code)
{
	g_autoptr(GError) error = NULL;

	g_assert_cmpint(suture_file_open_beneath(f->fd, path, O_RDONLY, 0, &error), ==, -1);
	g_assert_error(error, SUTURE_COMMON_ERROR, (gint)code);
}

static void open_beneath_refuses_escapes(Fixture *f, gconstpointer data)
{
	(void)data;
	put(f, "a", "x");
	g_assert_cmpint(symlinkat("a", f->fd, "link"), ==, 0);
	g_assert_cmpint(mkdirat(f->fd, "d", 0755), ==, 0);
	g_assert_cmpint(symlinkat("d", f->fd, "dlink"), ==, 0);
	g_assert_cmpint(mknodat(f->fd, "fifo", S_IFIFO | 0600, 0), ==, 0);
	assert_refused(f, "link", SUTURE_COMMON_ERROR_PATH);
	assert_refused(f, "dlink/x", SUTURE_COMMON_ERROR_PATH);
	assert_refused(f, "../etc/passwd", SUTURE_COMMON_ERROR_PATH);
	assert_refused(f, "d/../../x", SUTURE_COMMON_ERROR_PATH);
	assert_refused(f, "/etc/passwd", SUTURE_COMMON_ERROR_PATH);
	assert_refused(f, "fifo", SUTURE_COMMON_ERROR_PATH);
	assert_refused(f, "d", SUTURE_COMMON_ERROR_PATH);
	assert_refused(f, "absent", SUTURE_COMMON_ERROR_IO);
}

static void remove_tree_does_not_follow(Fixture *f, gconstpointer data)
{
	g_autoptr(GError) error = NULL;

	(void)data;
	put(f, "kept", "x");
	g_assert_cmpint(mkdirat(f->fd, "d", 0755), ==, 0);
	g_assert_cmpint(mkdirat(f->fd, "d/e", 0755), ==, 0);
	g_assert_cmpint(symlinkat("../kept", f->fd, "d/link"), ==, 0);
	g_assert_cmpint(symlinkat("..", f->fd, "d/e/up"), ==, 0);
	g_assert_true(suture_file_remove_tree(f->fd, "d", &error));
	g_assert_no_error(error);
	g_assert_cmpint(faccessat(f->fd, "d", F_OK, 0), ==, -1);
	assert_content(f, "kept", "x");
	g_assert_true(suture_file_remove_tree(f->fd, "absent", &error));
}

static void seal_copy_cannot_change(Fixture *f, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	SUTURE_AUTO_FD fd = -1;
	SUTURE_AUTO_FD copy = -1;
	g_autoptr(GBytes) bytes = NULL;

	(void)data;
	put(f, "a", "verified");
	fd = openat(f->fd, "a", O_RDWR | O_CLOEXEC);
	copy = suture_file_seal_copy(fd, 1024, "a", &error);
	g_assert_no_error(error);
	g_assert_cmpint(pwrite(fd, "EVIL", 4, 0), ==, 4);
	g_assert_cmpint(pwrite(copy, "EVIL", 4, 0), ==, -1);
	g_assert_cmpint(errno, ==, EPERM);
	g_assert_cmpint(ftruncate(copy, 2), ==, -1);
	bytes = suture_file_read_fd(copy, 1024, "copy", &error);
	g_assert_cmpmem(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), "verified", 8);
	g_assert_cmpint(suture_file_seal_copy(fd, 7, "a", &error), ==, -1);
	g_assert_error(error, SUTURE_COMMON_ERROR, SUTURE_COMMON_ERROR_TOO_LARGE);
}

static void names(void)
{
	g_autofree gchar *longest = g_strnfill(255, 'a');
	g_autofree gchar *too_long = g_strnfill(256, 'a');

	g_assert_true(suture_file_name_is_safe("meminfo-1-1"));
	g_assert_true(suture_file_name_is_safe(longest));
	g_assert_false(suture_file_name_is_safe(too_long));
	g_assert_false(suture_file_name_is_safe(""));
	g_assert_false(suture_file_name_is_safe("."));
	g_assert_false(suture_file_name_is_safe(".."));
	g_assert_false(suture_file_name_is_safe(".hidden"));
	g_assert_false(suture_file_name_is_safe("a/b"));
	g_assert_false(suture_file_name_is_safe("a b"));
	g_assert_false(suture_file_name_is_safe("a\nb"));
	g_assert_false(suture_file_name_is_safe("\303\244"));
}

#define ADD(name, func) g_test_add("/common/file/" name, Fixture, NULL, set_up, func, tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	ADD("write-atomic/replaces-whole", write_replaces);
	ADD("write-atomic/failure-leaves-nothing", failed_write_leaves_nothing);
	ADD("sweep/temporaries-alone", sweep_removes_temporaries_alone);
	ADD("read/limit-is-exact", read_over_limit);
	ADD("open-beneath/refuses-escapes", open_beneath_refuses_escapes);
	ADD("remove-tree/does-not-follow-links", remove_tree_does_not_follow);
	ADD("seal-copy/cannot-change", seal_copy_cannot_change);
	g_test_add_func("/common/file/name/safe-component", names);
	return g_test_run();
}
