// SPDX-License-Identifier: LGPL-2.1-or-later
/* Every byte of a media flipped in turn: refused, or the mirror is exact all the same. */
#include "common/file.h"
#include "common/staging.h"
#include "fetcher/mirror/mirror.h"
#include "fetcher/mirror/rpm-md-parse.h"

#include <string.h>
#include <sys/mman.h>

#define NOW 1800000000 /* a moment in the life of the media's metadata */

static void add_tree(GHashTable *tree, const gchar *folder, const gchar *below)
{
	g_autoptr(GDir) listing = g_dir_open(folder, 0, NULL);
	const gchar *name;

	while (listing && (name = g_dir_read_name(listing))) {
		g_autofree gchar *path = g_build_filename(folder, name, NULL);
		g_autofree gchar *inner = g_build_filename(below, name, NULL);
		g_autoptr(GBytes) bytes = NULL;

		if (g_str_equal(name, ".state"))
			continue;
		if (g_file_test(path, G_FILE_TEST_IS_DIR)) {
			add_tree(tree, path, inner);
			continue;
		}
		bytes = suture_file_read(path, G_MAXUINT / 2, NULL);
		g_assert_nonnull(bytes);
		g_hash_table_insert(tree, g_steal_pointer(&inner),
				    g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, bytes));
	}
}

/* What is served: path -> SHA-256. Empty when the import is refused; @ret_error says why. */
static GHashTable *imported(const gchar *data, gsize size, GError **ret_error)
{
	GHashTable *tree = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	g_autoptr(SutureScratch) scratch = suture_scratch_new(NULL);
	g_autofree gchar *folder = g_build_filename(suture_scratch_path(scratch), "mirror", NULL);
	g_autofree gchar *media = g_build_filename(suture_scratch_path(scratch), "media", NULL);
	const SutureMirrorImport request = {.media = media, .folder = folder, .root = MEDIA_ROOT, .now = NOW};
	g_autoptr(SutureMirrorReport) report = NULL;

	g_assert_true(g_file_set_contents(media, data, (gssize)size, NULL));
	report = suture_mirror_import(&request, ret_error);
	if (report) {
		g_assert_no_error(report->refusal);
		add_tree(tree, folder, "");
	}
	return tree;
}

static gboolean equal_trees(GHashTable *a, GHashTable *b)
{
	GHashTableIter iter;
	gpointer path, digest;

	if (g_hash_table_size(a) != g_hash_table_size(b))
		return FALSE;
	g_hash_table_iter_init(&iter, a);
	while (g_hash_table_iter_next(&iter, &path, &digest))
		if (g_strcmp0(g_hash_table_lookup(b, path), digest) != 0)
			return FALSE;
	return TRUE;
}

static void every_byte_flipped(gconstpointer name)
{
	g_autofree gchar *path = g_build_filename(MEDIA_CORPUS, name, NULL);
	g_autoptr(GHashTable) right = NULL;
	g_autoptr(GError) error = NULL;
	g_autofree gchar *data = NULL;
	guint harmless = 0;
	gsize size;

	g_assert_true(g_file_get_contents(path, &data, &size, NULL));
	g_assert_cmpint(data[0], ==, 'm');
	right = imported(data + 1, size - 1, &error);
	g_assert_no_error(error);
	for (gsize i = 1; i < size; i++) {
		g_autoptr(GError) refusal = NULL;
		g_autoptr(GHashTable) tree = NULL;

		data[i] ^= (gchar)(1 << i % 8);
		tree = imported(data + 1, size - 1, &refusal);
		data[i] ^= (gchar)(1 << i % 8);
		if (!refusal && !equal_trees(tree, right))
			g_error("byte %" G_GSIZE_FORMAT " changes what is served", i);
		if (refusal && suture_error_exit(refusal) != SUTURE_EXIT_UNTRUSTED &&
		    suture_error_exit(refusal) != SUTURE_EXIT_INPUT)
			g_error("byte %" G_GSIZE_FORMAT ": %s", i, refusal->message);
		harmless += !refusal;
	}
	g_test_message("%u of %" G_GSIZE_FORMAT " bytes do no harm", harmless, size - 1);
	g_assert_cmpuint(harmless, <, size / 8);
}

