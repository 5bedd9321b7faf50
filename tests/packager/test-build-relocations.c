// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/build/relocations.h"

#include "packager/build/relocation-table.h"
#include "tests/packager/assemble.h"

#include <string.h>

/* An entry of the table, at the label "place" unless another is named; .quad's are as in reloc.h. */
#define ENTRY_AT(number, place, type, addend, object, symbol, sympos)                                  \
	".section .suture.relocs,\"a\"\n.balign 8\n__suture_reloc_" #number ": .quad " place ", " type \
	", " addend ", " object ", " symbol ", " sympos "\n"
#define ENTRY(object, symbol) ENTRY_AT(0, "place", "4", "-4", object, symbol, "0")
#define NAMES                                                                                \
	".section .rodata,\"a\"\n"                                                           \
	"secret: .asciz \"secret\"\nother: .asciz \"other.isra.0\"\next4: .asciz \"ext4\"\n" \
	"vmlinux: .asciz \"vmlinux\"\n"
/* What KLP_IMPORT_FUNC() makes of a function. */
#define IMPORT ".text\nimported: jmp missing\nplace = . - 4\n"

static const SutureRelocationMeans framework = {TRUE, FALSE}, both = {TRUE, TRUE}, loader = {FALSE, TRUE};

static GBytes *settle(GBytes *module, const SutureRelocationMeans *means)
{
	g_autoptr(GError) error = NULL;
	GBytes *settled = suture_relocations_settle(module, means, "test.ko", &error);

	g_assert_no_error(error);
	return settled;
}

/* The message; newly allocated. */
static gchar *assert_refused(const gchar *text, const SutureRelocationMeans *means, gint code)
{
	g_autoptr(GBytes) module = assemble(text);
	g_autoptr(GBytes) settled = NULL;
	g_autoptr(GError) error = NULL;

	settled = suture_relocations_settle(module, means, "test.ko", &error);
	if (settled)
		g_error("not refused:\n%s", text);
	if (!g_error_matches(error, SUTURE_BUILD_ERROR, code))
		g_error("%s (%s):\n%s", error->message, suture_error_reason(error), text);
	return g_strdup(error->message);
}

static void assert_same(const gchar *text, const SutureRelocationMeans *means)
{
	g_autoptr(GBytes) module = assemble(text);
	g_autoptr(GBytes) settled = settle(module, means);

	g_assert_true(g_bytes_equal(module, settled));
}

/* What there is to see of a file; everything borrowed from it. */
typedef struct {
	Elf *elf;
	GElf_Shdr header;
	Elf_Data *data;
} View;

static void view(Elf *elf, const gchar *section, View *ret)
{
	gsize index = suture_elf_find_section(elf, section);

	g_assert_cmpuint(index, >, 0);
	ret->elf = elf;
	g_assert_true(suture_elf_section(elf, index, &ret->header, &ret->data));
}

static const gchar *rela_at(const View *relas, int index, GElf_Rela *rela, GElf_Sym *symbol)
{
	GElf_Shdr header;
	Elf_Data *symbols;

	g_assert_true(suture_elf_section(relas->elf, relas->header.sh_link, &header, &symbols));
	g_assert_cmpuint(header.sh_type, ==, SHT_SYMTAB);
	g_assert_nonnull(gelf_getrela(relas->data, index, rela));
	g_assert_nonnull(gelf_getsym(symbols, (int)GELF_R_SYM(rela->r_info), symbol));
	return elf_strptr(relas->elf, header.sh_link, symbol->st_name);
}

static void test_no_table(void)
{
	assert_same(".text\nf: call g\n", &both);
	assert_same(".text\nf: call g\n", &loader);
}

