// SPDX-License-Identifier: LGPL-2.1-or-later
/* What the diff refuses, each by its code, and what looks like it but is taken. */
#include "pair.h"

#include <string.h>

#define TABLE(section, entry) "asm(\".section " section "\\n" entry "\\n.text\");\n"
#define KEY(name)                                                                                           \
	"asm volatile(\"1: jmp 7f\\n.pushsection __jump_table,\\\"aw\\\"\\n.balign 8\\n.long 1b - ., 7f - " \
	".\\n.quad " name " + 2 - .\\n.popsection\\n7:\");"

#define OPERATIONS                                                                                          \
	"struct ops { int (*call)(int); }; static int a(int x) { return x; } static int b(int x) { return " \
	"-x; } "

static const struct {
	const gchar *test, *source;
	SutureDiffError code;
	const gchar *name;
	Means means;
} refused[] = {
	{"initial-value", "int counter = NOW(4, 3);", SUTURE_DIFF_ERROR_CHANGED_DATA, "counter", {0}},
	{"initial-value-of-static-local",
	 "int f(int x) { static int n = NOW(4, 3); return n += x; }",
	 SUTURE_DIFF_ERROR_CHANGED_DATA,
	 "n.0",
	 {0}},
	{"size", "char buffer[NOW(20, 10)];", SUTURE_DIFF_ERROR_CHANGED_DATA, "buffer", {0}},
	{"pointer-in-data",
	 "int a(int x) { return x; } int b(int x) { return x + 1; } int (*hook)(int) = NOW(a, b);",
	 SUTURE_DIFF_ERROR_CHANGED_DATA,
	 "hook",
	 {0}},
	{"string-in-data",
	 "const char *name = NOW(\"new\", \"old\");",
	 SUTURE_DIFF_ERROR_CHANGED_DATA,
	 "name",
	 {0}},
	{"global-constant",
	 "const int limits[] = {1, NOW(2, 3)};",
	 SUTURE_DIFF_ERROR_CHANGED_DATA,
	 "limits",
	 {0}},
	{"constant-that-data-points-at",
	 "static const int limits[] = {1, NOW(2, 3)}; const int *pointer = limits; int f(int x) { return "
	 "limits[x]; }",
	 SUTURE_DIFF_ERROR_CHANGED_DATA,
	 "limits",
	 {0}},
	{"constant-that-init-code-registered",
	 "extern void add(const void *);\nstatic const int limits[] = {1, NOW(2, 3)}; "
	 "section(\".init.text\") int start(void) { "
	 "add(limits); return 0; }",
	 SUTURE_DIFF_ERROR_CHANGED_DATA,
	 "limits",
	 {0}},
	{"operations-whose-address-is-stored",
	 OPERATIONS
	 "static const struct ops o = {NOW(b, a)}; const struct ops *kept; void f(void) { kept = &o; }",
	 SUTURE_DIFF_ERROR_CHANGED_DATA,
	 "o",
	 {0}},
	{"operations-whose-address-is-compared",
	 OPERATIONS
	 "static const struct ops o = {NOW(b, a)}; int f(const struct ops *is) { return is == &o; }",
	 SUTURE_DIFF_ERROR_CHANGED_DATA,
	 "o",
	 {0}},
	{"structure-whose-address-is-handed-out",
	 "struct info { int a, b; }; extern void keep(const struct info *);\n"
	 "static const struct info info = {1, NOW(2, 3)}; void f(void) { keep(&info); }",
	 SUTURE_DIFF_ERROR_CHANGED_DATA,
	 "info",
	 {0}},

	{"moved-function",
	 "int f(int x) { return x; }\n#ifdef AFTER\nint elsewhere(int x) { return x + 1; }\n#endif\n",
	 SUTURE_DIFF_ERROR_MOVED,
	 "elsewhere",
	 {.taken = " elsewhere "}},
	{"moved-variable",
	 "int f(int x) { return x; }\n#ifdef AFTER\nint elsewhere;\n#endif\n",
	 SUTURE_DIFF_ERROR_MOVED,
	 "elsewhere",
	 {.taken = " elsewhere "}},
	{"variable-of-another-type",
	 "struct a { long x, y; }; struct b { int p; long q; };\n"
	 "static struct NOW(b, a) thing used; int f(int x) { return x; }",
	 SUTURE_DIFF_ERROR_LAYOUT,
	 "thing",
	 {0}},

	{"init-function",
	 "section(\".init.text\") int start(int x) { return x + NOW(1, 2); }",
	 SUTURE_DIFF_ERROR_INIT,
	 "start",
	 {0}},
	{"new-init-function",
	 "int f(int x) { return x; }\n#ifdef AFTER\nsection(\".init.text\") int start(int x) { return x; "
	 "}\n#endif\n",
	 SUTURE_DIFF_ERROR_INIT,
	 "start",
	 {0}},
	{"init-data",
	 "int table[] section(\".init.data\") = {NOW(1, 2)};",
	 SUTURE_DIFF_ERROR_INIT,
	 "table",
	 {0}},
	{"exit-function",
	 "section(\".exit.text\") int stop(int x) { return x + NOW(1, 2); }",
	 SUTURE_DIFF_ERROR_INIT,
	 "stop",
	 {0}},
	{"reference-to-init-data",
	 "int early section(\".init.data\") = 5; int f(int x) { return early + x + NOW(1, 2); }",
	 SUTURE_DIFF_ERROR_INIT,
	 "f",
	 {0}},

	{"no-fentry",
	 "__attribute__((no_instrument_function)) int f(int x) { return x + NOW(1, 2); }",
	 SUTURE_DIFF_ERROR_UNTRACEABLE,
	 "f",
	 {0}},
	{"no-fentry-in-the-kernel",
	 "int f(int x) { return x + NOW(1, 2); }",
	 SUTURE_DIFF_ERROR_UNTRACEABLE,
	 "f",
	 {.untraced = " f "}},

	{"unknown-section-changed",
	 "int f(int x) { return x; } int odd section(\"mystery\") = NOW(1, 2);",
	 SUTURE_DIFF_ERROR_UNKNOWN_SECTION,
	 "odd",
	 {0}},
	{"unknown-section-new",
	 "int f(int x) { return x; }\n#ifdef AFTER\nint odd section(\"mystery\") = 1;\n#endif\n",
	 SUTURE_DIFF_ERROR_UNKNOWN_SECTION,
	 "odd",
	 {0}},
	{"unknown-section-used",
	 "int odd section(\"mystery\") = 1; int f(int x) { return odd + NOW(1, 2); }",
	 SUTURE_DIFF_ERROR_UNKNOWN_SECTION,
	 "mystery",
	 {0}},
	{"unknown-section-about-changed-code",
	 "int f(int x) { asm volatile(\"nop\\n1: nop\\n.pushsection mystery,\\\"a\\\"\\n.long 1b - "
	 ".\\n.popsection\"); return x + NOW(1, "
	 "2); }",
	 SUTURE_DIFF_ERROR_UNKNOWN_SECTION,
	 "mystery",
	 {0}},
	{"unknown-entries-of-known-table",
	 "int f(int x) { asm volatile(\"nop\\n1: nop\\n.pushsection .smp_locks,\\\"a\\\"\\n.long 1b - ., 1, "
	 "2\\n.popsection\"); return x + "
	 "NOW(1, 2); }",
	 SUTURE_DIFF_ERROR_UNKNOWN_SECTION,
	 ".smp_locks",
	 {0}},

	{"key-of-own-module",
	 "int key[4]; int f(int x) { " KEY("key") " return x + NOW(1, 2); }",
	 SUTURE_DIFF_ERROR_MODULE_KEY,
	 "f",
	 {.object = "ext4"}},
	{"key-of-other-module",
	 "int f(int x) { " KEY("elsewhere") " return x + NOW(1, 2); }",
	 SUTURE_DIFF_ERROR_MODULE_KEY,
	 "f",
	 {.foreign = " elsewhere "}},
	{"late-key",
	 "int f(int x) { " KEY("hidden") " return x + NOW(1, 2); }",
	 SUTURE_DIFF_ERROR_MODULE_KEY,
	 "f",
	 {.late = TRUE}},
	{"frozen-key",
	 "int f(int x) { " KEY("hidden") " return x + NOW(1, 2); }",
	 SUTURE_DIFF_ERROR_FROZEN_KEY,
	 "f",
	 {.frozen = " hidden ", .exported = " hidden "}},
	{"frozen-key-of-the-unit",
	 "static int key[4] section(\".data..ro_after_init\") used; int f(int x) { " KEY(
		 "key") " return x + NOW(1, 2); }",
	 SUTURE_DIFF_ERROR_FROZEN_KEY,
	 "f",
	 {.frozen = " key "}},

	{"changed-export",
	 "int f(int x) { return x; }\n" TABLE("___ksymtab+f,\\\"a\\\"",
					      "__ksymtab_f: .long f - ., 0, \" NOW(\"1\", \"0\")\""),
	 SUTURE_DIFF_ERROR_EXPORT,
	 "__ksymtab_f",
	 {0}},
	{"new-parameter",
	 "int f(int x) { return x; }\n#ifdef AFTER\nstatic const long __param_x[5] used section(\"__param\") "
	 "= {5};\n#endif\n",
	 SUTURE_DIFF_ERROR_PARAMETER,
	 "__param_x",
	 {0}},
	{"new-boot-parameter",
	 "int f(int x) { return x; }\n#ifdef AFTER\nstatic long __setup_x[3] used section(\".init.setup\") = "
	 "{5};\n#endif\n",
	 SUTURE_DIFF_ERROR_PARAMETER,
	 "__setup_x",
	 {0}},
	{"new-initcall",
	 "int f(void) { return 0; }\n#ifdef AFTER\n" TABLE(
		 ".initcall6.init,\\\"a\\\"", "__initcall__kmod_unit__1_2_f6: .long f - .") "#endif\n",
	 SUTURE_DIFF_ERROR_INITCALL,
	 "__initcall__kmod_unit__1_2_f6",
	 {0}},
	{"syscall-metadata",
	 "static long __p_syscall_meta__x used section(\"__syscalls_metadata\") = NOW(1, 2);",
	 SUTURE_DIFF_ERROR_SYSCALL,
	 "__p_syscall_meta__x",
	 {0}},
	{"trace-event",
	 "static long __event_x used section(\"_ftrace_events\") = NOW(1, 2);",
	 SUTURE_DIFF_ERROR_TRACE_EVENT,
	 "__event_x",
	 {0}},
	{"new-tracepoint",
	 "int f(int x) { return x; }\n#ifdef AFTER\nlong __tracepoint_x[9] section(\"__tracepoints\") = "
	 "{1};\n#endif\n",
	 SUTURE_DIFF_ERROR_TRACE_EVENT,
	 "__tracepoint_x",
	 {0}},
	{"device-table",
	 "static long entry used section(\"__clk_of_table\") = NOW(1, 2);",
	 SUTURE_DIFF_ERROR_REGISTRATION,
	 "entry",
	 {0}},

	{"relocation-by-got",
	 "int f(int x) { asm volatile(\"movq shared@GOTPCREL(%%rip), %%rax\" ::: \"rax\"); return x + NOW(1, "
	 "2); }",
	 SUTURE_DIFF_ERROR_RELOCATION,
	 "f",
	 {0}},
	{"relocation-of-16-bits",
	 "int f(int x) { asm volatile(\"movw $shared, %%ax\" ::: \"rax\"); return x + NOW(1, 2); }",
	 SUTURE_DIFF_ERROR_RELOCATION,
	 "f",
	 {0}},
	{"short-jump",
	 "asm(\".section .sched.text,\\\"ax\\\"\\n.type f,@function\\nf: call __fentry__\\nmovl $\" "
	 "NOW(\"1\", \"2\") \", %eax\\njmp "
	 "low\\n.size f,.-f\\n.type low,@function\\nlow: ret\\n.size low,.-low\\n.text\");",
	 SUTURE_DIFF_ERROR_RELOCATION,
	 "f",
	 {0}},

	{"no-longer-read-only",
	 "int limit section(NOW(\".data..read_mostly\", \".data..ro_after_init\")) = 3;\n"
	 "int f(int x) { NOW(limit = x, limit); return limit; }",
	 SUTURE_DIFF_ERROR_CHANGED_DATA,
	 "limit",
	 {0}},
	{"one-for-each-cpu-now",
	 "int counter section(NOW(\".data..percpu\", \".data..read_mostly\")) = 3; int f(int x) { return "
	 "counter + x + NOW(1, 2); }",
	 SUTURE_DIFF_ERROR_CHANGED_DATA,
	 "counter",
	 {0}},
	{"constant-handed-out-by-a-table",
	 OPERATIONS "static const struct ops one = {NOW(a, b)}, two = {b};\n"
		    "static const struct ops *const all[] = {&one, &two};\n"
		    "void f(const struct ops **o, int i) { *o = all[i]; }",
	 SUTURE_DIFF_ERROR_CHANGED_DATA,
	 "one",
	 {0}},

	{"ambiguous-statics",
	 "int f(int x) { if (x > 7) { static int n; n += x; }\n#ifdef AFTER\nif (x > 9) { static int n; n -= "
	 "x; }\n#endif\nreturn x; }\n",
	 SUTURE_DIFF_ERROR_AMBIGUOUS,
	 "n",
	 {0}},

	{"symbol-absent",
	 "int f(int x) { return other(x) + NOW(1, 2); }",
	 SUTURE_DIFF_ERROR_UNRESOLVED,
	 "other",
	 {.unknown = " other "}},
	{"changed-function-absent",
	 "int f(int x) { return other(x) + NOW(1, 2); }",
	 SUTURE_DIFF_ERROR_UNRESOLVED,
	 "f",
	 {.unknown = " f "}},

	{"sealed",
	 "void *f(void) { return NOW((void *)other, (void *)0); }",
	 SUTURE_DIFF_ERROR_SEALED,
	 "f",
	 {.sealed = " other "}},

	{"unexplained",
	 "int f(int x) { return x; }\n" TABLE(".smp_locks,\\\"a\\\"",
					      ".long \" NOW(\"shared\", \"other\") \" - ."),
	 SUTURE_DIFF_ERROR_UNEXPLAINED,
	 ".smp_locks+0x0",
	 {0}},

	{"type-grown",
	 "struct thing { int a;\n#ifdef AFTER\nint b;\n#endif\n}; int f(struct thing *t) { return t->a; }",
	 SUTURE_DIFF_ERROR_LAYOUT,
	 "struct thing",
	 {0}},
};

