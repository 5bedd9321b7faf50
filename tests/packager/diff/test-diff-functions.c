// SPDX-License-Identifier: LGPL-2.1-or-later
/* Which functions and which data are taken for changed, and what the extracted object has of them. */
#include "packager/diff/correlate.h"
#include "packager/diff/statics.h"
#include "pair.h"

#include <string.h>

static void test_nothing(void)
{
	g_autoptr(SutureDiff) diff =
		pair_accept("int f(int x) { static int n; printk(\"f\"); return n += x; }", NULL);

	g_assert_null(diff->extracted);
	pair_functions(diff, "");
	for (guint i = 0; i < diff->sections->len; i++)
		g_assert_cmpint(((SutureDiffSection *)diff->sections->pdata[i])->disposition, ==,
				SUTURE_DIFF_HARMLESS);
}

static void test_one(void)
{
	g_autoptr(SutureDiff) diff = pair_accept(
		"int f(int x) { return other(x) + NOW(2, 1); } int g(int x) { return x + 5; }", NULL);
	const SutureDiffFunction *f = pair_function(diff, "f");
	g_autofree gchar *call = NULL, *mcount = NULL;
	GElf_Sym alias, own;
	guint type;

	pair_functions(diff, "f");
	g_assert_cmpstr(f->before, ==, "f");
	g_assert_cmpstr(f->alias, ==, "__suture_new.3.0");
	g_assert_cmpuint(f->size_before, ==, f->size_after);
	g_assert_cmpstr(f->target.object, ==, "vmlinux");
	g_assert_true(pair_reason(diff, "f", "instructions"));
	g_assert_true(pair_symbol(diff, f->alias, &alias));
	g_assert_true(pair_symbol(diff, "f", &own));
	g_assert_cmpuint(GELF_ST_BIND(alias.st_info), ==, STB_GLOBAL);
	g_assert_cmpuint(GELF_ST_TYPE(alias.st_info), ==, STT_FUNC);
	g_assert_cmpuint(alias.st_size, ==, f->size_after);
	g_assert_cmpuint(GELF_ST_BIND(own.st_info), ==, STB_LOCAL);
	g_assert_cmpuint(own.st_shndx, ==, alias.st_shndx);
	g_assert_true(pair_references(diff, "other"));
	g_assert_true(pair_references(diff, "__fentry__"));
	g_assert_cmpint(pair_size(diff, ".text.g"), ==, -1);
	g_assert_cmpint(pair_size(diff, "__mcount_loc"), ==, 8);
	mcount = pair_link(diff, "__mcount_loc", 0, &type);
	g_assert_cmpstr(mcount, ==, ".text.f+0");
	g_assert_cmpuint(type, ==, R_X86_64_64);
	g_assert_cmpint(pair_section(diff, ".text.f")->disposition, ==, SUTURE_DIFF_INCLUDED);
	g_assert_null(pair_section(diff, ".text.g"));
}

static void test_new_static(void)
{
	g_autoptr(SutureDiff) diff =
		pair_accept("\n#ifdef AFTER\nstatic noinline int fresh(int x) { return other(x); }\n#endif\n"
			    "int f(int x) { return NOW(fresh(x), x) + 1; }",
			    NULL);
	GElf_Sym symbol;

	pair_functions(diff, "+fresh f");
	g_assert_true(pair_reason(diff, "fresh", "new function"));
	g_assert_true(pair_symbol(diff, "fresh", &symbol));
	g_assert_cmpuint(GELF_ST_BIND(symbol.st_info), ==, STB_LOCAL);
	g_assert_true(pair_links_to(diff, ".text.f", ".text.fresh"));
	g_assert_cmpint(pair_size(diff, "__mcount_loc"), ==, 16);
}

/* Another unit of the patch may call it. */
static void test_new_global(void)
{
	g_autoptr(SutureDiff) diff = pair_accept("\n#ifdef AFTER\nint fresh(int x) { return x; }\n#endif\n"
						 "int f(int x) { return x; }",
						 NULL);
	GElf_Sym symbol;

	pair_functions(diff, "+fresh");
	g_assert_true(pair_symbol(diff, "fresh", &symbol));
	g_assert_cmpuint(GELF_ST_BIND(symbol.st_info), ==, STB_GLOBAL);
}

