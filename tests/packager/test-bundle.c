// SPDX-License-Identifier: LGPL-2.1-or-later
#include "common/file.h"
#include "packager/read/payload.h"
#include "tests/packager/material.h"

#include <string.h>
#include <sys/mman.h>

static SutureTrust *trust;

/* The reason code of verifying @fd, or "ok". */
static gchar *judge(int fd, GPtrArray **ret_checks)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(SutureBundle) bundle =
		suture_bundle_verify(fd, "test.rpm", trust, NULL, NULL, material_now(), ret_checks, &error);

	g_assert_true((bundle == NULL) == (error != NULL));
	if (error && strcmp(suture_error_reason(error), "internal") == 0)
		g_error("%s", error->message);
	return g_strdup(error ? suture_error_reason(error) : "ok");
}

static void test_case(gconstpointer data)
{
	g_auto(GStrv) words = g_strsplit(data, " ", 2);
	g_autofree gchar *name = g_strconcat(words[0], ".rpm", NULL);
	g_autofree gchar *path = material_path(name);
	SUTURE_AUTO_FD fd = open(path, O_RDONLY);
	g_autoptr(GPtrArray) checks = NULL;
	g_autofree gchar *reason = NULL;
	const SutureCheck *last;

	g_assert_cmpint(fd, >=, 0);
	reason = judge(fd, &checks);
	g_assert_cmpstr(reason, ==, words[1]);
	last = g_ptr_array_index(checks, checks->len - 1);
	g_assert_cmpint(last->passed, ==, strcmp(words[1], "ok") == 0);
	g_assert_nonnull(last->detail);
}

static void add_cases(void)
{
	g_autoptr(GBytes) text = material_read("cases.txt");
	g_autofree gchar *content = g_strndup(g_bytes_get_data(text, NULL), g_bytes_get_size(text));
	g_auto(GStrv) lines = g_strsplit(g_strchomp(content), "\n", -1);

	g_assert_cmpuint(g_strv_length(lines), >, 50);
	for (gsize i = 0; lines[i]; i++) {
		g_autofree gchar *name =
			g_strdup_printf("/bundle/verify/%.*s", (int)strcspn(lines[i], " "), lines[i]);

		g_test_add_data_func_full(name, g_strdup(lines[i]), test_case, g_free);
	}
}

/* A good package in memory, to be changed. */
typedef struct {
	int fd;
	guint8 *bytes;
	gsize size;
	gsize signatures, signatures_end, header, payload;
} Package;

static gsize structure_size(const guint8 *bytes)
{
	guint32 counts[2];

	memcpy(counts, bytes + 8, sizeof(counts));
	return 16 + 16 * (gsize)GUINT32_FROM_BE(counts[0]) + GUINT32_FROM_BE(counts[1]);
}

static Package *package_open(const gchar *name)
{
	g_autoptr(GBytes) original = material_read(name);
	g_autoptr(GError) error = NULL;
	Package *package = g_new0(Package, 1);
	gsize size;
	const guint8 *bytes = g_bytes_get_data(original, &size);

	package->fd = memfd_create("package", MFD_CLOEXEC);
	package->size = size;
	g_assert_true(suture_file_write_fd(package->fd, bytes, size, &error));
	package->bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, package->fd, 0);
	g_assert_true(package->bytes != MAP_FAILED);
	package->signatures = 96;
	package->signatures_end = 96 + structure_size(bytes + 96);
	package->header = (package->signatures_end + 7) / 8 * 8;
	package->payload = package->header + structure_size(bytes + package->header);
	return package;
}

static void package_free(Package *package)
{
	munmap(package->bytes, package->size);
	close(package->fd);
	g_free(package);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Package, package_free)

