// SPDX-License-Identifier: LGPL-2.1-or-later
#include "policy/stack.h"

#include <string.h>

const SuturePatch *suture_stack_graph_patch(const SutureStackGraph *graph, guint index)
{
	const SutureDecision *decision = graph->members->pdata[index];

	return decision->candidate->patch;
}

const gchar *suture_stack_graph_id(const SutureStackGraph *graph, guint index)
{
	return graph->ids->pdata[index];
}

static guint live_position(const SutureDecision *decision, const gchar *const *live_order)
{
	g_autofree gchar *id = suture_patch_id(decision->candidate->patch);
	guint position = 0;

	while (live_order && live_order[position] && strcmp(live_order[position], id) != 0)
		position++;
	return position;
}

static gint compare_decisions(gconstpointer a, gconstpointer b, gpointer live_order)
{
	const SutureDecision *left = *(SutureDecision *const *)a, *right = *(SutureDecision *const *)b;
	gboolean left_live = left->verdict == SUTURE_VERDICT_LIVE;
	gboolean right_live = right->verdict == SUTURE_VERDICT_LIVE;
	g_autofree gchar *left_id = NULL, *right_id = NULL;
	gint order;

	if (left_live != right_live)
		return left_live ? -1 : 1;
	if (left_live) {
		guint left_at = live_position(left, live_order), right_at = live_position(right, live_order);

		if (left_at != right_at)
			return left_at < right_at ? -1 : 1;
	}
	/* one form of time, so that the order of the text is that of the time */
	order = g_strcmp0(left->candidate->patch->issued, right->candidate->patch->issued);
	if (order != 0)
		return order;
	left_id = suture_patch_id(left->candidate->patch);
	right_id = suture_patch_id(right->candidate->patch);
	return strcmp(left_id, right_id);
}

static void array_unref(gpointer data)
{
	g_array_unref(data);
}

void suture_stack_graph_init(SutureStackGraph *graph, GPtrArray *decisions, const gchar *const *live_order)
{
	g_autoptr(GPtrArray) patches = g_ptr_array_new();

	*graph = (SutureStackGraph){
		.members = g_ptr_array_new(),
		.rest = g_ptr_array_new(),
		.ids = g_ptr_array_new_with_free_func(g_free),
		.below = g_ptr_array_new_with_free_func(array_unref),
	};
	for (guint i = 0; i < decisions->len; i++) {
		SutureDecision *decision = decisions->pdata[i];
		gboolean live = decision->verdict == SUTURE_VERDICT_LIVE;

		graph->n_live += live ? 1 : 0;
		g_ptr_array_add(live || decision->verdict == SUTURE_VERDICT_APPLY ? graph->members
										  : graph->rest,
				decision);
	}
	g_ptr_array_sort_with_data(graph->members, compare_decisions, (gpointer)live_order);
	g_ptr_array_sort_with_data(graph->rest, compare_decisions, NULL);
	for (guint i = 0; i < graph->members->len; i++) {
		const SuturePatch *patch = suture_stack_graph_patch(graph, i);

		g_ptr_array_add(graph->ids, suture_patch_id(patch));
		g_ptr_array_add(graph->below, g_array_new(FALSE, FALSE, sizeof(guint)));
		g_ptr_array_add(patches, (gpointer)patch);
	}
	for (guint i = 0; i < graph->rest->len; i++) {
		const SutureDecision *decision = graph->rest->pdata[i];

		if (decision->verdict != SUTURE_VERDICT_MISMATCH)
			g_ptr_array_add(patches, (gpointer)decision->candidate->patch);
	}
	graph->places = suture_places_new(patches, NULL);
}

void suture_stack_graph_clear(SutureStackGraph *graph)
{
	g_ptr_array_unref(graph->members);
	g_ptr_array_unref(graph->rest);
	g_ptr_array_unref(graph->ids);
	g_ptr_array_unref(graph->below);
	suture_places_free(graph->places);
}

gboolean suture_stack_graph_replaces(const SutureStackGraph *graph, guint taker, guint loser)
{
	g_autofree guint8 *takers = suture_places_takers(graph->places, loser);

	return takers[taker] || strcmp(suture_stack_graph_patch(graph, taker)->name,
				       suture_stack_graph_patch(graph, loser)->name) == 0;
}

static void add_below(SutureStackGraph *graph, guint lower, guint upper)
{
	g_array_append_val((GArray *)graph->below->pdata[upper], lower);
}

gboolean suture_stack_graph_removes(const SutureStackGraph *graph, guint upper, guint lower)
{
	const SuturePatch *patch = suture_stack_graph_patch(graph, upper);

	return patch->stack.cumulative && patch->provider == suture_stack_graph_patch(graph, lower)->provider;
}

/* The cumulative patch that is to be applied, and takes out the live patch @live; or the number of members.
 */
static guint find_cumulative(const SutureStackGraph *graph, guint live)
{
	guint i = graph->n_live;

	while (i < graph->members->len && !suture_stack_graph_removes(graph, i, live))
		i++;
	return i;
}

