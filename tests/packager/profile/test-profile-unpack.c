// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/profile/unpack.h"

#include "common/file.h"
#include "common/staging.h"
#include "packager/profile/error.h"
#include "packager/profile/package.h"

#include <archive.h>
#include <archive_entry.h>
#include <string.h>

typedef struct {
	const gchar *path, *content, *link;
} Item;

static void add_item(struct archive *archive, const Item *item, gsize size)
{
	struct archive_entry *entry = archive_entry_new();

	archive_entry_set_pathname(entry, item->path);
	archive_entry_set_filetype(entry, item->link ? AE_IFLNK : AE_IFREG);
	archive_entry_set_perm(entry, 0644);
	if (item->link)
		archive_entry_set_symlink(entry, item->link);
	else
		archive_entry_set_size(entry, (la_int64_t)size);
	g_assert_cmpint(archive_write_header(archive, entry), ==, ARCHIVE_OK);
	if (!item->link)
		g_assert_cmpint(archive_write_data(archive, item->content, size), ==, (gssize)size);
	archive_entry_free(entry);
}

/* A tarball of @items, in memory. */
static GBytes *make_tar(const Item *items, guint count)
{
	gsize size = 4 * 1024 * 1024, used = 0;
	g_autofree gchar *buffer = g_malloc(size);
	struct archive *archive = archive_write_new();

	archive_write_set_format_pax_restricted(archive);
	archive_write_add_filter_xz(archive);
	g_assert_cmpint(archive_write_open_memory(archive, buffer, size, &used), ==, ARCHIVE_OK);
	for (guint i = 0; i < count; i++)
		add_item(archive, &items[i], items[i].content ? strlen(items[i].content) : 0);
	g_assert_cmpint(archive_write_close(archive), ==, ARCHIVE_OK);
	archive_write_free(archive);
	return g_bytes_new(buffer, used);
}

/* A .deb with @data as its data.tar.xz. */
static gchar *make_deb(const gchar *folder, const gchar *name, GBytes *data, const gchar *version)
{
	g_autofree gchar *control = g_strdup_printf("Package: x\nVersion: %s\n", version);
	const Item control_item = {"./control", control, NULL};
	g_autoptr(GBytes) control_tar = make_tar(&control_item, 1);
	gchar *path = g_build_filename(folder, name, NULL);
	struct archive *archive = archive_write_new();
	const struct {
		const gchar *name;
		gconstpointer bytes;
		gsize size;
	} members[] = {
		{"debian-binary", "2.0\n", 4},
		{"control.tar.xz", g_bytes_get_data(control_tar, NULL), g_bytes_get_size(control_tar)},
		{"data.tar.xz", g_bytes_get_data(data, NULL), g_bytes_get_size(data)},
	};

	archive_write_set_format_ar_svr4(archive);
	g_assert_cmpint(archive_write_open_filename(archive, path), ==, ARCHIVE_OK);
	for (gsize i = 0; i < G_N_ELEMENTS(members); i++) {
		const Item item = {members[i].name, members[i].bytes, NULL};

		add_item(archive, &item, members[i].size);
	}
	g_assert_cmpint(archive_write_close(archive), ==, ARCHIVE_OK);
	archive_write_free(archive);
	return path;
}

static void test_links(void)
{
	g_assert_true(suture_unpack_link_is_safe("a/b", "c"));
	g_assert_true(suture_unpack_link_is_safe("a/b", "../c"));
	g_assert_true(suture_unpack_link_is_safe("a/b/c", ".././../d/e"));
	g_assert_false(suture_unpack_link_is_safe("a/b", "../../c"));
	g_assert_false(suture_unpack_link_is_safe("b", ".."));
	g_assert_false(suture_unpack_link_is_safe("a/b", "/etc/passwd"));
	g_assert_false(suture_unpack_link_is_safe("a/b", "link/.."));
	g_assert_false(suture_unpack_link_is_safe("a/b", ""));
}

typedef struct {
	SutureScratch *scratch;
	gchar *out;
	int dirfd;
} Fixture;

static void set_up(Fixture *fixture, gconstpointer data)
{
	(void)data;
	fixture->scratch = suture_scratch_new(NULL);
	fixture->out = g_build_filename(suture_scratch_path(fixture->scratch), "out", NULL);
	fixture->dirfd = suture_file_open_folder(fixture->out, TRUE, NULL);
	g_assert_cmpint(fixture->dirfd, >=, 0);
}

