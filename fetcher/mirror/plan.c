// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fetcher/mirror/plan.h"

#include "fetcher/client/tuf-target.h"
#include "fetcher/mirror/folder.h"
#include "fetcher/mirror/record.h"

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
	g_free(role);
}

void suture_mirror_plan_free(SutureMirrorPlan *plan)
{
	g_hash_table_unref(plan->by_path);
	g_ptr_array_unref(plan->files);
	g_ptr_array_unref(plan->roles);
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

static gboolean add_target(SutureMirrorPlan *plan, const SutureTufTarget *target, GError **error)
{
	const gchar *sha256 = g_hash_table_lookup(target->file.hashes, "sha256");
	g_autofree gchar *path = suture_tuf_target_path(target, TRUE);
	SutureMirrorFile *file;

	if (!sha256 || strlen(sha256) != SHA256_HEX) {
		g_set_error(error, SUTURE_TUF_ERROR, SUTURE_TUF_ERROR_TARGET_HASH,
			    "%s: listed without a SHA-256; tell the publisher", target->name);
		return FALSE;
	}
	if (!is_ours(path))
		return refuse_name(error, "target", target->name);
	if (g_hash_table_contains(plan->by_path, path))
		return TRUE;
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
	const gchar *const *kernels;
} Walk;

static gboolean visit(const SutureTufWalked *walked, gpointer data, GError **error)
{
	SutureMirrorPlan *plan = ((Walk *)data)->plan;
	SutureMirrorRole *role;

	if (!walked->metadata) {
		g_propagate_error(error, g_error_copy(walked->refusal));
		return FALSE;
	}
	role = add_role(plan, walked, error);
	if (!role)
		return FALSE;
	for (guint i = 0; i < walked->metadata->targets->len; i++) {
		const SutureTufTarget *target = walked->metadata->targets->pdata[i];

		if (suture_tuf_walked_allows(walked, target->name) && !add_target(plan, target, error))
			return FALSE;
	}
	role->count = plan->files->len - role->first;
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
	Walk walk = {plan, kernels};

	if (!add_top_level(plan, client, error) ||
	    !suture_tuf_client_walk(client, wanted, visit, &walk, error))
		return NULL;
	if (kernels && plan->roles->len == 0) {
		suture_mirror_refuse(
			error, SUTURE_MIRROR_ERROR_KERNEL,
			"the repository has no kernel that --kernel asks for; check the patterns");
		return NULL;
	}
	return g_steal_pointer(&plan);
}
