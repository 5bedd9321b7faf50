/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli/host-view.h"
#include "packager/read/bundle.h"
#include "packager/read/store.h"

/* What `suture policy explain` looks at: a kernel, its candidates, and what policy says to them. */
typedef struct {
	SutureKernel kernel;
	SuturePolicy *policy;
	SutureHostView *view;  /* of the running kernel; NULL for another one */
	GPtrArray *stored;     /* SutureStored*, of another kernel; NULL */
	GPtrArray *files;      /* SutureBundle* */
	GPtrArray *recalls;    /* SutureRecall*, for the kernel */
	GPtrArray *candidates; /* SutureCandidate*, owned */
	GPtrArray *decisions;  /* SutureDecision*, in the candidates' order */
} SuturePolicyField;
void suture_policy_field_free(SuturePolicyField *field);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SuturePolicyField, suture_policy_field_free)

/* This host: live patches and both stores. */
SuturePolicyField *suture_policy_field_of_host(const SutureContext *context,
					       GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Another kernel, of which nothing is live: both stores. Its architecture is this machine's when @kernel does
 * not say. */
SuturePolicyField *suture_policy_field_of_kernel(const SutureContext *context, const SutureKernel *kernel,
						 GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Adds the bundle file @path, once its signatures verify; one that is a candidate already is not added again.
 * *@ret_id gets its id. */
gboolean suture_policy_field_add_file(SuturePolicyField *field, const SutureContext *context,
				      const gchar *path, gchar **ret_id,
				      GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Fills @decisions. */
void suture_policy_field_decide(SuturePolicyField *field);

/* The stack as it would be, bottom first; see suture_policy_order(). */
GPtrArray *suture_policy_field_order(const SuturePolicyField *field,
				     GError **error) G_GNUC_WARN_UNUSED_RESULT;