static void test_refused(gconstpointer data)
{
	gsize index = GPOINTER_TO_SIZE(data);

	pair_refuse(refused[index].source, &refused[index].means, refused[index].code, refused[index].name);
}

/* Each refusal shows at the section as well. */
static void test_section_says_so(void)
{
	g_autoptr(SutureDiff) diff = pair_diff("int counter = NOW(4, 3); int f(int x) { return x; }", NULL);

	g_assert_cmpint(pair_section(diff, ".data.counter")->disposition, ==, SUTURE_DIFF_REFUSED);
	g_assert_null(diff->extracted);
}

static void test_initcalls_are_numbered(void)
{
	g_autoptr(SutureDiff) diff =
		pair_accept("int f(void) { return 0; }\n" TABLE(
				    ".initcall6.init,\\\"a\\\"",
				    "__initcall__kmod_unit__\" NOW(\"7_80\", \"6_79\") \"_f6: .long f - ."),
			    NULL);

	g_assert_null(diff->extracted);
	g_assert_null(pair_section(diff, ".initcall6.init"));
}

/* Other units of the patch are linked with it, and nobody else knows of it. */
static void test_new_export(void)
{
	g_autoptr(SutureDiff) diff =
		pair_accept("int f(int x) { return x; }\n#ifdef AFTER\n" TABLE(
				    "___ksymtab+f,\\\"a\\\"", "__ksymtab_f: .long f - ., 0, 0") "#endif\n",
			    NULL);

	g_assert_null(diff->extracted);
	g_assert_cmpint(pair_section(diff, "___ksymtab+f")->disposition, ==, SUTURE_DIFF_HARMLESS);
	g_assert_true(pair_notes(diff, "f: is exported now"));
}

