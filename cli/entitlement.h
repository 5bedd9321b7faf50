/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli/command.h"
#include "signer/verify/entitlement.h"
#include "spec/json.h"

/* Where `suture subscribe` puts certificate and key, mode 0600. */
#define SUTURE_ENTITLEMENT_PATH "/etc/suture/entitlement.pem"

/* What this host has; all NULL when it has none. */
typedef struct {
	gchar *path; /* of the file, below the root */
	SutureEntitlement *entitlement;
	GError *fault; /* why there is a file and no entitlement, or why it is of no use */
	gint64 days_left;
} SutureHostEntitlement;
void suture_host_entitlement_clear(SutureHostEntitlement *host);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SutureHostEntitlement, suture_host_entitlement_clear)

/* What entitlements are judged at: the local clock, or the floor that repository metadata gave it where it is
 * behind that. */
gint64 suture_host_entitlement_now(const SutureContext *context);

/*
 * Reads what is at SUTURE_ENTITLEMENT_PATH and judges it: a fault is what parsing says,
 * ENTITLEMENT-MODE, -EARLY, -EXPIRED, or -EXPIRING when less than entitlement-warn-days of suture.conf are
 * left.
 */
void suture_host_entitlement_read(const SutureContext *context, SutureHostEntitlement *ret);

/* Whether nothing can be downloaded with it: a fault other than EXPIRING. */
gboolean suture_host_entitlement_is_useless(const SutureHostEntitlement *host);

/*
 * The client certificate for @url, before anything is asked for: @configured if there is one, else this
 * host's entitlement; *@ret is NULL where neither is, and for what is not https. The fault of an entitlement
 * that is of no use, EARLY or EXPIRED of a configured one; EXPIRING is logged.
 */
gboolean suture_host_entitlement_choose(const SutureContext *context, const gchar *url,
					const gchar *configured, gchar **ret,
					GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Members serial, customer, channels, not_before, not_after, days_left; new reference. */
json_t *suture_host_entitlement_json(const SutureEntitlement *entitlement, gint64 days_left);
