// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/read/store.h"

#include "common/file.h"
#include "common/staging.h"
#include "tests/packager/material.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

static SutureTrust *trust;

/* A host's root with the good bundle in its fetched store. */
typedef struct {
	SutureScratch *scratch;
	const gchar *root;
	gchar *release;
	gchar *folder; /* of the bundle */
} Fixture;

static SutureBundle *verify(const gchar *name)
{
	g_autofree gchar *path = material_path(name);
	SUTURE_AUTO_FD fd = open(path, O_RDONLY);
	g_autoptr(GError) error = NULL;
	SutureBundle *bundle =
		suture_bundle_verify(fd, name, trust, NULL, NULL, material_now(), NULL, &error);

	g_assert_no_error(error);
	g_free(bundle->receipt->origin);
	bundle->receipt->origin = g_strdup("file");
	return bundle;
}

static void add(const Fixture *fixture, const gchar *name)
{
	g_autoptr(SutureBundle) bundle = verify(name);
	g_autoptr(GError) error = NULL;

	g_assert_true(suture_store_add(fixture->root, bundle, &error));
	g_assert_no_error(error);
}

static void set_up(Fixture *fixture, gconstpointer data)
{
	g_auto(GStrv) kernel = material_kernel();
	g_autoptr(GError) error = NULL;

	(void)data;
	fixture->scratch = suture_scratch_new(&error);
	fixture->root = suture_scratch_path(fixture->scratch);
	fixture->release = g_strdup(kernel[0]);
	fixture->folder = g_build_filename(fixture->root, SUTURE_BUNDLE_FETCHED_STORE, fixture->release,
					   "meminfo-1-1", NULL);
	add(fixture, "good.rpm");
}

static void tear_down(Fixture *fixture, gconstpointer data)
{
	(void)data;
	g_free(fixture->folder);
	g_free(fixture->release);
	suture_scratch_free(fixture->scratch);
}

static GPtrArray *list(const Fixture *fixture, guint wanted, guint wanted_faults)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) faults = NULL;
	GPtrArray *found = suture_store_list(fixture->root, fixture->release, &faults, &error);

	g_assert_no_error(error);
	g_assert_cmpuint(found->len, ==, wanted);
	g_assert_cmpuint(faults->len, ==, wanted_faults);
	return found;
}

/* The reason code of verifying the store's only bundle at rest. */
static gchar *judge(const Fixture *fixture, gint64 now)
{
	g_autoptr(GPtrArray) found = list(fixture, 1, 0);
	g_autoptr(GPtrArray) modules = NULL;
	g_autoptr(GError) error = NULL;

	if (suture_stored_verify(g_ptr_array_index(found, 0), trust, now, &modules, NULL, &error))
		return g_strdup("ok");
	g_assert_null(modules);
	return g_strdup(suture_error_reason(error));
}

/* The same, or why it is no bundle at all. */
static gchar *judge_any(const Fixture *fixture)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) faults = NULL;
	g_autoptr(GPtrArray) found = suture_store_list(fixture->root, fixture->release, &faults, &error);

	g_assert_no_error(error);
	g_assert_cmpuint(found->len + faults->len, ==, 1);
	if (found->len == 1)
		return judge(fixture, 0);
	return g_strdup(suture_error_reason(((const SutureStoredFault *)faults->pdata[0])->error));
}

static void assert_judged(const Fixture *fixture, const gchar *wanted)
{
	g_autofree gchar *reason = judge(fixture, 0);

	g_assert_cmpstr(reason, ==, wanted);
}

static gchar *path_of(const Fixture *fixture, const gchar *name)
{
	return g_build_filename(fixture->folder, name, NULL);
}

static void copy(const gchar *from, const gchar *to)
{
	const gchar *const argv[] = {"cp", "-rfT", "--remove-destination", from, to, NULL};
	g_autoptr(GError) error = NULL;

	g_assert_true(suture_process_run(argv, NULL, NULL, NULL, NULL, &error));
	g_assert_no_error(error);
}

