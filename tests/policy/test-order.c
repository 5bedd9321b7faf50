// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/policy/field.h"

static gchar *order_of(Field *field, const gchar *const *live_order, GError **error)
{
	g_autoptr(GPtrArray) order = NULL;

	field_decide(field);
	order = suture_policy_order(field->decisions, live_order, error);
	return order ? field_text(order) : NULL;
}

/* @lines: candidates as field_add() takes them, ended by NULL. @live: "a-1-1 b-1-1" or NULL. */
static void ordered(const gchar *const *lines, const gchar *live, const gchar *expected)
{
	g_auto(Field) field;
	g_auto(GStrv) live_order = live ? g_strsplit(live, " ", -1) : NULL;
	g_autoptr(GError) error = NULL;
	g_autofree gchar *order = NULL;

	field_init(&field);
	for (; *lines; lines++)
		field_add(&field, *lines);
	order = order_of(&field, (const gchar *const *)live_order, &error);
	g_assert_no_error(error);
	g_assert_cmpstr(order, ==, expected);
}

/* @words: what the message must name, separated by '|'. */
static void refused(const gchar *const *lines, const gchar *live, const gchar *reason, const gchar *words)
{
	g_auto(Field) field;
	g_auto(GStrv) live_order = live ? g_strsplit(live, " ", -1) : NULL;
	g_auto(GStrv) wanted = g_strsplit(words, "|", -1);
	g_autoptr(GError) error = NULL;

	field_init(&field);
	for (; *lines; lines++)
		field_add(&field, *lines);
	g_assert_null(order_of(&field, (const gchar *const *)live_order, &error));
	g_assert_nonnull(error);
	g_test_message("%s", error->message);
	g_assert_cmpstr(suture_error_reason(error), ==, reason);
	g_assert_cmpint(suture_error_exit(error), ==, SUTURE_EXIT_POLICY);
	for (gchar **word = wanted; *word; word++)
		g_assert_nonnull(strstr(error->message, *word));
}

#define LINES(...)                \
	(const gchar *const[])    \
	{                         \
		__VA_ARGS__, NULL \
	}

static void test_empty(void)
{
	ordered((const gchar *const[]){NULL}, NULL, "");
}

static void test_ties(void)
{
	ordered(LINES("c-1-1", "a-1-1", "b-1-1"), NULL, "a-1-1 b-1-1 c-1-1");
	ordered(LINES("a-1-1 @2026-03-01T00:00:00Z", "b-1-1 @2026-02-01T00:00:00Z",
		      "c-1-1 @2026-02-01T00:00:00Z"),
		NULL, "b-1-1 c-1-1 a-1-1");
	ordered(LINES("z-1-1 live", "a-1-1", "y-1-1 live"), "z-1-1 y-1-1", "z-1-1 y-1-1 a-1-1");
	/* a live one that sysfs did not name comes after those that it did */
	ordered(LINES("a-1-1 live", "z-1-1 live"), "z-1-1", "z-1-1 a-1-1");
}

static void test_requires(void)
{
	ordered(LINES("a-1-1 +b", "b-1-1 +c-1-1", "c-1-1"), NULL, "c-1-1 b-1-1 a-1-1");
	ordered(LINES("a-1-1 +z", "m-1-1", "z-1-1"), NULL, "m-1-1 z-1-1 a-1-1");
	ordered(LINES("a-1-1 +z +y", "y-1-1 live", "z-1-1 live"), "z-1-1 y-1-1", "z-1-1 y-1-1 a-1-1");
}

static void test_gap(void)
{
	refused(LINES("a-1-1 +missing"), NULL, "stack-gap", "a-1-1|missing|fetch");
	refused(LINES("a-2-1", "a-1-1", "b-1-1 +a-1-1"), NULL, "stack-gap",
		"b-1-1|a-1-1|superseded|newer-version|a-2-1");
}

