// SPDX-License-Identifier: LGPL-2.1-or-later
/* The tables that the kernel has about code: their entries go where the code goes. */
#include "pair.h"

#include <string.h>

/*
 * An entry of a table for the function that has the line; "1:" is its place. What it drags in, and its bytes.
 * All as in the kernel's headers; the last ones are what objtool makes.
 */
static const struct {
	const gchar *section, *flags, *entry;
	gint64 size;
	const gchar *drags; /* a section */
} tables[] = {
	{"__bug_table", "aw", ".long 1b - ., file - .\n.word 17, 2305", 12, NULL},
	{"__bug_table", "aw", ".long 1b - .\n.word 2305, 0", 8, NULL},
	{"__ex_table", "a", ".balign 4\n.long 1b - ., 1b - .\n.long 3", 12, NULL},
	{".altinstructions", "a", ".long 1b - ., 771b - .\n.word 7\n.byte 5, 5", 12, ".altinstr_replacement"},
	{".altinstructions", "a", ".long 1b - ., 771b - .\n.long 7\n.byte 5, 5", 14, ".altinstr_replacement"},
	{".parainstructions", "a", ".balign 8\n.quad 1b\n.byte 3, 5\n.balign 8", 16, NULL},
	{".smp_locks", "a", ".balign 4\n.long 1b - .", 4, NULL},
	{"__jump_table", "aw", ".balign 8\n.long 1b - ., 1b - .\n.quad key + 2 - .", 16, NULL},
	{"__mcount_loc", "a", ".quad 1b", 8, NULL},
	{"__patchable_function_entries", "awo\",@progbits,.text.f#", ".quad 1b", 8, NULL},
	{"_kprobe_blacklist", "aw", ".quad 1b", 8, NULL},
	{".discard.reachable", "", ".long 1b - .", 4, NULL},
	{".discard.unreachable", "", ".long 1b - .", 4, NULL},
	{".discard.retpoline_safe", "", ".quad 1b", 8, NULL},
	{".discard.noendbr", "", ".quad 1b", 8, NULL},
	{".discard.instr_begin", "", ".long 1b - .", 4, NULL},
	{".discard.intra_function_calls", "", ".quad 1b", 8, NULL},
	{".discard.annotate_insn", "", ".long 1b - ., 4", 8, NULL},
	{".discard.unwind_hints", "", ".long 1b - .\n.word 8\n.byte 1, 2, 0, 0\n.word 0", 12, NULL},
	{".retpoline_sites", "a", ".long 1b - .", 4, NULL},
	{".return_sites", "a", ".long 1b - .", 4, NULL},
	{".call_sites", "a", ".long 1b - .", 4, NULL},
	{".cfi_sites", "a", ".long 1b - .", 4, NULL},
	{".kcfi_traps", "a", ".long 1b - .", 4, NULL},
	{".ibt_endbr_seal", "a", ".long 1b - .", 4, NULL},
	{".static_call_sites", "aw", ".long 1b - ., key - .", 8, NULL},
};

static gchar *escaped(const gchar *text)
{
	g_autofree gchar *once = g_strescape(text, NULL);

	return g_strdup(once);
}

/* Statements that make one entry. */
static gchar *entry_of(gsize index)
{
	g_autofree gchar *flags = g_strndup(tables[index].flags, strcspn(tables[index].flags, "#"));
	g_autofree gchar *text = g_strdup_printf(
		"1: lock; incl shared(%%rip)\n"
		".pushsection .altinstr_replacement,\"ax\"\n771: jmp other\n.popsection\n.pushsection "
		"%s,\"%s%s\n%s\n.popsection",
		tables[index].section, flags, strchr(flags, '"') ? "" : "\"", tables[index].entry);

	return escaped(text);
}

#define FILE_NAME \
	"asm(\".section .rodata.names,\\\"a\\\"\\nfile: .asciz \\\"unit.c\\\"\\n.text\");\nint key[4];\n"

