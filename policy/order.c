// SPDX-License-Identifier: LGPL-2.1-or-later
#include "policy/stack.h"

#include <string.h>

static gboolean set_conflict(const SutureStackGraph *graph, guint a, guint b, const gchar *words,
			     GError **error)
{
	g_set_error(error, SUTURE_POLICY_ERROR, SUTURE_POLICY_ERROR_CONFLICT, "%s and %s %s",
		    suture_stack_graph_id(graph, a), suture_stack_graph_id(graph, b), words);
	return FALSE;
}

static gboolean names_conflict(const SuturePatch *patch, const SuturePatch *other)
{
	for (guint i = 0; i < patch->stack.conflicts->len; i++)
		if (suture_patch_matches(other, patch->stack.conflicts->pdata[i]))
			return TRUE;
	return FALSE;
}

/* A live patch that a cumulative one will replace is gone by the time that anything else is loaded. */
static gboolean will_be_replaced(const SutureStackGraph *graph, guint index)
{
	if (index >= graph->n_live)
		return FALSE;
	for (guint i = graph->n_live; i < graph->members->len; i++)
		if (suture_stack_graph_removes(graph, i, index) &&
		    suture_stack_graph_replaces(graph, i, index))
			return TRUE;
	return FALSE;
}

/* Pairs of which at least one is still to be applied: what is live together is a fact. */
static gboolean check_conflicts(const SutureStackGraph *graph, GError **error)
{
	for (guint b = graph->n_live; b < graph->members->len; b++) {
		const SuturePatch *to_apply = suture_stack_graph_patch(graph, b);

		for (guint a = 0; a < b; a++) {
			const SuturePatch *other = suture_stack_graph_patch(graph, a);

			if (a >= graph->n_live && strcmp(other->name, to_apply->name) == 0)
				return set_conflict(graph, a, b,
						    "are of one name, and neither is the newer; deny one",
						    error);
			if ((names_conflict(to_apply, other) || names_conflict(other, to_apply)) &&
			    !will_be_replaced(graph, a))
				return set_conflict(graph, a, b, "exclude each other; deny one", error);
		}
	}
	return TRUE;
}

/* Loading a cumulative patch takes everything of its provider that is below it out of the kernel. */
static gboolean check_cumulative(const SutureStackGraph *graph, const GArray *order, GError **error)
{
	for (guint i = graph->n_live; i < order->len; i++) {
		guint upper = g_array_index(order, guint, i);

		for (guint j = 0; j < i; j++) {
			guint lower = g_array_index(order, guint, j);

			if (suture_stack_graph_removes(graph, upper, lower) &&
			    !suture_stack_graph_replaces(graph, upper, lower))
				return set_conflict(graph, upper, lower,
						    "cannot both stay: the first is cumulative and would "
						    "replace the second, which it does not supersede; deny "
						    "or revert one",
						    error);
		}
	}
	return TRUE;
}

static gboolean is_ready(const SutureStackGraph *graph, guint index, const guint8 *placed)
{
	const GArray *below = graph->below->pdata[index];

	for (guint i = 0; i < below->len; i++)
		if (!placed[g_array_index(below, guint, i)])
			return FALSE;
	return TRUE;
}

static gint compare_ids(gconstpointer a, gconstpointer b, gpointer graph)
{
	return strcmp(suture_stack_graph_id(graph, *(const guint *)a),
		      suture_stack_graph_id(graph, *(const guint *)b));
}

/* Some way down from an unplaced member, over unplaced ones, must come back to where it was: that part is a
 * cycle. */
static GArray *find_cycle(const SutureStackGraph *graph, const guint8 *placed)
{
	g_autofree guint *step = g_new0(guint, graph->members->len); /* 1 + position on the way */
	GArray *way = g_array_new(FALSE, FALSE, sizeof(guint));
	guint at = 0;

	while (placed[at])
		at++;
	while (!step[at]) {
		const GArray *below = graph->below->pdata[at];
		guint next = 0;

		g_array_append_val(way, at);
		step[at] = way->len;
		while (placed[g_array_index(below, guint, next)])
			next++;
		at = g_array_index(below, guint, next);
	}
	g_array_remove_range(way, 0, step[at] - 1);
	return way;
}

static gboolean set_cycle(const SutureStackGraph *graph, const guint8 *placed, GError **error)
{
	g_autoptr(GArray) cycle = find_cycle(graph, placed);
	g_autoptr(GString) names = g_string_new(NULL);
	guint first = 0;

	for (guint i = 1; i < cycle->len; i++)
		if (compare_ids(&g_array_index(cycle, guint, i), &g_array_index(cycle, guint, first),
				(gpointer)graph) < 0)
			first = i;
	for (guint i = 0; i <= cycle->len; i++)
		g_string_append_printf(
			names, "%s%s", i > 0 ? " above " : "",
			suture_stack_graph_id(graph, g_array_index(cycle, guint, (first + i) % cycle->len)));
	g_set_error(error, SUTURE_POLICY_ERROR, SUTURE_POLICY_ERROR_CYCLE,
		    "the stack runs in a circle: %s; deny one of them", names->str);
	return FALSE;
}

/* Members stand in the order that decides among equals, so the first that is ready is the next. */
static gboolean sort(const SutureStackGraph *graph, GArray *order, GError **error)
{
	g_autofree guint8 *placed = g_new0(guint8, graph->members->len + 1);

	for (guint i = 0; i < graph->n_live; i++) {
		g_array_append_val(order, i);
		placed[i] = 1;
	}
	while (order->len < graph->members->len) {
		guint next = graph->n_live;

		while (next < graph->members->len && (placed[next] || !is_ready(graph, next, placed)))
			next++;
		if (next == graph->members->len)
			return set_cycle(graph, placed, error);
		g_array_append_val(order, next);
		placed[next] = 1;
	}
	return TRUE;
}

GPtrArray *suture_policy_order(GPtrArray *decisions, const gchar *const *live_order, GError **error)
{
	g_auto(SutureStackGraph) graph;
	g_autoptr(GArray) order = g_array_new(FALSE, FALSE, sizeof(guint));
	GPtrArray *candidates;

	suture_stack_graph_init(&graph, decisions, live_order);
	if (!check_conflicts(&graph, error) || !suture_stack_graph_connect(&graph, error) ||
	    !sort(&graph, order, error) || !check_cumulative(&graph, order, error))
		return NULL;
	candidates = g_ptr_array_new();
	for (guint i = 0; i < order->len; i++) {
		const SutureDecision *decision = graph.members->pdata[g_array_index(order, guint, i)];

		g_ptr_array_add(candidates, (gpointer)decision->candidate);
	}
	return candidates;
}
