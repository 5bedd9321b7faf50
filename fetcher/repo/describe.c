// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fetcher/repo/describe.h"

#include <stdlib.h>
#include <string.h>

static void G_GNUC_PRINTF(2, 3) say(GPtrArray *lines, const gchar *format, ...)
{
	va_list args;

	va_start(args, format);
	g_ptr_array_add(lines, g_strdup_vprintf(format, args));
	va_end(args);
}

/* "adds X", "removes X", "changes X" for the members of two objects. */
static void compare_members(GPtrArray *lines, const gchar *what, json_t *before, json_t *after)
{
	const gchar *name;
	json_t *value;

	json_object_foreach (after, name, value) {
		json_t *old = json_object_get(before, name);

		const gchar *sha256 =
			json_string_value(json_object_get(json_object_get(value, "hashes"), "sha256"));

		if (!old || !json_equal(old, value))
			say(lines, "%s %s %s%s%s", old ? "changes" : "adds", what, name,
			    sha256 ? ", SHA-256 " : "", sha256 ? sha256 : "");
	}
	json_object_foreach (before, name, value)
		if (!json_object_get(after, name))
			say(lines, "removes %s %s", what, name);
}

/* An array of objects as an object, by a member of theirs. */
static json_t *by_member(json_t *array, const gchar *member)
{
	json_t *object = json_object(), *entry;
	gsize i;

	json_array_foreach (array, i, entry) {
		const gchar *name = json_string_value(json_object_get(entry, member));

		if (name)
			json_object_set(object, name, entry);
	}
	return object;
}

static void compare_recalls(GPtrArray *lines, json_t *before, json_t *after)
{
	json_t *old = by_member(before, "id"), *new = by_member(after, "id"), *entry;
	const gchar *id;

	json_object_foreach (new, id, entry) {
		const gchar *reason = json_string_value(json_object_get(entry, "reason"));

		if (!json_object_get(old, id))
			say(lines, "withdraws %s: %s", id, reason ? reason : "");
		else if (!json_equal(json_object_get(old, id), entry))
			say(lines, "CHANGES THE RECALL of %s: %s", id, reason ? reason : "");
	}
	json_object_foreach (old, id, entry)
		if (!json_object_get(new, id))
			say(lines, "LIFTS THE RECALL of %s", id);
	json_decref(old);
	json_decref(new);
}

static json_int_t threshold_of(json_t *role)
{
	return json_integer_value(json_object_get(role, "threshold"));
}

static gboolean has(json_t *array, const gchar *value)
{
	json_t *entry;
	gsize i;

	json_array_foreach (array, i, entry)
		if (g_strcmp0(json_string_value(entry), value) == 0)
			return TRUE;
	return FALSE;
}

/* Who may sign for a role, key by key. */
static void compare_signers(GPtrArray *lines, const gchar *name, json_t *before, json_t *after)
{
	json_t *old = json_object_get(before, "keyids"), *new = json_object_get(after, "keyids"), *id;
	gsize i;

	if (threshold_of(before) != threshold_of(after))
		say(lines, "role %s: threshold %" JSON_INTEGER_FORMAT " instead of %" JSON_INTEGER_FORMAT,
		    name, threshold_of(after), threshold_of(before));
	json_array_foreach (new, i, id)
		if (!has(old, json_string_value(id)))
			say(lines, "role %s: key %s may sign", name, json_string_value(id));
	json_array_foreach (old, i, id)
		if (!has(new, json_string_value(id)))
			say(lines, "role %s: key %s may not sign any more", name, json_string_value(id));
}

static void compare_roles(GPtrArray *lines, json_t *before, json_t *after)
{
	const gchar *name;
	json_t *role;

	json_object_foreach (after, name, role)
		compare_signers(lines, name, json_object_get(before, name), role);
}

static void compare_delegations(GPtrArray *lines, json_t *before, json_t *after)
{
	json_t *old = by_member(before, "name"), *new = by_member(after, "name"), *role;
	const gchar *name;

	compare_members(lines, "delegation to", old, new);
	json_object_foreach (new, name, role) {
		json_t *was = json_object_get(old, name);

		compare_signers(lines, name, was, role);
		if (was && !json_equal(json_object_get(was, "paths"), json_object_get(role, "paths")))
			say(lines, "role %s: OTHER PATHS than before", name);
	}
	json_decref(old);
	json_decref(new);
}

static gchar *text_of(json_t *value)
{
	char *text = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS) : NULL;
	gchar *copy = g_strndup(text ? text : "nothing", 200);

	free(text);
	return copy;
}

/* Members that are told of above, or in the line that each document has. */
static gboolean is_told(const gchar *name)
{
	static const gchar *const told[] = {
		"roles", "keys", "targets", "delegations", "x-suture-withdrawn", "version", "expires", NULL};

	return g_strv_contains(told, name);
}

static void compare_others(GPtrArray *lines, json_t *before, json_t *after)
{
	const gchar *name;
	json_t *value;

	json_object_foreach (after, name, value) {
		json_t *was = json_object_get(before, name);
		g_autofree gchar *old = text_of(was), *new = text_of(value);

		if (!is_told(name) && json_object_size(before) > 0 && (!was || !json_equal(was, value)))
			say(lines, "%s is %s instead of %s", name, new, old);
	}
	json_object_foreach (before, name, value)
		if (!is_told(name) && !json_object_get(after, name))
			say(lines, "%s is gone", name);
}

GPtrArray *suture_repo_describe(json_t *before, json_t *after)
{
	GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);
	json_t *old = json_object_get(before, "delegations"), *new = json_object_get(after, "delegations");

	compare_roles(lines, json_object_get(before, "roles"), json_object_get(after, "roles"));
	compare_members(lines, "target", json_object_get(before, "targets"),
			json_object_get(after, "targets"));
	compare_delegations(lines, json_object_get(old, "roles"), json_object_get(new, "roles"));
	compare_recalls(lines, json_object_get(before, "x-suture-withdrawn"),
			json_object_get(after, "x-suture-withdrawn"));
	compare_others(lines, before, after);
	if (lines->len == 0)
		say(lines, "a later expiry alone");
	return lines;
}
