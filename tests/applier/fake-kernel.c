// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/applier/fake-kernel.h"

#include <glib/gstdio.h>
#include <string.h>

void fake_kernel_set_up(FakeKernel *kernel, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	g_autofree gchar *folder = NULL;

	(void)data;
	kernel->scratch = suture_scratch_new(&error);
	g_assert_no_error(error);
	kernel->root = suture_scratch_path(kernel->scratch);
	folder = g_build_filename(kernel->root, "sys/kernel/livepatch", NULL);
	g_assert_cmpint(g_mkdir_with_parents(folder, 0755), ==, 0);
	fake_write(kernel, "proc/modules", "");
}

void fake_kernel_tear_down(FakeKernel *kernel, gconstpointer data)
{
	(void)data;
	suture_scratch_free(kernel->scratch);
}

static void write_bytes(const FakeKernel *kernel, const gchar *path, const gchar *bytes, gssize size)
{
	g_autofree gchar *full = g_build_filename(kernel->root, path, NULL);
	g_autofree gchar *folder = g_path_get_dirname(full);
	g_autoptr(GError) error = NULL;

	g_assert_cmpint(g_mkdir_with_parents(folder, 0755), ==, 0);
	g_file_set_contents(full, bytes, size, &error);
	g_assert_no_error(error);
}

void fake_write(const FakeKernel *kernel, const gchar *path, const gchar *text)
{
	write_bytes(kernel, path, text, -1);
}

static void add_patch(const FakeKernel *kernel, const gchar *provider, const gchar *name,
		      const gchar *function)
{
	g_autofree gchar *modules = g_build_filename(kernel->root, "proc/modules", NULL);
	g_autofree gchar *enabled = g_strdup_printf("sys/kernel/%s/%s/enabled", provider, name);
	g_autofree gchar *transition = g_strdup_printf("sys/kernel/%s/%s/transition", provider, name);
	g_autofree gchar *folder =
		g_build_filename(kernel->root, "sys/kernel", provider, name, function, NULL);
	g_autofree gchar *before = NULL;
	g_autofree gchar *after = NULL;

	fake_write(kernel, enabled, "1\n");
	fake_write(kernel, transition, "0\n");
	fake_module(kernel, name, "OK\n");
	g_assert_cmpint(g_mkdir_with_parents(folder, 0755), ==, 0);
	g_assert_true(g_file_get_contents(modules, &before, NULL, NULL));
	after = g_strdup_printf("%s 16384 1 - Live 0x0000000000000000 (K)\n%s", name, before);
	fake_write(kernel, "proc/modules", after);
}

void fake_patch(const FakeKernel *kernel, const gchar *name, const gchar *function)
{
	add_patch(kernel, "livepatch", name, function);
}

void fake_framework_patch(const FakeKernel *kernel, const gchar *name, const gchar *function, guint order)
{
	g_autofree gchar *path = g_strdup_printf("sys/kernel/suture/%s/stack_order", name);
	g_autofree gchar *text = g_strdup_printf("%u\n", order);

	add_patch(kernel, "suture", name, function);
	fake_write(kernel, path, text);
}

void fake_module(const FakeKernel *kernel, const gchar *name, const gchar *taint)
{
	g_autofree gchar *state = g_strdup_printf("sys/module/%s/initstate", name);
	g_autofree gchar *taints = g_strdup_printf("sys/module/%s/taint", name);

	fake_write(kernel, state, "live\n");
	fake_write(kernel, taints, taint);
}

void fake_build_id(const FakeKernel *kernel, const gchar *module, guint8 id)
{
	g_autofree gchar *path = g_strdup_printf("sys/module/%s/notes/.note.gnu.build-id", module);
	/* ELF note: name size 4, descriptor size 8, type 3 (NT_GNU_BUILD_ID), "GNU" */
	gchar note[24] = "\4\0\0\0\10\0\0\0\3\0\0\0GNU";

	memset(note + 16, id, 8);
	write_bytes(kernel, path, note, sizeof note);
}

/* A digest or a build-id of @digits digits, all from @byte. */
static gchar *hex(guint8 byte, gsize digits)
{
	GString *text = g_string_new(NULL);

	while (text->len < digits)
		g_string_append_printf(text, "%02x", byte);
	return g_string_free(text, FALSE);
}

