/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "applier/error.h"
#include "packager/read/store.h"

/*
 * Copies of what is live, /var/lib/suture/live/<boot-id>/<id>/ with manifest.json, manifest.json.p7s and
 * receipt.json: written before a patch is loaded and removed after it is reverted, so that no upgrade or
 * removal of a package touches what is known of a live patch.
 */
typedef struct {
	gchar *id;
	SutureManifest *manifest;
	gchar *manifest_sha256;
	SutureReceipt *receipt;
	gchar *replaced_by; /* id of the cumulative patch that took its place; NULL while it is in the stack
			     */
	gchar *pending; /* SUTURE_LIVE_APPLY or _REVERT: begun, and its end is not in the ledger yet; NULL */
	gint64 written; /* seconds since the epoch */
} SutureLiveCopy;
void suture_live_copy_free(SutureLiveCopy *copy);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureLiveCopy, suture_live_copy_free)

#define SUTURE_LIVE_APPLY "apply"
#define SUTURE_LIVE_REVERT "revert"

/* Writes the copy of @stored, whole or not at all, SUTURE_LIVE_APPLY pending; one that is there is replaced.
 */
gboolean suture_live_write(const gchar *root, const gchar *boot_id, const SutureStored *stored,
			   const SutureReceipt *receipt, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Notes that the cumulative patch @by took the place of @id. */
gboolean suture_live_set_replaced(const gchar *root, const gchar *boot_id, const gchar *id, const gchar *by,
				  GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Notes durably what is about to be done with @id, or (NULL) that its end is in the ledger. */
gboolean suture_live_set_pending(const gchar *root, const gchar *boot_id, const gchar *id,
				 const gchar *action, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Whole or not at all. Absent is success. */
gboolean suture_live_drop(const gchar *root, const gchar *boot_id, const gchar *id,
			  GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * All copies of this boot, by id: SutureLiveCopy*. Those that cannot be read go to @faults
 * (SutureStoredFault*, LIVE-COPY).
 */
GPtrArray *suture_live_load(const gchar *root, const gchar *boot_id, GPtrArray *faults);

/* Removes the copies of other boots. */
gboolean suture_live_prune(const gchar *root, const gchar *boot_id, GError **error) G_GNUC_WARN_UNUSED_RESULT;
