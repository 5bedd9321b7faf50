// SPDX-License-Identifier: LGPL-2.1-or-later
#include "policy/stack.h"

static void add(GHashTable *selected, GPtrArray *waiting, gpointer decision)
{
	if (g_hash_table_add(selected, decision))
		g_ptr_array_add(waiting, decision);
}

/* What is live already meets a requirement better than anything that would have to be applied. */
static void add_providers(const SutureStackGraph *graph, const gchar *entry, GHashTable *selected,
			  GPtrArray *waiting)
{
	g_autofree guint8 *providers = suture_places_providers(graph->places, entry);

	for (guint i = 0; i < graph->n_live; i++)
		if (providers[i])
			return;
	for (guint i = graph->n_live; i < graph->members->len; i++)
		if (providers[i])
			add(selected, waiting, graph->members->pdata[i]);
}

GPtrArray *suture_policy_select(GPtrArray *decisions, GPtrArray *chosen)
{
	g_auto(SutureStackGraph) graph;
	g_autoptr(GHashTable) selected = g_hash_table_new(NULL, NULL);
	g_autoptr(GPtrArray) waiting = g_ptr_array_new();
	GPtrArray *part = g_ptr_array_new();

	suture_stack_graph_init(&graph, decisions, NULL);
	for (guint i = 0; i < chosen->len; i++)
		add(selected, waiting, chosen->pdata[i]);
	for (guint i = 0; i < waiting->len; i++) {
		const SutureDecision *decision = waiting->pdata[i];
		const GPtrArray *entries = decision->candidate->patch->stack.requires;

		for (guint j = 0; decision->verdict == SUTURE_VERDICT_APPLY && j < entries->len; j++)
			add_providers(&graph, entries->pdata[j], selected, waiting);
	}
	for (guint i = 0; i < decisions->len; i++) {
		SutureDecision *decision = decisions->pdata[i];

		if (decision->verdict != SUTURE_VERDICT_APPLY || g_hash_table_contains(selected, decision))
			g_ptr_array_add(part, decision);
	}
	return part;
}
