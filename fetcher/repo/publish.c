// SPDX-License-Identifier: LGPL-2.1-or-later
/* What to sign and when: the documents of the kernels that changed, then those above them. */
#include "common/cancel.h"
#include "fetcher/repo/anchors.h"
#include "fetcher/repo/deploy.h"
#include "fetcher/repo/kernels.h"
#include "fetcher/repo/repodata.h"
#include "fetcher/repo/step.h"
#include "fetcher/repo/withdrawn.h"

#include <fcntl.h>
#include <unistd.h>

#define DAY ((gint64)24 * 60 * 60)

/* A kernel that is looked at. A publish can be of all, so what is big is not kept here. */
typedef struct {
	gchar *release;
	SutureRepoStep *step; /* packed */
	json_t *entry;        /* of the index, once it is saved */
} Kernel;

static void kernel_free(gpointer data)
{
	Kernel *kernel = data;

	g_free(kernel->release);
	g_clear_pointer(&kernel->step, suture_repo_step_free);
	suture_json_clear(&kernel->entry);
	g_free(kernel);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Kernel, kernel_free)

/* One publish. */
typedef struct {
	SutureRepo *repo;
	const SutureRepoPublish *options;
	json_t *index, *delegations;
	GPtrArray *releases; /* gchar*, of the kernels that are looked at */
	GPtrArray *kernels;  /* Kernel* */
	SutureRepoStep *targets;
} Publish;