/* Only of what changed, whole, and leading to the new code. */
static void test_entry(gconstpointer data)
{
	static const gchar *const flags[] = {"-pg", "-mfentry", NULL};
	static const Means means = {.flags = flags};
	gsize index = GPOINTER_TO_SIZE(data);
	g_autofree gchar *entry = entry_of(index);
	g_autofree gchar *source =
		g_strdup_printf("%sint g(int x) { asm volatile(\"%s\"); return x; }\n"
				"int f(int x) { asm volatile(\"%s\"); return other(x) + NOW(1, 2); }\n"
				"int h(int x) { asm volatile(\"%s\"); return x + 1; }",
				FILE_NAME, entry, entry, entry);
	g_autoptr(SutureDiff) diff = pair_accept(source, &means);
	const SutureDiffSection *section = pair_section(diff, tables[index].section);

	pair_functions(diff, "f");
	g_assert_cmpint(pair_size(diff, tables[index].section), ==, tables[index].size);
	g_assert_true(pair_links_to(diff, tables[index].section, ".text.f"));
	g_assert_nonnull(section);
	g_assert_cmpint(section->disposition, ==, SUTURE_DIFF_INCLUDED);
	if (!tables[index].drags)
		return;
	g_assert_true(pair_links_to(diff, tables[index].section, tables[index].drags));
	g_assert_cmpint(pair_size(diff, tables[index].drags), ==, 5);
	g_assert_true(pair_links_to(diff, tables[index].drags, "other"));
}

/* Another entry, and no other byte, is a change of the function. */
static void test_entry_alone_changes(void)
{
	g_autoptr(SutureDiff) diff =
		pair_accept(FILE_NAME "int f(int x) { asm volatile(\"1: ud2\\n.pushsection "
				      "__bug_table,\\\"aw\\\"\\n.long 1b - ., file - .\\n"
				      ".word 17, \" NOW(\"1\", \"2\") \"\\n.popsection\"); return x; }",
			    NULL);

	pair_functions(diff, "f");
	g_assert_true(pair_reason(diff, "f", "its entries in __bug_table changed"));
}

static void test_replacement_alone_changes(void)
{
	g_autoptr(SutureDiff) diff =
		pair_accept("int f(int x) { asm volatile(\"1: nop; nop\\n.pushsection "
			    ".altinstructions,\\\"a\\\"\\n.long 1b - ., 771f - .\\n.word "
			    "7\\n.byte 2, 2\\n.popsection\\n.pushsection "
			    ".altinstr_replacement,\\\"ax\\\"\\n771: \" NOW(\"clac\", \"stac\") "
			    "\"\\n.popsection\"); return x; }",
			    NULL);

	pair_functions(diff, "f");
	g_assert_cmpint(pair_size(diff, ".altinstructions"), ==, 12);
}

/* Code away from the function that jumps back into it, and has entries of its own. */
static void test_code_away_from_the_function(void)
{
	g_autoptr(SutureDiff) diff = pair_accept(
		"#define AWAY \"1: jmp 6f\\n2:\\n.pushsection .altinstr_aux,\\\"ax\\\"\\n6: lock; incl "
		"shared(%rip)\\njmp 2b\\n"
		".popsection\\n.pushsection .smp_locks,\\\"a\\\"\\n.balign 4\\n.long 6b - .\\n.popsection\"\n"
		"int g(int x) { asm volatile(AWAY); return x; }\nint f(int x) { asm volatile(AWAY); return x "
		"+ NOW(1, 2); }",
		NULL);

	pair_functions(diff, "f");
	g_assert_true(pair_links_to(diff, ".text.f", ".altinstr_aux"));
	g_assert_true(pair_links_to(diff, ".altinstr_aux", ".text.f"));
	g_assert_cmpint(pair_size(diff, ".smp_locks"), ==, 4);
	g_assert_true(pair_links_to(diff, ".smp_locks", ".altinstr_aux"));
	g_assert_cmpint(pair_section(diff, ".altinstr_aux")->disposition, ==, SUTURE_DIFF_INCLUDED);
}

#define DDEBUG                                                                                           \
	"struct ddebug { const char *module, *function, *file, *format; unsigned line : 18, class : 6, " \
	"flags : 8; long key[2]; };\n"