static void test_export_gone(void)
{
	g_autoptr(SutureDiff) diff =
		pair_accept("int f(int x) { return x; }\n#ifndef AFTER\n" TABLE(
				    "___ksymtab+f,\\\"a\\\"", "__ksymtab_f: .long f - ., 0, 0") "#endif\n",
			    NULL);

	g_assert_true(pair_notes(diff, "__ksymtab_f"));
}

/* Pointers in tables at functions as such mean the originals. */
static void test_export_of_changed_function(void)
{
	g_autoptr(SutureDiff) diff =
		pair_accept("int f(int x) { return x + NOW(1, 2); }\n" TABLE("___ksymtab+f,\\\"a\\\"",
									     "__ksymtab_f: .long f - ., 0, 0")
				    TABLE("mystery,\\\"a\\\"", "pointer: .quad f"),
			    NULL);

	pair_functions(diff, "f");
	g_assert_cmpint(pair_size(diff, "___ksymtab+f"), ==, -1);
	g_assert_cmpint(pair_size(diff, "mystery"), ==, -1);
}

/* Both forms of the table's entry, the older and that of Linux 6.5. */
static void test_export_with_other_parameters(void)
{
	static const gchar *const tables[] = {
		TABLE("___ksymtab+f,\\\"a\\\"", "__ksymtab_f: .long f - ., 0, 0"),
		TABLE(".export_symbol,\\\"a\\\"", "__export_symbol_f: .quad f"),
	};

	for (gsize i = 0; i < G_N_ELEMENTS(tables); i++) {
		g_autofree gchar *source =
			g_strconcat("#ifdef AFTER\n#define P , int x\n#define X x\n#else\n#define P\n#define "
				    "X 1\n#endif\n"
				    "struct s; long f(struct s *s P) { return other(X); }\n"
				    "int g(NOW(long, int) x) { return other((int)x) + NOW(1, 2); }\n",
				    tables[i], NULL);
		g_autoptr(SutureDiff) diff = pair_accept(source, NULL);

		g_assert_true(pair_notes(
			diff, "f: exported, was long int(struct s*) and is long int(struct s*, int) now"));
		g_assert_false(pair_notes(diff, "g: exported"));
	}
}