/* Changes single bytes in [@from, @to), every @step, in two ways; each must be refused by one of @reasons. */
static void flip(Package *package, gsize from, gsize to, gsize step, const gchar *const *reasons)
{
	static const guint8 masks[] = {0x01, 0x20, 0x80};

	g_assert_cmpuint(from, <, to);
	for (gsize i = from; i < to; i += step)
		for (gsize j = 0; j < G_N_ELEMENTS(masks); j++) {
			g_autofree gchar *reason = NULL;

			package->bytes[i] ^= masks[j];
			reason = judge(package->fd, NULL);
			package->bytes[i] ^= masks[j];
			if (!g_strv_contains(reasons, reason))
				g_error("byte %" G_GSIZE_FORMAT " ^ %02x (from %" G_GSIZE_FORMAT "): %s", i,
					masks[j], from, reason);
		}
}

static void assert_good(Package *package)
{
	g_autofree gchar *reason = judge(package->fd, NULL);

	g_assert_cmpstr(reason, ==, "ok");
}

static void test_flipped_lead(void)
{
	static const gchar *const reasons[] = {"rpm-lead", NULL};
	g_autoptr(Package) package = package_open("signed-here.rpm");

	assert_good(package);
	flip(package, 0, 96, 1, reasons);
}

/* Several packages: what may vary in a signature (leading zeros) differs from one to the next. */
static void test_flipped_signature_header(gconstpointer name)
{
	static const gchar *const reasons[] = {"rpm-malformed",
					       "rpm-reserved",
					       "rpm-trailing",
					       "rpm-unsigned",
					       "rpm-signatures",
					       "rpm-signature",
					       "rpm-digest",
					       "rpm-key-unknown",
					       "rpm-weak",
					       "rpm-signature-future",
					       "rpm-key-expired",
					       "rpm-key-revoked",
					       NULL};
	g_autoptr(Package) package = package_open(name);

	flip(package, package->signatures, package->signatures_end, 1, reasons);
	assert_good(package);
}

static void test_flipped_padding(void)
{
	static const gchar *const reasons[] = {"rpm-reserved", NULL};
	g_autoptr(Package) package = package_open("signed-here.rpm");

	if (package->signatures_end == package->header)
		g_test_skip("this package needs no padding");
	else
		flip(package, package->signatures_end, package->header, 1, reasons);
}

static void test_flipped_header(void)
{
	static const gchar *const reasons[] = {"rpm-malformed", "rpm-lead",      "rpm-no-payload-digest",
					       "rpm-signature", "rpm-scriptlet", NULL};
	g_autoptr(Package) package = package_open("signed-here.rpm");

	flip(package, package->header, package->payload, 1, reasons);
	assert_good(package);
}

static void test_flipped_payload(void)
{
	static const gchar *const reasons[] = {"rpm-digest", NULL};
	g_autoptr(Package) package = package_open("good.rpm");

	flip(package, package->payload, package->size, 31, reasons);
	flip(package, package->size - 4, package->size, 1, reasons);
}

/* The smallest one, of which no byte is left out: after the header, nothing but the payload's digest can
 * tell. */
static void test_flipped_payload_whole(void)
{
	static const gchar *const reasons[] = {"rpm-digest", NULL};
	g_autoptr(Package) package = package_open("signed-here.rpm");

	assert_good(package);
	flip(package, package->payload, package->size, 1, reasons);
	assert_good(package);
}

/* What was checked is what is unpacked, whatever becomes of the file in between. */
static void test_changed_after_opening(void)
{
	g_autoptr(Package) package = package_open("good.rpm");
	g_autoptr(GError) error = NULL;
	g_autoptr(SutureRpmFile) file = suture_rpm_file_open(package->fd, "test.rpm", &error);
	g_autoptr(SuturePayload) payload = NULL;

	g_assert_no_error(error);
	memset(package->bytes, 0, package->size);
	payload = suture_payload_read(file, &error);
	g_assert_no_error(error);
	g_assert_true(g_hash_table_contains(payload->files, SUTURE_MANIFEST_FILE));
}

