/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "policy/places.h"

/* What is in the kernel or shall go there, and which of it must be below which; private to policy/. */
typedef struct {
	GPtrArray *members; /* SutureDecision*, borrowed: live ones bottom first, then the others by issued,
			       id */
	guint n_live;
	GPtrArray *rest;      /* SutureDecision*, borrowed: decided otherwise, by id; for words only */
	GPtrArray *ids;       /* gchar* of the members */
	SuturePlaces *places; /* over members and those of the rest that are for this kernel */
	GPtrArray *below;     /* for each member: GArray of guint, the members that must be below it */
} SutureStackGraph;

void suture_stack_graph_init(SutureStackGraph *graph, GPtrArray *decisions, const gchar *const *live_order);
void suture_stack_graph_clear(SutureStackGraph *graph);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SutureStackGraph, suture_stack_graph_clear)

/* Fills @below from requires, supersedes and cumulative. GAP; CYCLE where a live patch is in the way. */
gboolean suture_stack_graph_connect(SutureStackGraph *graph, GError **error);

const SuturePatch *suture_stack_graph_patch(const SutureStackGraph *graph, guint index);
const gchar *suture_stack_graph_id(const SutureStackGraph *graph, guint index);
/* Whether applying member @upper takes member @lower, below it, out of the kernel: it is cumulative, and for
 * the same livepatch provider, of which each has a stack of its own. */
gboolean suture_stack_graph_removes(const SutureStackGraph *graph, guint upper, guint lower);
/* Whether member @taker takes the place of member @loser: it supersedes it, or is another version of it. */
gboolean suture_stack_graph_replaces(const SutureStackGraph *graph, guint taker, guint loser);