static void test_loader_gets_vmlinux(void)
{
	g_autoptr(GBytes) module = assemble(IMPORT ENTRY("0", "secret") NAMES);
	g_autoptr(GBytes) settled = settle(module, &both);
	SUTURE_AUTO_ELF *elf = suture_elf_from_memory(settled);
	View relas, text, old, table;
	GElf_Rela rela;
	GElf_Sym symbol;
	guint64 type;

	view(elf, ".klp.rela.vmlinux..text", &relas);
	g_assert_cmpuint(relas.header.sh_type, ==, SHT_RELA);
	g_assert_cmpuint(relas.header.sh_flags, ==, SHF_ALLOC | SHF_INFO_LINK | 0x00100000);
	g_assert_cmpuint(relas.header.sh_entsize, ==, 24);
	g_assert_cmpuint(relas.header.sh_info, ==, suture_elf_find_section(elf, ".text"));
	g_assert_cmpuint(relas.data->d_size, ==, 24);
	g_assert_cmpstr(rela_at(&relas, 0, &rela, &symbol), ==, ".klp.sym.vmlinux.secret,0");
	g_assert_cmpuint(rela.r_offset, ==, 1);
	g_assert_cmpuint(GELF_R_TYPE(rela.r_info), ==, R_X86_64_PLT32);
	g_assert_cmpint(rela.r_addend, ==, -4);
	g_assert_cmpuint(symbol.st_shndx, ==, 0xff20);
	g_assert_cmpuint(GELF_ST_BIND(symbol.st_info), ==, STB_GLOBAL);
	/* The loader refuses a place that is not zero, so nothing else may be relocated there. */
	view(elf, ".rela.text", &old);
	rela_at(&old, 0, &rela, &symbol);
	g_assert_cmpuint(rela.r_info, ==, 0);
	view(elf, ".text", &text);
	g_assert_cmpmem((const gchar *)text.data->d_buf + 1, 4, "\0\0\0\0", 4);
	/* The framework leaves it alone then. */
	view(elf, ".suture.relocs", &table);
	memcpy(&type, (const gchar *)table.data->d_buf + 8, 8);
	g_assert_cmpuint(type, ==, R_X86_64_NONE);
}

static void test_one_symbol_for_a_name(void)
{
	g_autoptr(GBytes) module = assemble(
		".text\nf: jmp missing\nfirst = . - 4\n.data\nsecond: .quad 0\nthird: .quad 0\n" ENTRY_AT(
			0, "first", "4", "-4", "0", "secret", "2")
			ENTRY_AT(1, "second", "1", "0", "vmlinux", "secret", "2")
				ENTRY_AT(2, "third", "1", "8", "vmlinux", "other", "0") NAMES);
	g_autoptr(GBytes) settled = settle(module, &both);
	SUTURE_AUTO_ELF *elf = suture_elf_from_memory(settled);
	View text, data;
	GElf_Rela rela, again, third;
	GElf_Sym symbol;

	view(elf, ".klp.rela.vmlinux..text", &text);
	view(elf, ".klp.rela.vmlinux..data", &data);
	g_assert_cmpuint(data.data->d_size, ==, 48);
	g_assert_cmpstr(rela_at(&text, 0, &rela, &symbol), ==, ".klp.sym.vmlinux.secret,2");
	g_assert_cmpstr(rela_at(&data, 0, &again, &symbol), ==, ".klp.sym.vmlinux.secret,2");
	g_assert_cmpuint(GELF_R_SYM(rela.r_info), ==, GELF_R_SYM(again.r_info));
	g_assert_cmpstr(rela_at(&data, 1, &third, &symbol), ==, ".klp.sym.vmlinux.other.isra.0,0");
	g_assert_cmpint(third.r_addend, ==, 8);
	g_assert_cmpuint(third.r_offset, ==, 8);
}

static void test_rest_stays_for_the_framework(void)
{
	/* All of it, where the loader ignores such sections. */
	assert_same(IMPORT ENTRY("0", "secret") NAMES, &framework);
	/* And what is for a module, which may come later. */
	assert_same(IMPORT ENTRY("ext4", "secret") NAMES, &both);
}

