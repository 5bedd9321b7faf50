/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/error.h"
#include "spec/patch.h"

/* Decisions, pure: no I/O, no clock, no environment. Exit code POLICY. */
#define SUTURE_POLICY_ERROR suture_policy_error_quark()
GQuark suture_policy_error_quark(void);
typedef enum {
	SUTURE_POLICY_ERROR_CYCLE,    /* "stack-cycle": names the patches on it */
	SUTURE_POLICY_ERROR_GAP,      /* "stack-gap": a required patch is not there, or not allowed */
	SUTURE_POLICY_ERROR_CONFLICT, /* "stack-conflict": two patches that exclude each other */
	SUTURE_POLICY_ERROR_SYNTAX,   /* "policy-syntax": unknown group or key, or an impossible value (exit
					 INPUT) */
	SUTURE_POLICY_ERROR_REFUSED,  /* "policy-refused": asked for by name, and forbidden */
} SuturePolicyError;

/* The merged content of suture.conf's [policy] and /etc/suture/policy.d/ (*.conf in name order; later ones
 * win key by key). */
typedef struct {
	SutureSeverity minimum_severity; /* severity-floor = none|low|...; default none */
	GPtrArray *allow;     /* gchar* patterns (GPatternSpec over the name and over the id); empty: all */
	GPtrArray *deny;      /* gchar* patterns; stronger than allow */
	gboolean require_tuf; /* only bundles with a receipt of origin "tuf" may be applied */
	gboolean revert_withdrawn; /* suture update reverts a live patch that was recalled */
	guint max_stale; /* days after their end that timestamp and snapshot metadata are used; default 0 */
	guint warn_days; /* days before its end that metadata is warned of; default 7 */
} SuturePolicy;
SuturePolicy *suture_policy_new(void);
void suture_policy_free(SuturePolicy *policy);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SuturePolicy, suture_policy_free)
/* Merges one file's group [policy] into @policy. @what names it. POLICY-SYNTAX. */
gboolean suture_policy_merge(SuturePolicy *policy, GKeyFile *file, const gchar *what,
			     GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* A patch that could be applied. All borrowed. */
typedef struct {
	const SuturePatch *patch;
	gboolean live;          /* in the kernel now */
	gboolean tuf;           /* came through the repository */
	const gchar *withdrawn; /* why the publisher recalled it; NULL: it did not */
	gpointer data;          /* the caller's */
} SutureCandidate;

typedef enum {
	SUTURE_VERDICT_APPLY,
	SUTURE_VERDICT_LIVE,       /* nothing to do */
	SUTURE_VERDICT_SUPERSEDED, /* another candidate takes its place */
	SUTURE_VERDICT_HELD,       /* a rule of this host's policy */
	SUTURE_VERDICT_MISMATCH,   /* for another kernel */
} SutureVerdict;
const gchar *suture_verdict_name(SutureVerdict verdict); /* "apply" "live" "superseded" "held" "mismatch" */

typedef struct {
	const SutureCandidate *candidate; /* borrowed */
	SutureVerdict verdict;
	const gchar
		*rule; /* static: "kernel-release" "kernel-build-id" "kernel-arch" "withdrawn" "deny" "allow"
			  "severity-floor" "require-tuf" "superseded" "newer-version" "live" "default" */
	gchar *detail; /* one line: which pattern, which other patch */
} SutureDecision;
void suture_decision_free(SutureDecision *decision);

/* Compares (version, release) of two patches as rpm does; suture_version_compare(). */
typedef gint (*SutureVersionCompare)(const gchar *version_a, const gchar *release_a, const gchar *version_b,
				     const gchar *release_b);

/* One SutureDecision per candidate, in the candidates' order. @candidates: SutureCandidate*. Never fails. */
GPtrArray *suture_policy_decide(const SuturePolicy *policy, const SutureKernel *kernel, GPtrArray *candidates,
				SutureVersionCompare compare);

/*
 * The part of @decisions that suture_policy_order() needs when only @chosen (some of them) are asked for:
 * @chosen, what meets their requirements and so on down, and every decision other than APPLY. Borrowed, in
 * the order of @decisions.
 */
GPtrArray *suture_policy_select(GPtrArray *decisions, GPtrArray *chosen);

/*
 * The stacking order, bottom first, of the candidates decided APPLY or LIVE: a stable topological sort over
 * requires and supersedes (among equals: issued, then id), live ones first in the order given by @live_order
 * (ids, bottom first). A cumulative patch comes above all that it can replace. SutureCandidate*, borrowed.
 * CYCLE, GAP or CONFLICT name the patches.
 */
GPtrArray *suture_policy_order(GPtrArray *decisions, const gchar *const *live_order,
			       GError **error) G_GNUC_WARN_UNUSED_RESULT;