static void test_gap_names_the_rule(void)
{
	g_auto(Field) field;
	g_autoptr(GError) error = NULL;
	SuturePatch *patch;

	field_init(&field);
	g_ptr_array_add(field.policy->deny, g_strdup("a*"));
	field_add(&field, "a-1-1");
	field_add(&field, "b-1-1 +a");
	g_assert_null(order_of(&field, NULL, &error));
	g_assert_error(error, SUTURE_POLICY_ERROR, SUTURE_POLICY_ERROR_GAP);
	g_assert_nonnull(strstr(error->message, "a-1-1 is held by the rule deny"));
	g_clear_error(&error);
	g_ptr_array_set_size(field.policy->deny, 0);
	patch = field.patches->pdata[0];
	g_free(patch->kernel.release);
	patch->kernel.release = g_strdup("other");
	g_assert_null(order_of(&field, NULL, &error));
	g_assert_error(error, SUTURE_POLICY_ERROR, SUTURE_POLICY_ERROR_GAP);
	g_assert_nonnull(strstr(error->message, "mismatch by the rule kernel-release"));
}

static void test_cycle(void)
{
	refused(LINES("a-1-1 +b", "b-1-1 +a"), NULL, "stack-cycle", "a-1-1 above b-1-1 above a-1-1");
	refused(LINES("c-1-1 +a", "a-1-1 +b", "b-1-1 +c", "d-1-1 +a", "e-1-1"), NULL, "stack-cycle",
		"a-1-1 above b-1-1 above c-1-1 above a-1-1");
}

static void test_cycle_names_no_others(void)
{
	g_auto(Field) field;
	g_autoptr(GError) error = NULL;

	field_init(&field);
	field_add(&field, "a-1-1 +b");
	field_add(&field, "b-1-1 +a");
	field_add(&field, "on-top-1-1 +a");
	field_add(&field, "below-1-1");
	g_assert_null(order_of(&field, NULL, &error));
	g_assert_error(error, SUTURE_POLICY_ERROR, SUTURE_POLICY_ERROR_CYCLE);
	g_assert_null(strstr(error->message, "on-top"));
	g_assert_null(strstr(error->message, "below-1"));
}

static void test_supersedes_each_other(void)
{
	refused(LINES("a-1-1 >b", "b-1-1 >a"), NULL, "stack-cycle", "a-1-1|b-1-1");
	refused(LINES("a-1-1 >b live", "b-1-1 >a"), "a-1-1", "stack-cycle", "a-1-1|b-1-1");
}

static void test_conflict(void)
{
	refused(LINES("a-1-1 !b", "b-1-1"), NULL, "stack-conflict", "a-1-1|b-1-1");
	refused(LINES("a-1-1", "b-1-1 !a-1-1 live"), "b-1-1", "stack-conflict", "a-1-1|b-1-1");
	refused(LINES("a-1-1 !b", "b-1-1 live"), "b-1-1", "stack-conflict", "a-1-1|b-1-1");
	ordered(LINES("a-1-1 !b-2-1", "b-1-1"), NULL, "a-1-1 b-1-1");
	/* what is live together is a fact */
	ordered(LINES("a-1-1 !b live", "b-1-1 live"), "a-1-1 b-1-1", "a-1-1 b-1-1");
}

static void test_one_name_twice(void)
{
	refused(LINES("a-1-1", "a-1-1"), NULL, "stack-conflict", "a-1-1");
}

static void test_upgrade(void)
{
	ordered(LINES("a-1-1 live", "b-1-1 +a live", "a-2-1"), "a-1-1 b-1-1", "a-1-1 b-1-1 a-2-1");
	/* the live version meets the requirement: no circle with the new one */
	ordered(LINES("a-1-1 live", "b-1-1 +a", "a-2-1 +b"), "a-1-1", "a-1-1 b-1-1 a-2-1");
}

static void test_live_order_is_checked(void)
{
	ordered(LINES("a-1-1 live", "b-1-1 +a live"), "a-1-1 b-1-1", "a-1-1 b-1-1");
	refused(LINES("a-1-1 live", "b-1-1 +a live"), "b-1-1 a-1-1", "stack-cycle", "b-1-1|a-1-1|revert");
	refused(LINES("a-1-1", "b-1-1 +a live"), "b-1-1", "stack-gap", "b-1-1|a-1-1|revert");
	/* past mending, and nothing to do */
	ordered(LINES("b-1-1 +a live", "c-1-1"), "b-1-1", "b-1-1 c-1-1");
}

