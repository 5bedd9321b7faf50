/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli/command.h"
#include "policy/policy.h"
#include "spec/json.h"
#include "spec/refresh.h"

/* What this host last heard of its repository; refresh NULL when it never refreshed. */
typedef struct {
	SutureRefresh *refresh;
	gint64 now; /* the local clock, or the floor that the repository's word gives it */
	guint warn_days, max_stale;
	GError *fault; /* refresh.json cannot be read; or METADATA-ENDED or METADATA-EXPIRING, of the role
			  that is worst */
} SutureHostRepository;
void suture_host_repository_clear(SutureHostRepository *host);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SutureHostRepository, suture_host_repository_clear)

/* Reads and judges it at @local, what the local clock says. @policy may be NULL: its defaults. */
void suture_host_repository_read(const SutureContext *context, const SuturePolicy *policy, gint64 local,
				 SutureHostRepository *ret);

/* Members url, refreshed, failed, reason, message and roles; null without a refresh. New reference. */
json_t *suture_host_repository_json(const SutureHostRepository *host);

/* The same as lines of `suture status`. */
void suture_host_repository_print(const SutureHostRepository *host);
