// SPDX-License-Identifier: LGPL-2.1-or-later
/* A changed function that is nowhere but within others. */
#include "pair.h"

#include "packager/diff/inlined.h"

#include <string.h>

#define INLINE "static inline __attribute__((always_inline)) "
#define INIT "section(\".init.text\") "
#define NOTRACE "__attribute__((no_instrument_function)) "

/* Line 1 is inner(), line 2 and 3 call it. */
#define SOURCE(first, second)                                              \
	INLINE "int inner(int x) { return other(x) * NOW(3, 5); }\n" first \
	       "int one(int x) { return inner(x) + 1; }\n" second          \
	       "int two(int x) { return inner(x) + 2; }\n"                 \
	       "int three(int x) { return x + 3; }\n"

static const guint inner_touched[] = {1, 0}, host_touched[] = {1, 2, 0};

static const SutureDiffRefusal *first_refusal(const SutureDiff *diff)
{
	g_assert_cmpuint(diff->refusals->len, >, 0);
	return diff->refusals->pdata[0];
}

static void assert_inlined(const gchar *source, const gchar *hosts)
{
	const Means means = {.touched = inner_touched};
	g_autoptr(SutureDiff) diff = pair_diff(source, &means);
	const SutureDiffRefusal *refusal = first_refusal(diff);

	g_assert_cmpint(refusal->code, ==, SUTURE_DIFF_ERROR_INLINED);
	g_assert_cmpstr(refusal->name, ==, "inner");
	g_assert_nonnull(strstr(refusal->sentence, hosts));
	/* Why none of the hosts can be is still told. */
	g_assert_cmpuint(diff->refusals->len, >, 1);
}

static void test_within_init(void)
{
	assert_inlined(SOURCE(INIT, INIT), "(one, two)");
}

static void test_within_untraceable(void)
{
	assert_inlined(SOURCE(NOTRACE, INIT), "(one, two)");
}

/* One of the hosts can be redirected: what cannot is told of the other. */
static void test_something_is_left(void)
{
	const Means means = {.touched = inner_touched};

	pair_refuse(SOURCE(INIT, ""), &means, SUTURE_DIFF_ERROR_INIT, "one");
}

/* Why a function that nobody touched is in the patch. */
static void test_reason(void)
{
	const Means means = {.touched = inner_touched};
	g_autoptr(SutureDiff) diff = pair_diff(SOURCE("", ""), &means);

	g_assert_true(pair_reason(diff, "one", "has inlined inner, which the fix changes"));
	g_assert_true(pair_reason(diff, "two", "has inlined inner, which the fix changes"));
}

static void test_hosts_that_can_be_redirected(void)
{
	const Means means = {.touched = inner_touched};
	g_autoptr(SutureDiff) diff = pair_accept(SOURCE("", ""), &means);

	pair_functions(diff, "one two");
}

/* What changed is the init function, whatever else is within it. */
static void test_host_is_touched(void)
{
	const Means means = {.touched = host_touched};
	g_autoptr(SutureDiff) diff = pair_diff(SOURCE(INIT, INIT), &means);

	g_assert_cmpint(first_refusal(diff)->code, ==, SUTURE_DIFF_ERROR_INIT);
}

static void test_not_known(void)
{
	g_autoptr(SutureDiff) diff = pair_diff(SOURCE(INIT, INIT), NULL);

	g_assert_cmpint(first_refusal(diff)->code, ==, SUTURE_DIFF_ERROR_INIT);
}

/* It has code of its own as well: that is what is refused. */
static void test_also_with_code(void)
{
	const Means means = {.touched = inner_touched};
	g_autoptr(SutureDiff) diff =
		pair_diff(NOTRACE INIT "int inner(int x) { return other(x) * NOW(3, 5); }\n" INIT
				       "int one(int x) { return inner(x) + 1; }\n",
			  &means);

	g_assert_cmpint(first_refusal(diff)->code, ==, SUTURE_DIFF_ERROR_INIT);
}

static void test_nothing_changed(void)
{
	const Means means = {.touched = inner_touched};
	g_autoptr(SutureDiff) diff =
		pair_accept(INLINE "int inner(int x) { return NOW(x + 1, 1 + x); }\n" INIT
				   "int one(int x) { return inner(x); }\n",
			    &means);

	g_assert_null(diff->extracted);
}

static GPtrArray *functions_of(GBytes *object)
{
	g_auto(SutureDebug) debug = {0};

	g_assert_true(suture_debug_read(&debug, object));
	return suture_inlined_functions(&debug);
}

static const SutureSourceFunction *find(GPtrArray *functions, const gchar *name)
{
	for (guint i = 0; i < functions->len; i++) {
		const SutureSourceFunction *function = functions->pdata[i];

		if (strcmp(function->name, name) == 0)
			return function;
	}
	return NULL;
}

static void test_what_dwarf_tells(void)
{
	g_autoptr(GBytes) object = pair_compile(SOURCE("", ""), FALSE, NULL);
	g_autoptr(GPtrArray) functions = functions_of(object);
	const SutureSourceFunction *inner = find(functions, "inner"), *one = find(functions, "one"),
				   *last = find(functions, "three");

	g_assert_nonnull(inner);
	g_assert_true(inner->inlined && !inner->code);
	g_assert_cmpuint(inner->first, ==, 1);
	g_assert_cmpuint(inner->last, ==, 1);
	g_assert_true(g_str_has_suffix(inner->file, "/unit.c"));
	g_assert_nonnull(one);
	g_assert_true(!one->inlined && one->code);
	g_assert_nonnull(last);
	g_assert_cmpuint(last->first, ==, 4);
	g_assert_cmpuint(last->last, >=, last->first);
}

static void test_partly_inlined(void)
{
	g_autoptr(GBytes) object = pair_compile(
		"int inner(int x) { return other(x) * 3; }\nint one(int x) { return inner(x); }\n", FALSE,
		NULL);
	g_autoptr(GPtrArray) functions = functions_of(object);
	const SutureSourceFunction *inner = find(functions, "inner");

	g_assert_nonnull(inner);
	g_assert_true(inner->inlined && inner->code);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/diff/inlined/reason", test_reason);
	g_test_add_func("/diff/inlined/within-init", test_within_init);
	g_test_add_func("/diff/inlined/within-untraceable", test_within_untraceable);
	g_test_add_func("/diff/inlined/something-is-left", test_something_is_left);
	g_test_add_func("/diff/inlined/hosts-that-can-be-redirected", test_hosts_that_can_be_redirected);
	g_test_add_func("/diff/inlined/host-is-touched", test_host_is_touched);
	g_test_add_func("/diff/inlined/not-known", test_not_known);
	g_test_add_func("/diff/inlined/also-with-code", test_also_with_code);
	g_test_add_func("/diff/inlined/nothing-changed", test_nothing_changed);
	g_test_add_func("/diff/inlined/what-dwarf-tells", test_what_dwarf_tells);
	g_test_add_func("/diff/inlined/partly-inlined", test_partly_inlined);
	return g_test_run();
}