/* A function that a changed one registers somewhere, and a table of operations with such; not what is called.
 */
static void test_handed_out(void)
{
	g_autoptr(SutureDiff) diff = pair_accept(
		"struct ops { int (*call)(int); }; extern int later(int (*)(int)); extern int keep(const "
		"struct ops *);\n"
		"#ifdef AFTER\n"
		"static noinline int called(int x) { return other(x) + 7; }\n"
		"static noinline int handed(int x) { return other(x) + 8; }\n"
		"static noinline int member(int x) { return other(x) + 9; }\n"
		"static const struct ops table = {member};\n"
		"#endif\n"
		"int f(int x) { return NOW(called(x) + later(handed) + keep(&table), other(x)); }\n",
		NULL);

	g_assert_true(pair_notes(diff, "handed, table: new, and the address is handed out"));
	g_assert_cmpuint(diff->notes->len, ==, 1);
}

static void test_called_only(void)
{
	g_autoptr(SutureDiff) diff = pair_accept(
		"#ifdef AFTER\nstatic noinline int called(int x) { return other(x) + 7; }\n#endif\n"
		"int f(int x) { return NOW(called(x), 2) + 1; }\n",
		NULL);

	g_assert_cmpuint(diff->notes->len, ==, 0);
}

static void test_sealed_may_be_called(void)
{
	static const Means means = {.sealed = " other "};
	g_autoptr(SutureDiff) diff = pair_accept("int f(int x) { return other(x) + NOW(1, 2); }", &means);

	pair_functions(diff, "f");
}