static SutureManifest *manifest_new(const gchar *name, guint8 id, const gchar *cve)
{
	SutureManifest *manifest = suture_manifest_new();
	SuturePatch *patch = &manifest->patch;
	SutureVulnerability *vulnerability = g_new0(SutureVulnerability, 1);
	SutureModule *module = suture_module_new();

	patch->name = g_strdup(name);
	patch->version = g_strdup("1");
	patch->release = g_strdup("1");
	patch->advisory = g_strdup("TEST-1");
	patch->issued = g_strdup("2026-01-01T00:00:00Z");
	patch->kernel = (SutureKernel){g_strdup("6.1.0-1-test"), g_strdup("x86_64"), hex(0xab, 40),
				       g_strdup("6.1.0-1-test SMP mod_unload ")};
	vulnerability->id = g_strdup(cve);
	vulnerability->status = g_strdup("fixed");
	g_ptr_array_add(patch->vulnerabilities, vulnerability);
	manifest->format = SUTURE_MANIFEST_FORMAT;
	manifest->summary = g_strdup("a test");
	manifest->toolchain = g_strdup("");
	module->file = g_strdup_printf("%s.ko", name);
	module->size = 1000;
	module->sha256 = hex(0xcd, 64);
	module->build_id = hex(id, 16);
	module->srcversion = g_strdup("");
	g_ptr_array_add(module->functions, suture_function_new("vmlinux", "a_function", 0));
	g_ptr_array_add(manifest->modules, module);
	return manifest;
}

static SutureReceipt *receipt_new(void)
{
	SutureReceipt *receipt = suture_receipt_new();

	receipt->manifest_sha256 = hex(0xef, 64);
	receipt->origin = g_strdup("rpm");
	receipt->accepted = g_strdup("2026-01-01T00:00:00Z");
	receipt->package_sha256 = g_strdup("");
	receipt->package_name = g_strdup("package");
	receipt->rpm_key = g_strdup("");
	receipt->cms_certificate = hex(0x12, 64);
	receipt->cms_subject = g_strdup("CN=signer");
	receipt->cms_not_after = g_strdup("2027-01-01T00:00:00Z");
	return receipt;
}

static void write_copy(const FakeKernel *kernel, SutureManifest *manifest)
{
	g_autoptr(SutureReceipt) receipt = receipt_new();
	g_autoptr(GError) error = NULL;
	g_autofree gchar *folder = suture_patch_id(&manifest->patch);
	SutureStored stored = {.id = folder, .folder = -1, .manifest = manifest};

	stored.manifest_bytes = suture_manifest_write(manifest, &error);
	g_assert_no_error(error);
	stored.manifest_signature = g_bytes_new_static("signature", 9);
	g_assert_true(suture_live_write(kernel->root, FAKE_BOOT_ID, &stored, receipt, &error));
	g_assert_no_error(error);
	g_bytes_unref(stored.manifest_bytes);
	g_bytes_unref(stored.manifest_signature);
}

void fake_live_copy(const FakeKernel *kernel, const gchar *name, guint8 id, const gchar *cve)
{
	g_autoptr(SutureManifest) manifest = manifest_new(name, id, cve);

	write_copy(kernel, manifest);
}

void fake_cumulative_copy(const FakeKernel *kernel, const gchar *name, guint8 id, const gchar *cve)
{
	g_autoptr(SutureManifest) manifest = manifest_new(name, id, cve);

	manifest->patch.stack.cumulative = TRUE;
	write_copy(kernel, manifest);
}

void fake_patching_copy(const FakeKernel *kernel, const gchar *name, guint8 id, const gchar *object,
			const gchar *build_id)
{
	g_autoptr(SutureManifest) manifest = manifest_new(name, id, "CVE-2026-0001");
	SutureModule *module = manifest->modules->pdata[0];

	g_ptr_array_add(module->patches, suture_patched_build_new(object, build_id, ""));
	suture_manifest_settle_patches(manifest);
	write_copy(kernel, manifest);
}

SutureLivepatch *fake_open(const FakeKernel *kernel)
{
	g_autoptr(GError) error = NULL;
	SutureLivepatch *livepatch = suture_livepatch_open(kernel->root, &error);

	g_assert_no_error(error);
	return livepatch;
}