/* ftrace redirects it to the newest version. */
static void test_calls_mean_the_original(void)
{
	g_autoptr(SutureDiff) diff =
		pair_accept("noinline int a(int x) { return other(x) + NOW(2, 1); }\n"
			    "static noinline int b(int x) { return other(x) + NOW(4, 3); }\n"
			    "int c(int x) { return a(x) + b(x) + NOW(6, 5); }\n"
			    "typedef int (*pointer)(int);\npointer d(void) { shared = NOW(8, 7); return b; }",
			    NULL);

	pair_functions(diff, "a b c d");
	g_assert_true(pair_links_to(diff, ".text.c", ".suture.sym.vmlinux.a,0"));
	g_assert_true(pair_links_to(diff, ".text.c", ".suture.sym.vmlinux.b,1"));
	g_assert_false(pair_links_to(diff, ".text.c", ".text.b"));
	g_assert_true(pair_links_to(diff, ".text.d", ".suture.sym.vmlinux.b,1"));
	g_assert_true(pair_references(diff, ".suture.sym.vmlinux.a,0"));
}

static void test_local_of_a_module(void)
{
	static const Means means = {.object = "ext4", .exported = " other "};
	g_autoptr(SutureDiff) diff = pair_accept("static noinline int stays(int x) { return x * 3; }\n"
						 "int f(int x) { return other(stays(x)) + NOW(2, 1); }",
						 &means);
	g_autofree gchar *link = NULL;
	const SutureDiffReference *reference;

	pair_functions(diff, "f");
	g_assert_true(pair_links_to(diff, ".text.f", ".suture.sym.ext4.stays,1"));
	/* What vmlinux exports is nobody's business. */
	g_assert_true(pair_links_to(diff, ".text.f", "other"));
	g_assert_false(pair_references(diff, "other"));
	reference = diff->references->pdata[0];
	g_assert_cmpstr(reference->name, ==, ".suture.sym.ext4.stays,1");
	g_assert_cmpstr(reference->target.object, ==, "ext4");
	g_assert_cmpstr(reference->target.symbol, ==, "stays");
	g_assert_cmpuint(reference->target.sympos, ==, 1);
	link = pair_link(diff, ".text.f", 1, NULL);
	g_assert_cmpstr(link, ==, ".suture.sym.ext4.stays,1-4");
}

static void test_cold_part(void)
{
	g_autoptr(SutureDiff) diff = pair_accept(
		"extern void die(int) __attribute__((cold));\nint f(int x) { if (unlikely(x == 77)) { die(x "
		"+ NOW(1, 2)); other(x); } return x; }",
		NULL);
	GElf_Sym symbol;

	pair_functions(diff, "f");
	g_assert_true(pair_reason(diff, "f", "its part f.cold changed"));
	g_assert_true(pair_symbol(diff, "f.cold", &symbol));
	g_assert_true(pair_links_to(diff, ".text.f", ".text.unlikely.f"));
	g_assert_false(pair_references(diff, ".suture.sym.vmlinux.f.cold,1"));
}

/* The other way round: the part goes with its function, although it did not change. */
static void test_cold_part_of_changed(void)
{
	g_autoptr(SutureDiff) diff = pair_accept("extern void die(int) __attribute__((cold));\nint f(int x) "
						 "{ if (unlikely(x == 77)) { die(3); "
						 "other(x); } return x + NOW(1, 2); }",
						 NULL);

	pair_functions(diff, "f");
	g_assert_cmpint(pair_size(diff, ".text.unlikely.f"), >, 0);
	g_assert_true(pair_links_to(diff, ".text.f", ".text.unlikely.f"));
}

static void test_split_part(void)
{
	g_autoptr(SutureDiff) diff =
		pair_accept("static noinline int part(int x) asm(\"f.part.0\");\n"
			    "static noinline int part(int x) { return other(x) + NOW(1, 2); }\n"
			    "int f(int x) { return x ? part(x) : 0; }",
			    NULL);

	pair_functions(diff, "f f.part.0");
	g_assert_true(pair_reason(diff, "f", "its part f.part.0 changed"));
	/* It has a call of ftrace of its own. */
	g_assert_true(pair_links_to(diff, ".text.f", ".suture.sym.vmlinux.f.part.0,1"));
}

static void test_clones_are_numbered(gconstpointer data)
{
	const gchar *suffix = data;
	g_autofree gchar *source = g_strdup_printf(
		"static noinline int clone(int x) asm(NOW(\"h.%s.7\", \"h.%s.2\"));\n"
		"static noinline int clone(int x) { return other(x); }\nint g(int x) { return clone(x); }\n"
		"int f(int x) { return clone(x) + NOW(1, 2); }",
		suffix, suffix);
	g_autofree gchar *name = g_strdup_printf(".suture.sym.vmlinux.h.%s.2,1", suffix);
	g_autoptr(SutureDiff) diff = pair_accept(source, NULL);

	pair_functions(diff, "f");
	/* The running kernel knows it by the number before. */
	g_assert_true(pair_links_to(diff, ".text.f", name));
}

