// SPDX-License-Identifier: LGPL-2.1-or-later
#include "policy/policy.h"

#define GROUP "policy"
#define MAX_DAYS 3650
#define WARN_DAYS 7

static const SutureErrorEntry policy_errors[] = {
	{SUTURE_POLICY_ERROR_CYCLE, SUTURE_EXIT_POLICY, "stack-cycle"},
	{SUTURE_POLICY_ERROR_GAP, SUTURE_EXIT_POLICY, "stack-gap"},
	{SUTURE_POLICY_ERROR_CONFLICT, SUTURE_EXIT_POLICY, "stack-conflict"},
	{SUTURE_POLICY_ERROR_SYNTAX, SUTURE_EXIT_INPUT, "policy-syntax"},
	{SUTURE_POLICY_ERROR_REFUSED, SUTURE_EXIT_POLICY, "policy-refused"},
};
SUTURE_DEFINE_ERROR_DOMAIN(suture_policy_error, policy_errors)

SuturePolicy *suture_policy_new(void)
{
	SuturePolicy *policy = g_new0(SuturePolicy, 1);

	policy->minimum_severity = SUTURE_SEVERITY_NONE;
	policy->warn_days = WARN_DAYS;
	policy->allow = g_ptr_array_new_with_free_func(g_free);
	policy->deny = g_ptr_array_new_with_free_func(g_free);
	return policy;
}

void suture_policy_free(SuturePolicy *policy)
{
	if (!policy)
		return;
	g_ptr_array_unref(policy->allow);
	g_ptr_array_unref(policy->deny);
	g_free(policy);
}

static gboolean set_syntax_error(GError **error, const gchar *what, const gchar *key, const gchar *words)
{
	g_set_error(error, SUTURE_POLICY_ERROR, SUTURE_POLICY_ERROR_SYNTAX, "%s: [" GROUP "] %s: %s", what,
		    key, words);
	return FALSE;
}

static gboolean merge_severity(SuturePolicy *policy, GKeyFile *file, const gchar *what, const gchar *key,
			       GError **error)
{
	g_autofree gchar *word = g_key_file_get_string(file, GROUP, key, NULL);

	return suture_severity_parse(word, &policy->minimum_severity) ||
	       set_syntax_error(error, what, key, "must be none, low, moderate, important or critical");
}

static gboolean merge_patterns(GPtrArray **patterns, GKeyFile *file, const gchar *what, const gchar *key,
			       GError **error)
{
	g_auto(GStrv) given = g_key_file_get_string_list(file, GROUP, key, NULL, NULL);
	g_autoptr(GPtrArray) merged = g_ptr_array_new_with_free_func(g_free);

	for (gchar **each = given; each && *each; each++) {
		g_autofree gchar *pattern = g_strstrip(g_strdup(*each));

		if (!*pattern)
			return set_syntax_error(error, what, key, "an empty pattern; take the ';' away");
		g_ptr_array_add(merged, g_steal_pointer(&pattern));
	}
	if (!given)
		return set_syntax_error(error, what, key, "must be names or patterns separated by ';'");
	g_ptr_array_unref(*patterns);
	*patterns = g_steal_pointer(&merged);
	return TRUE;
}

static gboolean merge_boolean(gboolean *value, GKeyFile *file, const gchar *what, const gchar *key,
			      GError **error)
{
	g_autoptr(GError) problem = NULL;
	gboolean given = g_key_file_get_boolean(file, GROUP, key, &problem);

	if (problem)
		return set_syntax_error(error, what, key, "must be true or false");
	*value = given;
	return TRUE;
}

static gboolean merge_days(guint *days, GKeyFile *file, const gchar *what, const gchar *key, GError **error)
{
	g_autofree gchar *text = g_key_file_get_string(file, GROUP, key, NULL);
	guint64 value;

	if (!text || !g_ascii_string_to_unsigned(text, 10, 0, MAX_DAYS, &value, NULL))
		return set_syntax_error(error, what, key, "must be days, 0 to 3650");
	*days = (guint)value;
	return TRUE;
}

static gboolean merge_key(SuturePolicy *policy, GKeyFile *file, const gchar *what, const gchar *key,
			  GError **error)
{
	if (g_str_equal(key, "severity-floor"))
		return merge_severity(policy, file, what, key, error);
	if (g_str_equal(key, "allow"))
		return merge_patterns(&policy->allow, file, what, key, error);
	if (g_str_equal(key, "deny"))
		return merge_patterns(&policy->deny, file, what, key, error);
	if (g_str_equal(key, "require-tuf"))
		return merge_boolean(&policy->require_tuf, file, what, key, error);
	if (g_str_equal(key, "revert-withdrawn"))
		return merge_boolean(&policy->revert_withdrawn, file, what, key, error);
	if (g_str_equal(key, "max-stale"))
		return merge_days(&policy->max_stale, file, what, key, error);
	if (g_str_equal(key, "warn-days"))
		return merge_days(&policy->warn_days, file, what, key, error);
	return set_syntax_error(error, what, key,
				"not a key; known are severity-floor, allow, deny, require-tuf, "
				"revert-withdrawn, max-stale, warn-days");
}

gboolean suture_policy_merge(SuturePolicy *policy, GKeyFile *file, const gchar *what, GError **error)
{
	g_auto(GStrv) keys = g_key_file_get_keys(file, GROUP, NULL, NULL);

	for (gchar **key = keys; key && *key; key++)
		if (!merge_key(policy, file, what, *key, error))
			return FALSE;
	return TRUE;
}

const gchar *suture_verdict_name(SutureVerdict verdict)
{
	static const gchar *const names[] = {"apply", "live", "superseded", "held", "mismatch"};

	return (gsize)verdict < G_N_ELEMENTS(names) ? names[verdict] : NULL;
}

void suture_decision_free(SutureDecision *decision)
{
	if (!decision)
		return;
	g_free(decision->detail);
	g_free(decision);
}