static void test_trailing(void)
{
	g_autoptr(Package) package = package_open("good.rpm");
	g_autoptr(GError) error = NULL;
	g_autofree gchar *reason = NULL;

	g_assert_true(lseek(package->fd, 0, SEEK_END) > 0);
	g_assert_true(suture_file_write_fd(package->fd, "\0", 1, &error));
	reason = judge(package->fd, NULL);
	g_assert_cmpstr(reason, ==, "rpm-trailing");
}

static void test_truncated(void)
{
	g_autoptr(Package) package = package_open("good.rpm");
	g_autoptr(GBytes) original = material_read("good.rpm");

	for (gsize size = package->size - 1; size > 97; size -= 97) {
		SUTURE_AUTO_FD fd = memfd_create("cut", MFD_CLOEXEC);
		g_autoptr(GError) error = NULL;
		g_autofree gchar *reason = NULL;

		g_assert_true(suture_file_write_fd(fd, g_bytes_get_data(original, NULL), size, &error));
		reason = judge(fd, NULL);
		g_assert_cmpstr(reason, ==, "rpm-malformed");
	}
}

static SutureBundle *verify_good(const SutureTarget *target, const SutureKernel *kernel, GError **error)
{
	g_autofree gchar *path = material_path("good.rpm");
	SUTURE_AUTO_FD fd = open(path, O_RDONLY);

	return suture_bundle_verify(fd, "good.rpm", trust, target, kernel, material_now(), NULL, error);
}

static SutureKernel material_identity(void)
{
	g_auto(GStrv) lines = material_kernel();

	return (SutureKernel){g_strdup(lines[0]), g_strdup("x86_64"), g_strdup(lines[1]), NULL};
}

static void test_content(void)
{
	static const gchar *const names[] = {"rpm", "manifest", "files", "modules", "agreement", "kernel"};
	g_auto(SutureKernel) kernel = material_identity();
	g_autoptr(GError) error = NULL;
	g_autoptr(SutureBundle) bundle = verify_good(NULL, &kernel, &error);

	g_assert_no_error(error);
	g_assert_cmpuint(bundle->checks->len, ==, G_N_ELEMENTS(names));
	for (guint i = 0; i < bundle->checks->len; i++) {
		const SutureCheck *check = g_ptr_array_index(bundle->checks, i);

		g_assert_cmpstr(check->check, ==, names[i]);
		g_assert_true(check->passed);
	}
	g_assert_cmpuint(bundle->modules->len, ==, 1);
	g_assert_cmpstr(bundle->manifest->patch.name, ==, "meminfo");
	g_assert_cmpstr(bundle->receipt->manifest_sha256, ==, bundle->manifest_sha256);
	g_assert_cmpuint(strlen(bundle->receipt->package_sha256), ==, 64);
	g_assert_cmpint(bundle->receipt->rpm_signed, >, 1704067200);
}

static void assert_refused(const SutureTarget *target, const SutureKernel *kernel, gint code)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(SutureBundle) bundle = verify_good(target, kernel, &error);

	g_assert_null(bundle);
	g_assert_error(error, SUTURE_BUNDLE_ERROR, code);
}

static void test_kernel_release(void)
{
	g_auto(SutureKernel) kernel = material_identity();

	g_free(kernel.release);
	kernel.release = g_strdup("6.1.0-1-cloud-amd64");
	assert_refused(NULL, &kernel, SUTURE_BUNDLE_ERROR_KERNEL_RELEASE);
}

static void test_kernel_build_id(void)
{
	g_auto(SutureKernel) kernel = material_identity();

	kernel.build_id[0] = kernel.build_id[0] == '0' ? '1' : '0';
	assert_refused(NULL, &kernel, SUTURE_BUNDLE_ERROR_KERNEL_BUILD_ID);
}

static void test_kernel_arch(void)
{
	g_auto(SutureKernel) kernel = material_identity();

	g_free(kernel.arch);
	kernel.arch = g_strdup("aarch64");
	assert_refused(NULL, &kernel, SUTURE_BUNDLE_ERROR_KERNEL_ARCH);
}