/* Neither may stand for the other: their callers would get the wrong one. */
static void test_clones_for_different_constants(void)
{
	g_autoptr(SutureDiff) diff =
		pair_accept("static noinline int one(int x) asm(NOW(\"h.constprop.1\", \"h.constprop.0\"));\n"
			    "static noinline int two(int x) asm(NOW(\"h.constprop.0\", \"h.constprop.1\"));\n"
			    "static noinline int one(int x) { return other(x + 1); }\n"
			    "static noinline int two(int x) { return other(x + 2); }\n"
			    "int f(int x) { return one(x); } int g(int x) { return two(x); }\n"
			    "int c(int x) { return two(x) + NOW(1, 2); }",
			    NULL);

	pair_functions(diff, "c");
	g_assert_true(pair_links_to(diff, ".text.c", ".suture.sym.vmlinux.h.constprop.1,1"));
}

static void test_function_gone(void)
{
	g_autoptr(SutureDiff) diff =
		pair_accept("\n#ifndef AFTER\nnoinline int gone(int x) { return x; }\n#endif\n"
			    "int f(int x) { return NOW(x, gone(x)); }",
			    NULL);

	pair_functions(diff, "f");
}

/* The number is the compiler's: the function is what tells which of them is which. */
static void test_static_by_referrer(void)
{
	g_autoptr(SutureDiff) diff = pair_accept(
		"\n#ifdef AFTER\nint fresh(int x) { static int count = 40; return count += x; }\n#endif\n"
		"int g(int x) { static int count = 40; return count += x; }\n"
		"int h(int x) { static int count = 40; return count += x * 3; }\n"
		"int f(int x) { static int count = 40; return count += x + NOW(1, 2); }",
		NULL);
	GElf_Sym symbol;

	pair_functions(diff, "+fresh f");
	/* One is new, and the one of f is the running kernel's. */
	g_assert_cmpint(diff->references->len, ==, 2);
	g_assert_true(g_str_has_prefix(((SutureDiffReference *)diff->references->pdata[0])->name,
				       ".suture.sym.vmlinux.count."));
	g_assert_true(pair_symbol(diff, "fresh", &symbol));
}

static void test_static_in_order(void)
{
	g_autoptr(SutureDiff) diff = pair_accept(
		"int f(int x) { if (x > NOW(3, 4)) { static int n; static int pad; pad++; return n++; }\n"
		"{ static int n; return n += 2; } }",
		NULL);

	pair_functions(diff, "f");
	g_assert_true(pair_references(diff, ".suture.sym.vmlinux.n.0,1"));
	g_assert_cmpint(pair_size(diff, ".bss.n.0"), ==, -1);
	g_assert_cmpint(pair_size(diff, ".bss.n.1"), ==, -1);
	g_assert_cmpint(pair_size(diff, ".bss.n.2"), ==, -1);
}

/* The order in which a changed function uses them says nothing; that of their declarations does. */
static void test_statics_change_places(void)
{
	static const gchar source[] =
		"static inline __attribute__((always_inline)) int g(int x) { static int n = 5; return n += "
		"x; }\n"
		"static inline __attribute__((always_inline)) int h(int x) { static int n = 7; return n ^= "
		"x; }\n"
		"int f(int x) { int a = NOW(h, g)(x); int b = NOW(g, h)(x); return a * 3 + b; }\n";
	g_autoptr(GBytes) one = pair_compile(source, FALSE, NULL), two = pair_compile(source, TRUE, NULL);
	g_autoptr(SutureObject) before = suture_object_read(one, "before", NULL);
	g_autoptr(SutureObject) after = suture_object_read(two, "after", NULL);
	g_auto(SutureDebug) old = {0}, new = {0};
	guint found = 0;

	g_assert_nonnull(before);
	g_assert_nonnull(after);
	g_assert_true(suture_debug_read(&old, one) && suture_debug_read(&new, two));
	suture_statics_pair(before, after, &old, &new);
	suture_object_correlate(before, after);
	for (guint i = 0; i < after->atoms->len; i++) {
		const SutureAtom *atom = after->atoms->pdata[i];

		if (atom->kind != SUTURE_ATOM_DATA || g_strcmp0(atom->base, "n") != 0)
			continue;
		found++;
		g_assert_nonnull(atom->twin);
		g_assert_cmpmem(suture_atom_bytes(atom), atom->size, suture_atom_bytes(atom->twin),
				atom->twin->size);
	}
	g_assert_cmpuint(found, ==, 2);
}

