// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/bundle-file.h"

#include "cli/policy-load.h"
#include "common/file.h"
#include "common/lock.h"
#include "fetcher/client/fetch.h"
#include "packager/read/store.h"
#include "policy/policy.h"

#include <fcntl.h>

static gboolean record(SutureSession *session, const gchar *name, const gchar *path,
		       const SutureBundle *bundle, const GError *cause, GError **error)
{
	g_autofree gchar *file = g_path_get_basename(path);
	const SutureEvent event = {
		.event = name,
		.bundle = file,
		.manifest_sha256 = bundle ? bundle->manifest_sha256 : NULL,
		.package_sha256 = bundle ? bundle->receipt->package_sha256 : NULL,
		.reason = cause ? suture_error_reason(cause) : "ok",
		.detail = cause ? cause->message : "given as a file",
	};

	return suture_session_record(&event, session, error);
}

static gboolean check_policy(const SutureContext *context, const gchar *path, GError **error)
{
	g_autoptr(SuturePolicy) policy = suture_policy_load(context, error);

	if (!policy)
		return FALSE;
	if (!policy->require_tuf)
		return TRUE;
	g_set_error(error, SUTURE_POLICY_ERROR, SUTURE_POLICY_ERROR_REFUSED,
		    "%s: held by rule 'require-tuf': this host takes bundles from the repository alone; use "
		    "'suture fetch'",
		    path);
	return FALSE;
}

static SutureBundle *verify(const SutureContext *context, SutureSession *session, const SutureTrust *trust,
			    const gchar *path, GError **error)
{
	SUTURE_AUTO_FD fd = suture_file_open(path, O_RDONLY, error);
	g_autoptr(SutureBundle) bundle = NULL;

	if (fd < 0)
		return NULL;
	bundle = suture_bundle_verify(fd, path, trust, NULL, suture_session_kernel(session),
				      g_get_real_time() / G_USEC_PER_SEC, NULL, error);
	return bundle && check_policy(context, path, error) ? g_steal_pointer(&bundle) : NULL;
}

/* The fetched store is the fetcher's too. */
static gboolean store(const SutureContext *context, const SutureBundle *bundle, GError **error)
{
	g_autofree gchar *path = suture_context_path(context, SUTURE_FETCH_LOCK);
	SUTURE_AUTO_FD lock = suture_lock_take(path, TRUE, error);

	return lock >= 0 && suture_store_add(context->root, bundle, error);
}

gchar *suture_bundle_file_add(const SutureContext *context, SutureSession *session, const SutureTrust *trust,
			      const gchar *path, GError **error)
{
	g_autoptr(GError) cause = NULL;
	g_autoptr(SutureBundle) bundle = verify(context, session, trust, path, &cause);

	if (!record(session, bundle ? "verify" : "refuse", path, bundle, cause, error))
		return NULL;
	if (!bundle) {
		g_propagate_error(error, g_steal_pointer(&cause));
		return NULL;
	}
	g_free(bundle->receipt->origin);
	bundle->receipt->origin = g_strdup("file");
	if (!store(context, bundle, error) || !record(session, "accept", path, bundle, NULL, error))
		return NULL;
	return suture_patch_id(&bundle->manifest->patch);
}
