// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fetcher/mirror/record.h"

#include "fetcher/mirror/folder.h"

#include <string.h>

#define FILE_NAME "record.json"
#define MAX_BYTES (4 * 1024 * 1024)

json_t *suture_mirror_record_load(int state)
{
	g_autoptr(GError) cause = NULL;
	g_autoptr(GBytes) bytes = NULL;
	json_t *record = NULL;

	if (suture_mirror_size(state, FILE_NAME) < 0)
		return json_object();
	bytes = suture_file_read_at(state, FILE_NAME, MAX_BYTES, &cause);
	if (bytes)
		record = suture_json_parse(bytes, MAX_BYTES, FILE_NAME, &cause);
	if (!record)
		g_info("the record is not used: %s", cause->message);
	return record ? record : json_object();
}

gboolean suture_mirror_record_save(int state, json_t *record, GError **error)
{
	g_autoptr(GBytes) bytes = suture_json_pretty(record);

	return suture_file_write_atomic(state, FILE_NAME, bytes, 0600, error);
}

gchar **suture_mirror_record_kernels(const json_t *record)
{
	json_t *list = json_object_get(record, "kernels"), *value;
	g_autoptr(GPtrArray) kernels = g_ptr_array_new();
	gsize i;

	if (!json_is_array(list))
		return NULL;
	json_array_foreach (list, i, value) {
		if (json_is_string(value))
			g_ptr_array_add(kernels, g_strdup(json_string_value(value)));
	}
	g_ptr_array_add(kernels, NULL);
	return (gchar **)g_ptr_array_free(g_steal_pointer(&kernels), FALSE);
}

void suture_mirror_record_set_kernels(json_t *record, const gchar *const *kernels)
{
	json_t *list;

	json_object_del(record, "kernels");
	if (!kernels)
		return;
	list = json_array();
	for (; *kernels; kernels++)
		json_array_append_new(list, json_string(*kernels));
	json_object_set_new(record, "kernels", list);
}

gboolean suture_mirror_kernels_equal(const gchar *const *a, const gchar *const *b)
{
	if (!a || !b)
		return a == b;
	return g_strv_equal(a, b);
}

gboolean suture_mirror_kernels_match(const gchar *const *kernels, const gchar *kernel)
{
	gboolean matches = !kernels || **kernels == '!';

	for (; kernels && *kernels; kernels++) {
		gboolean out = **kernels == '!';

		if (g_pattern_match_simple(*kernels + out, kernel))
			matches = !out;
	}
	return matches;
}

gint64 suture_mirror_record_complete(const json_t *record)
{
	return json_integer_value(json_object_get(record, "timestamp"));
}

void suture_mirror_record_set_complete(json_t *record, gint64 timestamp)
{
	json_object_set_new(record, "timestamp", json_integer(timestamp));
}

gint64 suture_mirror_record_shown(const json_t *record)
{
	gint64 shown = json_integer_value(json_object_get(record, "shown"));

	return MAX(shown, suture_mirror_record_complete(record));
}

void suture_mirror_record_set_shown(json_t *record, gint64 timestamp)
{
	json_object_set_new(record, "shown", json_integer(timestamp));
}

gint64 suture_mirror_record_rpm_md(const json_t *record, const gchar *kernel)
{
	return json_integer_value(json_object_get(json_object_get(record, "rpm_md"), kernel));
}

void suture_mirror_record_set_rpm_md(json_t *record, const gchar *kernel, gint64 version)
{
	json_t *kernels = json_object_get(record, "rpm_md");

	if (!json_is_object(kernels)) {
		kernels = json_object();
		json_object_set_new(record, "rpm_md", kernels);
	}
	json_object_set_new(kernels, kernel, json_integer(version));
}

void suture_mirror_record_drop_rpm_md(json_t *record)
{
	json_object_del(record, "rpm_md");
}
