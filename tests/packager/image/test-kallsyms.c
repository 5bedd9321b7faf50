// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/image/kallsyms.h"

#include "common/error.h"
#include "image.h"

#include <string.h>

#define LONG_NAME \
	"a_name_of_more_than_127_bytes_" LONG_PART LONG_PART LONG_PART LONG_PART LONG_PART LONG_PART LONG_PART
#define LONG_PART "and_another_forty_bytes_that_make_it_longer_"
/* Symbols of one name in several objects. */
#define SOURCE(text) ".text\n.globl kernel_start\nkernel_start: nop\ntwin: nop\nsingle: nop\n" text
#define PERCPU ".globl per_cpu_start\nper_cpu_start = 0\n.globl per_cpu_end\nper_cpu_end = 0x21000\n"
#define LONG ".globl " LONG_NAME "\n" LONG_NAME ": nop\n"
#define DATA ".data\nvalue: .quad 1\n.bss\nroom: .skip 64\n"

static gchar *many(void)
{
	GString *text = g_string_new(".text\n");

	for (guint i = 0; i < 600; i++)
		g_string_append_printf(text, "function_%u: nop\n", i);
	return g_string_free(text, FALSE);
}

static SutureKallsyms *read_image(GBytes *image)
{
	g_autoptr(GError) error = NULL;
	SutureKallsyms *kallsyms = suture_kallsyms_read(image, "vmlinux", &error);

	g_assert_no_error(error);
	return kallsyms;
}

static gchar *text_of(const SutureKallsyms *kallsyms)
{
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < suture_kallsyms_count(kallsyms); i++) {
		const SutureKallsym *symbol = suture_kallsyms_at(kallsyms, i);

		g_string_append_printf(text, "%016" G_GINT64_MODIFIER "x %c %s\n", symbol->address,
				       symbol->type, symbol->name);
	}
	return g_string_free(text, FALSE);
}

static void test_layout(gconstpointer data)
{
	g_autofree gchar *rest = many(), *expected = NULL, *text = NULL;
	const gchar *const sources[] = {SOURCE(LONG PERCPU), rest, ".text\ntwin: nop\n" DATA, NULL};
	g_autoptr(GBytes) image = image_link(sources, data, &expected);
	g_autoptr(SutureKallsyms) kallsyms = read_image(image);

	text = text_of(kallsyms);
	g_assert_cmpstr(text, ==, expected);
	g_assert_cmpuint(suture_kallsyms_count(kallsyms), >, 600);
	g_assert_nonnull(strstr(text, LONG_NAME));
}

static void test_names(void)
{
	const gchar *const sources[] = {SOURCE(LONG PERCPU), ".text\ntwin: nop\n" DATA,
					".text\nnop\ntwin: nop\n", NULL};
	g_autoptr(GBytes) image = image_link(sources, LAYOUT_6_1, NULL);
	g_autoptr(SutureKallsyms) kallsyms = read_image(image);
	guint first = 99, count = 99;

	g_assert_true(suture_kallsyms_find(kallsyms, "twin", &first, &count));
	g_assert_cmpuint(count, ==, 3);
	for (guint i = 0; i < count; i++) {
		g_assert_cmpstr(suture_kallsyms_named(kallsyms, first + i)->name, ==, "twin");
		if (i > 0)
			g_assert_cmpuint(suture_kallsyms_named(kallsyms, first + i)->address, >,
					 suture_kallsyms_named(kallsyms, first + i - 1)->address);
	}
	g_assert_true(suture_kallsyms_find(kallsyms, "per_cpu_end", &first, &count));
	g_assert_cmpuint(count, ==, 1);
	g_assert_cmpuint(suture_kallsyms_named(kallsyms, first)->address, ==, 0x21000);
	g_assert_false(suture_kallsyms_find(kallsyms, "twi", &first, &count));
}

static void assert_refused(GBytes *image, gint code)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(SutureKallsyms) kallsyms = suture_kallsyms_read(image, "vmlinux", &error);

	g_assert_null(kallsyms);
	g_assert_error(error, SUTURE_IMAGE_ERROR, code);
}

static void test_without_tables(void)
{
	const gchar *const sources[] = {SOURCE(""), NULL};
	g_autoptr(GBytes) image = image_link(sources, &no_table, NULL);

	assert_refused(image, SUTURE_IMAGE_ERROR_KALLSYMS);
}

static void test_not_a_vmlinux(void)
{
	const gchar *const sources[] = {SOURCE(PERCPU), NULL};
	g_autoptr(GBytes) image = image_link(sources, LAYOUT_6_1, NULL);
	g_autoptr(GBytes) object = image_assemble(SOURCE(""));
	g_autoptr(GBytes) text = g_bytes_new_static("no ELF file of any kind", 23);
	g_autoptr(GBytes) nothing = g_bytes_new_static("", 0);
	g_autoptr(GBytes) half = g_bytes_new_from_bytes(image, 0, 0x1800);

	assert_refused(object, SUTURE_IMAGE_ERROR_VMLINUX);
	assert_refused(text, SUTURE_IMAGE_ERROR_VMLINUX);
	assert_refused(nothing, SUTURE_IMAGE_ERROR_VMLINUX);
	assert_refused(half, SUTURE_IMAGE_ERROR_VMLINUX);
}

static gsize find(GBytes *image, const gchar *text, gsize length)
{
	gsize size;
	const gchar *data = g_bytes_get_data(image, &size);
	const gchar *found = memmem(data, size, text, length);

	g_assert_nonnull(found);
	return (gsize)(found - data);
}

/* The number of symbols, its padding, a length, and the ends of tokens. */
static void test_tables_that_do_not_fit(void)
{
	const gchar *const sources[] = {SOURCE(PERCPU), NULL};
	g_autoptr(GBytes) image = image_link(sources, LAYOUT_6_1, NULL);
	/* The first name, behind a byte of length and the number of symbols. */
	gsize name = find(image, "Aper_cpu_start", 14), digits = find(image, "0\0001\0002\0003", 7);
	const gsize places[] = {name - 9, name - 8, name - 1, digits + 1, digits + 3};

	for (gsize i = 0; i < G_N_ELEMENTS(places); i++) {
		g_autoptr(GBytes) damaged = image_flip(image, places[i], 0x41);

		assert_refused(damaged, SUTURE_IMAGE_ERROR_KALLSYMS);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (gsize i = 0; i < n_layouts; i++) {
		g_autofree gchar *path = g_strdup_printf("/image/kallsyms/layout-%s", layouts[i].name);

		g_test_add_data_func(path, &layouts[i], test_layout);
	}
	g_test_add_func("/image/kallsyms/names", test_names);
	g_test_add_func("/image/kallsyms/without-tables", test_without_tables);
	g_test_add_func("/image/kallsyms/not-a-vmlinux", test_not_a_vmlinux);
	g_test_add_func("/image/kallsyms/tables-that-do-not-fit", test_tables_that_do_not_fit);
	return g_test_run();
}
