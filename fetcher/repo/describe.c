// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fetcher/repo/describe.h"

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

		if (!old)
			say(lines, "adds %s %s", what, name);
		else if (!json_equal(old, value))
			say(lines, "changes %s %s", what, name);
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

static void compare_lists(GPtrArray *lines, const gchar *what, const gchar *member, json_t *before,
			  json_t *after)
{
	json_t *old = by_member(before, member), *new = by_member(after, member);

	compare_members(lines, what, old, new);
	json_decref(old);
	json_decref(new);
}

static void compare_recalls(GPtrArray *lines, json_t *before, json_t *after)
{
	json_t *old = by_member(before, "id"), *entry;
	gsize i;

	json_array_foreach (after, i, entry) {
		const gchar *id = json_string_value(json_object_get(entry, "id"));
		const gchar *reason = json_string_value(json_object_get(entry, "reason"));

		if (id && !json_object_get(old, id))
			say(lines, "withdraws %s: %s", id, reason ? reason : "");
	}
	json_decref(old);
}

GPtrArray *suture_repo_describe(json_t *before, json_t *after)
{
	GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);
	json_t *old = json_object_get(before, "delegations"), *new = json_object_get(after, "delegations");

	compare_members(lines, "role", json_object_get(before, "roles"), json_object_get(after, "roles"));
	compare_members(lines, "key", json_object_get(before, "keys"), json_object_get(after, "keys"));
	compare_members(lines, "target", json_object_get(before, "targets"),
			json_object_get(after, "targets"));
	compare_members(lines, "key", json_object_get(old, "keys"), json_object_get(new, "keys"));
	compare_lists(lines, "delegation to", "name", json_object_get(old, "roles"),
		      json_object_get(new, "roles"));
	compare_recalls(lines, json_object_get(before, "x-suture-withdrawn"),
			json_object_get(after, "x-suture-withdrawn"));
	if (lines->len == 0)
		say(lines, "a later expiry alone");
	return lines;
}
