// SPDX-License-Identifier: LGPL-2.1-or-later
/* What to sign and when: the roles' documents in state/metadata, brought up to date from the shelf, then
 * deployed. */
#include "fetcher/repo/repo-private.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static gchar *master_name(SutureRepoRole role)
{
	return g_strconcat(suture_repo_role_name(role), ".json", NULL);
}

gboolean suture_repo_master_load(const SutureRepo *repo, SutureRepoRole role, SutureRepoDocument **ret,
				 GError **error)
{
	g_autofree gchar *name = master_name(role);
	g_autoptr(GBytes) bytes = NULL;

	if (faccessat(repo->metadata, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
		return TRUE;
	bytes = suture_file_read_at(repo->metadata, name, SUTURE_REPO_METADATA_MAX_BYTES, error);
	*ret = bytes ? suture_repo_document_parse(bytes, role, name, error) : NULL;
	return *ret != NULL;
}

gboolean suture_repo_master_save(const SutureRepo *repo, SutureRepoRole role, GBytes *bytes, GError **error)
{
	g_autofree gchar *name = master_name(role);

	return suture_file_write_atomic(repo->metadata, name, bytes, 0644, error);
}

static json_t *target_entry(const SutureRepoBundle *bundle)
{
	return json_pack("{s:I, s:{s:s}, s:O}", "length", (json_int_t)bundle->length, "hashes", "sha256",
			 bundle->sha256, "custom", bundle->custom);
}

static json_t *targets_body(GPtrArray *bundles)
{
	json_t *targets = json_object();

	for (guint i = 0; i < bundles->len; i++) {
		g_autofree gchar *path = suture_repo_bundle_target_path(bundles->pdata[i]);

		json_object_set_new(targets, path, target_entry(bundles->pdata[i]));
	}
	return json_pack("{s:o}", "targets", targets);
}

/* Snapshot's and timestamp's body: what is the document below. */
static json_t *meta_body(const SutureRepoDocument *below, SutureRepoRole role)
{
	g_autofree gchar *name = master_name(role);

	return json_pack("{s:{s:o}}", "meta", name, suture_repo_document_meta(below));
}

static gboolean says(const SutureRepoDocument *document, json_t *body)
{
	const gchar *key;
	json_t *value;

	json_object_foreach (body, key, value)
		if (!json_equal(json_object_get(document->signed_, key), value))
			return FALSE;
	return TRUE;
}

static gint64 life_of(const SutureRepo *repo, SutureRepoRole role)
{
	return (gint64)repo->settings->roles[role].expiry_days * 24 * 60 * 60;
}

/* Signed by whom hosts trust now, with the content wanted. How long it still lives is another question. */
static gboolean is_right(const SutureRepo *repo, SutureRepoRole role, const SutureRepoDocument *document,
			 json_t *body)
{
	return document && says(document, body) &&
	       suture_repo_document_signed_by_role(document, repo->root->signed_, role);
}

static gboolean is_fresh(const SutureRepo *repo, SutureRepoRole role, const SutureRepoDocument *document,
			 const SutureRepoPublish *options)
{
	if (options->refresh && role != SUTURE_REPO_TARGETS)
		return FALSE;
	return document->expires - options->now > life_of(repo, role) / 2;
}

static SutureRepoDocument *sign_next(const SutureRepo *repo, SutureRepoRole role,
				     const SutureRepoDocument *current, json_t *body, gint64 now,
				     GError **error)
{
	const gchar *const *uris = (const gchar *const *)repo->settings->roles[role].keys;
	g_autoptr(GPtrArray) keys = suture_repo_keys_open(uris, error);
	gint64 version = current ? current->version + 1 : 1;
	SUTURE_AUTO_JSON *signed_ = suture_repo_signed_new(role, version, now + life_of(repo, role));
	g_autoptr(GBytes) bytes = NULL;

	if (!keys || !suture_repo_keys_check(repo->root->signed_, role, keys, error))
		return NULL;
	json_object_update(signed_, body);
	bytes = suture_repo_document(signed_, keys, error);
	if (!bytes || !suture_repo_master_save(repo, role, bytes, error))
		return NULL;
	return suture_repo_document_parse(bytes, role, suture_repo_role_name(role), error);
}

/*
 * The document of @role that says @body: the one there is, or the next version. It is saved before anything
 * is public, so that a version number is never used for two contents, whatever happens after.
 */
static SutureRepoDocument *bring_up_to_date(const SutureRepo *repo, SutureRepoRole role, json_t *body,
					    const SutureRepoPublish *options, GError **error)
{
	g_autoptr(SutureRepoDocument) current = NULL, next = NULL;
	g_autoptr(GError) cause = NULL;
	gboolean right;

	if (!suture_repo_master_load(repo, role, &current, error))
		return NULL;
	right = is_right(repo, role, current, body);
	if (right && is_fresh(repo, role, current, options))
		return g_steal_pointer(&current);
	next = sign_next(repo, role, current, body, options->now, &cause);
	if (next)
		return g_steal_pointer(&next);
	/* Keys of targets are offline most days: that must not keep timestamp from being signed. */
	if (right && role == SUTURE_REPO_TARGETS && current->expires > options->now) {
		g_message("targets metadata ends in %" G_GINT64_FORMAT " days and was not signed anew: %s",
			  (current->expires - options->now) / (24 * 60 * 60), cause->message);
		return g_steal_pointer(&current);
	}
	g_propagate_error(error, g_steal_pointer(&cause));
	return NULL;
}

static gboolean sign_all(const SutureRepo *repo, GPtrArray *bundles, const SutureRepoPublish *options,
			 GError **error)
{
	SUTURE_AUTO_JSON *offered = targets_body(bundles);
	g_autoptr(SutureRepoDocument) targets =
		bring_up_to_date(repo, SUTURE_REPO_TARGETS, offered, options, error);
	SUTURE_AUTO_JSON *listed = targets ? meta_body(targets, SUTURE_REPO_TARGETS) : NULL;
	g_autoptr(SutureRepoDocument) snapshot =
		listed ? bring_up_to_date(repo, SUTURE_REPO_SNAPSHOT, listed, options, error) : NULL;
	SUTURE_AUTO_JSON *dated = snapshot ? meta_body(snapshot, SUTURE_REPO_SNAPSHOT) : NULL;
	g_autoptr(SutureRepoDocument) timestamp =
		dated ? bring_up_to_date(repo, SUTURE_REPO_TIMESTAMP, dated, options, error) : NULL;

	return timestamp != NULL;
}

gboolean suture_repo_signed_up(const SutureRepo *repo, GPtrArray *bundles, gboolean *ret, GError **error)
{
	SUTURE_AUTO_JSON *body = targets_body(bundles);
	gboolean right = TRUE;

	for (guint role = SUTURE_REPO_TARGETS; role < SUTURE_REPO_N_ROLES; role++) {
		g_autoptr(SutureRepoDocument) document = NULL;

		if (!suture_repo_master_load(repo, role, &document, error))
			return FALSE;
		right = right && is_right(repo, role, document, body);
		if (right) {
			json_decref(body);
			body = meta_body(document, role);
		}
	}
	*ret = right;
	return TRUE;
}

static gboolean root_lives(const SutureRepo *repo, gint64 now, GError **error)
{
	g_autofree gchar *expired = NULL;

	if (repo->root->expires > now)
		return TRUE;
	expired = suture_repo_time(repo->root->expires);
	g_set_error(error, SUTURE_REPO_ERROR, SUTURE_REPO_ERROR_EXPIRY,
		    "%s: root metadata version %" G_GINT64_FORMAT
		    " expired at %s and hosts would accept nothing; sign the next with 'suture repo rotate'",
		    repo->folder, repo->root->version, expired);
	return FALSE;
}

gboolean suture_repo_publish(SutureRepo *repo, const SutureRepoPublish *options, gboolean *ret_changed,
			     GError **error)
{
	g_autoptr(GPtrArray) bundles =
		root_lives(repo, options->now, error) ? suture_repo_shelf_list(repo->shelf, error) : NULL;

	return bundles && suture_repo_repodata_update(repo, bundles, options->metadata_time, error) &&
	       sign_all(repo, bundles, options, error) &&
	       suture_repo_deploy(repo, bundles, ret_changed, error);
}

static json_t *offered_targets(const SutureRepoDocument *document)
{
	return document ? json_object_get(document->signed_, "targets") : NULL;
}

static gboolean offers(const SutureRepoDocument *document, const SutureRepoBundle *bundle)
{
	g_autofree gchar *path = suture_repo_bundle_target_path(bundle);
	SUTURE_AUTO_JSON *entry = target_entry(bundle);

	return document && json_equal(json_object_get(offered_targets(document), path), entry);
}

GPtrArray *suture_repo_list(SutureRepo *repo, GError **error)
{
	g_autoptr(GPtrArray) bundles = suture_repo_shelf_list(repo->shelf, error);
	g_autoptr(SutureRepoDocument) targets = NULL;

	if (!bundles || !suture_repo_master_load(repo, SUTURE_REPO_TARGETS, &targets, error))
		return NULL;
	for (guint i = 0; i < bundles->len; i++) {
		SutureRepoBundle *bundle = bundles->pdata[i];

		bundle->offered = offers(targets, bundle);
	}
	return g_steal_pointer(&bundles);
}

static void count_bundles(GPtrArray *bundles, const SutureRepoDocument *targets, SutureRepoStatus *status)
{
	guint offered = 0;

	for (guint i = 0; i < bundles->len; i++)
		offered += ((SutureRepoBundle *)bundles->pdata[i])->offered;
	status->bundles = bundles->len;
	status->added = bundles->len - offered;
	status->removed = (guint)json_object_size(offered_targets(targets)) - offered;
}

gboolean suture_repo_status(SutureRepo *repo, SutureRepoStatus *ret, GError **error)
{
	g_autoptr(GPtrArray) bundles = suture_repo_list(repo, error);
	SutureRepoStatus status = {.roles[SUTURE_REPO_ROOT] = {repo->root->version, repo->root->expires}};

	if (!bundles)
		return FALSE;
	for (guint role = SUTURE_REPO_TARGETS; role < SUTURE_REPO_N_ROLES; role++) {
		g_autoptr(SutureRepoDocument) document = NULL;

		if (!suture_repo_master_load(repo, role, &document, error))
			return FALSE;
		if (document)
			status.roles[role] = (SutureRepoRoleState){document->version, document->expires};
		if (role == SUTURE_REPO_TARGETS)
			count_bundles(bundles, document, &status);
	}
	if (!suture_repo_signed_up(repo, bundles, &status.settled, error))
		return FALSE;
	status.settled = status.settled && suture_repo_same_file(repo->metadata, "timestamp.json",
								 repo->public, "metadata/timestamp.json");
	*ret = status;
	return TRUE;
}