/* Tables that nobody keeps, or compares the address of. */
static void test_constants_that_are_read(void)
{
	static const gchar *const sources[] = {
		"extern int sum(const int *); static const int t[] = {1, NOW(2, 3)}; int f(void) { return "
		"sum(t); }",
		"extern int all(const char *const *); static const char *const t[] = {\"a\", NOW(\"b\", "
		"\"c\")}; "
		"int f(void) { return all(t); }",
		"struct nla_policy { unsigned char type; int max; }; extern int parse(const struct "
		"nla_policy "
		"*);\n"
		"static const struct nla_policy t[] = {{1, NOW(2, 3)}}; int f(void) { return parse(t); }",
		OPERATIONS
		"static const struct { long n; struct ops o; } t[] = {{1, {a}}, {NOW(2, 3), {b}}};\n"
		"long f(int i) { return t[i].n + t[i].o.call(i); }",
	};

	for (gsize i = 0; i < G_N_ELEMENTS(sources); i++) {
		g_autoptr(SutureDiff) diff = pair_accept(sources[i], NULL);

		pair_functions(diff, "f");
		g_assert_true(pair_reason(diff, "f", "reads t"));
	}
}

/* A variable under another name starts anew, and what is gone is told. */
static void test_renamed_variable(void)
{
	g_autoptr(SutureDiff) diff = pair_accept(
		"static int NOW(fresh, old); int f(int x) { return NOW(fresh, old) += x; }", NULL);

	g_assert_true(pair_notes(diff, "fresh: new"));
	g_assert_true(pair_notes(diff, "old under another name"));
	g_assert_cmpint(pair_section(diff, ".bss.old")->disposition, ==, SUTURE_DIFF_HARMLESS);
}