static void test_superseder_meets_requirement(void)
{
	ordered(LINES("a-1-1", "b-1-1 +a", "c-1-1 >a cumulative"), NULL, "c-1-1 b-1-1");
	/* though the superseded patch is not here at all */
	ordered(LINES("b-1-1 +a", "c-1-1 >a"), NULL, "c-1-1 b-1-1");
	ordered(LINES("b-1-1 +a", "c-1-1 >b2", "d-1-1 >a"), NULL, "c-1-1 d-1-1 b-1-1");
	ordered(LINES("a-1-1", "b-1-1 +a-1-1", "c-1-1 >a live cumulative"), "c-1-1", "c-1-1 b-1-1");
	/* through another */
	ordered(LINES("a-1-1", "b-1-1 +a", "c-1-1 >a", "d-1-1 >c"), NULL, "d-1-1 b-1-1");
}

static void test_cumulative(void)
{
	/* what it does not supersede goes above, or it would be lost */
	ordered(LINES("a-1-1", "b-1-1", "z-1-1 >a cumulative"), NULL, "z-1-1 b-1-1");
	ordered(LINES("a-1-1 live", "b-1-1 +a live", "z-1-1 >a >b cumulative"), "a-1-1 b-1-1",
		"a-1-1 b-1-1 z-1-1");
	ordered(LINES("z-1-1 cumulative live", "z-2-1 cumulative", "a-1-1"), "z-1-1", "z-1-1 z-2-1 a-1-1");
}

/* Each provider has a stack of its own, and a cumulative patch takes out those of its own only. */
static void test_cumulative_of_the_other_provider(void)
{
	ordered(LINES("a-1-1 live", "z-1-1 cumulative framework"), "a-1-1", "a-1-1 z-1-1");
	ordered(LINES("a-1-1 live framework", "b-1-1 live", "z-1-1 >a cumulative framework"), "a-1-1 b-1-1",
		"a-1-1 b-1-1 z-1-1");
	ordered(LINES("a-1-1", "z-1-1 +a cumulative framework"), NULL, "a-1-1 z-1-1");
	ordered(LINES("a-1-1 live", "b-1-1 +a-1-1", "z-1-1 cumulative framework"), "a-1-1",
		"a-1-1 b-1-1 z-1-1");
	ordered(LINES("y-1-1 cumulative", "z-1-1 cumulative framework"), NULL, "y-1-1 z-1-1");
	refused(LINES("a-1-1 live framework", "z-1-1 cumulative framework"), "a-1-1", "stack-conflict",
		"z-1-1|a-1-1|cumulative");
	/* it takes the other one's place, but does not take it out */
	refused(LINES("a-1-1 live", "b-1-1 !a", "z-1-1 >a cumulative framework"), "a-1-1", "stack-conflict",
		"a-1-1|b-1-1|exclude");
}

static void test_cumulative_would_lose(void)
{
	refused(LINES("a-1-1 live", "z-1-1 cumulative"), "a-1-1", "stack-conflict", "z-1-1|a-1-1|cumulative");
	refused(LINES("y-1-1 cumulative", "z-1-1 cumulative"), NULL, "stack-conflict",
		"y-1-1|z-1-1|cumulative");
	refused(LINES("a-1-1", "z-1-1 +a cumulative"), NULL, "stack-conflict", "z-1-1|a-1-1|cumulative");
	refused(LINES("a-1-1 live", "b-1-1 +a-1-1", "a-2-1 cumulative"), "a-1-1", "stack-gap",
		"b-1-1|a-1-1|a-2-1|cumulative");
}

static void test_conflict_with_replaced(void)
{
	/* the cumulative patch takes the live one out before anything else is loaded */
	ordered(LINES("a-1-1 live", "b-1-1 !a", "z-1-1 >a cumulative"), "a-1-1", "a-1-1 z-1-1 b-1-1");
	ordered(LINES("a-1-1 live", "z-1-1 >a !a cumulative"), "a-1-1", "a-1-1 z-1-1");
	refused(LINES("a-1-1 live", "z-1-1 >a !a"), "a-1-1", "stack-conflict", "a-1-1|z-1-1");
}

static void add_random(Field *field, guint count, gboolean circles)
{
	for (guint i = 0; i < count; i++) {
		g_autoptr(GString) line = g_string_new(NULL);

		g_string_printf(line, "p%02u-1-1 @2026-01-%02dT00:00:00Z", i, g_test_rand_int_range(1, 4));
		for (guint j = 0; j < count; j++)
			if (j != i && (circles || j > i) && g_test_rand_int_range(0, (gint)count) == 0)
				g_string_append_printf(line, " +p%02u", j);
		field_add(field, line->str);
	}
}

