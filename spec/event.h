/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/*
 * Something that an auditor will ask about. Components that act (fetcher, applier, policy's callers) report
 * it through a sink before they report success to their caller; cli/ connects the sink to the ledger.
 */
typedef struct {
	const gchar *event;  /* "verify" "accept" "refuse" "apply" "revert" "reverse" "policy" "remove" "heal"
				(spec/ledger.md) */
	const gchar *bundle; /* patch id or file name; NULL when not about one */
	const gchar *manifest_sha256; /* NULL when not known */
	const gchar *package_sha256;  /* NULL when not known */
	const gchar *reason; /* reason code of a refusal or failure, the policy rule, "replaced", or "ok" */
	const gchar *detail; /* one line for people; NULL allowed */
} SutureEvent;

/* Returns FALSE when the event could not be recorded durably; the action must then not be reported as done.
 */
typedef gboolean (*SutureEventSink)(const SutureEvent *event, gpointer data, GError **error);