static void assert_repomd(const gchar *body, gboolean right)
{
	g_autofree gchar *text = g_strdup_printf("<repomd>%s</repomd>", body);
	g_autoptr(GBytes) bytes = g_bytes_new_static(text, strlen(text));
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) files = suture_mirror_repomd_parse(bytes, "repomd.xml", &error);

	g_assert_cmpint(files != NULL, ==, right);
	if (!right)
		g_assert_error(error, SUTURE_MIRROR_ERROR, SUTURE_MIRROR_ERROR_RPM_MD);
}

#define DIGEST "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define FILE_OF(type, rest) "<data type=\"" type "\">" rest "</data>"
#define SUM "<checksum type=\"sha256\">" DIGEST "</checksum>"
#define OPEN "<open-checksum type=\"sha256\">ff</open-checksum><open-size>9</open-size>"
#define AT(href) "<location href=\"" href "\"/>"

static void repomd(void)
{
	assert_repomd(FILE_OF("primary", SUM OPEN AT("repodata/a") "<size>1</size>"), TRUE);
	assert_repomd("", FALSE);
	assert_repomd(FILE_OF("other", SUM AT("repodata/a") "<size>1</size>"), FALSE);
	assert_repomd(FILE_OF("primary", AT("repodata/a") "<size>1</size>"), FALSE);
	assert_repomd(FILE_OF("primary", SUM "<size>1</size>"), FALSE);
	assert_repomd(FILE_OF("primary", SUM AT("repodata/a")), FALSE);
	assert_repomd(FILE_OF("primary", SUM AT("repodata/a") AT("repodata/b") "<size>1</size>"), FALSE);
	assert_repomd(FILE_OF("primary", SUM AT("repodata/a/b") "<size>1</size>"), FALSE);
	assert_repomd(FILE_OF("primary", SUM AT("repodata/a") "<size>-1</size>"), FALSE);
	assert_repomd(FILE_OF("primary", SUM AT("repodata/a") "<size>99999999999999999999</size>"), FALSE);
	assert_repomd(FILE_OF("primary",
			      SUM "<location xml:base=\"http://x/\" href=\"repodata/a\"/><size>1</size>"),
		      FALSE);
}

static gboolean count(const gchar *href, const gchar *sha256, gpointer data, GError **error)
{
	(void)error;
	g_assert_cmpstr(href, ==, "a.rpm");
	g_assert_cmpstr(sha256, ==, DIGEST);
	(*(guint *)data)++;
	return TRUE;
}

static void assert_primary(const gchar *body, gint packages)
{
	g_autofree gchar *text = g_strdup_printf("<metadata>%s</metadata>", body);
	SUTURE_AUTO_FD fd = memfd_create("primary", MFD_CLOEXEC);
	g_autoptr(GError) error = NULL;
	guint found = 0;
	gboolean parsed;

	g_assert_true(suture_file_write_fd(fd, text, strlen(text), NULL));
	parsed = suture_mirror_primary_parse(fd, "primary.xml", count, &found, &error);
	g_assert_cmpint(parsed, ==, packages >= 0);
	if (packages < 0)
		g_assert_error(error, SUTURE_MIRROR_ERROR, SUTURE_MIRROR_ERROR_RPM_MD);
	else
		g_assert_cmpuint(found, ==, (guint)packages);
}

static void primary(void)
{
	assert_primary("", 0);
	assert_primary("<package>" SUM AT("a.rpm") "</package><package>" SUM AT("a.rpm") "</package>", 2);
	assert_primary("<package>" SUM "</package>", -1);
	assert_primary("<package>" AT("a.rpm") "</package>", -1);
	assert_primary("<package>" SUM AT("a.rpm") AT("b.rpm") "</package>", -1);
	assert_primary("<package>" SUM, -1);
}

int main(int argc, char **argv)
{
	/* Thousands of imports, each synced to its file system. */
	if (g_file_test("/dev/shm", G_FILE_TEST_IS_DIR))
		g_setenv("TMPDIR", "/dev/shm", TRUE);
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/fetcher/mirror/repomd", repomd);
	g_test_add_func("/fetcher/mirror/primary", primary);
	g_test_add_data_func("/fetcher/media/every-byte-flipped/plain", "plain", every_byte_flipped);
	g_test_add_data_func("/fetcher/media/every-byte-flipped/rpm-md", "media", every_byte_flipped);
	return g_test_run();
}
