// SPDX-License-Identifier: LGPL-2.1-or-later
/* Changed functions that cannot be redirected, but whose callers can. */
#include "pair.h"

#include <string.h>

#define NOTRACE "__attribute__((no_instrument_function)) "
#define BODY "static noinline " NOTRACE "int body(int x) { return other(x) * NOW(3, 5); }\n"

/* As the body of a system call is. */
static void test_callers_are_changed(void)
{
	g_autoptr(SutureDiff) diff = pair_accept(BODY "int one(int x) { return body(x) + 1; }\n"
						      "int two(int x) { return body(x) + 2; }\n"
						      "int three(int x) { return x + 3; }\n",
						 NULL);

	pair_functions(diff, "+body one two");
	g_assert_true(pair_reason(diff, "one", "calls body, which changed"));
	g_assert_true(pair_reason(diff, "body", "cannot be redirected itself"));
	g_assert_true(pair_links_to(diff, ".text.one", "body") ||
		      pair_links_to(diff, ".text.one", ".text.body"));
	g_assert_false(pair_references(diff, ".suture.sym.vmlinux.body,1"));
	g_assert_cmpstr(pair_function(diff, "two")->alias, ==, "__suture_new.3.1");
}

static void test_callers_of_callers(void)
{
	g_autoptr(SutureDiff) diff =
		pair_accept(BODY "static noinline " NOTRACE "int middle(int x) { return body(x) + 1; }\n"
				 "int top(int x) { return middle(x) + 2; }\n",
			    NULL);

	pair_functions(diff, "+body +middle top");
}

static void test_cold_part_calls(void)
{
	g_autoptr(SutureDiff) diff = pair_accept(
		BODY "extern void never(int) __attribute__((cold));\n"
		     "int one(int x) { if (unlikely(x > 9)) { never(body(x)); return 7; } return x; }\n",
		NULL);

	pair_functions(diff, "+body one");
}

static void test_calls_itself(void)
{
	g_autoptr(SutureDiff) diff =
		pair_accept("static noinline " NOTRACE
			    "int body(int x) { return x > 2 ? other(body(x - 1)) * NOW(3, 5) : x; }\n"
			    "int one(int x) { return body(x) + 1; }\n",
			    NULL);

	pair_functions(diff, "+body one");
}

static void test_state_is_the_original(void)
{
	g_autoptr(SutureDiff) diff =
		pair_accept("static noinline " NOTRACE
			    "int body(int x) { static int count; return other(count += x) * NOW(3, 5); }\n"
			    "int one(int x) { return body(x) + 1; }\n",
			    NULL);

	g_assert_true(pair_references(diff, ".suture.sym.vmlinux.count.0,1"));
}

static const struct {
	const gchar *test, *source, *name;
} refused[] = {
	{"global",
	 NOTRACE "int body(int x) { return other(x) * NOW(3, 5); }\nint one(int x) { return body(x); }",
	 "body"},
	{"pointer-in-data", BODY "int (*hook)(int) = body; int one(int x) { return body(x) + 1; }", "body"},
	{"pointer-in-code",
	 BODY "extern void add(int (*)(int)); void start(void) { add(body); } int one(int x) { return "
	      "body(x) + 1; }",
	 "body"},
	{"called-at-boot",
	 BODY
	 "section(\".init.text\") int one(int x) { return body(x) + 1; } int two(int x) { return body(x); }",
	 "body"},
	{"caller-without-ftrace", BODY NOTRACE "int one(int x) { return body(x) + 1; }", "one"},
	{"caller-that-is-gone",
	 BODY "int one(int x) { return body(x) + 1; }\n#ifndef AFTER\nint two(int x) { return body(x) + 2; "
	      "}\n#endif\n",
	 "body"},
	{"called-by-nobody", "used " BODY, "body"},
	{"section-of-its-own", "section(\".noinstr.text\") " BODY "int one(int x) { return body(x) + 1; }",
	 "body"},
};

static void test_refused(gconstpointer data)
{
	gsize i = GPOINTER_TO_SIZE(data);

	pair_refuse(refused[i].source, NULL, SUTURE_DIFF_ERROR_UNTRACEABLE, refused[i].name);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/diff/carry/callers-are-changed", test_callers_are_changed);
	g_test_add_func("/diff/carry/callers-of-callers", test_callers_of_callers);
	g_test_add_func("/diff/carry/cold-part-calls", test_cold_part_calls);
	g_test_add_func("/diff/carry/calls-itself", test_calls_itself);
	g_test_add_func("/diff/carry/state-is-the-original", test_state_is_the_original);
	for (gsize i = 0; i < G_N_ELEMENTS(refused); i++) {
		g_autofree gchar *name = g_strconcat("/diff/carry/refused/", refused[i].test, NULL);

		g_test_add_data_func(name, GSIZE_TO_POINTER(i), test_refused);
	}
	return g_test_run();
}
