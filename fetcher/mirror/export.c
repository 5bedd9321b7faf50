// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fetcher/mirror/mirror.h"

#include "common/cancel.h"
#include "fetcher/client/tuf-target.h"
#include "fetcher/mirror/contents.h"
#include "fetcher/mirror/media-write.h"
#include "fetcher/mirror/record.h"
#include "fetcher/mirror/served.h"
#include "fetcher/mirror/state.h"

#include <fcntl.h>
#include <string.h>

typedef struct {
	const SutureMirrorExport *request;
	SutureMirrorServed *served;
	SutureMirrorState *since; /* what the other side has */
	SutureMirrorContents *contents;
} Run;

static void run_clear(Run *run)
{
	g_clear_pointer(&run->contents, suture_mirror_contents_free);
	g_clear_pointer(&run->since, suture_mirror_state_free);
	g_clear_pointer(&run->served, suture_mirror_served_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Run, run_clear)

static gint64 version_of(const Run *run, SutureTufType type)
{
	return suture_tuf_client_metadata(run->served->client, type)->version;
}

/* A file whose digest is not known from elsewhere: metadata and repomd.xml, which are small. */
static gboolean add_read(Run *run, const gchar *path, guint64 limit, GError **error)
{
	g_autoptr(GBytes) bytes = suture_file_read_at(run->served->folder->top, path, limit, error);
	g_autofree gchar *sha256 = NULL;

	if (!bytes)
		return FALSE;
	sha256 = g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, bytes);
	return suture_mirror_contents_add(run->contents, path, sha256, g_bytes_get_size(bytes), error);
}

static gboolean add_metadata(Run *run, const gchar *name, GError **error)
{
	g_autofree gchar *path = g_strconcat("metadata/", name, NULL);

	return add_read(run, path, SUTURE_TUF_MAX_TARGETS_BYTES, error);
}

static gboolean add_roots(Run *run, GError **error)
{
	gint64 newest = version_of(run, SUTURE_TUF_ROOT);

	for (gint64 version = run->since->root + 1; version <= newest; version++) {
		g_autofree gchar *name = g_strdup_printf("%" G_GINT64_FORMAT ".root.json", version);

		if (suture_mirror_size(run->served->folder->metadata, name) >= 0 &&
		    !add_metadata(run, name, error))
			return FALSE;
	}
	return TRUE;
}

static gboolean add_top_level(Run *run, GError **error)
{
	const struct {
		SutureTufType type;
		gint64 since;
	} roles[] = {{SUTURE_TUF_SNAPSHOT, run->since->snapshot}, {SUTURE_TUF_TARGETS, run->since->targets}};

	if (!add_metadata(run, "timestamp.json", error))
		return FALSE;
	for (gsize i = 0; i < G_N_ELEMENTS(roles); i++) {
		gint64 version = version_of(run, roles[i].type);
		g_autofree gchar *name = g_strdup_printf("%" G_GINT64_FORMAT ".%s.json", version,
							 suture_tuf_type_name(roles[i].type));

		if (version != roles[i].since && !add_metadata(run, name, error))
			return FALSE;
	}
	return TRUE;
}

static gboolean has_role(const Run *run, const SutureMirrorRole *role)
{
	const SutureMirrorStateRole *there = suture_mirror_state_role(run->since, role->name);

	return there && there->version == role->version;
}

static gboolean add_roles(Run *run, GError **error)
{
	const GPtrArray *roles = run->served->plan->roles;

	for (guint i = 0; i < roles->len; i++) {
		const SutureMirrorRole *role = roles->pdata[i];

		if (!has_role(run, role) && !add_metadata(run, role->served, error))
			return FALSE;
	}
	return TRUE;
}

/*
 * Paths of what an older version of @role led to, which is still here: the other side has those files.
 * Nothing is trusted by that: what is missing there, it says so.
 */