static void publish_clear(Publish *publish)
{
	suture_json_clear(&publish->index);
	suture_json_clear(&publish->delegations);
	g_clear_pointer(&publish->releases, g_ptr_array_unref);
	g_clear_pointer(&publish->kernels, g_ptr_array_unref);
	g_clear_pointer(&publish->targets, suture_repo_step_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Publish, publish_clear)

static gint64 life_of(const SutureRoleSettings *settings)
{
	return settings->expiry_days * DAY;
}

static SutureRepoWish wish_of(const SutureRepo *repo, SutureRepoRole role,
			      const SutureRepoAuthority *authority, gint64 now)
{
	return (SutureRepoWish){
		.authority = authority,
		.type = role,
		.folder = repo->metadata,
		.uris = (const gchar *const *)repo->settings->roles[role].keys,
		.life = life_of(&repo->settings->roles[role]),
		.now = now,
	};
}

/* *@ret_bundles: how many bundles it lists. */
static json_t *kernel_body(const SutureRepo *repo, const gchar *release, guint *ret_bundles, GError **error)
{
	SUTURE_AUTO_JSON *withdrawn = suture_repo_withdrawn_load(repo, release, error);
	g_autoptr(GPtrArray) bundles = withdrawn ? suture_repo_shelf_list(repo->shelf, release, error) : NULL;
	json_t *targets, *body;

	if (!bundles)
		return NULL;
	targets = json_object();
	for (guint i = 0; i < bundles->len; i++) {
		const SutureRepoBundle *bundle = bundles->pdata[i];
		g_autofree gchar *path = suture_repo_bundle_target_path(bundle);

		json_object_set_new(targets, path,
				    suture_repo_target(bundle->length, bundle->sha256, bundle->custom));
	}
	body = json_pack("{s:o}", "targets", targets);
	if (json_array_size(withdrawn) > 0)
		json_object_set(body, "x-suture-withdrawn", withdrawn);
	*ret_bundles = bundles->len;
	return body;
}

static SutureRepoWish kernel_wish(const Publish *publish, const SutureRepoAuthority *authority)
{
	const SutureRepo *repo = publish->repo;
	SutureRepoWish wish = wish_of(repo, SUTURE_REPO_TARGETS, authority, publish->options->now);

	wish.folder = repo->kernels;
	wish.life = life_of(&repo->settings->kernels);
	if (repo->settings->kernels.keys)
		wish.uris = (const gchar *const *)repo->settings->kernels.keys;
	return wish;
}

static gboolean prepare_kernel(Publish *publish, const gchar *release, GError **error)
{
	SutureRepo *repo = publish->repo;
	SutureRepoAuthority authority = suture_repo_kernel_authority(repo, publish->delegations, release);
	SutureRepoWish wish = kernel_wish(publish, &authority);
	g_autoptr(Kernel) kernel = g_new0(Kernel, 1);
	SUTURE_AUTO_JSON *body = NULL;
	guint bundles = 0;

	kernel->release = g_strdup(release);
	body = suture_cancel_check(error) ? kernel_body(repo, release, &bundles, error) : NULL;
	if (!body)
		return FALSE;
	/* What was added and taken out again before any publish. */
	if (bundles == 0 && !json_object_get(publish->index, release))
		return TRUE;
	kernel->step = suture_repo_step_prepare(repo, &wish, body, error);
	if (!kernel->step)
		return FALSE;
	kernel->entry = suture_repo_index_entry(
		kernel->step->next ? kernel->step->next : kernel->step->current, &authority);
	suture_repo_step_pack(kernel->step);
	g_ptr_array_add(publish->kernels, g_steal_pointer(&kernel));
	return TRUE;
}

/* Whether the role of a kernel that nothing was changed of has to be signed anew all the same. */
static gboolean is_due(const Publish *publish, const gchar *release, json_t *entry)
{
	SutureRepoAuthority authority =
		suture_repo_kernel_authority(publish->repo, publish->delegations, release);
	g_autofree gchar *digest = suture_repo_authority_digest(&authority);
	gint64 expires = json_integer_value(json_object_get(entry, "expires"));
	const gchar *before = json_string_value(json_object_get(entry, "authority"));

	return g_strcmp0(digest, before) != 0 ||
	       expires - publish->options->now <= life_of(&publish->repo->settings->kernels) / 2;
}

static gboolean is_in(GPtrArray *names, const gchar *name)
{
	return g_ptr_array_find_with_equal_func(names, name, g_str_equal, NULL);
}

/* Those that were asked for: what waits for others' signatures goes on waiting. */
static gboolean choose_named(Publish *publish, GError **error)
{
	g_autoptr(GPtrArray) known = suture_repo_kernels(publish->repo, error);

	if (!known)
		return FALSE;
	publish->releases = g_ptr_array_new_with_free_func(g_free);
	for (const gchar *const *name = publish->options->kernels; *name; name++) {
		if (!is_in(known, *name)) {
			g_set_error(error, SUTURE_REPO_ERROR, SUTURE_REPO_ERROR_UNKNOWN,
				    "%s: no kernel of this repository; 'suture repo list' shows them", *name);
			return FALSE;
		}
		g_ptr_array_add(publish->releases, g_strdup(*name));
	}
	return TRUE;
}

static gboolean choose_kernels(Publish *publish, GError **error)
{
	const gchar *release;
	json_t *entry;

	if (publish->options->kernels)
		return choose_named(publish, error);
	publish->releases = publish->options->all ? suture_repo_kernels(publish->repo, error)
						  : suture_repo_marked(publish->repo, error);
	if (!publish->releases)
		return FALSE;
	json_object_foreach (publish->index, release, entry)
		if (!is_in(publish->releases, release) && is_due(publish, release, entry))
			g_ptr_array_add(publish->releases, g_strdup(release));
	return TRUE;
}

static gint compare_names(gconstpointer a, gconstpointer b)
{
	return g_strcmp0(*(const gchar *const *)a, *(const gchar *const *)b);
}

/* Of the kernels with a role, those of this publish among them; borrowed names, sorted. */
static GPtrArray *roles_of(const Publish *publish)
{
	GPtrArray *names = g_ptr_array_new();
	const gchar *release;
	json_t *entry;

	json_object_foreach (publish->index, release, entry)
		g_ptr_array_add(names, (gpointer)release);
	for (guint i = 0; i < publish->kernels->len; i++) {
		const Kernel *kernel = publish->kernels->pdata[i];

		if (!json_object_get(publish->index, kernel->release))
			g_ptr_array_add(names, kernel->release);
	}
	g_ptr_array_sort(names, compare_names);
	return names;
}

static gboolean prepare_targets(Publish *publish, GError **error)
{
	SutureRepo *repo = publish->repo;
	SutureRepoAuthority authority = suture_repo_root_authority(repo->root->signed_, SUTURE_REPO_TARGETS);
	SutureRepoWish wish = wish_of(repo, SUTURE_REPO_TARGETS, &authority, publish->options->now);
	g_autoptr(GPtrArray) roles = roles_of(publish);
	json_t *targets = json_object();
	SUTURE_AUTO_JSON *body = json_pack("{s:o, s:o}", "targets", targets, "delegations",
					   suture_repo_delegations_body(repo, publish->delegations, roles));

	if (!suture_repo_anchors_add(repo, targets, error))
		return FALSE;
	publish->targets = suture_repo_step_prepare(repo, &wish, body, error);
	return publish->targets != NULL;
}

/* All that is below the snapshot. */
static gboolean prepare(Publish *publish, GError **error)
{
	publish->kernels = g_ptr_array_new_with_free_func(kernel_free);
	publish->index = suture_repo_index_load(publish->repo, error);
	publish->delegations = publish->index ? suture_repo_delegations_load(publish->repo, error) : NULL;
	if (!publish->delegations || !choose_kernels(publish, error))
		return FALSE;
	for (guint i = 0; i < publish->releases->len; i++)
		if (!prepare_kernel(publish, publish->releases->pdata[i], error))
			return FALSE;
	return prepare_targets(publish, error);
}

static gboolean check(const Publish *publish, GError **error)
{
	for (guint i = 0; i < publish->kernels->len; i++)
		if (!suture_repo_step_check(((Kernel *)publish->kernels->pdata[i])->step, error))
			return FALSE;
	return suture_repo_step_check(publish->targets, error);
}

static gboolean save_kernel(Publish *publish, Kernel *kernel, GError **error)
{
	SutureRepo *repo = publish->repo;
	g_autoptr(GPtrArray) bundles = suture_repo_shelf_list(repo->shelf, kernel->release, error);

	if (!bundles ||
	    !suture_repo_repodata_update(repo, kernel->release, bundles, publish->options->metadata_time,
					 error) ||
	    !suture_repo_step_save(repo, kernel->step, error))
		return FALSE;
	json_object_set(publish->index, kernel->release, kernel->entry);
	return TRUE;
}

static gboolean save(Publish *publish, GError **error)
{
	for (guint i = 0; i < publish->kernels->len; i++)
		if (!save_kernel(publish, publish->kernels->pdata[i], error))
			return FALSE;
	return suture_repo_step_save(publish->repo, publish->targets, error);
}

/* Also those that nobody changed: should this be cut short, the next publish has to put them in place. */
static gboolean mark_all(const Publish *publish, GError **error)
{
	for (guint i = 0; i < publish->releases->len; i++)
		if (!suture_repo_mark(publish->repo, publish->releases->pdata[i], error))
			return FALSE;
	return TRUE;
}

static json_t *snapshot_body(const Publish *publish)
{
	json_t *meta = json_object(), *entry;
	const gchar *release;

	json_object_foreach (publish->index, release, entry) {
		g_autofree gchar *name = g_strconcat(release, ".json", NULL);

		json_object_set_new(meta, name,
				    json_pack("{s:O}", "version", json_object_get(entry, "version")));
	}
	json_object_set_new(meta, "targets.json",
			    json_pack("{s:I}", "version", (json_int_t)publish->targets->current->version));
	return json_pack("{s:o}", "meta", meta);
}

/* Snapshot or timestamp, which are signed where they are published. */
static SutureRepoDocument *sign_online(const SutureRepo *repo, SutureRepoRole role, json_t *body,
				       gboolean renew, gint64 now, GError **error)
{
	SutureRepoAuthority authority = suture_repo_root_authority(repo->root->signed_, role);
	SutureRepoWish wish = wish_of(repo, role, &authority, now);
	g_autoptr(SutureRepoStep) step = NULL;

	wish.renew = renew;
	step = suture_repo_step_prepare(repo, &wish, body, error);
	if (!step || !suture_repo_step_check(step, error) || !suture_repo_step_save(repo, step, error))
		return NULL;
	return g_steal_pointer(&step->current);
}

static gboolean sign_timestamp(const SutureRepo *repo, const SutureRepoDocument *snapshot, gboolean renew,
			       gint64 now, GError **error)
{
	g_autofree gchar *issued = suture_repo_time(now);
	SUTURE_AUTO_JSON *body = json_pack("{s:{s:o}, s:s}", "meta", "snapshot.json",
					   suture_repo_document_meta(snapshot), "x-suture-issued", issued);
	g_autoptr(SutureRepoDocument) timestamp =
		sign_online(repo, SUTURE_REPO_TIMESTAMP, body, renew, now, error);

	return timestamp != NULL;
}

static gboolean sign_top(Publish *publish, GError **error)
{
	const SutureRepoPublish *options = publish->options;
	SUTURE_AUTO_JSON *body = snapshot_body(publish);
	g_autoptr(SutureRepoDocument) snapshot =
		sign_online(publish->repo, SUTURE_REPO_SNAPSHOT, body, options->refresh, options->now, error);

	return snapshot && sign_timestamp(publish->repo, snapshot, options->refresh, options->now, error) &&
	       suture_repo_index_save(publish->repo, publish->index, error);
}

static gboolean root_lives(const SutureRepo *repo, gint64 now, GError **error)
{
	g_autofree gchar *expired = NULL;

	if (!suture_repo_root(repo, error))
		return FALSE;
	if (repo->root->expires > now)
		return TRUE;
	expired = suture_repo_time(repo->root->expires);
	g_set_error(error, SUTURE_REPO_ERROR, SUTURE_REPO_ERROR_EXPIRY,
		    "%s: root metadata version %" G_GINT64_FORMAT
		    " expired at %s and hosts would accept nothing; sign the next with 'suture repo rotate'",
		    repo->folder, repo->root->version, expired);
	return FALSE;
}

/* The public folder can be lost; nothing of it is read back, but that it is gone shows. */
static gboolean is_lost(const SutureRepo *repo)
{
	return faccessat(repo->public, "metadata/timestamp.json", F_OK, AT_SYMLINK_NOFOLLOW) < 0;
}

gboolean suture_repo_publish(SutureRepo *repo, const SutureRepoPublish *options, gboolean *ret_changed,
			     GError **error)
{
	SutureRepoPublish wanted = *options;
	g_auto(Publish) publish = {.repo = repo, .options = &wanted};

	if (!wanted.kernels)
		wanted.all |= is_lost(repo);
	if (!root_lives(repo, wanted.now, error) || !prepare(&publish, error) || !check(&publish, error) ||
	    !mark_all(&publish, error) || !save(&publish, error) || !sign_top(&publish, error) ||
	    !suture_repo_deploy(repo, publish.releases, TRUE, ret_changed, error))
		return FALSE;
	return suture_repo_unmark(repo, publish.releases, error);
}

gboolean suture_repo_stage(SutureRepo *repo, const SutureRepoPublish *options, GError **error)
{
	g_auto(Publish) publish = {.repo = repo, .options = options};

	return root_lives(repo, options->now, error) && prepare(&publish, error);
}

/*
 * The newest root that readers have. What is published below it need not be signed by the keys that a later
 * one names; that one is shown by a publish.
 */
static SutureRepoDocument *public_root(const SutureRepo *repo, GError **error)
{
	for (gint64 version = repo->root->version; version > 0; version--) {
		g_autofree gchar *name = g_strdup_printf("%" G_GINT64_FORMAT ".root.json", version);
		g_autofree gchar *shown = g_build_filename("metadata", name, NULL);
		g_autoptr(GBytes) bytes = NULL;

		if (faccessat(repo->public, shown, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		bytes = suture_file_read_at(repo->metadata, name, SUTURE_REPO_METADATA_MAX_BYTES, error);
		return bytes ? suture_repo_document_parse(bytes, SUTURE_REPO_ROOT, name, error) : NULL;
	}
	g_set_error(error, SUTURE_REPO_ERROR, SUTURE_REPO_ERROR_UNPUBLISHED,
		    "%s: nothing was published yet; run 'suture repo publish' first", repo->folder);
	return NULL;
}

/* Snapshot, if it is due, and timestamp over what is published. */
static gboolean sign_refresh(SutureRepo *repo, gint64 now, GError **error)
{
	g_autoptr(SutureRepoDocument) current = NULL, snapshot = NULL;
	SUTURE_AUTO_JSON *body = NULL;

	if (!suture_repo_master_load(repo->metadata, "snapshot", SUTURE_REPO_SNAPSHOT, &current, error))
		return FALSE;
	body = json_pack("{s:O}", "meta", json_object_get(current->signed_, "meta"));
	snapshot = sign_online(repo, SUTURE_REPO_SNAPSHOT, body, FALSE, now, error);
	return snapshot && sign_timestamp(repo, snapshot, TRUE, now, error);
}

gboolean suture_repo_refresh(SutureRepo *repo, gint64 now, GError **error)
{
	g_autoptr(GPtrArray) marked = suture_repo_marked(repo, error);
	g_autoptr(SutureRepoDocument) shown =
		marked && suture_repo_root(repo, error) ? public_root(repo, error) : NULL;
	SutureRepoDocument *newest;
	SutureRepoStatus status;
	gboolean changed, done;

	if (!shown)
		return FALSE;
	/* For the time of this, the root that readers have is the one there is. */
	newest = repo->root;
	repo->root = shown;
	done = root_lives(repo, now, error) && sign_refresh(repo, now, error) &&
	       suture_repo_deploy(repo, marked, FALSE, &changed, error);
	repo->root = newest;
	return done && suture_repo_status(repo, &status, error) &&
	       suture_repo_status_check(repo, &status, now, error);
}