/* What a pointer to it keeps is one object, whoever uses it. */
static void test_compound_literal_that_is_written_to(void)
{
	g_autoptr(SutureDiff) diff = pair_accept(
		"struct st { int n; }; static struct st *const p = &(struct st){5};\n"
		"int f(int x) { return p->n += x + NOW(1, 2); } int g(int x) { return p->n -= x; }\n",
		NULL);

	pair_functions(diff, "f");
	g_assert_cmpint(pair_size(diff, ".data.__compound_literal.0"), ==, -1);
}

/* As many as there are, but for one that can be told by what it is. */
static void test_static_told_by_value(void)
{
	g_autoptr(SutureDiff) diff =
		pair_accept("int f(int x) { static int n = 5; n += x;\n"
			    "#ifdef AFTER\n{ static long n = 9; n += x; if (n > 100) return 7; }\n#endif\n"
			    "return n; }",
			    NULL);

	pair_functions(diff, "f");
	g_assert_true(pair_references(diff, ".suture.sym.vmlinux.n.0,1"));
	g_assert_cmpint(pair_size(diff, ".data.n.0") + pair_size(diff, ".data.n.1"), ==,
			8 - 1); /* a long, and none */
}

static const struct {
	const gchar *name, *declaration, *use;
} own[] = {
	{"__func__", "", "printk(__func__)"},
	{"__already_done", "static char __already_done;", "if (!__already_done) __already_done = 1"},
	{"__warned", "static char __warned;", "if (!__warned) __warned = 1"},
	{"__key", "static int __key;", "other((long)&__key)"},
	{"_rs", "static int _rs = 10;", "_rs--"},
	{"__print_once", "static char __print_once;", "if (!__print_once) __print_once = 1"},
	{"descriptor", "static int descriptor[4] = {1, 2};", "other(descriptor[x])"},
};

/* State of one expansion of a macro, and no more: the new code has its own. */
static void test_own(gconstpointer data)
{
	gsize index = GPOINTER_TO_SIZE(data);
	g_autofree gchar *source = g_strdup_printf(
		"int g(int x) { %s %s; return x; }\nint f(int x) { %s %s; return x + NOW(1, 2); }",
		own[index].declaration, own[index].use, own[index].declaration, own[index].use);
	g_autoptr(SutureDiff) diff = pair_accept(source, NULL);
	gboolean carried = FALSE;

	pair_functions(diff, "f");
	for (guint i = 0; i < diff->sections->len; i++) {
		const SutureDiffSection *section = diff->sections->pdata[i];

		if (strstr(section->name, own[index].name))
			carried |= section->disposition == SUTURE_DIFF_INCLUDED &&
				   pair_links_to(diff, ".text.f", section->name);
	}
	g_assert_true(carried);
	for (guint i = 0; i < diff->references->len; i++)
		g_assert_null(
			strstr(((SutureDiffReference *)diff->references->pdata[i])->name, own[index].name));
}

static void test_switch_table(void)
{
	static const gchar source[] =
		"int f(int x) { switch (x) { case 0: return 11; case 1: return 7; case 2: return NOW(99, "
		"98); case 3: "
		"return 4; case 4: return 1234; case 5: return -3; default: return 0; } }\n"
		"int g(int x) { switch (x) { case 0: return 11; case 1: return 7; case 2: return 5; case 3: "
		"return 4; "
		"case 4: return 1234; case 5: return -3; default: return 0; } }";
	g_autoptr(SutureDiff) diff = pair_accept(source, NULL);

	pair_functions(diff, "f");
	g_assert_true(pair_reason(diff, "f", "refers to CSWTCH"));
	g_assert_true(pair_links_to(diff, ".text.f", ".rodata.CSWTCH.1") ||
		      pair_links_to(diff, ".text.f", ".rodata.CSWTCH.2"));
}