static GHashTable *paths_before(const Run *run, const SutureMirrorRole *role)
{
	GHashTable *paths = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	const SutureMirrorStateRole *there = suture_mirror_state_role(run->since, role->name);
	const gchar *rest = strchr(role->served, '.');
	g_autofree gchar *name =
		there && rest ? g_strdup_printf("%" G_GINT64_FORMAT "%s", there->version, rest) : NULL;
	g_autoptr(GBytes) bytes = name ? suture_file_read_at(run->served->folder->metadata, name,
							     SUTURE_TUF_MAX_TARGETS_BYTES, NULL)
				       : NULL;
	g_autoptr(SutureTufMetadata) before =
		bytes ? suture_tuf_metadata_parse(bytes, SUTURE_TUF_TARGETS, name, NULL) : NULL;

	for (guint i = 0; before && i < before->targets->len; i++)
		g_hash_table_add(paths, suture_tuf_target_path(before->targets->pdata[i], TRUE));
	return paths;
}

static gboolean add_files(Run *run, guint first, guint count, GHashTable *before, GError **error)
{
	const GPtrArray *files = run->served->plan->files;

	for (guint i = first; i < first + count; i++) {
		const SutureMirrorFile *file = files->pdata[i];
		g_autofree gchar *path = g_strconcat("targets/", file->path, NULL);

		if ((!before || !g_hash_table_contains(before, file->path)) &&
		    !suture_mirror_contents_add(run->contents, path, file->sha256, file->length, error))
			return FALSE;
	}
	return TRUE;
}

static gboolean add_targets(Run *run, GError **error)
{
	const SutureMirrorPlan *plan = run->served->plan;

	if (version_of(run, SUTURE_TUF_TARGETS) != run->since->targets &&
	    !add_files(run, 0, plan->top_level, NULL, error))
		return FALSE;
	for (guint i = 0; i < plan->roles->len; i++) {
		const SutureMirrorRole *role = plan->roles->pdata[i];
		g_autoptr(GHashTable) before = NULL;

		if (has_role(run, role))
			continue;
		before = paths_before(run, role);
		if (!add_files(run, role->first, role->count, before, error))
			return FALSE;
	}
	return TRUE;
}

/* Signature, repomd.xml, and what it lists: the order in which the other side can verify them. */
static gboolean add_repodata(Run *run, const SutureMirrorRpmMd *md, GError **error)
{
	g_autofree gchar *repomd = g_strconcat("targets/", md->kernel, "/repodata/repomd.xml", NULL);
	g_autofree gchar *signature = g_strconcat(repomd, ".asc", NULL);

	if (!add_read(run, signature, SUTURE_MIRROR_MAX_REPOMD_ASC_BYTES, error) ||
	    !add_read(run, repomd, SUTURE_MIRROR_MAX_REPOMD_BYTES, error))
		return FALSE;
	for (guint i = 0; i < md->files->len; i++) {
		const SutureMirrorFile *file = md->files->pdata[i];
		g_autofree gchar *path = g_strconcat("targets/", file->path, NULL);

		if (!suture_mirror_contents_add(run->contents, path, file->sha256, file->length, error))
			return FALSE;
	}
	return TRUE;
}

static gboolean add_rpm_md_of(Run *run, const gchar *kernel, const SutureKeyring *keyring, GError **error)
{
	const SutureMirrorStateRole *there = suture_mirror_state_role(run->since, kernel);
	GError *cause = NULL;
	g_autoptr(SutureMirrorRpmMd) md =
		suture_mirror_rpm_md_served(run->served->folder, kernel, keyring, run->request->now, &cause);
	g_autofree gchar *sha256 = md ? g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, md->repomd) : NULL;

	if (cause)
		g_propagate_error(error, cause);
	if (!md || (there && g_strcmp0(there->repomd, sha256) == 0))
		return cause == NULL;
	return add_repodata(run, md, error);
}