/* As long as it has a name of its own. */
static void test_new_globals(void)
{
	static const Means means = {.taken = " elsewhere "};
	g_autoptr(SutureDiff) diff = pair_accept(
		"int f(int x) { return x; }\n#ifdef AFTER\nint fresh(int x) { return x + 1; }\n#endif\n",
		&means);

	pair_functions(diff, "+fresh");
}

#define USE "int f(struct thing *t) { return t->a; } "

static const struct {
	const gchar *test, *source, *name, *what; /* NULL: no difference */
} layouts[] = {
	{"size", "struct thing { int a; char b[NOW(9, 5)]; }; " USE, "struct thing", "size 12 -> 16"},
	{"places-changed", "struct thing { NOW(int a; int b, int b; int a); }; " USE, "struct thing",
	 "member"},
	{"member-in-a-hole", "struct thing { long a; char b; NOW(char c;,) long d; }; " USE, "struct thing",
	 "member c is new"},
	{"bit-field", "struct thing { int a; int b : NOW(4, 3); int c : 3; }; " USE, "struct thing",
	 "member b: bit 32"},
	{"nested", "struct thing { int a; struct { union { int u; NOW(long, int) v; } n; }; }; " USE,
	 "struct thing", "size"},
	{"nested-place", "struct thing { int a; struct { NOW(short s; char t, char t; short s); } n; }; " USE,
	 "struct thing", "member n."},
	{"union", "union both { int a; NOW(long, int) b; }; int f(union both *t) { return t->a; }",
	 "union both", "size 4 -> 8"},
	{"typedef", "typedef struct { int a; NOW(int b;,) } pair; int f(pair *t) { return t->a; }",
	 "typedef pair", "size 4 -> 8"},
	{"enumerator",
	 "enum kind { FIRST, NOW(BETWEEN COMMA,) LAST }; int f(enum kind k) { return k == LAST; }",
	 "enum kind", "enumerator LAST: 1 -> 2"},
	{"enumerator-at-the-end",
	 "enum kind { FIRST, LAST NOW(COMMA LATER,) }; int f(enum kind k) { return k == LAST; }", NULL, NULL},
	{"enumerator-of-a-nameless-type",
	 "enum { FIRST, NOW(BETWEEN COMMA,) OTHER }; int f(int k) { return k == OTHER; }",
	 "enum without a name", "enumerator OTHER: 1 -> 2"},
	{"length-of-a-list",
	 "enum { FIRST, NOW(OTHER COMMA,) KIND_MAX }; int f(int k) { return k < KIND_MAX; }", NULL, NULL},
	{"member-of-another-type",
	 "struct list { void *a, *b; }; struct head { void *a; void (*call)(void); };\n"
	 "struct thing { int a; struct NOW(head, list) l; }; " USE,
	 "struct thing", "member l: struct list -> struct head"},
	{"renamed-and-of-another-type",
	 "struct list { void *a, *b; }; struct head { void *a; void (*call)(void); };\n"
	 "struct thing { int a; struct NOW(head h, list l); }; " USE,
	 "struct thing", "member h is new"},
	{"renamed", "struct thing { int a; int NOW(reserved, unused); }; " USE, NULL, NULL},
	{"pointee", "struct thing { int a; NOW(long, int) *b; }; " USE, NULL, NULL},
	{"local-to-a-function",
	 "int f(int x) { struct inner { NOW(long pad;,) int a; } i = {.a = x}; return i.a; }", NULL, NULL},
	{"only-after",
	 "int f(int x) { return x; }\n#ifdef AFTER\nstruct fresh { int a; }; int g(struct fresh *t) { return "
	 "t->a; }\n#endif\n",
	 NULL, NULL},
	{"declared-before",
	 "struct thing\n#ifdef AFTER\n{ int a; }\n#endif\n; int f(struct thing *t) { return t == 0; }", NULL,
	 NULL},
};