static void test_add(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GPtrArray) found = list(fixture, 1, 0);
	const SutureStored *stored = g_ptr_array_index(found, 0);
	g_autoptr(SutureReceipt) receipt = NULL;
	g_autoptr(GError) error = NULL;
	struct stat status;

	(void)data;
	g_assert_cmpstr(stored->id, ==, "meminfo-1-1");
	g_assert_cmpstr(stored->origin, ==, "fetched");
	g_assert_true(suture_receipt_load(fixture->root, stored->manifest_sha256, &receipt, &error));
	g_assert_nonnull(receipt);
	g_assert_cmpstr(receipt->origin, ==, "file");
	g_assert_cmpint(g_stat(fixture->folder, &status), ==, 0);
	g_assert_cmpuint(status.st_mode & 07777, ==, 0755);
	assert_judged(fixture, "ok");
}

static void test_add_again(Fixture *fixture, gconstpointer data)
{
	g_autofree gchar *parent = g_path_get_dirname(fixture->folder);
	g_autoptr(GDir) folder = NULL;
	guint names = 0;

	(void)data;
	add(fixture, "good.rpm");
	folder = g_dir_open(parent, 0, NULL);
	while (g_dir_read_name(folder))
		names++;
	g_assert_cmpuint(names, ==, 1);
	assert_judged(fixture, "ok");
}

/* The same bundle by the package manager and by us is one; the fetched one wins. */
static void test_merged(Fixture *fixture, gconstpointer data)
{
	g_autofree gchar *parent =
		g_build_filename(fixture->root, SUTURE_BUNDLE_PACKAGE_STORE, fixture->release, NULL);
	g_autofree gchar *package = g_build_filename(parent, "meminfo-1-1", NULL);
	g_autoptr(GPtrArray) found = NULL;

	(void)data;
	g_mkdir_with_parents(parent, 0755);
	copy(fixture->folder, package);
	found = list(fixture, 1, 0);
	g_assert_cmpstr(((SutureStored *)g_ptr_array_index(found, 0))->origin, ==, "fetched");
	g_clear_pointer(&found, g_ptr_array_unref);
	g_assert_true(suture_file_remove_tree(AT_FDCWD, fixture->folder, NULL));
	found = list(fixture, 1, 0);
	g_assert_cmpstr(((SutureStored *)g_ptr_array_index(found, 0))->origin, ==, "rpm");
}

static void test_empty(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) found = suture_store_list(fixture->root, "6.1.0-none", NULL, &error);

	(void)data;
	g_assert_no_error(error);
	g_assert_cmpuint(found->len, ==, 0);
	g_assert_null(suture_store_list(fixture->root, "../..", NULL, &error));
	g_assert_error(error, SUTURE_COMMON_ERROR, SUTURE_COMMON_ERROR_PATH);
}

static void test_modules_are_sealed(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GPtrArray) found = list(fixture, 1, 0);
	g_autoptr(GPtrArray) modules = NULL;
	g_autoptr(SutureCmsSigner) signer = NULL;
	g_autoptr(GError) error = NULL;
	int fd;

	(void)data;
	g_assert_true(suture_stored_verify(g_ptr_array_index(found, 0), trust, material_now(), &modules,
					   &signer, &error));
	g_assert_cmpuint(modules->len, ==, 1);
	g_assert_nonnull(signer);
	fd = GPOINTER_TO_INT(g_ptr_array_index(modules, 0));
	g_assert_cmpint(pwrite(fd, "x", 1, 0), ==, -1);
	g_assert_cmpint(ftruncate(fd, 0), ==, -1);
}

static void change_byte(const gchar *path, off_t offset)
{
	SUTURE_AUTO_FD fd = open(path, O_RDWR);
	guint8 byte;

	g_assert_cmpint(pread(fd, &byte, 1, offset), ==, 1);
	byte ^= 1;
	g_assert_cmpint(pwrite(fd, &byte, 1, offset), ==, 1);
}

static void test_module_changed(Fixture *fixture, gconstpointer data)
{
	g_autofree gchar *path = path_of(fixture, "meminfo.ko");

	(void)data;
	change_byte(path, 1000);
	assert_judged(fixture, "file-digest");
}

/* Also when it is another module that the vendor signed. */
static void test_module_swapped(Fixture *fixture, gconstpointer data)
{
	g_autofree gchar *path = path_of(fixture, "meminfo.ko");
	g_autofree gchar *other = material_path("signed/twice.ko");

	(void)data;
	copy(other, path);
	assert_judged(fixture, "file-digest");
}

static void test_module_missing(Fixture *fixture, gconstpointer data)
{
	g_autofree gchar *path = path_of(fixture, "meminfo.ko");

	(void)data;
	g_unlink(path);
	assert_judged(fixture, "payload-missing");
}

