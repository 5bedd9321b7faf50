/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "spec/json.h"

/*
 * DIR/.state/record.json: what the last sync or import that came to its end was asked for and did. Without
 * it everything is looked at again, and an old state in the place of what is served is not noticed.
 */

/* An empty one when there is none, or when it cannot be read. */
json_t *suture_mirror_record_load(int state) G_GNUC_WARN_UNUSED_RESULT;
gboolean suture_mirror_record_save(int state, json_t *record, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Which kernels: patterns as for --kernel; NULL: all. New, NULL-terminated. */
gchar **suture_mirror_record_kernels(const json_t *record);
void suture_mirror_record_set_kernels(json_t *record, const gchar *const *kernels);
gboolean suture_mirror_kernels_equal(const gchar *const *a, const gchar *const *b);
/* Whether @kernel is one of them: what the last pattern says that fits; "!PATTERN" leaves out. When the first
 * one leaves out, all others are in. */
gboolean suture_mirror_kernels_match(const gchar *const *kernels, const gchar *kernel);

/* The version of timestamp.json that all of the mirror was made to agree with; 0: none. */
gint64 suture_mirror_record_complete(const json_t *record);
void suture_mirror_record_set_complete(json_t *record, gint64 timestamp);

/* The version of timestamp.json that readers were shown last; 0: not known. */
gint64 suture_mirror_record_shown(const json_t *record);
void suture_mirror_record_set_shown(json_t *record, gint64 timestamp);

/* The version of @kernel's role whose rpm-md is served; 0: not known. */
gint64 suture_mirror_record_rpm_md(const json_t *record, const gchar *kernel);
void suture_mirror_record_set_rpm_md(json_t *record, const gchar *kernel, gint64 version);
/* Nothing is known of any. */
void suture_mirror_record_drop_rpm_md(json_t *record);
