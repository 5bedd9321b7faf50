/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "spec/event.h"
#include "spec/patch.h"

/*
 * One line of the ledger, format 1 (spec/ledger.md, spec/ledger.schema.json): a JSON object without line
 * breaks, ended by '\n'. "previous" is the SHA-256 of the whole line before, with its '\n'; the first line's
 * is 64 zeros.
 */
#define SUTURE_RECORD_MAX_BYTES (64 * 1024)

typedef struct {
	guint64 sequence; /* from 1, no gaps */
	gchar *time;      /* RFC 3339 UTC with microseconds */
	gchar *boot_id;
	gchar *host; /* node name */
	gchar *kernel_release;
	gchar *kernel_build_id;
	gchar *actor; /* "uid=0 user=root sudo=alice command=apply" : see spec/ledger.md */
	gchar *event, *bundle, *manifest_sha256, *package_sha256, *reason,
		*detail; /* as SutureEvent; "" for none */
	gchar *previous;
} SutureRecord;

SutureRecord *suture_record_new(void);
void suture_record_free(SutureRecord *record);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureRecord, suture_record_free)
/* @line with or without its '\n'. Codes of SUTURE_JSON_ERROR and SUTURE_MANIFEST_ERROR. */
SutureRecord *suture_record_parse(GBytes *line, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The line with its '\n'. */
GBytes *suture_record_write(const SutureRecord *record) G_GNUC_WARN_UNUSED_RESULT;