static void test_module_symlink(Fixture *fixture, gconstpointer data)
{
	g_autofree gchar *path = path_of(fixture, "meminfo.ko");
	g_autofree gchar *target = material_path("signed/meminfo.ko");

	(void)data;
	g_unlink(path);
	g_assert_cmpint(symlink(target, path), ==, 0);
	assert_judged(fixture, "unsafe-path");
}

static void test_extra_file(Fixture *fixture, gconstpointer data)
{
	g_autofree gchar *path = path_of(fixture, "other.ko");

	(void)data;
	g_assert_true(g_file_set_contents(path, "x", 1, NULL));
	assert_judged(fixture, "payload-extra");
}

static void test_manifest_changed(Fixture *fixture, gconstpointer data)
{
	g_autofree gchar *path = path_of(fixture, SUTURE_MANIFEST_FILE);
	g_autofree gchar *text = NULL;
	gsize size;

	(void)data;
	g_assert_true(g_file_get_contents(path, &text, &size, NULL));
	memcpy(strstr(text, "important"), "critical ", 9);
	memcpy(strstr(text, "\"critical \""), "\"critical\" ", 11);
	g_assert_true(g_file_set_contents(path, text, (gssize)size, NULL));
	assert_judged(fixture, "cms-signature");
}

/* A bundle under another's name would be stacked in the other's place. */
static void test_folder_renamed(Fixture *fixture, gconstpointer data)
{
	g_autofree gchar *parent = g_path_get_dirname(fixture->folder);
	g_autofree gchar *other = g_build_filename(parent, "meminfo-1-2", NULL);

	(void)data;
	g_assert_cmpint(g_rename(fixture->folder, other), ==, 0);
	assert_judged(fixture, "disagree");
}

static void test_faults(Fixture *fixture, gconstpointer data)
{
	g_autofree gchar *parent = g_path_get_dirname(fixture->folder);
	g_autofree gchar *broken = g_build_filename(parent, "broken-1-1", NULL);
	g_autofree gchar *link = g_build_filename(parent, "link-1-1", NULL);
	g_autoptr(GPtrArray) found = NULL;

	(void)data;
	g_mkdir(broken, 0755);
	g_assert_cmpint(symlink(fixture->folder, link), ==, 0);
	found = list(fixture, 1, 2);
}

static void test_receipt(Fixture *fixture, gconstpointer data)
{
	g_autofree gchar *other = g_strnfill(64, '0');
	g_autoptr(SutureBundle) bundle = verify("good.rpm");
	g_autofree gchar *folder = g_build_filename(fixture->root, "var/lib/suture/receipts", NULL);
	g_autofree gchar *name = g_strconcat(bundle->manifest_sha256, ".json", NULL);
	g_autofree gchar *other_name = g_strconcat(other, ".json", NULL);
	g_autofree gchar *from = g_build_filename(folder, name, NULL);
	g_autofree gchar *to = g_build_filename(folder, other_name, NULL);
	SutureReceipt *receipt = (SutureReceipt *)1;
	g_autoptr(GError) error = NULL;
	struct stat status;

	(void)data;
	g_assert_true(suture_receipt_load(fixture->root, other, &receipt, &error));
	g_assert_null(receipt);
	g_assert_cmpint(g_stat(from, &status), ==, 0);
	g_assert_cmpuint(status.st_mode & 07777, ==, 0600);
	copy(from, to);
	g_assert_false(suture_receipt_load(fixture->root, other, &receipt, &error));
	g_assert_error(error, SUTURE_BUNDLE_ERROR, SUTURE_BUNDLE_ERROR_DISAGREE);
}

/* Time is judged once: what expired since is refused with a time, and good without. */
static void test_certificate_time(Fixture *fixture, gconstpointer data)
{
	const gint64 year = 366 * 24 * 3600;
	g_autofree gchar *at_rest = judge(fixture, 0);
	g_autofree gchar *first = judge(fixture, material_now() + 20 * year);

	(void)data;
	g_assert_cmpstr(at_rest, ==, "ok");
	g_assert_cmpstr(first, ==, "cms-expired");
}

static gboolean is_kind(const gchar *reason, const gchar *const *kinds)
{
	while (*kinds && !g_str_has_prefix(reason, *kinds))
		kinds++;
	return *kinds != NULL;
}