/* A string is its text: others before it in the section are no change. */
static void test_strings_by_content(void)
{
	static const gchar *const flags[] = {
		"-fno-data-sections", "-fno-function-sections", "-pg", "-mrecord-mcount", "-mfentry", NULL};
	static const Means means = {.flags = flags};
	g_autoptr(SutureDiff) diff =
		pair_accept("int f(int x) { return printk(NOW(\"much longer than before\", \"short\")); }\n"
			    "int g(int x) { return printk(\"always\"); }",
			    &means);
	g_autofree gchar *link = NULL;

	pair_functions(diff, "f");
	g_assert_true(pair_reason(diff, "f", "another string"));
	link = pair_link(diff, ".text", 1, NULL);
	g_assert_cmpstr(link, ==, ".rodata.str1.1+0");
	g_assert_cmpstr(pair_bytes(diff, ".rodata.str1.1", 0), ==, "much longer than before");
	g_assert_cmpint(pair_size(diff, ".rodata.str1.1"), ==, sizeof("much longer than before"));
}

#define CONSTANT(value)                                                                                    \
	"asm volatile(\"movl 8f(%%rip), %0\\n.pushsection .rodata.cst4,\\\"aM\\\",@progbits,4\\n8: .long " \
	"\" " value " \"\\n.popsection\" : \"=r\"(x));"

/* So is a constant in a section whose constants are merged. */
static void test_constants_by_content(void)
{
	g_autoptr(SutureDiff) diff = pair_accept(
		"int f(int x) { " CONSTANT(
			"NOW(\"7, 8\", \"7\")") " return x; }\n"
						"int g(int x) { " CONSTANT(
							"\"9\"") " return x; }\n"
								 "int h(int x) { " CONSTANT(
									 "NOW(\"10\", \"11\")") " return x; "
												"}",
		NULL);

	pair_functions(diff, "h");
	g_assert_cmpint(pair_size(diff, ".rodata.cst4"), ==, 4);
	g_assert_cmpint(*(const gint32 *)pair_bytes(diff, ".rodata.cst4", 0), ==, 10);
	g_assert_true(pair_links_to(diff, ".text.h", ".rodata.cst4"));
}

/* No linker may take it for a section of strings that it can merge and move. */
static void test_strings_are_not_merged(void)
{
	g_autoptr(SutureDiff) diff =
		pair_accept("int f(int x) { return printk(\"here\") + NOW(1, 2); }", NULL);
	SUTURE_AUTO_ELF *elf = suture_elf_from_memory(diff->extracted);
	gsize count;

	g_assert_cmpint(elf_getshdrnum(elf, &count), ==, 0);
	for (gsize i = 1; i < count; i++) {
		GElf_Shdr header;

		g_assert_nonnull(gelf_getshdr(elf_getscn(elf, i), &header));
		g_assert_cmpuint(header.sh_flags & (SHF_MERGE | SHF_STRINGS), ==, 0);
	}
}

/* In a section that holds several, what an instruction with an immediate behind the displacement means is
 * not where symbol and addend point. */
static void test_immediate_behind_displacement(void)
{
	g_autoptr(SutureDiff) diff =
		pair_accept("static int first section(\".data..pair\") = 1; static int second "
			    "section(\".data..pair\") = 2;\n"
			    "int g(void) { return first++; } int h(void) { return second++; }\n"
			    "int f(int x) { asm volatile(\"cmpl $1000000, %0\" :: \"m\"(second)); return x + "
			    "NOW(1, 2); }",
			    NULL);

	pair_functions(diff, "f");
	g_assert_true(pair_references(diff, ".suture.sym.vmlinux.second,1"));
	g_assert_false(pair_references(diff, ".suture.sym.vmlinux.first,1"));
	g_assert_true(pair_links_to(diff, ".text.f", ".suture.sym.vmlinux.second,1"));
}

static void test_constant_read_by_functions(void)
{
	g_autoptr(SutureDiff) diff = pair_accept("static const int table[] = {1, 2, NOW(30, 3), 4};\n"
						 "int f(int x) { return table[x]; }\nint g(int x) { return "
						 "table[x + 1]; }\nint h(int x) { return x; }",
						 NULL);
	GElf_Sym symbol;

	pair_functions(diff, "f g");
	g_assert_true(pair_reason(diff, "f", "reads table, whose value changed"));
	g_assert_true(pair_links_to(diff, ".text.f", ".rodata.table"));
	g_assert_true(pair_symbol(diff, "table", &symbol));
	g_assert_cmpint(pair_section(diff, ".rodata.table")->disposition, ==, SUTURE_DIFF_INCLUDED);
}

/* Through a constant that points at it. */
static void test_constant_read_through_another(void)
{
	g_autoptr(SutureDiff) diff = pair_accept("static const int table[] = {1, 2, NOW(30, 3), 4};\nstatic "
						 "const int *const tables[] = {table, 0};\n"
						 "int f(int x, int y) { return tables[x][y]; }",
						 NULL);

	pair_functions(diff, "f");
	g_assert_true(pair_links_to(diff, ".text.f", ".rodata.tables"));
	g_assert_true(pair_links_to(diff, ".rodata.tables", ".rodata.table"));
}