static void test_settled_is_settled(void)
{
	g_autoptr(GBytes) module = assemble(IMPORT ENTRY("0", "secret") NAMES);
	g_autoptr(GBytes) once = settle(module, &both);
	g_autoptr(GBytes) again = settle(module, &both);
	g_autoptr(GBytes) twice = settle(once, &both);

	g_assert_true(g_bytes_equal(once, again));
	g_assert_true(g_bytes_equal(once, twice));
	g_assert_false(g_bytes_equal(once, module));
}

/* Everything that was there is there still, with the same index and bytes. */
static void test_other_sections_stay(void)
{
	g_autoptr(GBytes) module = assemble(IMPORT "g: call h\n.bss\n.skip 100\n.section .modinfo,\"a\"\n"
						   ".asciz \"name=test\"\n" ENTRY("0", "secret") NAMES);
	g_autoptr(GBytes) settled = settle(module, &both);
	SUTURE_AUTO_ELF *before = suture_elf_from_memory(module);
	SUTURE_AUTO_ELF *after = suture_elf_from_memory(settled);
	gsize count, more;

	g_assert_cmpint(elf_getshdrnum(before, &count), ==, 0);
	g_assert_cmpint(elf_getshdrnum(after, &more), ==, 0);
	g_assert_cmpuint(more, ==, count + 1);
	for (gsize i = 1; i < count; i++) {
		const gchar *name = suture_elf_section_name(before, i);
		GElf_Shdr old, new;
		Elf_Data *a, *b;

		g_assert_cmpstr(name, ==, suture_elf_section_name(after, i));
		g_assert_true(suture_elf_section(before, i, &old, &a));
		g_assert_true(suture_elf_section(after, i, &new, &b));
		g_assert_cmpuint(old.sh_flags, ==, new.sh_flags);
		g_assert_cmpuint(old.sh_addralign, ==, new.sh_addralign);
		g_assert_cmpuint(new.sh_addralign ? new.sh_offset % new.sh_addralign : 0, ==, 0);
		g_assert_cmpuint(a->d_size, <=, b->d_size);
		if (strcmp(name, ".suture.relocs") != 0 && strcmp(name, ".rela.text") != 0 && a->d_buf)
			g_assert_cmpint(memcmp(a->d_buf, b->d_buf, a->d_size), ==, 0);
	}
}

/* Sections that the kernel reads at load, before or beside the framework. */
static const gchar *const late_sections[] = {
	".altinstructions,\"a\"",
	".altinstr_replacement,\"ax\"",
	".altinstr_aux,\"ax\"",
	".parainstructions,\"a\"",
	".retpoline_sites,\"a\"",
	".return_sites,\"a\"",
	".call_sites,\"a\"",
	".cfi_sites,\"a\"",
	".ibt_endbr_seal,\"a\"",
	".smp_locks,\"a\"",
	".orc_unwind,\"a\"",
	".orc_unwind_ip,\"a\"",
	"__mcount_loc,\"a\"",
	"__ex_table,\"a\"",
	"__bug_table,\"aw\"",
	"__jump_table,\"aw\"",
	".static_call_sites,\"aw\"",
	".static_call.text,\"ax\"",
	"__tracepoints_ptrs,\"a\"",
	"__dyndbg,\"aw\"",
	"__param,\"a\"",
	".data..percpu,\"aw\"",
	".init.text,\"ax\"",
	".init.data,\"aw\"",
	"a_section_of_a_later_kernel,\"aw\"",
};

