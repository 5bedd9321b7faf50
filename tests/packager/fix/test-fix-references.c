// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/fix/references.h"

#include "packager/build/relocation-table.h"
#include "tests/packager/assemble.h"

/* Calls of what is exported and what is not, a pointer, the alias of a new function, and a section that the
 * link throws away. */
#define LINKED                                                                                         \
	".text\n.type fixed,@function\nfixed: call exported\ncall secret\ncall "                       \
	"\".suture.sym.ext4.local,2\"\n"                                                               \
	"ret\n.size fixed, . - fixed\n.globl \"__suture_new.0.0\"\n.set \"__suture_new.0.0\", fixed\n" \
	".data\n.quad \"__suture_new.0.0\"\npointer: .quad secret + 8\n"                               \
	".section .discard.addressable,\"aw\"\n.quad secret\n"

static GPtrArray *references(void)
{
	GPtrArray *list = g_ptr_array_new_with_free_func((GDestroyNotify)suture_reference_free);

	g_ptr_array_add(list, suture_reference_new("secret", "vmlinux", "secret", 0));
	g_ptr_array_add(list, suture_reference_new(".suture.sym.ext4.local,2", "ext4", "local", 2));
	return list;
}

static GBytes *tabulate(const gchar *text)
{
	g_autoptr(GBytes) linked = assemble(text);
	g_autoptr(GPtrArray) list = references();
	g_autoptr(GError) error = NULL;
	GBytes *done = suture_references_tabulate(linked, list, FALSE, &error);

	g_assert_no_error(error);
	return done;
}

static GElf_Sym find_symbol(Elf *elf, const gchar *wanted, guint *ret_count)
{
	GElf_Sym symbol, found = {0};
	gsize count;

	*ret_count = 0;
	g_assert_cmpint(elf_getshdrnum(elf, &count), ==, 0);
	for (gsize i = 1; i < count; i++) {
		GElf_Shdr header;
		Elf_Data *data;

		g_assert_true(suture_elf_section(elf, i, &header, &data));
		if (header.sh_type != SHT_SYMTAB)
			continue;
		for (int j = 0; gelf_getsym(data, j, &symbol); j++)
			if (strcmp(elf_strptr(elf, header.sh_link, symbol.st_name), wanted) == 0) {
				found = symbol;
				++*ret_count;
			}
	}
	return found;
}

static gboolean has_symbol(Elf *elf, const gchar *name)
{
	guint count;

	find_symbol(elf, name, &count);
	return count > 0;
}

static void assert_entry(const SutureRelocationTable *table, guint index, const gchar *object,
			 const gchar *symbol, guint64 sympos, guint32 type, gint64 addend)
{
	const SutureRelocation *entry = table->entries->pdata[index];

	g_assert_cmpstr(entry->object, ==, object);
	g_assert_cmpstr(entry->symbol, ==, symbol);
	g_assert_cmpuint(entry->sympos, ==, sympos);
	g_assert_cmpuint(entry->type, ==, type);
	g_assert_cmpint(entry->addend, ==, addend);
}

/* The table is what its own reader makes of it. */
static void test_table(void)
{
	g_autoptr(GBytes) done = tabulate(LINKED);
	SUTURE_AUTO_ELF *elf = suture_elf_from_memory(done);
	g_autoptr(GError) error = NULL;
	g_autoptr(SutureRelocationTable) table = suture_relocation_table_read(elf, "test.o", &error);
	const SutureRelocation *entry;

	g_assert_no_error(error);
	g_assert_cmpuint(table->entries->len, ==, 3);
	assert_entry(table, 0, "vmlinux", "secret", 0, R_X86_64_PLT32, -4);
	assert_entry(table, 1, "ext4", "local", 2, R_X86_64_PLT32, -4);
	assert_entry(table, 2, "vmlinux", "secret", 0, R_X86_64_64, 8);
	entry = table->entries->pdata[1];
	g_assert_cmpuint(entry->section, ==, suture_elf_find_section(elf, ".text"));
	g_assert_cmpuint(entry->offset, ==, 11);
	entry = table->entries->pdata[2];
	g_assert_cmpuint(entry->section, ==, suture_elf_find_section(elf, ".data"));
	g_assert_cmpuint(entry->offset, ==, 8);
}

static void test_symbols(void)
{
	g_autoptr(GBytes) done = tabulate(LINKED);
	SUTURE_AUTO_ELF *elf = suture_elf_from_memory(done);

	g_assert_true(has_symbol(elf, "exported"));
	g_assert_true(has_symbol(elf, "fixed"));
	g_assert_false(has_symbol(elf, "secret"));
	g_assert_false(has_symbol(elf, ".suture.sym.ext4.local,2"));
	g_assert_false(has_symbol(elf, "__suture_new.0.0"));
}

