/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "spec/json.h"

/* Good documents of tests/spec/samples, and ways to spoil them. */
typedef gboolean (*SampleParse)(GBytes *bytes, GError **error);

/* New reference to the sample @name ("manifest.json"). */
json_t *sample_load(const gchar *name);

/* Sets the member at @path ("modules.0.file") to @value, whose reference is taken; NULL removes it. */
void sample_set(json_t *sample, const gchar *path, json_t *value);

GBytes *sample_bytes(json_t *sample);

void sample_assert_ok(json_t *sample, SampleParse parse);
void sample_assert_refused(json_t *sample, SampleParse parse, const gchar *reason);
/* The same for the text @bytes. */
void sample_assert_bytes_refused(const gchar *bytes, gssize size, SampleParse parse, const gchar *reason);

/* Sets one member of a fresh copy of the sample and asserts the outcome (@reason NULL: accepted). */
void sample_assert_with(const gchar *name, SampleParse parse, const gchar *path, json_t *value,
			const gchar *reason);

/* For every member of every object (below @top, "" for all): without it, with another type, with a stranger
 * beside it. */
void sample_assert_members(const gchar *name, SampleParse parse, const gchar *top);

/* What no document of any format may be: not JSON, not strict JSON. */
void sample_assert_strict(const gchar *name, SampleParse parse, gsize limit);
