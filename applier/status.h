/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "applier/preflight.h"
#include "applier/stack.h"
#include "applier/transition.h"

/* What a row of `suture list` is. Text forms by suture_row_state_name(). */
typedef enum {
	SUTURE_ROW_LIVE,            /* "live" */
	SUTURE_ROW_PACKAGE_REMOVED, /* "live, package removed": in no store any more */
	SUTURE_ROW_PARTIAL,         /* "partial": some of its modules are not in the kernel */
	SUTURE_ROW_APPLYING,        /* "applying" */
	SUTURE_ROW_REVERTING,       /* "reverting" */
	SUTURE_ROW_STALLED,         /* "stalled": in transition for longer than the limit */
	SUTURE_ROW_FOREIGN,         /* "foreign": a livepatch that Suture did not apply */
	SUTURE_ROW_INSTALLED,       /* "installed": in a store, not in the kernel */
	SUTURE_ROW_HELD, /* "held": installed, and this host's policy holds it (set by the caller) */
} SutureRowState;
const gchar *suture_row_state_name(SutureRowState state);

typedef struct {
	const gchar *id;
	guint order; /* from 1, the bottom of the stack; 0: not in the kernel */
	SutureRowState state;
	const gchar *rule;      /* why it is held; set by the caller; NULL */
	const gchar *withdrawn; /* why the publisher recalled it; set by the caller; NULL: it did not */
	const gchar *origin;    /* "tuf", "file", "rpm"; "" when not known */
	const gchar *signer;    /* subject of the manifest's signer; "" until it was verified */
	const SutureManifest *manifest; /* NULL: foreign */
	const gchar *manifest_sha256;   /* "" when foreign */
	const SutureStackEntry *entry;  /* NULL: not in the kernel */
	const SutureStored *stored;     /* NULL: in no store */
	SutureReceipt *receipt;         /* owned; of an installed one; NULL */
} SutureStatusRow;

/* The kernel's stack against what is installed. Rows borrow from the rest. */
typedef struct {
	SutureLivepatch *livepatch; /* there may be no provider */
	SutureLiveStack *stack;
	GPtrArray *pinned; /* gchar*: modules of patches that are off, loaded until the next boot */
	GPtrArray *stored; /* SutureStored* */
	GPtrArray *faults; /* SutureStoredFault* */
	GPtrArray *rows;   /* SutureStatusRow*: the stack top first, then the others by id */
	SutureEnforcement enforcement;
} SutureStatus;
void suture_status_free(SutureStatus *status);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureStatus, suture_status_free)

/*
 * Reads everything, changes nothing, verifies nothing. @timeout: seconds after which a transition counts as
 * stalled; @now: seconds since the epoch. A kernel without livepatch is no error: its stack is empty.
 */
SutureStatus *suture_status_read(const gchar *root, const gchar *boot_id, const gchar *release, guint timeout,
				 gint64 now, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Adds a fault, MODULE-BUILD, for each module that a patch in the kernel patches and that was loaded in
 * another build meanwhile: the kernel does not ask. */
void suture_status_check_builds(SutureStatus *status);

/* Vulnerabilities that the patches which are live fix, sorted, each once. const gchar*, borrowed. */
GPtrArray *suture_status_fixed(const SutureStatus *status);

/* Ids of our patches that are fully live, bottom first; NULL-terminated, borrowed strings in a new array
 * (free with g_free). */
const gchar **suture_status_live_ids(const SutureStatus *status);