static void test_late_section(gconstpointer data)
{
	const gchar *section = data;
	g_autofree gchar *name = g_strndup(section, strcspn(section, ","));
	g_autofree gchar *head = g_strdup_printf(".section %s\n.long 0\nplace: .long 0\n", section);
	g_autofree gchar *vmlinux = g_strconcat(head, ENTRY("vmlinux", "secret") NAMES, NULL);
	g_autofree gchar *of_module = g_strconcat(head, ENTRY("ext4", "secret") NAMES, NULL);
	g_autofree gchar *first = assert_refused(vmlinux, &framework, SUTURE_BUILD_ERROR_RELOCATION_PLACE);
	g_autofree gchar *second = assert_refused(of_module, &both, SUTURE_BUILD_ERROR_RELOCATION_PLACE);
	g_autofree gchar *where = g_strconcat(" at ", name, "+0x4 ", NULL);
	g_autoptr(GBytes) module = assemble(vmlinux);
	/* The loader is early enough. */
	g_autoptr(GBytes) settled = settle(module, &both);
	g_autofree gchar *applied = g_strconcat(".klp.rela.vmlinux.", name, NULL);
	SUTURE_AUTO_ELF *elf = suture_elf_from_memory(settled);

	g_assert_nonnull(strstr(first, where));
	g_assert_nonnull(strstr(first, " symbol secret of vmlinux "));
	g_assert_nonnull(strstr(second, " symbol secret of ext4 "));
	g_assert_cmpuint(suture_elf_find_section(elf, applied), >, 0);
}

/* The loader itself reads these before it applies anything. */
static void test_sections_that_are_read_first(void)
{
	static const gchar *const sections[] = {".gnu.linkonce.this_module,\"aw\"", ".modinfo,\"a\"",
						"__versions,\"a\"", "__ksymtab_gpl,\"a\""};

	for (gsize i = 0; i < G_N_ELEMENTS(sections); i++) {
		g_autofree gchar *text = g_strdup_printf(".section %s\nplace: .quad 0\n%s", sections[i],
							 ENTRY("0", "secret") NAMES);
		g_autofree gchar *first =
			assert_refused(text, &framework, SUTURE_BUILD_ERROR_RELOCATION_PLACE);
		g_autofree gchar *second = assert_refused(text, &both, SUTURE_BUILD_ERROR_RELOCATION_PLACE);

		g_assert_nonnull(strstr(first, "before any relocation"));
		g_assert_cmpstr(first, ==, second);
	}
}

/* Instructions in text that the kernel rewrites at load: how the section says so. */
static const struct {
	const gchar *section;
	const gchar *site;
} sites[] = {
	{".altinstructions", ".long site - ., behind - .\n.word 1\n.byte 8, 3\n"},
	/* from 6.3 on, and not the first */
	{".altinstructions", ".long before - ., behind - .\n.long 1\n.byte 2, 3\n"
			     ".long site - ., behind - .\n.long 1\n.byte 8, 3\n"},
	{".parainstructions", ".quad before\n.byte 1, 2\n.balign 8\n.quad site\n.byte 1, 8\n.balign 8\n"},
	{".retpoline_sites", ".long site - .\n"},
	{".return_sites", ".long site - .\n"},
	{".call_sites", ".long before - ., site - .\n"},
	{".cfi_sites", ".long site - .\n"},
	{"__mcount_loc", ".quad site\n"},
	{"__jump_table", ".long site - ., behind - .\n.quad 0\n"},
	{".static_call_sites", ".long site - ., 0\n"},
};

static gchar *with_site(gsize index, const gchar *object, const gchar *gap)
{
	return g_strdup_printf(
		".text\nbefore: nop\nnop\nsite: %snop\nplace: .long 0\nnop\nnop\nnop\nbehind: nop\n"
		".section %s,\"a\"\n%s%s",
		gap, sites[index].section, sites[index].site,
		*object == 'e' ? ENTRY("ext4", "secret") NAMES : ENTRY("0", "secret") NAMES);
}

