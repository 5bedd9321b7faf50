// SPDX-License-Identifier: LGPL-2.1-or-later
/* What a repository holds, and what of it waits to be published. */
#include "fetcher/repo/anchors.h"
#include "fetcher/repo/deploy.h"
#include "fetcher/repo/kernels.h"
#include "fetcher/repo/staged.h"
#include "fetcher/repo/step.h"

#define DAY ((gint64)24 * 60 * 60)

static json_t *offered_targets(const SutureRepoDocument *document)
{
	return document ? json_object_get(document->signed_, "targets") : NULL;
}

static gboolean offers(const SutureRepoDocument *document, const SutureRepoBundle *bundle)
{
	g_autofree gchar *path = suture_repo_bundle_target_path(bundle);
	SUTURE_AUTO_JSON *entry = suture_repo_target(bundle->length, bundle->sha256, bundle->custom);

	return json_equal(json_object_get(offered_targets(document), path), entry);
}

GPtrArray *suture_repo_kernel_list(SutureRepo *repo, GError **error)
{
	return suture_repo_kernels(repo, error);
}

/* *@ret_document: of the kernel's role, NULL when there is none. */
static GPtrArray *list(SutureRepo *repo, const gchar *kernel, SutureRepoDocument **ret_document,
		       GError **error)
{
	g_autoptr(GPtrArray) bundles = suture_repo_shelf_list(repo->shelf, kernel, error);

	if (!bundles ||
	    !suture_repo_master_load(repo->kernels, kernel, SUTURE_REPO_TARGETS, ret_document, error))
		return NULL;
	for (guint i = 0; i < bundles->len; i++) {
		SutureRepoBundle *bundle = bundles->pdata[i];

		bundle->offered = *ret_document && offers(*ret_document, bundle);
	}
	return g_steal_pointer(&bundles);
}

GPtrArray *suture_repo_list(SutureRepo *repo, const gchar *kernel, GError **error)
{
	g_autoptr(SutureRepoDocument) document = NULL;

	return list(repo, kernel, &document, error);
}

static gboolean count_marked(SutureRepo *repo, const gchar *kernel, SutureRepoStatus *status, GError **error)
{
	g_autoptr(SutureRepoDocument) document = NULL;
	g_autoptr(GPtrArray) bundles = list(repo, kernel, &document, error);
	guint offered = 0, before = (guint)json_object_size(offered_targets(document));

	if (!bundles)
		return FALSE;
	for (guint i = 0; i < bundles->len; i++)
		offered += ((SutureRepoBundle *)bundles->pdata[i])->offered;
	status->bundles += bundles->len - before;
	status->added += bundles->len - offered;
	status->removed += before - offered;
	return TRUE;
}

static gboolean count_bundles(SutureRepo *repo, SutureRepoStatus *status, GError **error)
{
	SUTURE_AUTO_JSON *index = suture_repo_index_load(repo, error);
	g_autoptr(GPtrArray) marked = index ? suture_repo_marked(repo, error) : NULL;
	g_autoptr(GPtrArray) kernels = marked ? suture_repo_kernels(repo, error) : NULL;
	const gchar *release;
	json_t *entry;

	if (!kernels)
		return FALSE;
	status->kernels = kernels->len;
	json_object_foreach (index, release, entry) {
		gint64 expires = json_integer_value(json_object_get(entry, "expires"));

		status->bundles += (guint)json_integer_value(json_object_get(entry, "bundles"));
		if (!status->kernels_expire || expires < status->kernels_expire)
			status->kernels_expire = expires;
	}
	for (guint i = 0; i < marked->len; i++)
		if (!count_marked(repo, marked->pdata[i], status, error))
			return FALSE;
	status->settled = marked->len == 0;
	return TRUE;
}

/* Whether top-level targets say what the trust folder, the delegations and the kernels ask for. */
static gboolean targets_say(SutureRepo *repo, const SutureRepoDocument *document, gboolean *ret,
			    GError **error)
{
	SutureRepoAuthority authority = suture_repo_root_authority(repo->root->signed_, SUTURE_REPO_TARGETS);
	SUTURE_AUTO_JSON *index = suture_repo_index_load(repo, error);
	SUTURE_AUTO_JSON *delegations = index ? suture_repo_delegations_load(repo, error) : NULL;
	g_autoptr(GPtrArray) kernels = delegations ? suture_repo_kernels(repo, error) : NULL;
	json_t *targets = json_object();
	SUTURE_AUTO_JSON *body = json_pack("{s:o}", "targets", targets);

	if (!kernels || !suture_repo_anchors_add(repo, targets, error))
		return FALSE;
	for (guint i = kernels->len; i-- > 0;)
		if (!json_object_get(index, kernels->pdata[i]))
			g_ptr_array_remove_index(kernels, i);
	json_object_set_new(body, "delegations", suture_repo_delegations_body(repo, delegations, kernels));
	*ret = document && suture_repo_says(document, body) &&
	       suture_repo_document_signed_by(document, &authority);
	return TRUE;
}

static gboolean read_role(SutureRepo *repo, SutureRepoRole role, SutureRepoStatus *status, GError **error)
{
	g_autoptr(SutureRepoDocument) document = NULL;
	gboolean right = TRUE;

	if (!suture_repo_master_load(repo->metadata, suture_repo_role_name(role), role, &document, error) ||
	    (role == SUTURE_REPO_TARGETS && !targets_say(repo, document, &right, error)))
		return FALSE;
	if (document)
		status->roles[role] = (SutureRepoRoleState){document->version, document->expires};
	status->settled = status->settled && right && document;
	return TRUE;
}

gboolean suture_repo_status(SutureRepo *repo, SutureRepoStatus *ret, GError **error)
{
	SutureRepoStatus status = {.roles[SUTURE_REPO_ROOT] = {repo->root->version, repo->root->expires}};
	g_autoptr(GPtrArray) staged = suture_repo_names(repo->staged, FALSE, error);

	if (!staged || !count_bundles(repo, &status, error))
		return FALSE;
	status.staged = staged->len;
	for (guint role = SUTURE_REPO_TARGETS; role < SUTURE_REPO_N_ROLES; role++)
		if (!read_role(repo, role, &status, error))
			return FALSE;
	status.settled = status.settled && suture_repo_same_file(repo->metadata, "timestamp.json",
								 repo->public, "metadata/timestamp.json");
	*ret = status;
	return TRUE;
}

static gboolean check_life(const gchar *role, gint64 expires, guint days, gint64 now, GError **error)
{
	g_autofree gchar *end = suture_repo_time(expires);

	if (expires == 0 || expires - now >= (gint64)days * DAY / 3)
		return TRUE;
	g_set_error(error, SUTURE_REPO_ERROR, SUTURE_REPO_ERROR_EXPIRING,
		    "%s: its metadata ends at %s; run 'suture repo publish', or 'stage' and 'sign' where its "
		    "keys are "
		    "elsewhere",
		    role, end);
	return FALSE;
}

gboolean suture_repo_status_check(const SutureRepo *repo, const SutureRepoStatus *status, gint64 now,
				  GError **error)
{
	const SutureRepoSettings *settings = repo->settings;

	for (guint i = 0; i < SUTURE_REPO_N_ROLES; i++)
		if (!check_life(suture_repo_role_name(i), status->roles[i].expires,
				settings->roles[i].expiry_days, now, error))
			return FALSE;
	return check_life("a kernel's role", status->kernels_expire, settings->kernels.expiry_days, now,
			  error);
}