/* It is the same, but leads into a function that is another now. */
static void test_labels_of_changed_function(void)
{
	g_autoptr(SutureDiff) diff = pair_accept(
		"int f(int x) { static const void *const labels[] = {&&a, &&b}; goto *labels[x & 1];\n"
		"a: return other(1); b: return other(2) + NOW(70, 71); }",
		NULL);

	pair_functions(diff, "f");
	g_assert_true(pair_links_to(diff, ".rodata.labels.0", ".text.f"));
	g_assert_true(pair_links_to(diff, ".text.f", ".rodata.labels.0"));
}

static void test_jump_table(void)
{
	static const gchar *const flags[] = {"-fjump-tables", "-pg", "-mrecord-mcount", "-mfentry", NULL};
	static const Means means = {.flags = flags};
	g_autoptr(SutureDiff) diff = pair_accept("int a(int), b(int), c(int), d(int), e(int);\nint f(int x) "
						 "{ switch (x) { case 0: return a(1); case 1: "
						 "return b(2); case 2: return c(3); case 3: return d(NOW(5, "
						 "4)); case 4: return e(6); case 5: return "
						 "other(1); } return 0; }",
						 &means);

	pair_functions(diff, "f");
	g_assert_true(pair_links_to(diff, ".rodata.f", ".text.f") ||
		      pair_links_to(diff, ".rodata", ".text.f"));
}

static void test_data_is_the_original(void)
{
	g_autoptr(SutureDiff) diff =
		pair_accept("int counter = 3; static long hidden = 4; const int limit = 5;\n"
			    "int f(int x) { counter++; hidden += x; return *(volatile const int *)&limit "
			    "+ NOW(1, 2); } int g(void) { return hidden; }",
			    NULL);

	pair_functions(diff, "f");
	g_assert_true(pair_references(diff, "counter"));
	g_assert_true(pair_references(diff, ".suture.sym.vmlinux.hidden,1"));
	g_assert_true(pair_references(diff, "limit"));
	g_assert_cmpint(pair_size(diff, ".data.counter"), ==, -1);
}

static void test_new_data(void)
{
	g_autoptr(SutureDiff) diff = pair_accept("\n#ifdef AFTER\nstatic int fresh; static const char *name "
						 "= \"fresh\"; int for_others = 6;\n#endif\n"
						 "int f(int x) { return NOW((fresh++, printk(name)), x); }",
						 NULL);
	GElf_Sym symbol;

	pair_functions(diff, "f");
	g_assert_true(pair_links_to(diff, ".text.f", ".bss.fresh"));
	g_assert_cmpint(pair_size(diff, ".bss.fresh"), ==, 4);
	g_assert_true(pair_symbol(diff, "for_others", &symbol));
	g_assert_cmpuint(GELF_ST_BIND(symbol.st_info), ==, STB_GLOBAL);
}

static void test_percpu_is_in_the_section_of_modules(void)
{
	g_autoptr(SutureDiff) diff = pair_accept(
		"\n#ifdef AFTER\nstatic int fresh section(\".data..percpu..read_mostly\") = 1;\n#endif\n"
		"int f(int x) { return NOW(fresh++, x); }",
		NULL);

	g_assert_cmpint(pair_size(diff, ".data..percpu"), ==, 4);
	g_assert_true(pair_links_to(diff, ".text.f", ".data..percpu"));
}

/* __sched and the like: one section, and calls between its functions that the assembler filled in. */
static void test_functions_in_one_section(void)
{
	g_autoptr(SutureDiff) diff =
		pair_accept("#define __sched section(\".sched.text\")\n"
			    "static noinline __sched int low(int x) { return other(x) + 1; }\n"
			    "noinline __sched int f(int x) { NOW(other(9); other(10); other(11), other(8)); "
			    "return low(x) + 3; }\n"
			    "noinline __sched int high(int x) { return low(x) + 1; }",
			    NULL);
	g_autofree gchar *call = NULL;
	guint last = 0, type;

	pair_functions(diff, "f");
	g_assert_true(pair_links_to(diff, ".sched.text", ".suture.sym.vmlinux.low,1"));
	while ((call = pair_link(diff, ".sched.text", last, &type)) &&
	       !g_str_has_prefix(call, ".suture.sym.vmlinux.low,1")) {
		g_clear_pointer(&call, g_free);
		last++;
	}
	g_assert_cmpstr(call, ==, ".suture.sym.vmlinux.low,1-4");
	g_assert_cmpuint(type, ==, R_X86_64_PLT32);
	g_assert_cmpint(pair_section(diff, ".sched.text")->disposition, ==, SUTURE_DIFF_INCLUDED);
}