/* Whether the byte at @position is an INTEGER of its own. */
static gboolean is_number(int fd, off_t position)
{
	static const guint8 head[] = {2, 1};
	guint8 before[2];

	return position >= 2 && pread(fd, before, 2, position - 2) == 2 && memcmp(before, head, 2) == 0;
}

/* Whether the bundle with the byte at @position changed by @mask is refused, by one of @kinds. */
static gboolean is_refused(const Fixture *fixture, int fd, off_t position, guint8 mask,
			   const gchar *const *kinds)
{
	guint8 byte, flipped;
	g_autofree gchar *reason = NULL;

	g_assert_cmpint(pread(fd, &byte, 1, position), ==, 1);
	flipped = byte ^ mask;
	g_assert_cmpint(pwrite(fd, &flipped, 1, position), ==, 1);
	reason = judge_any(fixture);
	g_assert_cmpint(pwrite(fd, &byte, 1, position), ==, 1);
	if (strcmp(reason, "ok") != 0 && !is_kind(reason, kinds))
		g_error("byte %" G_GOFFSET_FORMAT " ^ %02x: %s", (goffset)position, mask, reason);
	return strcmp(reason, "ok") != 0;
}

/* Flips each byte of the file @name in turn: how many may be anything. Each of these is a number of one byte.
 */
static guint flip(const Fixture *fixture, const gchar *name, const gchar *const *kinds)
{
	g_autofree gchar *path = path_of(fixture, name);
	SUTURE_AUTO_FD fd = open(path, O_RDWR);
	struct stat status;
	guint accepted = 0;

	g_assert_cmpint(fstat(fd, &status), ==, 0);
	g_assert_cmpint(status.st_size, >, 100);
	for (off_t i = 0; i < status.st_size; i++)
		if (!is_refused(fixture, fd, i, (guint8)(1 << (i % 8)), kinds)) {
			g_assert_true(is_number(fd, i));
			accepted++;
		}
	assert_judged(fixture, "ok");
	return accepted;
}

static void test_flipped_manifest(Fixture *fixture, gconstpointer data)
{
	static const gchar *const kinds[] = {"json-", "manifest-", "cms-signature", NULL};

	(void)data;
	g_assert_cmpuint(flip(fixture, SUTURE_MANIFEST_FILE, kinds), ==, 0);
}

/* CMS signs neither its own version number nor the signer's, and OpenSSL reads past both; nothing depends on
 * them, and in a package the package's digest covers them. No other byte is free. */
static void test_flipped_signature(Fixture *fixture, gconstpointer data)
{
	static const gchar *const kinds[] = {"cms-", NULL};

	(void)data;
	g_assert_cmpuint(flip(fixture, SUTURE_MANIFEST_SIGNATURE_FILE, kinds), ==, 2);
}

static void test_flipped_module(Fixture *fixture, gconstpointer data)
{
	static const gchar *const kinds[] = {"file-digest", NULL};

	(void)data;
	g_assert_cmpuint(flip(fixture, "meminfo.ko", kinds), ==, 0);
}

#define ADD(NAME, FUNCTION) g_test_add("/bundle/store/" NAME, Fixture, NULL, set_up, FUNCTION, tear_down)

int main(int argc, char **argv)
{
	int status;

	g_test_init(&argc, &argv, NULL);
	material_ensure();
	trust = material_trust();
	ADD("add", test_add);
	ADD("add-again", test_add_again);
	ADD("merged", test_merged);
	ADD("empty", test_empty);
	ADD("modules-are-sealed", test_modules_are_sealed);
	ADD("module-changed", test_module_changed);
	ADD("module-swapped", test_module_swapped);
	ADD("module-missing", test_module_missing);
	ADD("module-symlink", test_module_symlink);
	ADD("extra-file", test_extra_file);
	ADD("manifest-changed", test_manifest_changed);
	ADD("flipped/manifest", test_flipped_manifest);
	ADD("flipped/signature", test_flipped_signature);
	ADD("flipped/module", test_flipped_module);
	ADD("folder-renamed", test_folder_renamed);
	ADD("faults", test_faults);
	ADD("receipt", test_receipt);
	ADD("certificate-time", test_certificate_time);
	status = g_test_run();
	suture_trust_free(trust);
	return status;
}