static void test_layout(gconstpointer data)
{
	gsize index = GPOINTER_TO_SIZE(data);
	g_autofree gchar *source = g_strconcat("#define COMMA ,\n", layouts[index].source, NULL);
	g_autoptr(SutureDiff) diff = pair_diff(source, NULL);
	const SutureDiffLayout *layout;

	g_assert_cmpuint(diff->layouts->len, ==, layouts[index].name ? 1 : 0);
	g_assert_cmpuint(diff->notes->len, ==, 0);
	if (!layouts[index].name)
		return;
	layout = diff->layouts->pdata[0];
	g_assert_cmpstr(layout->name, ==, layouts[index].name);
	g_assert_true(g_str_has_prefix(layout->what, layouts[index].what));
	for (guint i = 0; i < diff->refusals->len; i++)
		if (((SutureDiffRefusal *)diff->refusals->pdata[i])->code == SUTURE_DIFF_ERROR_LAYOUT)
			return;
	g_assert_not_reached();
}

static void test_no_debug_information(void)
{
	static const gchar *const flags[] = {"-g0", "-pg", "-mrecord-mcount", "-mfentry", NULL};
	static const Means means = {.flags = flags};
	g_autoptr(SutureDiff) diff = pair_accept("int f(int x) { return x + NOW(1, 2); }", &means);

	g_assert_true(pair_notes(diff, "layouts of types were not compared"));
}

static void assert_malformed(const guint8 *bytes, gsize size, GBytes *other)
{
	g_autoptr(GBytes) bad = g_bytes_new(bytes, size);
	g_autoptr(GError) error = NULL;
	const SutureDiffRequest request = {
		.unit = "unit.o", .object = "vmlinux", .before = other, .after = bad};
	g_autoptr(SutureDiff) diff = suture_diff_run(&request, &error);

	g_assert_null(diff);
	g_assert_error(error, SUTURE_DIFF_ERROR, SUTURE_DIFF_ERROR_MALFORMED);
	g_assert_nonnull(strstr(error->message, "unit.o (after)"));
}

