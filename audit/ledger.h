/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/error.h"
#include "spec/record.h"

/* The append-only ledger /var/lib/suture/ledger.jsonl. Exit code LEDGER. */
#define SUTURE_LEDGER_ERROR suture_ledger_error_quark()
GQuark suture_ledger_error_quark(void);
typedef enum {
	SUTURE_LEDGER_ERROR_CHANGED, /* "ledger-changed": a line whose hash is not what the next one says, or
					unreadable */
	SUTURE_LEDGER_ERROR_MISSING, /* "ledger-missing": a gap in the sequence */
	SUTURE_LEDGER_ERROR_REORDERED, /* "ledger-reordered" */
	SUTURE_LEDGER_ERROR_CUT,       /* "ledger-cut": ends before the anchor, or is gone */
	SUTURE_LEDGER_ERROR_ANCHOR,    /* "ledger-anchor": --head is not SEQ:HASH (exit USAGE) */
} SutureLedgerError;

/* Who and where, constant during a process; see SutureRecord. Borrowed strings. */
typedef struct {
	const gchar *boot_id, *host, *kernel_release, *kernel_build_id, *actor;
} SutureLedgerContext;

typedef struct _SutureLedger SutureLedger;
/* Opens @path for appending, made if absent (0600). Nothing is locked yet. */
SutureLedger *suture_ledger_open(const gchar *path, const SutureLedgerContext *context,
				 GError **error) G_GNUC_WARN_UNUSED_RESULT;
void suture_ledger_free(SutureLedger *ledger);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureLedger, suture_ledger_free)

/*
 * Appends one record under an exclusive lock, fsynced when this returns TRUE, and sends "SEQ:HASH" to syslog.
 * A torn last line (no
 * '\n') is set right first: it is cut off and a "heal" record says how many bytes, with their SHA-256. Fits
 * SutureEventSink with the ledger as @data.
 */
gboolean suture_ledger_append(const SutureEvent *event, gpointer ledger,
			      GError **error) G_GNUC_WARN_UNUSED_RESULT;

typedef struct {
	guint64 records;
	gchar *head;       /* "SEQ:HASH" of the last whole line; NULL when empty */
	gboolean anchored; /* an anchor was given and is in the chain */
	guint64 torn;      /* bytes of a torn last line */
} SutureLedgerReport;
void suture_ledger_report_clear(SutureLedgerReport *report);

/* Called with each whole record in order; return FALSE to stop. */
typedef gboolean (*SutureLedgerVisit)(const SutureRecord *record, gpointer data);

/*
 * Verifies the chain from the first line, in constant memory, as it was at the call: records that others
 * append meanwhile are left out, and nobody waits for @visit. @anchor: "SEQ:HASH" or NULL. @visit: NULL
 * allowed.
 */
gboolean suture_ledger_verify(const gchar *path, const gchar *anchor, SutureLedgerVisit visit, gpointer data,
			      SutureLedgerReport *ret_report, GError **error) G_GNUC_WARN_UNUSED_RESULT;
