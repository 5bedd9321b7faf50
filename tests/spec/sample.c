// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/spec/sample.h"

#include "common/error.h"

#include <string.h>

json_t *sample_load(const gchar *name)
{
	g_autofree gchar *path = g_test_build_filename(G_TEST_DIST, "samples", name, NULL);
	json_t *sample = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);

	g_assert_nonnull(sample);
	return sample;
}

static json_t *step(json_t *at, const gchar *key)
{
	json_t *next = json_is_array(at) ? json_array_get(at, (gsize)g_ascii_strtoull(key, NULL, 10))
					 : json_object_get(at, key);

	g_assert_nonnull(next);
	return next;
}

void sample_set(json_t *sample, const gchar *path, json_t *value)
{
	g_auto(GStrv) keys = g_strsplit(path, ".", -1);
	guint last = g_strv_length(keys) - 1;
	gsize index;

	for (guint i = 0; i < last; i++)
		sample = step(sample, keys[i]);
	if (json_is_object(sample)) {
		g_assert_cmpint(value ? json_object_set_new(sample, keys[last], value)
				      : json_object_del(sample, keys[last]),
				==, 0);
		return;
	}
	index = (gsize)g_ascii_strtoull(keys[last], NULL, 10);
	if (!value)
		g_assert_cmpint(json_array_remove(sample, index), ==, 0);
	else if (index == json_array_size(sample))
		g_assert_cmpint(json_array_append_new(sample, value), ==, 0);
	else
		g_assert_cmpint(json_array_set_new(sample, index, value), ==, 0);
}

GBytes *sample_bytes(json_t *sample)
{
	gchar *text = json_dumps(sample, JSON_COMPACT);

	g_assert_nonnull(text);
	return g_bytes_new_take(text, strlen(text));
}

static void assert_outcome(GBytes *bytes, SampleParse parse, const gchar *reason, const gchar *about)
{
	g_autoptr(GError) error = NULL;
	gboolean parsed = parse(bytes, &error);

	g_test_message("%s: %s", about, error ? error->message : "accepted");
	if (!reason) {
		g_assert_no_error(error);
		g_assert_true(parsed);
		return;
	}
	g_assert_false(parsed);
	g_assert_nonnull(error);
	g_assert_cmpstr(suture_error_reason(error), ==, reason);
	g_assert_null(strchr(error->message, '\n'));
	g_assert_true(g_utf8_validate(error->message, -1, NULL));
}

void sample_assert_ok(json_t *sample, SampleParse parse)
{
	g_autoptr(GBytes) bytes = sample_bytes(sample);

	assert_outcome(bytes, parse, NULL, "sample");
}

void sample_assert_refused(json_t *sample, SampleParse parse, const gchar *reason)
{
	g_autoptr(GBytes) bytes = sample_bytes(sample);

	assert_outcome(bytes, parse, reason, "sample");
}

void sample_assert_bytes_refused(const gchar *bytes, gssize size, SampleParse parse, const gchar *reason)
{
	g_autoptr(GBytes) whole = g_bytes_new(bytes, size < 0 ? strlen(bytes) : (gsize)size);

	assert_outcome(whole, parse, reason, "bytes");
}

void sample_assert_with(const gchar *name, SampleParse parse, const gchar *path, json_t *value,
			const gchar *reason)
{
	SUTURE_AUTO_JSON *sample = sample_load(name);
	g_autoptr(GBytes) bytes = NULL;

	sample_set(sample, path, value);
	bytes = sample_bytes(sample);
	assert_outcome(bytes, parse, reason, path);
}

/* Paths of all members of objects, and of all entries of lists (those end in a number). */
static void collect_paths(json_t *at, const gchar *prefix, GPtrArray *paths)
{
	const gchar *key;
	json_t *value;
	gsize i;

	if (json_is_object(at)) {
		json_object_foreach (at, key, value) {
			gchar *path = g_strdup_printf("%s%s%s", prefix, *prefix ? "." : "", key);

			g_ptr_array_add(paths, path);
			collect_paths(value, path, paths);
		}
	} else if (json_is_array(at)) {
		json_array_foreach (at, i, value) {
			gchar *path = g_strdup_printf("%s.%" G_GSIZE_FORMAT, prefix, i);

			g_ptr_array_add(paths, path);
			collect_paths(value, path, paths);
		}
	}
}