static gboolean add_rpm_md(Run *run, GError **error)
{
	const SutureMirrorPlan *plan = run->served->plan;
	GError *cause = NULL;
	g_autoptr(SutureKeyring) keyring = suture_mirror_keyring(run->served->folder, plan, &cause);

	if (cause) {
		g_propagate_error(error, cause);
		return FALSE;
	}
	for (guint i = 0; keyring && i < plan->roles->len; i++) {
		const SutureMirrorRole *role = plan->roles->pdata[i];

		if (role->kernel && !add_rpm_md_of(run, role->name, keyring, error))
			return FALSE;
	}
	return TRUE;
}

static gboolean write_media(const Run *run, GError **error)
{
	const SutureMirrorExport *request = run->request;
	g_autoptr(SutureMirrorMediaWriter) writer = suture_mirror_media_writer_new(request->media, error);
	const GPtrArray *entries = run->contents->entries;
	guint64 done = 0;

	if (!writer || !suture_mirror_media_writer_begin(writer, run->contents, error))
		return FALSE;
	for (guint i = 0; i < entries->len; i++) {
		const SutureMirrorEntry *entry = entries->pdata[i];
		SUTURE_AUTO_FD fd =
			suture_file_open_beneath(run->served->folder->top, entry->path, O_RDONLY, 0, error);

		if (fd < 0 || !suture_mirror_media_writer_add(writer, entry, fd, error))
			return FALSE;
		done += entry->size;
		if (request->progress)
			request->progress("exporting", done, run->contents->bytes, request->progress_data);
	}
	return suture_mirror_media_writer_finish(writer, error);
}

/* The other side lacks nothing that we could give it when it is ahead of us. */
static gboolean check_since(const Run *run, GError **error)
{
	if (run->since->timestamp <= version_of(run, SUTURE_TUF_TIMESTAMP))
		return TRUE;
	return suture_mirror_refuse(
		error, SUTURE_MIRROR_ERROR_STATE_NEWER,
		"%s: timestamp %" G_GINT64_FORMAT " is newer than this mirror's %" G_GINT64_FORMAT
		"; run 'suture mirror sync' first",
		run->request->since, run->since->timestamp, version_of(run, SUTURE_TUF_TIMESTAMP));
}

/* A kernel that is asked for, but that the mirror was not to have. */
static gboolean open_served(Run *run, GError **error)
{
	const SutureMirrorExport *request = run->request;
	g_autoptr(GError) cause = NULL;

	run->served = suture_mirror_served_open(request->folder, request->kernels, &cause);
	if (run->served)
		return TRUE;
	if (request->kernels && g_error_matches(cause, SUTURE_FETCH_ERROR, SUTURE_FETCH_ERROR_NOT_FOUND))
		return suture_mirror_refuse(
			error, SUTURE_MIRROR_ERROR_KERNEL,
			"%s: the mirror has not every kernel that --kernel asks for; narrow the patterns",
			request->folder);
	g_propagate_error(error, g_steal_pointer(&cause));
	return FALSE;
}

gboolean suture_mirror_export(const SutureMirrorExport *request, SutureMirrorExported *ret, GError **error)
{
	g_auto(Run) run = {.request = request};
	const gchar *const *kernels;

	run.since = request->since ? suture_mirror_state_read(request->since, error)
				   : suture_mirror_state_empty();
	if (!run.since || !open_served(&run, error) || !check_since(&run, error))
		return FALSE;
	kernels = request->kernels ? request->kernels : (const gchar *const *)run.served->kernels;
	run.contents = suture_mirror_contents_new(kernels);
	if (!add_roots(&run, error) || !add_top_level(&run, error) || !add_roles(&run, error) ||
	    !add_targets(&run, error) || !add_rpm_md(&run, error) || !write_media(&run, error))
		return FALSE;
	*ret = (SutureMirrorExported){.timestamp = version_of(&run, SUTURE_TUF_TIMESTAMP),
				      .files = run.contents->entries->len,
				      .bytes = run.contents->bytes};
	return TRUE;
}
