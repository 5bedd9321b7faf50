// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/read/module-info.h"

#include "tests/packager/material.h"

#include <elf.h>
#include <string.h>

static SutureModuleInfo *read_good(const gchar *name)
{
	g_autoptr(GBytes) module = material_read(name);
	g_autoptr(GError) error = NULL;
	SutureModuleInfo *info = suture_module_info_read(module, name, &error);

	g_assert_no_error(error);
	return info;
}

static void assert_function(const SutureModuleInfo *info, guint index, const gchar *object, const gchar *name,
			    guint64 sympos)
{
	const SutureFunction *function = g_ptr_array_index(info->functions, index);

	g_assert_cmpstr(function->object, ==, object);
	g_assert_cmpstr(function->name, ==, name);
	g_assert_cmpuint(function->sympos, ==, sympos);
}

static void test_one_function(void)
{
	g_autoptr(SutureModuleInfo) info = read_good("meminfo.ko");
	g_auto(GStrv) kernel = material_kernel();

	g_assert_cmpstr(info->name, ==, "meminfo");
	g_assert_true(g_str_has_prefix(info->vermagic, kernel[0]));
	g_assert_cmpuint(strlen(info->build_id), ==, 40);
	g_assert_cmpint(info->provider, ==, SUTURE_PROVIDER_KERNEL);
	g_assert_false(info->cumulative);
	g_assert_cmpuint(info->functions->len, ==, 1);
	assert_function(info, 0, "vmlinux", "meminfo_proc_show", 0);
	g_assert_cmpuint(info->objects->len, ==, 0);
}

/* Of any module, and the same with a signature behind it. */
static void test_identity(void)
{
	g_autoptr(GBytes) plain = material_read("plain.ko");
	g_autoptr(GBytes) bytes = material_read("signed/meminfo.ko");
	g_autoptr(SutureModuleInfo) info = read_good("meminfo.ko");
	g_autoptr(SutureModuleIdentity) other = NULL;
	g_autoptr(SutureModuleIdentity) same = NULL;
	g_autoptr(GError) error = NULL;
	g_auto(GStrv) kernel = material_kernel();

	other = suture_module_identity_read(plain, "plain.ko", &error);
	g_assert_no_error(error);
	same = suture_module_identity_read(bytes, "meminfo.ko", &error);
	g_assert_no_error(error);
	g_assert_cmpstr(other->name, ==, "plain");
	g_assert_cmpstr(other->release, ==, kernel[0]);
	g_assert_cmpstr(same->build_id, ==, info->build_id);
	g_assert_cmpstr(same->build_id, !=, other->build_id);
	g_assert_cmpstr(same->srcversion, ==, info->srcversion);
}

static void test_signed(void)
{
	g_autoptr(SutureModuleInfo) info = read_good("signed/meminfo.ko");

	g_assert_cmpuint(info->functions->len, ==, 1);
}

/* Data in one section, and with -fdata-sections each object in its own. */
static void test_two_objects(gconstpointer name)
{
	g_autoptr(SutureModuleInfo) info = read_good(name);

	g_assert_cmpuint(info->functions->len, ==, 3);
	assert_function(info, 0, "vmlinux", "cmdline_proc_show", 0);
	assert_function(info, 1, "vmlinux", "version_proc_show", 0);
	assert_function(info, 2, "nvme_core", "nvme_setup_cmd", 2);
	g_assert_cmpuint(info->objects->len, ==, 1);
	g_assert_cmpstr(info->objects->pdata[0], ==, "nvme_core");
}

static void test_replace(void)
{
	g_autoptr(SutureModuleInfo) info = read_good("whole.ko");

	g_assert_true(info->cumulative);
}

static void test_framework(void)
{
	g_autoptr(SutureModuleInfo) info = read_good("extra-name.ko");

	g_assert_cmpint(info->provider, ==, SUTURE_PROVIDER_FRAMEWORK);
	g_assert_cmpstr(info->name, ==, "extra_name");
	assert_function(info, 0, "vmlinux", "meminfo_proc_show", 0);
}

