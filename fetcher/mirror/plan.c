// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fetcher/mirror/plan.h"

#include "fetcher/client/tuf-target.h"
#include "fetcher/mirror/folder.h"
#include "fetcher/mirror/record.h"
#include "spec/time.h"

#include <string.h>

#define SHA256_HEX 64

SutureMirrorFile *suture_mirror_file_new(const gchar *path, const gchar *sha256, guint64 length)
{
	SutureMirrorFile *file = g_new0(SutureMirrorFile, 1);

	file->path = g_strdup(path);
	file->sha256 = g_strdup(sha256);
	file->length = length;
	return file;
}

void suture_mirror_file_free(SutureMirrorFile *file)
{
	g_free(file->path);
	g_free(file->sha256);
	g_free(file);
}

static void file_free(gpointer file)
{
	suture_mirror_file_free(file);
}

static void role_free(gpointer data)
{
	SutureMirrorRole *role = data;

	g_free(role->name);
	g_free(role->stored);
	g_free(role->served);
	g_free(role->top);
	g_free(role);
}

static void refused_free(gpointer data)
{
	SutureMirrorRefused *refused = data;

	g_free(refused->name);
	g_free(refused->served);
	g_clear_error(&refused->cause);
	g_free(refused);
}

void suture_mirror_plan_free(SutureMirrorPlan *plan)
{
	g_hash_table_unref(plan->by_path);
	g_ptr_array_unref(plan->files);
	g_ptr_array_unref(plan->roles);
	g_ptr_array_unref(plan->refused);
	g_free(plan);
}

const SutureMirrorFile *suture_mirror_plan_file(const SutureMirrorPlan *plan, const gchar *path)
{
	return g_hash_table_lookup(plan->by_path, path);
}

static gboolean refuse_name(GError **error, const gchar *what, const gchar *name)
{
	return suture_mirror_refuse(error, SUTURE_MIRROR_ERROR_NAME,
				    "%s \"%.200s\" cannot be a file of a mirror; tell the publisher", what,
				    name);
}

/* Folders named repodata are those of rpm-md, which no role lists. */
static gboolean is_ours(const gchar *path)
{
	g_auto(GStrv) names = g_strsplit(path, "/", -1);

	return suture_mirror_path_is_safe(path) && !g_strv_contains((const gchar *const *)names, "repodata");
}

static gboolean check_target(const SutureTufTarget *target, GError **error)
{
	const gchar *sha256 = g_hash_table_lookup(target->file.hashes, "sha256");
	g_autofree gchar *path = suture_tuf_target_path(target, TRUE);

	if (!sha256 || strlen(sha256) != SHA256_HEX) {
		g_set_error(error, SUTURE_TUF_ERROR, SUTURE_TUF_ERROR_TARGET_HASH,
			    "%s: listed without a SHA-256; tell the publisher", target->name);
		return FALSE;
	}
	return is_ours(path) || refuse_name(error, "target", target->name);
}

gboolean suture_mirror_is_one_file(const GError *cause)
{
	static const SutureFetchError codes[] = {SUTURE_FETCH_ERROR_STATUS,    SUTURE_FETCH_ERROR_NOT_FOUND,
						 SUTURE_FETCH_ERROR_TRUNCATED, SUTURE_FETCH_ERROR_TOO_LARGE,
						 SUTURE_FETCH_ERROR_ENDLESS,   SUTURE_FETCH_ERROR_ENCODING};

	for (gsize i = 0; i < G_N_ELEMENTS(codes); i++)
		if (g_error_matches(cause, SUTURE_FETCH_ERROR, (gint)codes[i]))
			return TRUE;
	return cause->domain == SUTURE_TUF_ERROR;
}

static gboolean add_target(SutureMirrorPlan *plan, const SutureTufTarget *target, GError **error)
{
	const gchar *sha256 = g_hash_table_lookup(target->file.hashes, "sha256");
	g_autofree gchar *path = suture_tuf_target_path(target, TRUE);
	SutureMirrorFile *file;

	if (!check_target(target, error))
		return FALSE;
	file = g_hash_table_lookup(plan->by_path, path);
	if (file) {
		file->shared = TRUE;
		return TRUE;
	}
	file = suture_mirror_file_new(path, sha256, (guint64)target->file.length);
	g_ptr_array_add(plan->files, file);
	g_hash_table_insert(plan->by_path, file->path, file);
	plan->bytes += file->length;
	return TRUE;
}

static SutureMirrorRole *add_role(SutureMirrorPlan *plan, const SutureTufWalked *walked, GError **error)
{
	g_autofree gchar *served = g_uri_unescape_string(walked->served, NULL);
	SutureMirrorRole *role;

	if (!served || !suture_file_name_is_safe(served)) {
		refuse_name(error, "role", walked->name);
		return NULL;
	}
	role = g_new0(SutureMirrorRole, 1);
	role->name = g_strdup(walked->name);
	role->stored = g_strdup(walked->stored);
	role->served = g_steal_pointer(&served);
	role->version = walked->metadata->version;
	role->kernel = !walked->delegator && suture_file_name_is_safe(walked->name);
	role->first = plan->files->len;
	g_ptr_array_add(plan->roles, role);
	return role;
}

typedef struct {
	SutureMirrorPlan *plan;
	SutureTufClient *client;
	const gchar *const *kernels;
} Walk;

static const gchar *top_of(const SutureTufWalked *walked)
{
	while (walked->delegator)
		walked = walked->delegator;
	return walked->name;
}