static void test_malformed(void)
{
	g_autoptr(GBytes) good = pair_compile("int f(int x) { return other(x); }", FALSE, NULL);
	gsize size;
	const guint8 *data = g_bytes_get_data(good, &size);
	g_autofree guint8 *copy = g_memdup2(data, size);
	Elf64_Ehdr header;

	assert_malformed((const guint8 *)"no object file at all", 21, good);
	assert_malformed(data, 0, good);
	assert_malformed(data, size / 2, good);
	memcpy(&header, copy, sizeof(header));
	header.e_type = ET_EXEC;
	memcpy(copy, &header, sizeof(header));
	assert_malformed(copy, size, good);
	header.e_type = ET_REL;
	header.e_machine = EM_AARCH64;
	memcpy(copy, &header, sizeof(header));
	assert_malformed(copy, size, good);
}

/* Each relocation of the text in turn leads out of something. */
static void test_malformed_relocations(void)
{
	g_autoptr(GBytes) good = pair_compile("int f(int x) { return other(x); }", FALSE, NULL);
	SUTURE_AUTO_ELF *elf = suture_elf_from_memory(good);
	gsize index = suture_elf_find_section(elf, ".rela.text.f"), size;
	const guint8 *data = g_bytes_get_data(good, &size);
	g_autofree guint8 *copy = g_memdup2(data, size);
	Elf64_Rela *first;
	GElf_Shdr header;
	Elf_Data *content;

	g_assert_true(suture_elf_section(elf, index, &header, &content));
	first = (Elf64_Rela *)(gpointer)(copy + header.sh_offset);
	first->r_offset = G_MAXUINT64 - 1;
	assert_malformed(copy, size, good);
	memcpy(copy, data, size);
	first->r_info = ELF64_R_INFO((guint64)100000, R_X86_64_PC32);
	assert_malformed(copy, size, good);
	memcpy(copy, data, size);
	first[1].r_offset = first[0].r_offset + 1;
	assert_malformed(copy, size, good);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (gsize i = 0; i < G_N_ELEMENTS(refused); i++) {
		g_autofree gchar *name = g_strconcat("/diff/refusals/", refused[i].test, NULL);

		g_test_add_data_func(name, GSIZE_TO_POINTER(i), test_refused);
	}
	g_test_add_func("/diff/refusals/constants-that-are-read", test_constants_that_are_read);
	g_test_add_func("/diff/refusals/new-globals", test_new_globals);
	g_test_add_func("/diff/refusals/renamed-variable", test_renamed_variable);
	g_test_add_func("/diff/refusals/section-says-so", test_section_says_so);
	g_test_add_func("/diff/refusals/initcalls-are-numbered", test_initcalls_are_numbered);
	g_test_add_func("/diff/refusals/new-export", test_new_export);
	g_test_add_func("/diff/refusals/export-gone", test_export_gone);
	g_test_add_func("/diff/refusals/export-of-changed-function", test_export_of_changed_function);
	g_test_add_func("/diff/refusals/export-with-other-parameters", test_export_with_other_parameters);
	g_test_add_func("/diff/refusals/handed-out", test_handed_out);
	g_test_add_func("/diff/refusals/called-only", test_called_only);
	g_test_add_func("/diff/refusals/sealed-may-be-called", test_sealed_may_be_called);
	for (gsize i = 0; i < G_N_ELEMENTS(layouts); i++) {
		g_autofree gchar *name = g_strconcat("/diff/layout/", layouts[i].test, NULL);

		g_test_add_data_func(name, GSIZE_TO_POINTER(i), test_layout);
	}
	g_test_add_func("/diff/layout/no-debug-information", test_no_debug_information);
	g_test_add_func("/diff/object/malformed", test_malformed);
	g_test_add_func("/diff/object/malformed-relocations", test_malformed_relocations);
	return g_test_run();
}
