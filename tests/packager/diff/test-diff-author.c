// SPDX-License-Identifier: LGPL-2.1-or-later
/* What the author of a fix says of the patch itself: callbacks and states, in the sections that
 * <suture/fix.h> fills. */
#include "pair.h"

#define NEW(text) "#ifdef AFTER\n" text "\n#endif\n"
#define CHANGED "int f(int x) { return x + NOW(1, 2); }\n"
#define BEFORE_PATCH                                                               \
	"extern int allowed; static int check(void *object) { return allowed; }\n" \
	"static int (*const a)(void *) used section(\".suture.callback.pre_patch\") = check;\n"
#define AFTERWARDS                                                                                \
	"extern int users; static void enter(void *object) { users++; }\n"                        \
	"static void (*const b)(void *) used section(\".suture.callback.post_patch\") = enter;\n" \
	"static void (*const c)(void *) used section(\".suture.callback.post_unpatch\") = enter;\n"
#define STATE(id, version)                                                                                  \
	"static const unsigned long s" #id "[2] used section(\".suture.state\") = {" #id ", " #version "};" \
	"\n"

static const SutureDiffCallback *callback_at(const SutureDiff *diff, guint index)
{
	g_assert_cmpuint(index, <, diff->callbacks->len);
	return diff->callbacks->pdata[index];
}

static void assert_callback(const SutureDiff *diff, guint index, SutureDiffMoment moment, const gchar *name)
{
	const SutureDiffCallback *callback = callback_at(diff, index);
	GElf_Sym alias, function;

	g_assert_cmpint(callback->moment, ==, moment);
	g_assert_cmpstr(callback->name, ==, name);
	g_assert_true(pair_symbol(diff, callback->alias, &alias));
	g_assert_true(pair_symbol(diff, name, &function));
	g_assert_cmpint(GELF_ST_BIND(alias.st_info), ==, STB_GLOBAL);
	g_assert_cmpuint(alias.st_shndx, ==, function.st_shndx);
	g_assert_cmpuint(alias.st_value, ==, function.st_value);
}

static void test_callbacks(void)
{
	g_autoptr(SutureDiff) diff = pair_accept(CHANGED NEW(BEFORE_PATCH AFTERWARDS), NULL);

	pair_functions(diff, "+check +enter f");
	g_assert_cmpuint(diff->callbacks->len, ==, 3);
	for (guint i = 0; i < diff->callbacks->len; i++)
		switch (callback_at(diff, i)->moment) {
		case SUTURE_DIFF_PRE_PATCH:
			assert_callback(diff, i, SUTURE_DIFF_PRE_PATCH, "check");
			break;
		case SUTURE_DIFF_POST_PATCH:
			assert_callback(diff, i, SUTURE_DIFF_POST_PATCH, "enter");
			break;
		default:
			assert_callback(diff, i, SUTURE_DIFF_POST_UNPATCH, "enter");
		}
}

/* The kernel knows nothing of these sections. */
static void test_sections_stay_out(void)
{
	g_autoptr(SutureDiff) diff = pair_accept(CHANGED NEW(BEFORE_PATCH STATE(7, 2)), NULL);

	g_assert_cmpint(pair_size(diff, ".suture.callback.pre_patch"), ==, -1);
	g_assert_cmpint(pair_size(diff, ".suture.state"), ==, -1);
	g_assert_cmpint(pair_section(diff, ".suture.state")->disposition, ==, SUTURE_DIFF_INCLUDED);
}

static void test_states(void)
{
	g_autoptr(SutureDiff) diff = pair_accept(CHANGED NEW(STATE(7, 2) STATE(1, 0)), NULL);

	g_assert_cmpuint(diff->states->len, ==, 2);
	for (guint i = 0; i < 2; i++) {
		const SutureDiffState *state = &g_array_index(diff->states, SutureDiffState, i);

		g_assert_true((state->id == 7 && state->version == 2) ||
			      (state->id == 1 && state->version == 0));
	}
}

static const struct {
	const gchar *test, *source;
	SutureDiffError code;
	const gchar *name;
} refused[] = {
	{"function-that-runs-already",
	 "int old(void *object) { return 0; }\n" CHANGED NEW(
		 "static int (*const a)(void *) used section(\".suture.callback.pre_patch\") = old;"),
	 SUTURE_DIFF_ERROR_CALLBACK, "old"},
	{"function-of-another-unit",
	 CHANGED NEW("extern int far(void *); static int (*const a)(void *) used "
		     "section(\".suture.callback.pre_patch\") = far;"),
	 SUTURE_DIFF_ERROR_CALLBACK, "a"},
	{"data",
	 CHANGED NEW("static int x; static int *const a used section(\".suture.callback.pre_patch\") = &x;"),
	 SUTURE_DIFF_ERROR_CALLBACK, "a"},
	{"no-pointer", CHANGED NEW("static const long a used section(\".suture.callback.pre_patch\") = 5;"),
	 SUTURE_DIFF_ERROR_CALLBACK, "a"},
	{"unknown-moment",
	 CHANGED NEW("static int g(void *object) { return 0; }\nstatic int (*const a)(void *) used "
		     "section(\".suture.callback.at_noon\") = g;"),
	 SUTURE_DIFF_ERROR_CALLBACK, "g"},
	{"two-for-one-moment",
	 CHANGED NEW(BEFORE_PATCH
		     "static int g(void *object) { return 0; }\nstatic int (*const d)(void *) used "
		     "section(\".suture.callback.pre_patch\") = g;"),
	 SUTURE_DIFF_ERROR_CALLBACK, "pre_patch"},
	{"state-without-id", CHANGED NEW(STATE(0, 1)), SUTURE_DIFF_ERROR_STATE, ".suture.state"},
	{"state-with-a-long-version", CHANGED NEW(STATE(1, 0x100000000)), SUTURE_DIFF_ERROR_STATE,
	 ".suture.state"},
	{"state-cut-short", CHANGED NEW("static const int s used section(\".suture.state\") = 5;"),
	 SUTURE_DIFF_ERROR_STATE, ".suture.state"},
	{"state-with-a-pointer",
	 CHANGED NEW("extern int x; static int *const s[2] used section(\".suture.state\") = {&x, &x};"),
	 SUTURE_DIFF_ERROR_STATE, ".suture.state"},
};

static void test_refused(gconstpointer data)
{
	gsize i = GPOINTER_TO_SIZE(data);

	pair_refuse(refused[i].source, NULL, refused[i].code, refused[i].name);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/packager/diff-author/callbacks", test_callbacks);
	g_test_add_func("/packager/diff-author/sections-stay-out", test_sections_stay_out);
	g_test_add_func("/packager/diff-author/states", test_states);
	for (gsize i = 0; i < G_N_ELEMENTS(refused); i++) {
		g_autofree gchar *name = g_strconcat("/packager/diff-author/refused/", refused[i].test, NULL);

		g_test_add_data_func(name, GSIZE_TO_POINTER(i), test_refused);
	}
	return g_test_run();
}
