// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spec/json.h"

#include <string.h>

static void append_string(GByteArray *out, const gchar *text, gsize length)
{
	g_byte_array_append(out, (const guint8 *)"\"", 1);
	for (gsize i = 0; i < length; i++) {
		if (text[i] == '"' || text[i] == '\\')
			g_byte_array_append(out, (const guint8 *)"\\", 1);
		g_byte_array_append(out, (const guint8 *)&text[i], 1);
	}
	g_byte_array_append(out, (const guint8 *)"\"", 1);
}

static void append_text(GByteArray *out, const gchar *text)
{
	g_byte_array_append(out, (const guint8 *)text, (guint)strlen(text));
}

static gboolean append_value(GByteArray *out, json_t *json, GError **error);

static gint compare_keys(gconstpointer a, gconstpointer b)
{
	/* the byte order of UTF-8 is the order of code points */
	return strcmp(*(const gchar *const *)a, *(const gchar *const *)b);
}

static gboolean append_object(GByteArray *out, json_t *object, GError **error)
{
	g_autoptr(GPtrArray) keys = g_ptr_array_new();
	const gchar *key;
	json_t *value;

	json_object_foreach (object, key, value)
		g_ptr_array_add(keys, (gpointer)key);
	g_ptr_array_sort(keys, compare_keys);
	append_text(out, "{");
	for (guint i = 0; i < keys->len; i++) {
		if (i > 0)
			append_text(out, ",");
		append_string(out, keys->pdata[i], strlen(keys->pdata[i]));
		append_text(out, ":");
		if (!append_value(out, json_object_get(object, keys->pdata[i]), error))
			return FALSE;
	}
	append_text(out, "}");
	return TRUE;
}

static gboolean append_array(GByteArray *out, json_t *array, GError **error)
{
	json_t *value;
	gsize i;

	append_text(out, "[");
	json_array_foreach (array, i, value) {
		if (i > 0)
			append_text(out, ",");
		if (!append_value(out, value, error))
			return FALSE;
	}
	append_text(out, "]");
	return TRUE;
}

static gboolean append_value(GByteArray *out, json_t *json, GError **error)
{
	g_autofree gchar *number = NULL;

	switch (json_typeof(json)) {
	case JSON_OBJECT:
		return append_object(out, json, error);
	case JSON_ARRAY:
		return append_array(out, json, error);
	case JSON_STRING:
		append_string(out, json_string_value(json), json_string_length(json));
		return TRUE;
	case JSON_INTEGER:
		number = g_strdup_printf("%" JSON_INTEGER_FORMAT, json_integer_value(json));
		append_text(out, number);
		return TRUE;
	case JSON_REAL:
		g_set_error(error, SUTURE_JSON_ERROR, SUTURE_JSON_ERROR_ENCODING,
			    "the number %g is no integer and has no canonical form", json_real_value(json));
		return FALSE;
	case JSON_TRUE:
		append_text(out, "true");
		return TRUE;
	case JSON_FALSE:
		append_text(out, "false");
		return TRUE;
	default:
		append_text(out, "null");
		return TRUE;
	}
}

GBytes *suture_json_canonical(json_t *json, GError **error)
{
	g_autoptr(GByteArray) out = g_byte_array_new();

	if (!append_value(out, json, error))
		return NULL;
	return g_byte_array_free_to_bytes(g_steal_pointer(&out));
}

static int append_chunk(const char *chunk, size_t size, void *out)
{
	g_byte_array_append(out, (const guint8 *)chunk, (guint)size);
	return 0;
}

GBytes *suture_json_pretty(json_t *json)
{
	GByteArray *out = g_byte_array_new();

	json_dump_callback(json, append_chunk, out, JSON_INDENT(2) | JSON_ENCODE_ANY);
	append_text(out, "\n");
	return g_byte_array_free_to_bytes(out);
}