static const SutureTufFile *listed_of(const Walk *walk, const SutureTufWalked *walked)
{
	g_autofree gchar *path = g_strconcat(walked->name, ".json", NULL);

	return suture_tuf_metadata_file(suture_tuf_client_metadata(walk->client, SUTURE_TUF_SNAPSHOT), path);
}

/* Whether @cause is about this role, and not about this machine or the way to the server. */
static gboolean is_refusal(const GError *cause)
{
	return suture_error_exit(cause) == SUTURE_EXIT_UNTRUSTED || suture_mirror_is_one_file(cause);
}

static SutureMirrorRefused *refuse_role(const Walk *walk, const SutureTufWalked *walked, GError *cause)
{
	SutureMirrorRefused *refused = g_new0(SutureMirrorRefused, 1);
	g_autofree gchar *served = g_uri_unescape_string(walked->served, NULL);

	refused->name = g_strdup(top_of(walked));
	refused->served = served && suture_file_name_is_safe(served) ? g_steal_pointer(&served) : NULL;
	refused->listed = listed_of(walk, walked);
	refused->cause = cause;
	g_ptr_array_add(walk->plan->refused, refused);
	return refused;
}

static void note_expiry(const Walk *walk, const SutureTufWalked *walked)
{
	g_autofree gchar *end = suture_time_text(walked->metadata->expires);

	if (walked->metadata->expires <= suture_tuf_client_now(walk->client))
		refuse_role(walk, walked,
			    g_error_new(SUTURE_TUF_ERROR, SUTURE_TUF_ERROR_DELEGATED_EXPIRED,
					"%s expired at %s: it is mirrored, and hosts refuse it; tell the "
					"publisher",
					walked->served, end))
			->expired = TRUE;
}

/* All of them, before the first one is in the plan. */
static gboolean check_targets(const SutureTufWalked *walked, GError **error)
{
	for (guint i = 0; i < walked->metadata->targets->len; i++) {
		const SutureTufTarget *target = walked->metadata->targets->pdata[i];

		if (suture_tuf_walked_allows(walked, target->name) && !check_target(target, error))
			return FALSE;
	}
	return TRUE;
}

static void add_targets(SutureMirrorPlan *plan, SutureMirrorRole *role, const SutureTufWalked *walked)
{
	for (guint i = 0; i < walked->metadata->targets->len; i++) {
		const SutureTufTarget *target = walked->metadata->targets->pdata[i];

		if (suture_tuf_walked_allows(walked, target->name) && !add_target(plan, target, NULL))
			g_warn_if_reached();
	}
	role->count = plan->files->len - role->first;
}

static gboolean visit(const SutureTufWalked *walked, gpointer data, GError **error)
{
	const Walk *walk = data;
	SutureMirrorRole *role = NULL;
	GError *cause = walked->metadata ? NULL : g_error_copy(walked->refusal);

	if (walked->metadata && check_targets(walked, &cause))
		role = add_role(walk->plan, walked, &cause);
	if (role) {
		role->top = g_strdup(top_of(walked));
		role->listed = listed_of(walk, walked);
		add_targets(walk->plan, role, walked);
		note_expiry(walk, walked);
	} else if (is_refusal(cause)) {
		refuse_role(walk, walked, cause);
	} else {
		g_propagate_error(error, cause);
		return FALSE;
	}
	return TRUE;
}

static gboolean wanted(const gchar *role, gpointer data)
{
	return suture_mirror_kernels_match(((Walk *)data)->kernels, role);
}

static SutureMirrorPlan *plan_new(void)
{
	SutureMirrorPlan *plan = g_new0(SutureMirrorPlan, 1);

	plan->files = g_ptr_array_new_with_free_func(file_free);
	plan->roles = g_ptr_array_new_with_free_func(role_free);
	plan->refused = g_ptr_array_new_with_free_func(refused_free);
	plan->by_path = g_hash_table_new(g_str_hash, g_str_equal);
	return plan;
}

static gboolean add_top_level(SutureMirrorPlan *plan, const SutureTufClient *client, GError **error)
{
	const SutureTufMetadata *targets = suture_tuf_client_metadata(client, SUTURE_TUF_TARGETS);

	if (!suture_tuf_client_metadata(client, SUTURE_TUF_ROOT)->consistent_snapshot)
		return suture_mirror_refuse(
			error, SUTURE_MIRROR_ERROR_CONSISTENT,
			"the repository has no consistent snapshots: readers of a mirror would meet "
			"a mix of old and new");
	for (guint i = 0; i < targets->targets->len; i++)
		if (!add_target(plan, targets->targets->pdata[i], error))
			return FALSE;
	plan->top_level = plan->files->len;
	return TRUE;
}

SutureMirrorPlan *suture_mirror_plan_new(SutureTufClient *client, const gchar *const *kernels, GError **error)
{
	g_autoptr(SutureMirrorPlan) plan = plan_new();
	Walk walk = {plan, client, kernels};

	suture_tuf_client_take_expired(client);
	if (!add_top_level(plan, client, error) ||
	    !suture_tuf_client_walk(client, wanted, visit, &walk, error))
		return NULL;
	if (kernels && plan->roles->len + plan->refused->len == 0) {
		suture_mirror_refuse(
			error, SUTURE_MIRROR_ERROR_KERNEL,
			"the repository has no kernel that --kernel asks for; check the patterns");
		return NULL;
	}
	return g_steal_pointer(&plan);
}