static json_t *value_at(json_t *sample, const gchar *path)
{
	g_auto(GStrv) keys = g_strsplit(path, ".", -1);

	for (gchar **key = keys; *key; key++)
		sample = step(sample, *key);
	return sample;
}

static gboolean is_entry(const gchar *path)
{
	const gchar *dot = strrchr(path, '.');

	return dot && g_ascii_isdigit(dot[1]);
}

static void assert_other_types(const gchar *name, SampleParse parse, const gchar *path, json_type type)
{
	if (type != JSON_STRING)
		sample_assert_with(name, parse, path, json_string("1"), "json-wrong-type");
	if (type != JSON_INTEGER)
		sample_assert_with(name, parse, path, json_integer(1), "json-wrong-type");
	if (type != JSON_TRUE && type != JSON_FALSE)
		sample_assert_with(name, parse, path, json_true(), "json-wrong-type");
	if (type != JSON_ARRAY)
		sample_assert_with(name, parse, path, json_array(), "json-wrong-type");
	if (type != JSON_OBJECT)
		sample_assert_with(name, parse, path, json_object(), "json-wrong-type");
	sample_assert_with(name, parse, path, json_real(1.5), "json-wrong-type");
	sample_assert_with(name, parse, path, json_null(), "json-wrong-type");
}

void sample_assert_members(const gchar *name, SampleParse parse, const gchar *top)
{
	SUTURE_AUTO_JSON *sample = sample_load(name);
	g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
	guint members = 0;

	sample_assert_ok(sample, parse);
	collect_paths(*top ? value_at(sample, top) : sample, top, paths);
	for (guint i = 0; i < paths->len; i++) {
		const gchar *path = paths->pdata[i];
		json_t *value = value_at(sample, path);
		g_autofree gchar *stranger = g_strdup_printf("%s.stranger", path);

		assert_other_types(name, parse, path, json_typeof(value));
		if (json_is_object(value))
			sample_assert_with(name, parse, stranger, json_integer(1), "json-unknown-key");
		if (is_entry(path))
			continue;
		sample_assert_with(name, parse, path, NULL, "json-missing-key");
		members++;
	}
	g_assert_cmpuint(members, >, 10);
}

static gchar *with_first_member_twice(json_t *sample)
{
	g_autofree gchar *text = json_dumps(sample, JSON_COMPACT);
	const gchar *key = json_object_iter_key(json_object_iter(sample));
	g_autofree gchar *value = json_dumps(json_object_get(sample, key), JSON_COMPACT | JSON_ENCODE_ANY);

	return g_strdup_printf("{\"%s\":%s,%s", key, value, text + 1);
}

void sample_assert_strict(const gchar *name, SampleParse parse, gsize limit)
{
	SUTURE_AUTO_JSON *sample = sample_load(name);
	g_autofree gchar *good = json_dumps(sample, JSON_COMPACT);
	g_autofree gchar *twice = with_first_member_twice(sample);
	g_autofree gchar *trailing = g_strconcat(good, "{}", NULL);
	g_autofree gchar *deep = g_strnfill(limit, '[');
	g_autofree gchar *large = g_strnfill(limit + 1, ' ');
	gsize size = strlen(good);

	memcpy(large, good, size);
	sample_assert_bytes_refused(twice, -1, parse, "json-duplicate-key");
	sample_assert_bytes_refused(trailing, -1, parse, "json-syntax");
	sample_assert_bytes_refused(good, (gssize)size + 1, parse, "json-syntax"); /* a NUL at the end */
	sample_assert_bytes_refused(good, (gssize)size - 1, parse, "json-syntax");
	sample_assert_bytes_refused("", 0, parse, "json-syntax");
	sample_assert_bytes_refused("[]", -1, parse, "json-wrong-type");
	sample_assert_bytes_refused(deep, -1, parse, "json-too-deep");
	sample_assert_bytes_refused(large, -1, parse, "json-too-large");
}