/* The pointer through the alias is one to the function now. */
static void test_alias(void)
{
	g_autoptr(GBytes) done = tabulate(LINKED);
	SUTURE_AUTO_ELF *elf = suture_elf_from_memory(done);
	gsize index = suture_elf_find_section(elf, ".rela.data");
	GElf_Shdr header, symbols_header;
	Elf_Data *data, *symbols;
	GElf_Rela rela;
	GElf_Sym symbol;

	g_assert_true(suture_elf_section(elf, index, &header, &data));
	g_assert_cmpuint(data->d_size, ==, sizeof(Elf64_Rela));
	g_assert_nonnull(gelf_getrela(data, 0, &rela));
	g_assert_true(suture_elf_section(elf, header.sh_link, &symbols_header, &symbols));
	g_assert_nonnull(gelf_getsym(symbols, (int)GELF_R_SYM(rela.r_info), &symbol));
	g_assert_cmpstr(elf_strptr(elf, symbols_header.sh_link, symbol.st_name), ==, "fixed");
	g_assert_cmpuint(rela.r_offset, ==, 0);
}

static gsize call_sites_left(gboolean late)
{
	g_autoptr(GBytes) linked =
		assemble(".text\nf: call exported\ncall secret\ncall \".suture.sym.ext4.local,2\"\n"
			 ".section .call_sites,\"a\"\n.long f - .\n.long f + 5 - .\n.long f + 10 - .\n");
	g_autoptr(GPtrArray) list = references();
	g_autoptr(GError) error = NULL;
	g_autoptr(GBytes) done = suture_references_tabulate(linked, list, late, &error);
	SUTURE_AUTO_ELF *elf = done ? suture_elf_from_memory(done) : NULL;
	GElf_Shdr header;
	Elf_Data *data, *relas;
	GElf_Rela rela;

	g_assert_no_error(error);
	g_assert_true(
		suture_elf_section(elf, suture_elf_find_section(elf, ".rela.call_sites"), &header, &relas));
	for (int i = 0; gelf_getrela(relas, i, &rela); i++) {
		g_assert_cmpuint(rela.r_offset, ==, (guint)i * 4);
		g_assert_cmpint(rela.r_addend, ==, i * 5);
	}
	g_assert_true(suture_elf_section(elf, suture_elf_find_section(elf, ".call_sites"), &header, &data));
	g_assert_cmpuint(data->d_size, ==, relas->d_size / sizeof(Elf64_Rela) * 4);
	return data->d_size / 4;
}

/* The kernel reads the table before it knows where the module's function is. */
static void test_late_calls(void)
{
	g_assert_cmpuint(call_sites_left(FALSE), ==, 2);
	g_assert_cmpuint(call_sites_left(TRUE), ==, 1);
}

/* ld reads it, and local symbols stand before the others. */
static void test_links(void)
{
	g_autoptr(GBytes) done = tabulate(LINKED);
	g_autoptr(GError) error = NULL;
	g_autoptr(SutureScratch) scratch = suture_scratch_new(&error);
	g_autofree gchar *object = g_build_filename(suture_scratch_path(scratch), "in.o", NULL);
	const gchar *const argv[] = {"ld", "-r", "-o", "out.o", "in.o", NULL};

	g_assert_true(g_file_set_contents(object, g_bytes_get_data(done, NULL),
					  (gssize)g_bytes_get_size(done), NULL));
	if (!suture_process_run(argv, NULL, suture_scratch_path(scratch), NULL, NULL, &error))
		g_error("%s", error->message);
}

static void test_nothing_to_do(void)
{
	g_autoptr(GBytes) done = tabulate(".text\nf: call exported\n");
	SUTURE_AUTO_ELF *elf = suture_elf_from_memory(done);

	g_assert_cmpuint(suture_elf_find_section(elf, ".suture.relocs"), ==, 0);
	g_assert_true(has_symbol(elf, "exported"));
}

static void test_same_bytes(void)
{
	g_autoptr(GBytes) once = tabulate(LINKED);
	g_autoptr(GBytes) again = tabulate(LINKED);

	g_assert_true(g_bytes_equal(once, again));
}

static void assert_refused(GBytes *linked)
{
	g_autoptr(GPtrArray) list = references();
	g_autoptr(GError) error = NULL;

	g_assert_null(suture_references_tabulate(linked, list, FALSE, &error));
	g_assert_error(error, SUTURE_FIX_ERROR, SUTURE_FIX_ERROR_LINK);
}

static void test_damaged(void)
{
	g_autoptr(GBytes) words = g_bytes_new_static("no object", 9);
	g_autoptr(GBytes) whole = assemble(LINKED);
	g_autoptr(GBytes) cut = g_bytes_new_from_bytes(whole, 0, g_bytes_get_size(whole) / 2);
	g_autoptr(GBytes) no_function =
		assemble(".data\n.globl \"__suture_new.0.0\"\n\"__suture_new.0.0\": .quad 0\n");

	assert_refused(words);
	assert_refused(cut);
	assert_refused(no_function);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/packager/fix-references/table", test_table);
	g_test_add_func("/packager/fix-references/symbols", test_symbols);
	g_test_add_func("/packager/fix-references/alias", test_alias);
	g_test_add_func("/packager/fix-references/late-calls", test_late_calls);
	g_test_add_func("/packager/fix-references/links", test_links);
	g_test_add_func("/packager/fix-references/nothing-to-do", test_nothing_to_do);
	g_test_add_func("/packager/fix-references/same-bytes", test_same_bytes);
	g_test_add_func("/packager/fix-references/damaged", test_damaged);
	return g_test_run();
}