static void tear_down(Fixture *fixture, gconstpointer data)
{
	(void)data;
	suture_fd_clear(&fixture->dirfd);
	g_free(fixture->out);
	suture_scratch_free(fixture->scratch);
}

static gboolean write_all(SutureEntry *entry, const gchar *path, gpointer data, GError **error)
{
	const Fixture *fixture = data;

	return suture_entry_write(entry, fixture->dirfd, path, error);
}

/* Unpacks a tarball of @items and gives the error. */
static GError *unpack(Fixture *fixture, const Item *items, guint count)
{
	g_autoptr(GBytes) tar = make_tar(items, count);
	g_autofree gchar *path = g_build_filename(suture_scratch_path(fixture->scratch), "test.tar.xz", NULL);
	GError *error = NULL;
	gboolean ok;

	g_assert_true(
		g_file_set_contents(path, g_bytes_get_data(tar, NULL), (gssize)g_bytes_get_size(tar), NULL));
	ok = suture_unpack_walk(path, write_all, fixture, NULL, &error);
	g_assert_true(ok == (error == NULL));
	return error;
}

static void assert_content(Fixture *fixture, const gchar *name, const gchar *expected)
{
	g_autofree gchar *path = g_build_filename(fixture->out, name, NULL);
	g_autofree gchar *text = NULL;

	g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
	g_assert_cmpstr(text, ==, expected);
}

static void test_tar(Fixture *fixture, gconstpointer data)
{
	const Item items[] = {
		{"./a/b/c.txt", "one", NULL}, {"/a/d.txt", "two", NULL}, {"a/link", NULL, "b/c.txt"}};
	g_autoptr(GError) error = unpack(fixture, items, G_N_ELEMENTS(items));

	(void)data;
	g_assert_no_error(error);
	assert_content(fixture, "a/b/c.txt", "one");
	assert_content(fixture, "a/d.txt", "two");
	assert_content(fixture, "a/link", "one");
}

static void test_escapes(Fixture *fixture, gconstpointer data)
{
	static const Item bad[][2] = {
		{{"a/../../x", "evil", NULL}, {"b", "", NULL}},
		{{"a", NULL, "/tmp"}, {"b", "", NULL}},
		{{"a", NULL, "../.."}, {"b", "", NULL}},
		{{"twice", "one", NULL}, {"./twice", "two", NULL}},
	};

	(void)data;
	for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autoptr(GError) error = unpack(fixture, bad[i], 2);

		g_assert_error(error, SUTURE_PROFILE_ERROR, SUTURE_PROFILE_ERROR_ARCHIVE);
	}
}

/* Not even into a folder that a symlink within the tree leads to. */
static void test_through_link(Fixture *fixture, gconstpointer data)
{
	const Item items[] = {{"real/x", "x", NULL}, {"link", NULL, "real"}, {"link/y", "y", NULL}};
	g_autoptr(GError) error = unpack(fixture, items, G_N_ELEMENTS(items));
	g_autofree gchar *path = g_build_filename(fixture->out, "real/y", NULL);

	(void)data;
	g_assert_error(error, SUTURE_PROFILE_ERROR, SUTURE_PROFILE_ERROR_ARCHIVE);
	g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
}

static void test_not_archive(Fixture *fixture, gconstpointer data)
{
	g_autofree gchar *path = g_build_filename(suture_scratch_path(fixture->scratch), "x", NULL);
	g_autoptr(GError) error = NULL;

	(void)data;
	g_assert_true(g_file_set_contents(path, "no archive", -1, NULL));
	g_assert_false(suture_unpack_walk(path, write_all, fixture, NULL, &error));
	g_assert_error(error, SUTURE_PROFILE_ERROR, SUTURE_PROFILE_ERROR_ARCHIVE);
}

static void claim_free(gpointer data)
{
	SutureInputClaim *claim = data;

	g_free(claim->origin);
	g_free(claim->said);
	g_free(claim);
}

static SutureInputs *new_inputs(Fixture *fixture)
{
	SutureInputs *inputs = g_new0(SutureInputs, 1);

	inputs->dirfd = fixture->dirfd;
	inputs->folder = g_strdup(fixture->out);
	inputs->releases = g_ptr_array_new_with_free_func(claim_free);
	inputs->versions = g_ptr_array_new_with_free_func(claim_free);
	return inputs;
}