static void test_rewritten_instruction(gconstpointer data)
{
	gsize index = GPOINTER_TO_SIZE(data);
	g_autofree gchar *vmlinux = with_site(index, "vmlinux", "");
	g_autofree gchar *of_module = with_site(index, "ext4", "");
	/* 16 bytes behind its start are another instruction. */
	g_autofree gchar *behind = with_site(index, "ext4", ".skip 16\n");
	g_autofree gchar *first = assert_refused(vmlinux, &framework, SUTURE_BUILD_ERROR_RELOCATION_PLACE);
	g_autofree gchar *second = assert_refused(of_module, &both, SUTURE_BUILD_ERROR_RELOCATION_PLACE);
	g_autoptr(GBytes) module = assemble(vmlinux);
	g_autoptr(GBytes) settled = settle(module, &both);

	g_assert_nonnull(strstr(first, sites[index].section));
	g_assert_nonnull(strstr(first, " at .text+0x3 "));
	g_assert_nonnull(strstr(second, sites[index].section));
	assert_same(behind, &both);
}

/* The instruction behind a short jump label is not rewritten; that behind a long one begins later. */
static void test_short_jump_label(void)
{
	const gchar *const labels[] = {"jmp behind", ".byte 0x66, 0x90"};

	for (gsize i = 0; i < G_N_ELEMENTS(labels); i++) {
		g_autofree gchar *text = g_strdup_printf(
			".text\nbefore: nop\nsite: %s\nbehind: nop\nplace: .long 0\n"
			".section __jump_table,\"a\"\n.long site - ., behind - .\n.quad 0\n" ENTRY(
				"ext4", "secret") NAMES,
			labels[i]);

		assert_same(text, &both);
	}
}

/* The kernel's own livepatch applies what refers to a module, when that is there: too late for much. */
static void test_livepatch_gets_modules(void)
{
	g_autoptr(GBytes) module =
		assemble(".text\nf: jmp missing\nfirst = . - 4\njmp missing\nsecond = . - 4\n" ENTRY_AT(
			0, "first", "4", "-4", "ext4", "secret", "2")
				 ENTRY_AT(1, "second", "4", "-4", "vmlinux", "secret", "0") NAMES);
	g_autoptr(GBytes) settled = settle(module, &loader);
	g_autofree gchar *late = with_site(0, "ext4", "");
	g_autofree gchar *refused = assert_refused(late, &loader, SUTURE_BUILD_ERROR_RELOCATION_PLACE);
	SUTURE_AUTO_ELF *elf = suture_elf_from_memory(settled);
	View of_module, of_kernel;
	GElf_Rela rela;
	GElf_Sym symbol;

	g_assert_nonnull(strstr(refused, "too late"));
	view(elf, ".klp.rela.ext4..text", &of_module);
	view(elf, ".klp.rela.vmlinux..text", &of_kernel);
	g_assert_cmpuint(of_module.header.sh_info, ==, of_kernel.header.sh_info);
	g_assert_cmpstr(rela_at(&of_module, 0, &rela, &symbol), ==, ".klp.sym.ext4.secret,2");
	g_assert_cmpuint(rela.r_offset, ==, 1);
	g_assert_cmpstr(rela_at(&of_kernel, 0, &rela, &symbol), ==, ".klp.sym.vmlinux.secret,0");
	g_assert_cmpuint(rela.r_offset, ==, 6);
}

static void test_nobody_applies(void)
{
	const SutureRelocationMeans nobody = {FALSE, FALSE};
	g_autofree gchar *of_module = assert_refused(IMPORT ENTRY("ext4", "secret") NAMES, &nobody,
						     SUTURE_BUILD_ERROR_RELOCATION_UNAPPLIED);
	g_autofree gchar *of_kernel = assert_refused(IMPORT ENTRY("0", "secret") NAMES, &nobody,
						     SUTURE_BUILD_ERROR_RELOCATION_UNAPPLIED);
	g_autoptr(GBytes) module = assemble(IMPORT ENTRY("0", "secret") NAMES);
	g_autoptr(GBytes) settled = settle(module, &loader);
	g_autoptr(GError) error = NULL;

	g_assert_false(g_bytes_equal(module, settled));
	/* A ready module is not changed, so that its table is for the framework alone. */
	g_assert_true(suture_relocations_check(module, TRUE, "test.ko", &error));
	g_assert_no_error(error);
	g_assert_false(suture_relocations_check(module, FALSE, "test.ko", &error));
	g_assert_error(error, SUTURE_BUILD_ERROR, SUTURE_BUILD_ERROR_RELOCATION_UNAPPLIED);
}

