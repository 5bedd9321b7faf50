/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <jansson.h>

/*
 * Reading JSON from outside, strictly: UTF-8, one object, no duplicate keys, integers within 64 bits signed,
 * depth within jansson's limit, no NUL in strings. Each reason for refusing has its own code.
 */
#define SUTURE_JSON_ERROR suture_json_error_quark()
GQuark suture_json_error_quark(void);
typedef enum {
	SUTURE_JSON_ERROR_SYNTAX,        /* "json-syntax" */
	SUTURE_JSON_ERROR_DUPLICATE_KEY, /* "json-duplicate-key" */
	SUTURE_JSON_ERROR_OVERFLOW,      /* "json-integer-overflow": outside -2^63 .. 2^63-1 */
	SUTURE_JSON_ERROR_DEPTH,         /* "json-too-deep" */
	SUTURE_JSON_ERROR_TOO_LARGE,     /* "json-too-large": more bytes than the format allows */
	SUTURE_JSON_ERROR_MISSING_KEY,   /* "json-missing-key" */
	SUTURE_JSON_ERROR_UNKNOWN_KEY,   /* "json-unknown-key" */
	SUTURE_JSON_ERROR_TYPE,          /* "json-wrong-type" */
	SUTURE_JSON_ERROR_RANGE,    /* "json-out-of-range": a value, a string's length or form, or a count
				       outside its limits */
	SUTURE_JSON_ERROR_ENCODING, /* "json-not-canonical": cannot be encoded canonically (a real number) */
} SutureJsonError;

static inline void suture_json_clear(json_t **json)
{
	g_clear_pointer(json, json_decref);
}
#define SUTURE_AUTO_JSON __attribute__((cleanup(suture_json_clear))) json_t

/* Parses exactly one JSON object. @what names the document in errors ("manifest.json"). New reference, or
 * NULL. */
json_t *suture_json_parse(GBytes *bytes, gsize limit, const gchar *what,
			  GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Getters over an object's members, for parsers of formats. @path names the object in errors ("kernel"; ""
 * for the top). Results are borrowed from @object. A missing member gives MISSING-KEY, another type
 * WRONG-TYPE.
 */
const gchar *suture_json_string(json_t *object, const gchar *path, const gchar *key, GError **error);
gboolean suture_json_integer(json_t *object, const gchar *path, const gchar *key, gint64 min, gint64 max,
			     gint64 *ret, GError **error);
gboolean suture_json_boolean(json_t *object, const gchar *path, const gchar *key, gboolean *ret,
			     GError **error);
json_t *suture_json_object(json_t *object, const gchar *path, const gchar *key, GError **error);
json_t *suture_json_array(json_t *object, const gchar *path, const gchar *key, gsize max, GError **error);

/* Refuses members of @object that are not in the NULL-terminated @known: UNKNOWN-KEY. */
gboolean suture_json_only(json_t *object, const gchar *path, const gchar *const *known, GError **error);

/*
 * Canonical JSON as TUF signs it (OLPC form: keys sorted by code point, no white space, only '"' and '\\'
 * escaped, integers only). A real number gives NOT-CANONICAL. Not NUL-terminated.
 */
GBytes *suture_json_canonical(json_t *json, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The same document for people: two-space indentation, member order kept, a final newline. */
GBytes *suture_json_pretty(json_t *json) G_GNUC_WARN_UNUSED_RESULT;
