/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli/fetch-config.h"
#include "cli/session.h"
#include "fetcher/client/fetch.h"
#include "policy/policy.h"

/* What fetch, check and update have in common: the repository, seen through this host's configuration and
 * policy. */
typedef struct {
	GStrv urls;        /* instead of suture.conf's; NULL: these */
	gchar *proxy;      /* instead of suture.conf's; NULL: this */
	const gchar *name; /* only bundles whose name or id matches; NULL: all */
	gboolean dry_run;
} SutureFetchCommand;
void suture_fetch_command_clear(SutureFetchCommand *command);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SutureFetchCommand, suture_fetch_command_clear)

/* --url, --proxy; to be added to a command's options. */
GOptionGroup *suture_fetch_command_options(SutureFetchCommand *command);

/*
 * One run of suture_fetch_run() for @kernels (SutureKernel*), recorded in @session. Mirrors that were of no
 * use are told on standard error. COMMON-CONFIG without a repository; the fault of an entitlement that is of
 * no use.
 */
SutureFetchReport *suture_fetch_command_run(const SutureContext *context, const SutureFetchCommand *command,
					    SutureSession *session, GPtrArray *kernels,
					    GError **error) G_GNUC_WARN_UNUSED_RESULT;