/* Tables that the framework would misread, refuse or not see. */
static const struct {
	const gchar *name, *text;
} bad_tables[] = {
	{"no-symbol", IMPORT ".section .suture.relocs,\"a\"\n.quad place, 4, -4, 0, secret, 0\n" NAMES},
	{"symbol-elsewhere", IMPORT ENTRY("0", "secret") NAMES "__suture_reloc_x: .quad 0\n"},
	{"symbol-without-table", IMPORT "__suture_reloc_x: nop\n"},
	{"cut-short", IMPORT ENTRY("0", "secret") ".quad 0\n" NAMES},
	{"overlap", IMPORT ENTRY("0", "secret") "__suture_reloc_1 = __suture_reloc_0 + 8\n" NAMES},
	{"twice", IMPORT ENTRY("0", "secret") "__suture_reloc_1 = __suture_reloc_0\n" NAMES},
	{"not-loaded",
	 IMPORT ".section .suture.relocs,\"\"\n__suture_reloc_0: .quad place, 4, -4, 0, secret, 0\n" NAMES},
	{"two-tables",
	 IMPORT ENTRY("0", "secret") ".section .suture.relocs,\"a\",@progbits,unique,7\n.quad 0\n" NAMES},
	{"unknown-type", IMPORT ENTRY_AT(0, "place", "9", "-4", "0", "secret", "0") NAMES},
	{"wide-type", IMPORT ENTRY_AT(0, "place", "0x100000004", "-4", "0", "secret", "0") NAMES},
	{"type-is-a-pointer", IMPORT ENTRY_AT(0, "place", "place", "-4", "0", "secret", "0") NAMES},
	{"no-place", IMPORT ENTRY_AT(0, "0", "4", "-4", "0", "secret", "0") NAMES},
	{"place-in-another-module", IMPORT ENTRY_AT(0, "elsewhere", "4", "-4", "0", "secret", "0") NAMES},
	{"place-at-the-end", IMPORT ENTRY_AT(0, "place + 2", "4", "-4", "0", "secret", "0") NAMES},
	{"place-before-the-start", IMPORT ENTRY_AT(0, "place - 6", "4", "-4", "0", "secret", "0") NAMES},
	{"place-not-loaded", IMPORT ENTRY("0", "secret") NAMES
	 ".section .comment\nplace2: .quad 0\n" ENTRY_AT(1, "place2", "1", "0", "0", "secret", "0")},
	{"no-symbol-name", IMPORT ENTRY("0", "0") NAMES},
	{"empty-symbol-name", IMPORT ENTRY("0", "empty") NAMES "empty: .asciz \"\"\n"},
	{"symbol-with-comma", IMPORT ENTRY("0", "comma") NAMES "comma: .asciz \"a,1\"\n"},
	{"unended-name", IMPORT ENTRY("0", "open") NAMES "open: .ascii \"open\"\n"},
	{"object-is-a-number", IMPORT ENTRY("1", "secret") NAMES},
	{"long-object", IMPORT ENTRY("0", "secret") ENTRY_AT(1, "place", "4", "-4", "long", "secret", "0")
				NAMES "long: .fill 56, 1, 0x61\n.byte 0\n"},
	{"two-at-one-place",
	 IMPORT ENTRY("0", "secret") ENTRY_AT(1, "place", "4", "-4", "0", "other", "0") NAMES},
	{"two-that-overlap",
	 ".data\n.quad 0\nplace: .quad 0\n" ENTRY_AT(0, "place", "1", "0", "0", "secret", "0")
		 ENTRY_AT(1, "place - 2", "10", "0", "ext4", "other", "0") NAMES},
	{"nonzero-place", ".text\nimported: .byte 0xe9\nplace: .long 5\n" ENTRY("0", "secret") NAMES},
	{"relocation-across-the-place",
	 ".data\n.long 0\nplace: .quad 0\n.reloc place - 4, R_X86_64_64, missing\n" ENTRY_AT(
		 0, "place", "1", "0", "0", "secret", "0") NAMES},
};