#define DEBUG_CALL(line)                                                                                    \
	"{ static struct ddebug __UNIQUE_ID_ddebug12 section(\"__dyndbg\") __attribute__((aligned(8))) = "  \
	"{\"unit\", __func__, "                                                                             \
	"\"unit.c\", \"text\", " line ", 0, 0}; "                                                           \
	"asm volatile(\"1: jmp 1b\\n.pushsection __jump_table,\\\"aw\\\"\\n.balign 8\\n.long 1b - ., 1b - " \
	".\\n"                                                                                              \
	".quad %c0 + 40 + 2 - .\\n.popsection\" :: \"i\"(&__UNIQUE_ID_ddebug12)); }"

static void test_dynamic_debug(void)
{
	g_autoptr(SutureDiff) diff =
		pair_accept(DDEBUG "int g(int x) { " DEBUG_CALL(
				    "NOW(4, 5)") " return x; }\n"
						 "int f(int x) { " DEBUG_CALL("7") " return x + NOW(1, 2); }",
			    NULL);

	/* The line of what did not change does not count. */
	pair_functions(diff, "f");
	g_assert_cmpint(pair_size(diff, "__dyndbg"), ==, 56);
	g_assert_true(pair_links_to(diff, "__jump_table", "__dyndbg"));
	g_assert_true(pair_links_to(diff, "__dyndbg", ".rodata.__func__.1") ||
		      pair_links_to(diff, "__dyndbg", ".rodata.__func__.0"));
}

#define PRINTK_INDEX                                                                                   \
	"{ static const struct entry _entry used = {\"text\", __func__, \"unit.c\", 5}; static const " \
	"struct entry *_entry_ptr "                                                                    \
	"used section(\".printk_index\") = &_entry; }"

static void test_printk_index(void)
{
	g_autoptr(SutureDiff) diff =
		pair_accept("struct entry { const char *format, *function, *file; int line; };\n"
			    "int g(int x) { " PRINTK_INDEX " return x; }\n"
			    "int f(int x) { " PRINTK_INDEX " return x + NOW(1, 2); }",
			    NULL);

	pair_functions(diff, "f");
	g_assert_cmpint(pair_size(diff, ".printk_index"), ==, 8);
	g_assert_cmpint(pair_section(diff, ".printk_index")->disposition, ==, SUTURE_DIFF_INCLUDED);
}

#define KEY(name)                                                                                           \
	"asm volatile(\"1: jmp 7f\\n.pushsection __jump_table,\\\"aw\\\"\\n.balign 8\\n.long 1b - ., 7f - " \
	".\\n.quad " name " + 2 - .\\n.popsection\\n7:\");"

static void test_key_of_vmlinux(void)
{
	g_autoptr(SutureDiff) diff =
		pair_accept("int f(int x) { " KEY("somewhere") " return x + NOW(1, 2); }", NULL);
	g_autofree gchar *link = pair_link(diff, "__jump_table", 2, NULL);

	g_assert_cmpstr(link, ==, "somewhere+2");
	g_assert_cmpuint(diff->notes->len, ==, 0);
}

static void test_new_key(void)
{
	static const Means means = {.object = "ext4"};
	g_autoptr(SutureDiff) diff =
		pair_accept("\n#ifdef AFTER\nstatic long key[2] used;\n#endif\n"
			    "int f(int x) { NOW(" KEY("key") ",;) return x + NOW(1, 2); }",
			    &means);

	g_assert_true(pair_links_to(diff, "__jump_table", ".bss.key"));
}

/* The tracepoint cannot be switched on from there; its code stays reachable for objtool. */
static void test_tracepoint_of_a_module(void)
{
	static const Means means = {.object = "ext4", .foreign = " __tracepoint_there "};
	g_autoptr(SutureDiff) diff =
		pair_accept("int f(int x) { " KEY("__tracepoint_here + 8")
				    KEY("__tracepoint_there + 8") " return x + NOW(1, 2); }",
			    &means);
	g_autofree gchar *first = pair_link(diff, "__jump_table", 2, NULL);
	g_autofree gchar *second = pair_link(diff, "__jump_table", 5, NULL);

	g_assert_cmpint(pair_size(diff, "__jump_table"), ==, 32);
	g_assert_cmpstr(first, ==, ".bss.suture_off+2");
	g_assert_cmpstr(second, ==, ".bss.suture_off+2");
	g_assert_cmpint(pair_size(diff, ".bss.suture_off"), ==, 16);
	g_assert_true(pair_notes(diff, "f: the tracepoint here of ext4 does not fire"));
	g_assert_true(pair_notes(diff, "f: the tracepoint there of other does not fire"));
	g_assert_false(pair_references(diff, "__tracepoint_here"));
}