/* Padding before functions: with -fpatchable-function-entry=16,16 the symbol stands behind it. */
static void test_padded_functions(void)
{
	static const gchar *const flags[] = {"-pg", "-mrecord-mcount", "-mfentry",
					     "-fpatchable-function-entry=16,16", NULL};
	static const Means means = {.flags = flags};
	g_autoptr(SutureDiff) diff = pair_accept(
		"#define __sched section(\".sched.text\")\n"
		"noinline int f(int x) { return other(x) + NOW(1, 2); } int g(int x) { return f(x); }\n"
		"noinline __sched int s(int x) { return other(x) + NOW(3, 4); }\n"
		"__sched int t(int x) { return s(x) + 5; }",
		&means);
	GElf_Sym f, s, alias;

	pair_functions(diff, "f s");
	g_assert_true(pair_symbol(diff, "f", &f));
	g_assert_true(pair_symbol(diff, "s", &s));
	g_assert_true(pair_symbol(diff, "__suture_new.3.1", &alias));
	g_assert_cmpuint(f.st_value, ==, 16);
	g_assert_cmpuint(s.st_value, ==, 16);
	g_assert_cmpuint(alias.st_value, ==, 16);
	g_assert_cmpuint(alias.st_size, ==, s.st_size);
	for (gsize i = 0; i < 16; i++)
		g_assert_cmpuint(*(const guint8 *)pair_bytes(diff, ".sched.text", i), ==, 0x90);
	g_assert_cmpint(pair_size(diff, "__patchable_function_entries"), ==, 16);
}

/* objtool knows a static function that does not return by its code, which is not there. */
#define STOPS(how)                                                 \
	"static noinline void stop(int x) { other(x); " how " }\n" \
	"int f(int x) { if (x == NOW(1, 2)) stop(x); return x; }"
static void test_call_that_never_returns(void)
{
	g_autoptr(SutureDiff) stops = pair_accept(STOPS("__builtin_unreachable();"), NULL);
	g_autoptr(SutureDiff) returns = pair_accept(STOPS("asm volatile(\"nop\");"), NULL);

	g_assert_cmpint(pair_size(stops, ".discard.unreachable"), ==, 4);
	g_assert_true(pair_links_to(stops, ".discard.unreachable", ".text.f") ||
		      pair_links_to(stops, ".discard.unreachable", ".text.unlikely.f"));
	g_assert_cmpint(pair_size(returns, ".discard.unreachable"), ==, -1);
}

static void test_group(void)
{
	g_autoptr(SutureDiff) diff =
		pair_accept("asm(\".section .text.grouped,\\\"axG\\\",@progbits,key,comdat\\n.globl "
			    "grouped\\n.type grouped,@function\\n"
			    "grouped: call __fentry__\\n movl $\" NOW(\"1\", \"2\") \", %eax\\n ret\\n.size "
			    "grouped,.-grouped\\n.text\");",
			    NULL);
	SUTURE_AUTO_ELF *elf = suture_elf_from_memory(diff->extracted);
	GElf_Shdr header;

	pair_functions(diff, "grouped");
	g_assert_nonnull(gelf_getshdr(elf_getscn(elf, 1), &header));
	g_assert_cmpuint(header.sh_flags & SHF_GROUP, ==, 0);
}

static void test_this_module(void)
{
	static const Means means = {.object = "ext4"};
	g_autoptr(SutureDiff) diff = pair_accept(
		"extern int __this_module;\nint f(int x) { other((long)&__this_module); return NOW(1, 2); }",
		&means);

	/* The linker would give the patch module's own. */
	g_assert_true(pair_links_to(diff, ".text.f", ".suture.sym.ext4.__this_module,0"));
}

static void test_static_calls(void)
{
	static const Means means = {.exported = " __SCT__known __SCK__known __SCT__tramp __SCT__gone "};
	g_autoptr(SutureDiff) diff = pair_accept(
		"void __SCT__known(void); void __SCT__tramp(void); void __SCT__hidden(void);\n"
		"int f(int x) { __SCT__known(); __SCT__tramp(); __SCT__hidden(); return NOW(1, 2); }",
		&means);
	GElf_Sym symbol;

	g_assert_true(pair_symbol(diff, "__SCT__known", &symbol));
	g_assert_true(pair_symbol(diff, "__SCK__known", &symbol));
	g_assert_true(pair_symbol(diff, "__SCT__tramp", &symbol));
	g_assert_false(pair_symbol(diff, "__SCK__tramp", &symbol));
	/* Under its own name objtool would make a site whose key nobody finds. */
	g_assert_true(pair_links_to(diff, ".text.f", ".suture.sym.vmlinux.__SCT__hidden,0"));
}