static void test_deb(Fixture *fixture, gconstpointer data)
{
	const Item image[] = {
		{"./boot/vmlinuz-6.1.0-1-x", "image", NULL},
		{"./boot/config-6.1.0-1-x", "config", NULL},
		{"./lib/modules/6.1.0-1-x/kernel/net/x.ko", "module", NULL},
		{"./lib/modules/6.1.0-1-x/modules.order", "", NULL},
		{"./lib/modules/6.1.0-1-x/build", NULL, "/usr/src/elsewhere"},
	};
	g_autoptr(GBytes) tar = make_tar(image, G_N_ELEMENTS(image));
	g_autofree gchar *deb =
		make_deb(suture_scratch_path(fixture->scratch), "image.deb", tar, "6.1.170-3");
	SutureInputs *inputs = new_inputs(fixture);
	const SutureInputClaim *claim;
	g_autoptr(GError) error = NULL;

	(void)data;
	suture_package_gather(inputs, deb, &error);
	g_assert_no_error(error);
	assert_content(fixture, "in/image", "image");
	assert_content(fixture, "in/config", "config");
	assert_content(fixture, "modules/kernel/net/x.ko", "module");
	g_assert_cmpuint(inputs->n_modules, ==, 1);
	g_assert_cmpuint(inputs->releases->len, ==, 1);
	claim = inputs->releases->pdata[0];
	g_assert_cmpstr(claim->said, ==, "6.1.0-1-x");
	claim = inputs->versions->pdata[0];
	g_assert_cmpstr(claim->said, ==, "6.1.170-3");
	/* A second image is one too many. */
	g_assert_false(suture_package_gather(inputs, deb, &error));
	g_assert_error(error, SUTURE_PROFILE_ERROR, SUTURE_PROFILE_ERROR_INPUT);
	suture_inputs_free(inputs);
}

/* The tarball within the package, unpacked without a copy of it. */
static void test_deb_source(Fixture *fixture, gconstpointer data)
{
	const Item source[] = {{"linux-source-6.1/Makefile", "VERSION = 6\n", NULL},
			       {"linux-source-6.1/a/b.c", "int b;\n", NULL},
			       {"linux-source-6.1/a/link.c", NULL, "b.c"}};
	g_autoptr(GBytes) inner = make_tar(source, G_N_ELEMENTS(source));
	gsize size = 1024 * 1024, used = 0;
	g_autofree gchar *buffer = g_malloc(size);
	const Item outer = {"./usr/src/linux-source-6.1.tar.xz", g_bytes_get_data(inner, NULL), NULL};
	struct archive *archive = archive_write_new();
	g_autoptr(GBytes) tar = NULL;
	g_autofree gchar *deb = NULL;
	SutureInputs *inputs = new_inputs(fixture);
	g_autoptr(GError) error = NULL;

	(void)data;
	archive_write_set_format_pax_restricted(archive);
	archive_write_open_memory(archive, buffer, size, &used);
	add_item(archive, &outer, g_bytes_get_size(inner));
	archive_write_close(archive);
	archive_write_free(archive);
	tar = g_bytes_new(buffer, used);
	deb = make_deb(suture_scratch_path(fixture->scratch), "source.deb", tar, "6.1.170-3");
	suture_package_gather(inputs, deb, &error);
	g_assert_no_error(error);
	assert_content(fixture, "tree/Makefile", "VERSION = 6\n");
	assert_content(fixture, "tree/a/link.c", "int b;\n");
	g_assert_cmpstr(inputs->source_name, ==, "linux-source-6.1");
	suture_inputs_free(inputs);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/profile/unpack/symlinks-stay-within", test_links);
	g_test_add("/profile/unpack/a-tarball", Fixture, NULL, set_up, test_tar, tear_down);
	g_test_add("/profile/unpack/refuses-what-leads-out", Fixture, NULL, set_up, test_escapes, tear_down);
	g_test_add("/profile/unpack/writes-through-no-link", Fixture, NULL, set_up, test_through_link,
		   tear_down);
	g_test_add("/profile/unpack/refuses-what-is-no-archive", Fixture, NULL, set_up, test_not_archive,
		   tear_down);
	g_test_add("/profile/unpack/a-debian-image", Fixture, NULL, set_up, test_deb, tear_down);
	g_test_add("/profile/unpack/a-debian-source", Fixture, NULL, set_up, test_deb_source, tear_down);
	return g_test_run();
}
