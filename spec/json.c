// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spec/json.h"

#include "common/error.h"

/* No format of ours nests deeper than ten; the tree is walked by recursion later. */
#define MAX_DEPTH 32

static const SutureErrorEntry json_errors[] = {
	{SUTURE_JSON_ERROR_SYNTAX, SUTURE_EXIT_INPUT, "json-syntax"},
	{SUTURE_JSON_ERROR_DUPLICATE_KEY, SUTURE_EXIT_INPUT, "json-duplicate-key"},
	{SUTURE_JSON_ERROR_OVERFLOW, SUTURE_EXIT_INPUT, "json-integer-overflow"},
	{SUTURE_JSON_ERROR_DEPTH, SUTURE_EXIT_INPUT, "json-too-deep"},
	{SUTURE_JSON_ERROR_TOO_LARGE, SUTURE_EXIT_INPUT, "json-too-large"},
	{SUTURE_JSON_ERROR_MISSING_KEY, SUTURE_EXIT_INPUT, "json-missing-key"},
	{SUTURE_JSON_ERROR_UNKNOWN_KEY, SUTURE_EXIT_INPUT, "json-unknown-key"},
	{SUTURE_JSON_ERROR_TYPE, SUTURE_EXIT_INPUT, "json-wrong-type"},
	{SUTURE_JSON_ERROR_RANGE, SUTURE_EXIT_INPUT, "json-out-of-range"},
	{SUTURE_JSON_ERROR_ENCODING, SUTURE_EXIT_INPUT, "json-not-canonical"},
};
SUTURE_DEFINE_ERROR_DOMAIN(suture_json_error, json_errors)

static SutureJsonError parse_error_code(const json_error_t *problem)
{
	switch (json_error_code(problem)) {
	case json_error_duplicate_key:
		return SUTURE_JSON_ERROR_DUPLICATE_KEY;
	case json_error_numeric_overflow:
		return SUTURE_JSON_ERROR_OVERFLOW;
	case json_error_stack_overflow:
		return SUTURE_JSON_ERROR_DEPTH;
	default:
		return SUTURE_JSON_ERROR_SYNTAX;
	}
}

static gboolean depth_is_within(json_t *json, guint left)
{
	const gchar *key;
	json_t *value;
	gsize i;

	if (left == 0)
		return FALSE;
	if (json_is_object(json)) {
		json_object_foreach (json, key, value)
			if (!depth_is_within(value, left - 1))
				return FALSE;
	} else if (json_is_array(json)) {
		json_array_foreach (json, i, value)
			if (!depth_is_within(value, left - 1))
				return FALSE;
	}
	return TRUE;
}

json_t *suture_json_parse(GBytes *bytes, gsize limit, const gchar *what, GError **error)
{
	SUTURE_AUTO_JSON *json = NULL;
	json_error_t problem;
	gsize size;
	const gchar *data = g_bytes_get_data(bytes, &size);

	if (size > limit) {
		g_set_error(error, SUTURE_JSON_ERROR, SUTURE_JSON_ERROR_TOO_LARGE,
			    "%s: larger than the limit of %" G_GSIZE_FORMAT " bytes", what, limit);
		return NULL;
	}
	json = json_loadb(data ? data : "", size, JSON_REJECT_DUPLICATES, &problem);
	if (!json) {
		/* jansson quotes the input near the fault, which may be no UTF-8 */
		g_autofree gchar *words = g_utf8_make_valid(problem.text, -1);
		g_autofree gchar *line = g_strescape(words, NULL);

		g_set_error(error, SUTURE_JSON_ERROR, parse_error_code(&problem), "%s:%d:%d: %s", what,
			    problem.line, problem.column, line);
		return NULL;
	}
	if (!json_is_object(json)) {
		g_set_error(error, SUTURE_JSON_ERROR, SUTURE_JSON_ERROR_TYPE, "%s: not an object", what);
		return NULL;
	}
	if (!depth_is_within(json, MAX_DEPTH)) {
		g_set_error(error, SUTURE_JSON_ERROR, SUTURE_JSON_ERROR_DEPTH,
			    "%s: nested deeper than %d levels", what, MAX_DEPTH);
		return NULL;
	}
	return g_steal_pointer(&json);
}