static void test_consistency(void)
{
	g_autoptr(SutureModuleInfo) set = read_good("stopping.ko");
	g_autoptr(SutureModuleInfo) unset = read_good("extra-name.ko");

	g_assert_cmpint(set->consistency, ==, SUTURE_CONSISTENCY_STOP_MACHINE);
	g_assert_cmpint(unset->consistency, ==, SUTURE_CONSISTENCY_PER_TASK);
}

/* As the framework's modules are for a kernel with CONFIG_LIVEPATCH. */
static void test_both_marks(void)
{
	g_autoptr(SutureModuleInfo) both = read_good("bothmarks.ko");

	g_assert_cmpint(both->provider, ==, SUTURE_PROVIDER_FRAMEWORK);
}

static void assert_refused(GBytes *module, gint code)
{
	g_autoptr(GError) error = NULL;

	g_assert_null(suture_module_info_read(module, "test.ko", &error));
	g_assert_error(error, SUTURE_BUNDLE_ERROR, code);
}

static void assert_file_refused(const gchar *name, gint code)
{
	g_autoptr(GBytes) module = material_read(name);

	assert_refused(module, code);
}

static void test_marks(void)
{
	assert_file_refused("nomark.ko", SUTURE_BUNDLE_ERROR_NO_MARK);
	assert_file_refused("plain.ko", SUTURE_BUNDLE_ERROR_NO_MARK);
}

/* A model that nobody knows, and one that the kernel's own livepatch has not. */
static void test_impossible_consistency(void)
{
	assert_file_refused("somehow.ko", SUTURE_BUNDLE_ERROR_MODULE_MALFORMED);
	assert_file_refused("nativestop.ko", SUTURE_BUNDLE_ERROR_MODULE_MALFORMED);
}

static void test_any_modules_release(void)
{
	g_auto(GStrv) kernel = material_kernel();
	g_autoptr(GBytes) plain = material_read("plain.ko");
	g_autoptr(GBytes) text = g_bytes_new_static("text", 4);
	g_autoptr(GError) error = NULL;
	g_autofree gchar *release = suture_module_release(plain, "plain.ko", &error);

	g_assert_no_error(error);
	g_assert_cmpstr(release, ==, kernel[0]);
	g_assert_null(suture_module_release(text, "text", &error));
	g_assert_error(error, SUTURE_BUNDLE_ERROR, SUTURE_BUNDLE_ERROR_NOT_MODULE);
}

static void test_no_patch(void)
{
	assert_file_refused("nopatch.ko", SUTURE_BUNDLE_ERROR_NO_FUNCTIONS);
}

/* A copy of meminfo.ko with another ELF header. */
static GBytes *with_header(guint8 class, guint16 machine, guint16 type)
{
	g_autoptr(GBytes) module = material_read("meminfo.ko");
	gsize size;
	guint8 *data = g_bytes_unref_to_data(g_steal_pointer(&module), &size);
	Elf64_Ehdr *header = (Elf64_Ehdr *)data;

	header->e_ident[EI_CLASS] = class;
	header->e_machine = machine;
	header->e_type = type;
	return g_bytes_new_take(data, size);
}

static void test_not_module(void)
{
	g_autoptr(GBytes) arm = with_header(ELFCLASS64, EM_AARCH64, ET_REL);
	g_autoptr(GBytes) x32 = with_header(ELFCLASS32, EM_386, ET_REL);
	g_autoptr(GBytes) executable = with_header(ELFCLASS64, EM_X86_64, ET_EXEC);
	g_autoptr(GBytes) empty = g_bytes_new_static("", 0);
	g_autoptr(GBytes) text = g_bytes_new_static("#!/bin/sh\nexit 0\n# and some more text", 37);

	assert_refused(arm, SUTURE_BUNDLE_ERROR_NOT_MODULE);
	assert_refused(x32, SUTURE_BUNDLE_ERROR_NOT_MODULE);
	assert_refused(executable, SUTURE_BUNDLE_ERROR_NOT_MODULE);
	assert_refused(empty, SUTURE_BUNDLE_ERROR_NOT_MODULE);
	assert_refused(text, SUTURE_BUNDLE_ERROR_NOT_MODULE);
}

