/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "spec/json.h"

/* The member "x-suture-withdrawn" of a kernel role's metadata (spec/target.md): what was offered once and
 * must not be applied any more. */
typedef struct {
	gchar *id; /* patch id */
	gchar *manifest_sha256;
	gchar *reason;    /* one line for people */
	gchar *withdrawn; /* when, RFC 3339 in UTC */
} SutureRecall;
void suture_recall_free(SutureRecall *recall);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureRecall, suture_recall_free)

#define SUTURE_RECALL_REASON_MAX 512 /* code points */

/* @recalls: the array, or NULL for none (SutureRecall*). Codes of SUTURE_JSON_ERROR and
 * SUTURE_MANIFEST_ERROR. */
GPtrArray *suture_recalls_read(json_t *recalls, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The array for @recalls. New reference. */
json_t *suture_recalls_write(GPtrArray *recalls);
/* The one of the bundle with @manifest_sha256; NULL when it was not withdrawn. Borrowed. */
const SutureRecall *suture_recalls_find(GPtrArray *recalls, const gchar *manifest_sha256);
