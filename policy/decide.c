// SPDX-License-Identifier: LGPL-2.1-or-later
#include "common/mutation.h"
#include "policy/places.h"
#include "policy/policy.h"

#include <string.h>

static gboolean decide(SutureDecision *decision, SutureVerdict verdict, const gchar *rule, gchar *detail)
{
	decision->verdict = verdict;
	decision->rule = rule;
	decision->detail = detail;
	return TRUE;
}

static gboolean judge_kernel(SutureDecision *decision, const SutureKernel *kernel)
{
	const SutureKernel *wanted = &decision->candidate->patch->kernel;

	if (g_strcmp0(wanted->arch, kernel->arch) != 0)
		return decide(decision, SUTURE_VERDICT_MISMATCH, "kernel-arch",
			      g_strdup_printf("for %s, this is %s", wanted->arch, kernel->arch));
	if (g_strcmp0(wanted->release, kernel->release) != 0)
		return decide(decision, SUTURE_VERDICT_MISMATCH, "kernel-release",
			      g_strdup_printf("for %s, this is %s", wanted->release, kernel->release));
	if (!suture_check_skipped("policy-kernel-build-id") &&
	    g_strcmp0(wanted->build_id, kernel->build_id) != 0)
		return decide(decision, SUTURE_VERDICT_MISMATCH, "kernel-build-id",
			      g_strdup_printf("for build %s of this release, this is build %s",
					      wanted->build_id, kernel->build_id));
	return FALSE;
}

static const gchar *find_pattern(GPtrArray *patterns, const SuturePatch *patch)
{
	g_autofree gchar *id = suture_patch_id(patch);

	for (guint i = 0; i < patterns->len; i++)
		if (g_pattern_match_simple(patterns->pdata[i], patch->name) ||
		    g_pattern_match_simple(patterns->pdata[i], id))
			return patterns->pdata[i];
	return NULL;
}

static gboolean judge_policy(SutureDecision *decision, const SuturePolicy *policy)
{
	const SuturePatch *patch = decision->candidate->patch;
	const gchar *denied = find_pattern(policy->deny, patch);

	if (!suture_check_skipped("policy-withdrawn") && decision->candidate->withdrawn)
		return decide(
			decision, SUTURE_VERDICT_HELD, "withdrawn",
			g_strdup_printf("the publisher recalled it: %s", decision->candidate->withdrawn));
	if (denied)
		return decide(decision, SUTURE_VERDICT_HELD, "deny",
			      g_strdup_printf("deny lists \"%s\"", denied));
	if (policy->allow->len > 0 && !find_pattern(policy->allow, patch))
		return decide(decision, SUTURE_VERDICT_HELD, "allow",
			      g_strdup("no pattern of allow matches"));
	if (patch->severity < policy->minimum_severity)
		return decide(decision, SUTURE_VERDICT_HELD, "severity-floor",
			      g_strdup_printf("%s is below %s", suture_severity_name(patch->severity),
					      suture_severity_name(policy->minimum_severity)));
	if (!suture_check_skipped("require-tuf") && policy->require_tuf && !decision->candidate->tuf)
		return decide(decision, SUTURE_VERDICT_HELD, "require-tuf",
			      g_strdup("did not come through the repository's metadata"));
	return FALSE;
}

/* Another bundle with this identifier is in the kernel: it cannot go in a second time. */
static gboolean judge_live(SutureDecision *decision, GHashTable *live_ids)
{
	g_autofree gchar *id = NULL;

	if (decision->candidate->live)
		return decide(decision, SUTURE_VERDICT_LIVE, "live", g_strdup("in the kernel now"));
	id = suture_patch_id(decision->candidate->patch);
	if (g_hash_table_contains(live_ids, id))
		return decide(decision, SUTURE_VERDICT_SUPERSEDED, "live",
			      g_strdup_printf("another bundle's %s is in the kernel now", id));
	return FALSE;
}

static GHashTable *collect_live_ids(GPtrArray *candidates)
{
	GHashTable *ids = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

	for (guint i = 0; i < candidates->len; i++) {
		const SutureCandidate *candidate = candidates->pdata[i];

		if (candidate->live)
			g_hash_table_add(ids, suture_patch_id(candidate->patch));
	}
	return ids;
}

/* The rules that look at one candidate, in their order. */
static GPtrArray *judge_each(const SuturePolicy *policy, const SutureKernel *kernel, GPtrArray *candidates)
{
	GPtrArray *decisions = g_ptr_array_new_with_free_func((GDestroyNotify)suture_decision_free);
	g_autoptr(GHashTable) live_ids = collect_live_ids(candidates);

	for (guint i = 0; i < candidates->len; i++) {
		SutureDecision *decision = g_new0(SutureDecision, 1);

		decision->candidate = candidates->pdata[i];
		if (!judge_kernel(decision, kernel) && !judge_live(decision, live_ids) &&
		    !judge_policy(decision, policy))
			decide(decision, SUTURE_VERDICT_APPLY, "default", g_strdup("no rule holds it back"));
		g_ptr_array_add(decisions, decision);
	}
	return decisions;
}