/* The section headers stand at the end: no cut module is a module. */
static void test_truncated(void)
{
	g_autoptr(GBytes) module = material_read("twice.ko");

	for (gsize size = 0; size < g_bytes_get_size(module); size += 64) {
		/* A copy of its own, so that a sanitizer sees reads behind its end. */
		g_autoptr(GBytes) cut = g_bytes_new(g_bytes_get_data(module, NULL), size);
		g_autoptr(GError) error = NULL;
		g_autoptr(SutureModuleInfo) info = suture_module_info_read(cut, "cut.ko", &error);

		g_assert_null(info);
		g_assert_true(error->domain == SUTURE_BUNDLE_ERROR);
	}
}

/* Whatever single byte changes: an answer, no crash. */
static void test_flipped(void)
{
	g_autoptr(GBytes) module = material_read("twice.ko");
	gsize size;
	const guint8 *data = g_bytes_get_data(module, &size);

	for (gsize i = 0; i < size; i += 3) {
		guint8 *copy = g_memdup2(data, size);
		g_autoptr(GBytes) changed = g_bytes_new_take(copy, size);
		g_autoptr(GError) error = NULL;
		g_autoptr(SutureModuleInfo) info = NULL;

		copy[i] ^= 0xff;
		info = suture_module_info_read(changed, "changed.ko", &error);
		g_assert_true((info == NULL) == (error != NULL));
	}
}

static void test_release(void)
{
	g_autoptr(SutureModuleInfo) info = read_good("meminfo.ko");
	g_auto(GStrv) kernel = material_kernel();
	g_autofree gchar *longer = g_strconcat(kernel[0], "x", NULL);
	g_autofree gchar *shorter = g_strndup(kernel[0], strlen(kernel[0]) - 1);
	g_autoptr(GError) error = NULL;

	g_assert_true(suture_module_info_check_release(info, kernel[0], &error));
	g_assert_false(suture_module_info_check_release(info, longer, NULL));
	g_assert_false(suture_module_info_check_release(info, shorter, &error));
	g_assert_error(error, SUTURE_BUNDLE_ERROR, SUTURE_BUNDLE_ERROR_VERMAGIC);
}

static void test_name(void)
{
	g_autoptr(SutureModuleInfo) info = read_good("extra-name.ko");
	g_autoptr(GError) error = NULL;

	g_assert_true(suture_module_info_check_name(info, "extra-name.ko", &error));
	g_assert_true(suture_module_info_check_name(info, "extra_name.ko", &error));
	g_assert_false(suture_module_info_check_name(info, "extra-name", NULL));
	g_assert_false(suture_module_info_check_name(info, "other.ko", &error));
	g_assert_error(error, SUTURE_BUNDLE_ERROR, SUTURE_BUNDLE_ERROR_MODULE_MALFORMED);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	material_ensure();
	g_test_add_func("/bundle/module-info/one-function", test_one_function);
	g_test_add_func("/bundle/module-info/signed", test_signed);
	g_test_add_func("/bundle/module-info/identity-of-any-module", test_identity);
	g_test_add_data_func("/bundle/module-info/two-objects", "twice.ko", test_two_objects);
	g_test_add_data_func("/bundle/module-info/data-sections", "sectioned.ko", test_two_objects);
	g_test_add_func("/bundle/module-info/replace", test_replace);
	g_test_add_func("/bundle/module-info/framework", test_framework);
	g_test_add_func("/bundle/module-info/consistency", test_consistency);
	g_test_add_func("/bundle/module-info/both-marks", test_both_marks);
	g_test_add_func("/bundle/module-info/impossible-consistency", test_impossible_consistency);
	g_test_add_func("/bundle/module-info/release-of-any-module", test_any_modules_release);
	g_test_add_func("/bundle/module-info/marks", test_marks);
	g_test_add_func("/bundle/module-info/no-patch", test_no_patch);
	g_test_add_func("/bundle/module-info/not-a-module", test_not_module);
	g_test_add_func("/bundle/module-info/truncated", test_truncated);
	g_test_add_func("/bundle/module-info/flipped", test_flipped);
	g_test_add_func("/bundle/module-info/release", test_release);
	g_test_add_func("/bundle/module-info/name", test_name);
	return g_test_run();
}
