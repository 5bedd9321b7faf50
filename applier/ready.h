/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "applier/apply.h"

/* A bundle that passed every check that can be made before loading. Private to applier/. */
typedef struct {
	const SutureStored *stored; /* borrowed */
	SutureReceipt *receipt;
	gboolean receipt_is_new; /* written by us at suture_ready_accept() */
	GPtrArray *modules;      /* sealed descriptors, as suture_stored_verify() returns them */
} SutureReady;
void suture_ready_free(SutureReady *ready);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureReady, suture_ready_free)

/*
 * At rest: signature, digests, module signatures; certificate time at options->now unless a receipt says that
 * it was judged before. Then the kernel match, the provider (the framework may be yet to load), the builds of
 * the modules that it patches, its own modules' dependencies and keys.
 */
SutureReady *suture_ready_new(const SutureApplyOptions *options, const SutureLivepatch *livepatch,
			      const SutureStored *stored, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Saves a new receipt (origin "rpm"), so that certificate time is not judged again. */
gboolean suture_ready_accept(const SutureApplyOptions *options, const SutureReady *ready,
			     GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Reports one event about @stored; @receipt NULL allowed, @cause NULL: reason "ok". Shared by applier/. */
gboolean suture_apply_record(const SutureApplyOptions *options, const gchar *event, const gchar *id,
			     const gchar *manifest_sha256, const SutureReceipt *receipt, const GError *cause,
			     const gchar *detail, GError **error) G_GNUC_WARN_UNUSED_RESULT;