/* Candidates that nothing holds back, and who among them takes whose place. */
typedef struct {
	GPtrArray *decisions; /* borrowed */
	GPtrArray *patches;
	SuturePlaces *places;
	GPtrArray *takers; /* guint8* for each */
	SutureVersionCompare compare;
} Field;

static void field_init(Field *field, GPtrArray *decisions, SutureVersionCompare compare)
{
	field->decisions = g_ptr_array_new();
	field->patches = g_ptr_array_new();
	field->takers = g_ptr_array_new_with_free_func(g_free);
	field->compare = compare;
	for (guint i = 0; i < decisions->len; i++) {
		SutureDecision *decision = decisions->pdata[i];

		if (decision->verdict != SUTURE_VERDICT_APPLY && decision->verdict != SUTURE_VERDICT_LIVE)
			continue;
		g_ptr_array_add(field->decisions, decision);
		g_ptr_array_add(field->patches, (gpointer)decision->candidate->patch);
	}
	field->places = suture_places_new(field->patches, compare);
	for (guint i = 0; i < field->patches->len; i++)
		g_ptr_array_add(field->takers, suture_places_takers(field->places, i));
}

static void field_clear(Field *field)
{
	g_ptr_array_unref(field->decisions);
	g_ptr_array_unref(field->patches);
	g_ptr_array_unref(field->takers);
	suture_places_free(field->places);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Field, field_clear)

static gboolean takes(const Field *field, guint taker, guint loser)
{
	const guint8 *takers = field->takers->pdata[loser];

	return takers[taker] != 0;
}

/* Two that would take each other's place both stay: suture_policy_order() names the cycle. */
static gboolean is_beaten(const Field *field, guint index)
{
	for (guint i = 0; i < field->patches->len; i++)
		if (takes(field, i, index) && !takes(field, index, i))
			return TRUE;
	return FALSE;
}

static gboolean is_newer(const Field *field, guint index, guint than)
{
	const SuturePatch *newer = field->patches->pdata[index], *older = field->patches->pdata[than];

	return strcmp(newer->name, older->name) == 0 &&
	       field->compare(newer->version, newer->release, older->version, older->release) > 0;
}

/* Who is named when several take the place: one of the same name before others, then by identifier. */
static guint choose_winner(const Field *field, guint index, const gboolean *beaten)
{
	guint winner = index;
	g_autofree gchar *winner_id = NULL;

	for (guint i = 0; i < field->patches->len; i++) {
		g_autofree gchar *id = suture_patch_id(field->patches->pdata[i]);
		gint better;

		if (!takes(field, i, index) || takes(field, index, i) || beaten[i])
			continue;
		better = winner == index ? 1 : is_newer(field, i, index) - is_newer(field, winner, index);
		if (better > 0 || (better == 0 && strcmp(id, winner_id) < 0)) {
			winner = i;
			g_free(winner_id);
			winner_id = g_steal_pointer(&id);
		}
	}
	return winner;
}

static void decide_beaten(const Field *field, guint index, const gboolean *beaten)
{
	SutureDecision *decision = field->decisions->pdata[index];
	guint winner = choose_winner(field, index, beaten);
	g_autofree gchar *id = suture_patch_id(field->patches->pdata[winner]);

	g_free(decision->detail);
	if (is_newer(field, winner, index))
		decide(decision, SUTURE_VERDICT_SUPERSEDED, "newer-version",
		       g_strdup_printf("%s is newer", id));
	else
		decide(decision, SUTURE_VERDICT_SUPERSEDED, "superseded",
		       g_strdup_printf("%s supersedes it", id));
}

GPtrArray *suture_policy_decide(const SuturePolicy *policy, const SutureKernel *kernel, GPtrArray *candidates,
				SutureVersionCompare compare)
{
	GPtrArray *decisions = judge_each(policy, kernel, candidates);
	g_auto(Field) field;
	g_autofree gboolean *beaten = NULL;

	field_init(&field, decisions, compare);
	beaten = g_new0(gboolean, field.patches->len + 1);
	for (guint i = 0; i < field.patches->len; i++)
		beaten[i] = is_beaten(&field, i);
	for (guint i = 0; i < field.patches->len; i++) {
		const SutureDecision *decision = field.decisions->pdata[i];

		if (beaten[i] && decision->verdict == SUTURE_VERDICT_APPLY)
			decide_beaten(&field, i, beaten);
	}
	return decisions;
}