static SutureTarget *target_of(const SutureBundle *bundle, const gchar *sha256)
{
	SUTURE_AUTO_JSON *custom = suture_target_custom(&bundle->manifest->patch, sha256);
	g_autoptr(GError) error = NULL;
	SutureTarget *target = NULL;

	g_assert_true(suture_target_parse(custom, &target, &error));
	g_assert_nonnull(target);
	return target;
}

static void test_target(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(SutureBundle) bundle = verify_good(NULL, NULL, &error);
	g_autoptr(SutureTarget) target = target_of(bundle, bundle->manifest_sha256);
	g_autoptr(SutureBundle) again = verify_good(target, NULL, &error);

	g_assert_no_error(error);
	g_assert_nonnull(again);
}

static void test_target_member(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(SutureBundle) bundle = verify_good(NULL, NULL, &error);
	g_autoptr(SutureTarget) target = target_of(bundle, bundle->manifest_sha256);

	target->patch.severity = SUTURE_SEVERITY_LOW;
	assert_refused(target, NULL, SUTURE_BUNDLE_ERROR_DISAGREE);
}

static void test_target_manifest(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(SutureBundle) bundle = verify_good(NULL, NULL, &error);
	g_autofree gchar *other = g_strnfill(64, '0');
	g_autoptr(SutureTarget) target = target_of(bundle, other);

	assert_refused(target, NULL, SUTURE_BUNDLE_ERROR_DISAGREE);
}

static void test_version_compare(void)
{
	g_assert_cmpint(suture_version_compare("1.10", "1", "1.9", "1"), >, 0);
	g_assert_cmpint(suture_version_compare("1", "1", "1", "1"), ==, 0);
	g_assert_cmpint(suture_version_compare("1", "1", "1", "2"), <, 0);
	g_assert_cmpint(suture_version_compare("2", "1", "1", "9"), >, 0);
}

int main(int argc, char **argv)
{
	static const gchar *const flipped[] = {"good.rpm", "by-edwards.rpm", "xz.rpm", "before-expiry.rpm",
					       "signed-here.rpm"};
	int status;

	g_test_init(&argc, &argv, NULL);
	material_ensure();
	trust = material_trust();
	add_cases();
	g_test_add_func("/bundle/verify/content", test_content);
	g_test_add_func("/bundle/verify/flipped-lead", test_flipped_lead);
	for (gsize i = 0; i < G_N_ELEMENTS(flipped); i++) {
		g_autofree gchar *name =
			g_strdup_printf("/bundle/verify/flipped-signature-header/%s", flipped[i]);

		g_test_add_data_func(name, flipped[i], test_flipped_signature_header);
	}
	g_test_add_func("/bundle/verify/flipped-padding", test_flipped_padding);
	g_test_add_func("/bundle/verify/flipped-header", test_flipped_header);
	g_test_add_func("/bundle/verify/flipped-payload", test_flipped_payload);
	g_test_add_func("/bundle/verify/flipped-payload/whole", test_flipped_payload_whole);
	g_test_add_func("/bundle/verify/changed-after-opening", test_changed_after_opening);
	g_test_add_func("/bundle/verify/trailing", test_trailing);
	g_test_add_func("/bundle/verify/truncated", test_truncated);
	g_test_add_func("/bundle/kernel/release", test_kernel_release);
	g_test_add_func("/bundle/kernel/build-id", test_kernel_build_id);
	g_test_add_func("/bundle/kernel/arch", test_kernel_arch);
	g_test_add_func("/bundle/target/agrees", test_target);
	g_test_add_func("/bundle/target/member-differs", test_target_member);
	g_test_add_func("/bundle/target/manifest-differs", test_target_manifest);
	g_test_add_func("/bundle/version/compare", test_version_compare);
	status = g_test_run();
	suture_trust_free(trust);
	return status;
}
