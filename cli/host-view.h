/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "applier/status.h"
#include "cli/command.h"
#include "policy/policy.h"

/* This host as apply, list, status and policy see it: the stack, the stores, and what policy says to each
 * patch. */
typedef struct {
	SutureKernel kernel;
	gchar *boot_id;
	guint timeout; /* seconds for one transition */
	SutureStatus *status;
	SuturePolicy *policy;  /* NULL: it could not be read */
	GError *no_policy;     /* why it could not; NULL when there is one */
	GPtrArray *recalls;    /* SutureRecall*, for this kernel */
	GPtrArray *candidates; /* SutureCandidate*; data: its SutureStatusRow */
	GPtrArray *decisions;  /* SutureDecision*, in the candidates' order; NULL without policy */
} SutureHostView;
void suture_host_view_free(SutureHostView *view);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureHostView, suture_host_view_free)

/* @timeout: seconds, or 0 for transition-timeout of suture.conf's [apply]. */
SutureHostView *suture_host_view_new(const SutureContext *context, guint timeout,
				     GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* For callers that go by policy: the error of reading it. */
gboolean suture_host_view_require_policy(const SutureHostView *view,
					 GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Names of the vulnerabilities that @manifest fixes, with @separator between; "" for NULL. Newly allocated.
 */
gchar *suture_fixed_text(const SutureManifest *manifest, const gchar *separator);
/* --timeout's value: NULL (not given: *@ret is 0) or 1 to SUTURE_TRANSITION_TIMEOUT_MAX, else an option
 * error. */
gboolean suture_timeout_parse(const gchar *text, guint *ret, GError **error) G_GNUC_WARN_UNUSED_RESULT;