static guint position(GPtrArray *order, const gchar *name)
{
	for (guint i = 0; i < order->len; i++) {
		const SutureCandidate *candidate = order->pdata[i];

		if (strcmp(candidate->patch->name, name) == 0)
			return i;
	}
	g_assert_not_reached();
}

static void assert_edges(GPtrArray *order)
{
	for (guint i = 0; i < order->len; i++) {
		const SutureCandidate *candidate = order->pdata[i];
		const GPtrArray *required = candidate->patch->stack.requires;

		for (guint j = 0; j < required->len; j++)
			g_assert_cmpuint(position(order, required->pdata[j]), <, i);
	}
}

/* Every requirement is below what needs it, and the order in which candidates are given does not count. */
static void test_random_acyclic(void)
{
	for (guint round = 0; round < 200; round++) {
		g_auto(Field) field;
		g_autoptr(GError) error = NULL;
		g_autoptr(GPtrArray) order = NULL;
		g_autofree gchar *first = NULL, *second = NULL;

		field_init(&field);
		add_random(&field, (guint)g_test_rand_int_range(1, 25), FALSE);
		field_decide(&field);
		order = suture_policy_order(field.decisions, NULL, &error);
		g_assert_no_error(error);
		g_assert_cmpuint(order->len, ==, field.candidates->len);
		assert_edges(order);
		first = field_text(order);
		field_shuffle(&field);
		second = order_of(&field, NULL, &error);
		g_assert_no_error(error);
		g_assert_cmpstr(first, ==, second);
	}
}

/* With circles allowed: either a good order or a circle that is one, and the same words for every
 * permutation. */
static void test_random_cyclic(void)
{
	guint circles = 0;

	for (guint round = 0; round < 200; round++) {
		g_auto(Field) field;
		g_autoptr(GError) error = NULL, again = NULL;
		g_autofree gchar *first = NULL, *second = NULL;

		field_init(&field);
		add_random(&field, (guint)g_test_rand_int_range(2, 12), TRUE);
		first = order_of(&field, NULL, &error);
		field_shuffle(&field);
		second = order_of(&field, NULL, &again);
		g_assert_cmpstr(first, ==, second);
		if (first)
			continue;
		g_assert_error(error, SUTURE_POLICY_ERROR, SUTURE_POLICY_ERROR_CYCLE);
		g_assert_cmpstr(error->message, ==, again->message);
		circles++;
	}
	g_assert_cmpuint(circles, >, 0);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/policy/order/empty", test_empty);
	g_test_add_func("/policy/order/ties-by-live-issued-id", test_ties);
	g_test_add_func("/policy/order/requirements-below", test_requires);
	g_test_add_func("/policy/order/refuses-gaps", test_gap);
	g_test_add_func("/policy/order/gap-names-the-rule", test_gap_names_the_rule);
	g_test_add_func("/policy/order/refuses-cycles", test_cycle);
	g_test_add_func("/policy/order/cycle-names-those-on-it-alone", test_cycle_names_no_others);
	g_test_add_func("/policy/order/refuses-mutual-superseders", test_supersedes_each_other);
	g_test_add_func("/policy/order/refuses-conflicts", test_conflict);
	g_test_add_func("/policy/order/refuses-one-name-twice", test_one_name_twice);
	g_test_add_func("/policy/order/upgrades-go-above", test_upgrade);
	g_test_add_func("/policy/order/live-order-is-checked", test_live_order_is_checked);
	g_test_add_func("/policy/order/superseder-meets-requirement", test_superseder_meets_requirement);
	g_test_add_func("/policy/order/cumulative-goes-below-what-it-would-lose", test_cumulative);
	g_test_add_func("/policy/order/cumulative-leaves-the-other-provider",
			test_cumulative_of_the_other_provider);
	g_test_add_func("/policy/order/refuses-cumulative-that-would-lose", test_cumulative_would_lose);
	g_test_add_func("/policy/order/conflict-with-replaced-is-none", test_conflict_with_replaced);
	g_test_add_func("/policy/order/random-acyclic", test_random_acyclic);
	g_test_add_func("/policy/order/random-cyclic", test_random_cyclic);
	return g_test_run();
}