static gboolean set_gap(const SutureStackGraph *graph, guint index, const gchar *entry, GError **error)
{
	const gchar *id = suture_stack_graph_id(graph, index);

	for (guint i = 0; i < graph->n_live; i++)
		if (suture_patch_matches(suture_stack_graph_patch(graph, i), entry)) {
			g_set_error(error, SUTURE_POLICY_ERROR, SUTURE_POLICY_ERROR_GAP,
				    "%s requires %s, but %s is cumulative and replaces it; deny one of them",
				    id, entry, suture_stack_graph_id(graph, find_cumulative(graph, i)));
			return FALSE;
		}
	for (guint i = 0; i < graph->rest->len; i++) {
		const SutureDecision *decision = graph->rest->pdata[i];
		g_autofree gchar *found = suture_patch_id(decision->candidate->patch);

		if (!suture_patch_matches(decision->candidate->patch, entry))
			continue;
		g_set_error(error, SUTURE_POLICY_ERROR, SUTURE_POLICY_ERROR_GAP,
			    "%s requires %s, but %s is %s by the rule %s (%s); allow both or deny both", id,
			    entry, found, suture_verdict_name(decision->verdict), decision->rule,
			    decision->detail);
		return FALSE;
	}
	g_set_error(error, SUTURE_POLICY_ERROR, SUTURE_POLICY_ERROR_GAP,
		    "%s requires %s, which is not here; fetch or install it", id, entry);
	return FALSE;
}

static gboolean connect_apply_requirement(SutureStackGraph *graph, guint index, const gchar *entry,
					  GError **error)
{
	g_autofree guint8 *providers = suture_places_providers(graph->places, entry);
	gboolean cumulative = suture_stack_graph_patch(graph, index)->stack.cumulative, found = FALSE;

	if (providers[index]) /* it takes the place of what it requires */
		return TRUE;
	for (guint i = 0; i < graph->n_live; i++)
		if (providers[i] && (cumulative || find_cumulative(graph, i) == graph->members->len))
			return TRUE;
	for (guint i = graph->n_live; i < graph->members->len; i++)
		if (providers[i]) {
			add_below(graph, i, index);
			found = TRUE;
		}
	return found || set_gap(graph, index, entry, error);
}

/* The order of live patches is a fact; it is only checked. A requirement that nothing here meets is past
 * mending. */
static gboolean check_live_requirement(const SutureStackGraph *graph, guint index, const gchar *entry,
				       GError **error)
{
	g_autofree guint8 *providers = suture_places_providers(graph->places, entry);
	const gchar *id = suture_stack_graph_id(graph, index);

	for (guint i = 0; i <= index; i++)
		if (providers[i])
			return TRUE;
	for (guint i = index + 1; i < graph->members->len; i++) {
		if (!providers[i])
			continue;
		g_set_error(error, SUTURE_POLICY_ERROR,
			    i < graph->n_live ? SUTURE_POLICY_ERROR_CYCLE : SUTURE_POLICY_ERROR_GAP,
			    "%s requires %s, but %s is live and %s %s above it; revert %s first", id, entry,
			    id, suture_stack_graph_id(graph, i), i < graph->n_live ? "is" : "would come", id);
		return FALSE;
	}
	return TRUE;
}

static gboolean connect_requirements(SutureStackGraph *graph, GError **error)
{
	for (guint i = 0; i < graph->members->len; i++) {
		const GPtrArray *entries = suture_stack_graph_patch(graph, i)->stack.requires;

		for (guint j = 0; j < entries->len; j++)
			if (i < graph->n_live
				    ? !check_live_requirement(graph, i, entries->pdata[j], error)
				    : !connect_apply_requirement(graph, i, entries->pdata[j], error))
				return FALSE;
	}
	return TRUE;
}

/* Both in the stack although one supersedes the other: only when each supersedes the other in the end. */
static gboolean connect_superseded(SutureStackGraph *graph, GError **error)
{
	for (guint loser = graph->n_live; loser < graph->members->len; loser++) {
		g_autofree guint8 *takers = suture_places_takers(graph->places, loser);

		for (guint taker = 0; taker < graph->members->len; taker++) {
			if (!takers[taker])
				continue;
			if (taker < graph->n_live) {
				g_set_error(error, SUTURE_POLICY_ERROR, SUTURE_POLICY_ERROR_CYCLE,
					    "%s and %s supersede each other; deny one of them",
					    suture_stack_graph_id(graph, taker),
					    suture_stack_graph_id(graph, loser));
				return FALSE;
			}
			add_below(graph, loser, taker);
		}
	}
	return TRUE;
}

/* Marks @index and everything that must be below it. */
static void mark_below(const SutureStackGraph *graph, guint index, guint8 *marked)
{
	const GArray *below = graph->below->pdata[index];

	if (marked[index])
		return;
	marked[index] = 1;
	for (guint i = 0; i < below->len; i++)
		mark_below(graph, g_array_index(below, guint, i), marked);
}

/* What a cumulative patch does not supersede would be lost below it: it goes above, unless that cannot be. */
static void connect_cumulative(SutureStackGraph *graph)
{
	for (guint i = graph->n_live; i < graph->members->len; i++) {
		g_autofree guint8 *needed = NULL;

		if (!suture_stack_graph_patch(graph, i)->stack.cumulative)
			continue;
		needed = g_new0(guint8, graph->members->len);
		mark_below(graph, i, needed);
		for (guint j = graph->n_live; j < graph->members->len; j++)
			if (!needed[j] && !suture_stack_graph_patch(graph, j)->stack.cumulative &&
			    suture_stack_graph_removes(graph, i, j))
				add_below(graph, i, j);
	}
}

gboolean suture_stack_graph_connect(SutureStackGraph *graph, GError **error)
{
	if (!connect_requirements(graph, error) || !connect_superseded(graph, error))
		return FALSE;
	connect_cumulative(graph);
	return TRUE;
}
