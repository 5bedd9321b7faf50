/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "fetcher/client/http.h"
#include "spec/event.h"
#include "spec/refresh.h"
#include "spec/target.h"

/* Fetching: from a repository's URL to verified bundles in the fetched store. */

#define SUTURE_FETCH_METADATA "/var/lib/suture/metadata"
#define SUTURE_FETCH_PARTIAL "/var/lib/suture/partial"
#define SUTURE_FETCH_ROOT "/etc/suture/trust/root.json"
#define SUTURE_FETCH_LOCK "/run/suture/fetch.lock"

typedef enum {
	SUTURE_FETCH_WANTED,     /* to be downloaded; what a dry run leaves */
	SUTURE_FETCH_FETCHED,    /* downloaded, verified, stored */
	SUTURE_FETCH_PRESENT,    /* in the store already, by way of the repository */
	SUTURE_FETCH_HELD,       /* this host's policy does not want it */
	SUTURE_FETCH_SUPERSEDED, /* another bundle takes its place */
	SUTURE_FETCH_MISMATCH,   /* for another build of a kernel with this release */
	SUTURE_FETCH_REFUSED,    /* did not pass a check, or could not be had */
	SUTURE_FETCH_WITHDRAWN,  /* recalled by the publisher; detail: why */
} SutureFetchOutcome;
/* "wanted" "fetched" "present" "held" "superseded" "mismatch" "refused" "withdrawn" */
const gchar *suture_fetch_outcome_name(SutureFetchOutcome outcome);

typedef struct {
	gchar *name;                /* TUF target path, "<uname -r>/<file>" */
	gchar *id;                  /* patch id; NULL when its data could not be read */
	const SutureKernel *kernel; /* for which of the request's; borrowed */
	SutureTarget *target;       /* NULL when its data could not be read */
	guint64 size;               /* of the RPM file */
	gchar *sha256; /* of the RPM file, as signed metadata lists it; NULL: not 64 digits there */
	SutureFetchOutcome outcome;
	gchar *reason; /* policy rule or reason code; NULL otherwise */
	gchar *detail; /* one line; NULL when there is nothing to say */
} SutureFetchResult;
/* One with the outcome WANTED, and a list of such (owning). */
SutureFetchResult *suture_fetch_result_new(const SutureKernel *kernel);
GPtrArray *suture_fetch_results_new(void);
/* Sets outcome, reason and detail; copies. */
void suture_fetch_result_set(SutureFetchResult *result, SutureFetchOutcome outcome, const gchar *reason,
			     const gchar *detail);

/*
 * The host's policy: called once for each kernel with all results for its release; may set the outcome of
 * those that are WANTED to another one, and remove results. @results: SutureFetchResult*.
 */
typedef void (*SutureFetchSelect)(const SutureKernel *kernel, GPtrArray *results, gpointer data);

typedef struct {
	const gchar *root;        /* host paths are below it; NULL for "/" */
	const gchar *const *urls; /* of the repository and its mirrors, in the order to try: metadata/ and
				     targets/ are below each */
	SutureHttpOptions http;
	GPtrArray *kernels;       /* SutureKernel*: bundles for these */
	gint64 now;               /* what the local clock says, seconds since the epoch */
	guint max_stale;          /* days after their end that timestamp and snapshot are used */
	gboolean dry_run;         /* refresh and select only */
	SutureFetchSelect select; /* NULL: all */
	gpointer select_data;
	SutureEventSink sink;
	gpointer sink_data;
} SutureFetchRequest;

typedef struct {
	GPtrArray *results;                        /* SutureFetchResult*, by kernel and name */
	GPtrArray *skipped;                        /* GError*: of each mirror that was tried and of no use */
	gboolean new_anchors;                      /* other trust anchors are in force */
	gint64 root, timestamp, snapshot, targets; /* versions of the trusted metadata */
	SutureRefresh *refresh;                    /* what refresh.json says of it now */
	SutureHttpCount count;
	GError *refusal; /* the first failure of a bundle; NULL when there was none */
} SutureFetchReport;
void suture_fetch_report_free(SutureFetchReport *report);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureFetchReport, suture_fetch_report_free)

/*
 * Refreshes the repository's metadata, from the first mirror that has it good, takes its trust anchors
 * (anchors.h) and recalls over, and fetches what is for the kernels, allowed and not there yet: download,
 * check 2 (length and SHA-256), checks 3 to 5, store, all on one descriptor. The first run takes its trusted
 * root from SUTURE_FETCH_ROOT. Holds SUTURE_FETCH_LOCK; waits for it. One bundle's refusal does not stop the
 * others: it is in the report, and nothing of the file is left. Only a download that broke off leaves its
 * start below SUTURE_FETCH_PARTIAL, for the next run. When bundles are there for a release, but none for this
 * build of it, the refusal is KERNEL-BUILD-ID or KERNEL-ARCH. NULL: nothing could be fetched at all (refresh,
 * lock, trust), cancelled, or an event was not recorded; what came of the refresh is in refresh.json
 * (spec/refresh.md) either way; with several mirrors the error is the first one's and its message has all.
 * Every verification, acceptance, refusal and decision goes to the sink before it shows in the report.
 */
SutureFetchReport *suture_fetch_run(const SutureFetchRequest *request,
				    GError **error) G_GNUC_WARN_UNUSED_RESULT;