static void test_inlined(void)
{
	g_autoptr(SutureDiff) diff =
		pair_accept("static inline __attribute__((always_inline)) int helper(int x) { return "
			    "other(x) + NOW(1, 2); }\n"
			    "int f(int x) { return helper(x); } int g(int x) { return helper(x) * 2; }",
			    NULL);

	pair_functions(diff, "f g");
	g_assert_cmpstr(pair_function(diff, "f")->inlined[0], ==, "helper");
	g_assert_null(pair_function(diff, "f")->inlined[1]);
}

static void test_lines_do_not_count(void)
{
	g_autoptr(SutureDiff) diff =
		pair_accept("NOW(\n\n\n\n, )int f(int x) { asm volatile(\"1: ud2\\n.pushsection "
			    "__bug_table,\\\"aw\\\"\\n2: .long 1b - .\\n"
			    ".long %c0 - .\\n.word %c1\\n.word 3\\n.popsection\" :: \"i\"(__FILE__), "
			    "\"i\"(NOW(99, 98))); return x; }",
			    NULL);

	g_assert_null(diff->extracted);
	g_assert_cmpint(pair_section(diff, "__bug_table")->disposition, ==, SUTURE_DIFF_HARMLESS);
	g_assert_nonnull(strstr(pair_section(diff, "__bug_table")->sentence, "line numbers"));
}

#define ADD(name, function) g_test_add_func("/diff/functions/" name, function)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	ADD("no-change", test_nothing);
	ADD("one-changed", test_one);
	ADD("new-static", test_new_static);
	ADD("new-global", test_new_global);
	ADD("calls-mean-the-original", test_calls_mean_the_original);
	ADD("local-of-a-module", test_local_of_a_module);
	ADD("cold-part-changed", test_cold_part);
	ADD("cold-part-of-changed", test_cold_part_of_changed);
	ADD("split-part-changed", test_split_part);
	g_test_add_data_func("/diff/functions/isra-numbered-otherwise", "isra", test_clones_are_numbered);
	g_test_add_data_func("/diff/functions/constprop-numbered-otherwise", "constprop",
			     test_clones_are_numbered);
	g_test_add_data_func("/diff/functions/part-numbered-otherwise", "part", test_clones_are_numbered);
	ADD("clones-change-places", test_clones_for_different_constants);
	ADD("gone", test_function_gone);
	ADD("call-that-never-returns", test_call_that_never_returns);
	ADD("static-by-referrer", test_static_by_referrer);
	ADD("static-in-order", test_static_in_order);
	ADD("statics-change-places", test_statics_change_places);
	ADD("compound-literal-that-is-written-to", test_compound_literal_that_is_written_to);
	ADD("static-told-by-value", test_static_told_by_value);
	for (gsize i = 0; i < G_N_ELEMENTS(own); i++) {
		g_autofree gchar *name = g_strconcat("/diff/functions/own-", own[i].name, NULL);

		g_test_add_data_func(name, GSIZE_TO_POINTER(i), test_own);
	}
	ADD("switch-table", test_switch_table);
	ADD("strings-by-content", test_strings_by_content);
	ADD("constants-by-content", test_constants_by_content);
	ADD("strings-are-not-merged", test_strings_are_not_merged);
	ADD("immediate-behind-displacement", test_immediate_behind_displacement);
	ADD("constant-read-by-functions", test_constant_read_by_functions);
	ADD("constant-read-through-another", test_constant_read_through_another);
	ADD("labels-of-changed-function", test_labels_of_changed_function);
	ADD("jump-table-is-carried", test_jump_table);
	ADD("data-is-the-original", test_data_is_the_original);
	ADD("new-data", test_new_data);
	ADD("new-percpu", test_percpu_is_in_the_section_of_modules);
	ADD("several-in-one-section", test_functions_in_one_section);
	ADD("padded", test_padded_functions);
	ADD("group", test_group);
	ADD("this-module", test_this_module);
	ADD("static-calls", test_static_calls);
	ADD("inlined-callers", test_inlined);
	ADD("lines-do-not-count", test_lines_do_not_count);
	return g_test_run();
}