static void test_bad_table(gconstpointer data)
{
	g_autofree gchar *message = assert_refused(data, &both, SUTURE_BUILD_ERROR_RELOCATION_TABLE);

	g_assert_true(g_str_has_prefix(message, "test.ko: "));
}

static void test_not_elf(void)
{
	g_autoptr(GBytes) text = g_bytes_new_static("text", 4);
	g_autoptr(GError) error = NULL;

	g_assert_false(suture_relocations_check(text, TRUE, "text", &error));
	g_assert_error(error, SUTURE_BUILD_ERROR, SUTURE_BUILD_ERROR_RELOCATION_TABLE);
}

/* Whatever single byte changes: an answer, no crash. */
static void test_flipped(void)
{
	g_autoptr(GBytes) module = assemble(
		IMPORT
		".section .altinstructions,\"a\"\n.long imported - ., place - .\n.word 1\n.byte 1, 3\n" ENTRY(
			"0", "secret") ENTRY_AT(1, "place2", "1", "0", "ext4", "secret", "0") NAMES
		".data\nplace2: .quad 0\n");
	gsize size;
	const guint8 *data = g_bytes_get_data(module, &size);

	for (gsize i = 0; i < size; i++) {
		guint8 *copy = g_memdup2(data, size);
		g_autoptr(GBytes) changed = g_bytes_new_take(copy, size);
		g_autoptr(GBytes) settled = NULL;
		g_autoptr(GError) error = NULL;

		copy[i] ^= 0xff;
		settled = suture_relocations_settle(changed, &both, "changed.ko", &error);
		g_assert_true((settled == NULL) == (error != NULL));
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/packager/relocations/no-table-is-left-alone", test_no_table);
	g_test_add_func("/packager/relocations/loader-gets-those-of-vmlinux", test_loader_gets_vmlinux);
	g_test_add_func("/packager/relocations/one-symbol-for-a-name", test_one_symbol_for_a_name);
	g_test_add_func("/packager/relocations/livepatch-gets-modules", test_livepatch_gets_modules);
	g_test_add_func("/packager/relocations/short-jump-label", test_short_jump_label);
	g_test_add_func("/packager/relocations/the-rest-stays", test_rest_stays_for_the_framework);
	g_test_add_func("/packager/relocations/settled-is-settled", test_settled_is_settled);
	g_test_add_func("/packager/relocations/other-sections-stay", test_other_sections_stay);
	for (gsize i = 0; i < G_N_ELEMENTS(late_sections); i++) {
		g_autofree gchar *name = g_strndup(late_sections[i], strcspn(late_sections[i], ","));
		g_autofree gchar *path = g_strconcat("/packager/relocations/late-section/", name, NULL);

		g_test_add_data_func(path, late_sections[i], test_late_section);
	}
	for (gsize i = 0; i < G_N_ELEMENTS(sites); i++) {
		g_autofree gchar *path =
			g_strdup_printf("/packager/relocations/rewritten-instruction/%" G_GSIZE_FORMAT "-%s",
					i, sites[i].section);

		g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_rewritten_instruction);
	}
	g_test_add_func("/packager/relocations/sections-read-first", test_sections_that_are_read_first);
	g_test_add_func("/packager/relocations/nobody-applies", test_nobody_applies);
	for (gsize i = 0; i < G_N_ELEMENTS(bad_tables); i++) {
		g_autofree gchar *path =
			g_strconcat("/packager/relocations/bad-table/", bad_tables[i].name, NULL);

		g_test_add_data_func(path, bad_tables[i].text, test_bad_table);
	}
	g_test_add_func("/packager/relocations/not-elf", test_not_elf);
	g_test_add_func("/packager/relocations/flipped", test_flipped);
	return g_test_run();
}