static const gchar *separator(const gchar *path)
{
	return *path ? "." : "";
}

static const gchar *type_name(json_type type)
{
	switch (type) {
	case JSON_OBJECT:
		return "an object";
	case JSON_ARRAY:
		return "a list";
	case JSON_STRING:
		return "a string";
	case JSON_INTEGER:
		return "an integer";
	default:
		return "true or false";
	}
}

static json_t *member(json_t *object, const gchar *path, const gchar *key, json_type type, GError **error)
{
	json_t *value = json_object_get(object, key);

	if (!value) {
		g_set_error(error, SUTURE_JSON_ERROR, SUTURE_JSON_ERROR_MISSING_KEY, "%s%s%s: missing", path,
			    separator(path), key);
		return NULL;
	}
	if (json_typeof(value) != type && !(type == JSON_TRUE && json_is_boolean(value))) {
		g_set_error(error, SUTURE_JSON_ERROR, SUTURE_JSON_ERROR_TYPE, "%s%s%s: must be %s", path,
			    separator(path), key, type_name(type));
		return NULL;
	}
	return value;
}

const gchar *suture_json_string(json_t *object, const gchar *path, const gchar *key, GError **error)
{
	return json_string_value(member(object, path, key, JSON_STRING, error));
}

gboolean suture_json_integer(json_t *object, const gchar *path, const gchar *key, gint64 min, gint64 max,
			     gint64 *ret, GError **error)
{
	json_t *value = member(object, path, key, JSON_INTEGER, error);
	gint64 number = json_integer_value(value);

	if (!value)
		return FALSE;
	if (number < min || number > max) {
		g_set_error(error, SUTURE_JSON_ERROR, SUTURE_JSON_ERROR_RANGE,
			    "%s%s%s: %" G_GINT64_FORMAT " is not within %" G_GINT64_FORMAT
			    " to %" G_GINT64_FORMAT,
			    path, separator(path), key, number, min, max);
		return FALSE;
	}
	*ret = number;
	return TRUE;
}

gboolean suture_json_boolean(json_t *object, const gchar *path, const gchar *key, gboolean *ret,
			     GError **error)
{
	json_t *value = member(object, path, key, JSON_TRUE, error);

	if (!value)
		return FALSE;
	*ret = json_is_true(value);
	return TRUE;
}

json_t *suture_json_object(json_t *object, const gchar *path, const gchar *key, GError **error)
{
	return member(object, path, key, JSON_OBJECT, error);
}

json_t *suture_json_array(json_t *object, const gchar *path, const gchar *key, gsize max, GError **error)
{
	json_t *value = member(object, path, key, JSON_ARRAY, error);

	if (value && json_array_size(value) > max) {
		g_set_error(error, SUTURE_JSON_ERROR, SUTURE_JSON_ERROR_RANGE,
			    "%s%s%s: more than %" G_GSIZE_FORMAT " entries", path, separator(path), key, max);
		return NULL;
	}
	return value;
}

gboolean suture_json_only(json_t *object, const gchar *path, const gchar *const *known, GError **error)
{
	const gchar *key;
	json_t *value;

	json_object_foreach (object, key, value) {
		g_autofree gchar *shown = NULL;

		if (g_strv_contains(known, key))
			continue;
		shown = g_strescape(key, NULL);
		g_set_error(error, SUTURE_JSON_ERROR, SUTURE_JSON_ERROR_UNKNOWN_KEY,
			    "%s%s%.64s: not a member of this format", path, separator(path), shown);
		return FALSE;
	}
	return TRUE;
}
