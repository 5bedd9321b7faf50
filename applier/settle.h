/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "applier/apply.h"

/*
 * Brings the ledger up to what the kernel has, where a crash came between the two: a patch of ours that
 * became live gets its "apply" once its functions were compared, one that went its "revert", one whose place
 * a cumulative patch took its "revert" with the reason "replaced"; the details say that they come late.
 * FUNCTIONS for a live patch that is not what its manifest says: it is recorded as refused and must be
 * reverted.
 */
gboolean suture_settle(const SutureApplyOptions *options, const SutureLivepatch *livepatch,
		       const SutureLiveStack *stack, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Records that the cumulative patch @by took the place of the one that @copy is of, and notes it there. */
gboolean suture_settle_replaced(const SutureApplyOptions *options, const SutureLiveCopy *copy,
				const gchar *by, GError **error) G_GNUC_WARN_UNUSED_RESULT;