static void test_late_tracepoint(void)
{
	static const Means means = {.late = TRUE, .exported = " __tracepoint_exported "};
	g_autoptr(SutureDiff) diff =
		pair_accept("int f(int x) { " KEY("__tracepoint_here")
				    KEY("__tracepoint_exported") " return x + NOW(1, 2); }",
			    &means);
	g_autofree gchar *first = pair_link(diff, "__jump_table", 2, NULL);
	g_autofree gchar *second = pair_link(diff, "__jump_table", 5, NULL);

	g_assert_cmpstr(first, ==, ".bss.suture_off+2");
	g_assert_cmpstr(second, ==, "__tracepoint_exported+2");
}

static void test_static_call_site_of_a_module(void)
{
	static const Means means = {.object = "ext4"};
	g_autoptr(SutureDiff) diff = pair_accept("int f(int x) { asm volatile(\"1: call other\\n.pushsection "
						 ".static_call_sites,\\\"aw\\\"\\n.long 1b - ., "
						 "__SCK__x - .\\n.popsection\"); return x + NOW(1, 2); }",
						 &means);

	/* The call of the trampoline does the same. */
	g_assert_cmpint(pair_size(diff, ".static_call_sites"), ==, -1);
	g_assert_true(pair_links_to(diff, ".text.f", "other"));
	g_assert_cmpint(pair_section(diff, ".static_call_sites")->disposition, ==, SUTURE_DIFF_HARMLESS);
}

/* What is never needed in a patch, whatever is in it. */
static void test_harmless(gconstpointer data)
{
	const gchar *section = data;
	g_autofree gchar *source = g_strdup_printf("asm(\".section %s\\n.long \" NOW(\"1, 2\", \"3\") "
						   "\"\\n.text\");\nint f(int x) { return x; }",
						   section);
	g_autofree gchar *name = g_strndup(section, strcspn(section, ","));
	g_autoptr(SutureDiff) diff = pair_accept(source, NULL);

	g_assert_null(diff->extracted);
	g_assert_cmpint(pair_section(diff, name)->disposition, ==, SUTURE_DIFF_HARMLESS);
}

static const gchar *const harmless[] = {
	".comment",
	".note.Linux,\\\"a\\\",@note",
	".modinfo,\\\"a\\\"",
	".debug_other",
	".orc_unwind,\\\"a\\\"",
	".orc_unwind_ip,\\\"a\\\"",
	".discard.addressable,\\\"aw\\\"",
};

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (gsize i = 0; i < G_N_ELEMENTS(tables); i++) {
		g_autofree gchar *name = g_strdup_printf("/diff/tables/entry-of-%s-%" G_GINT64_FORMAT,
							 tables[i].section, tables[i].size);

		g_test_add_data_func(name, GSIZE_TO_POINTER(i), test_entry);
	}
	g_test_add_func("/diff/tables/entry-alone-changes", test_entry_alone_changes);
	g_test_add_func("/diff/tables/replacement-alone-changes", test_replacement_alone_changes);
	g_test_add_func("/diff/tables/code-away-from-the-function", test_code_away_from_the_function);
	g_test_add_func("/diff/tables/dynamic-debug", test_dynamic_debug);
	g_test_add_func("/diff/tables/printk-index", test_printk_index);
	g_test_add_func("/diff/tables/key-of-vmlinux", test_key_of_vmlinux);
	g_test_add_func("/diff/tables/new-key", test_new_key);
	g_test_add_func("/diff/tables/tracepoint-of-a-module", test_tracepoint_of_a_module);
	g_test_add_func("/diff/tables/late-tracepoint", test_late_tracepoint);
	g_test_add_func("/diff/tables/static-call-site-of-a-module", test_static_call_site_of_a_module);
	for (gsize i = 0; i < G_N_ELEMENTS(harmless); i++) {
		g_autofree gchar *name = g_strconcat("/diff/tables/harmless-", harmless[i], NULL);

		name[strcspn(name, ",")] = '\0';
		g_test_add_data_func(name, harmless[i], test_harmless);
	}
	return g_test_run();
}
