// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fetcher/mirror/mirror.h"

#include "common/cancel.h"
#include "fetcher/mirror/publish.h"
#include "fetcher/mirror/record.h"
#include "fetcher/mirror/served.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define PUBLIC_KEY_FILE "RPM-GPG-KEY-suture"

typedef struct {
	const SutureMirrorVerify *request;
	SutureMirrorServed *served;
	SutureMirrorVerified *result;
} Run;

static void damage_free(gpointer data)
{
	SutureMirrorDamage *damage = data;

	g_free(damage->path);
	g_free(damage->kernel);
	g_clear_error(&damage->cause);
	g_free(damage);
}

void suture_mirror_verified_free(SutureMirrorVerified *result)
{
	g_ptr_array_unref(result->damaged);
	g_free(result);
}

/* Takes @cause. @kernel: whose rpm-md it is about; NULL: none. FALSE: it is this machine's, not the file's.
 */
static gboolean note(Run *run, gchar *path, const gchar *kernel, GError *cause, GError **error)
{
	SutureMirrorDamage *damage;

	if (g_error_matches(cause, SUTURE_COMMON_ERROR, SUTURE_COMMON_ERROR_CANCELLED)) {
		g_propagate_error(error, cause);
		g_free(path);
		return FALSE;
	}
	damage = g_new(SutureMirrorDamage, 1);
	*damage = (SutureMirrorDamage){path, g_strdup(kernel), cause};
	g_ptr_array_add(run->result->damaged, damage);
	return TRUE;
}

static gboolean check_file(const Run *run, const SutureMirrorFile *file, GError **error)
{
	SUTURE_AUTO_FD fd =
		suture_file_open_beneath(run->served->folder->targets, file->path, O_RDONLY, 0, error);

	return fd >= 0 && suture_mirror_file_check(file, fd, error);
}

/* @kernel as for note(). */
static gboolean verify_files(Run *run, const GPtrArray *files, const gchar *kernel, GError **error)
{
	const SutureMirrorVerify *request = run->request;

	for (guint i = 0; i < files->len; i++) {
		const SutureMirrorFile *file = files->pdata[i];
		GError *cause = NULL;

		if (!suture_cancel_check(error))
			return FALSE;
		if (!check_file(run, file, &cause) &&
		    !note(run, g_strconcat("targets/", file->path, NULL), kernel, cause, error))
			return FALSE;
		run->result->files++;
		run->result->bytes += file->length;
		if (request->progress)
			request->progress("verifying", MIN(run->result->bytes, run->served->plan->bytes),
					  run->served->plan->bytes, request->progress_data);
	}
	return TRUE;
}

static gboolean verify_rpm_md(Run *run, const gchar *kernel, const SutureKeyring *keyring, GError **error)
{
	SutureMirrorFolder *folder = run->served->folder;
	GError *cause = NULL;
	g_autoptr(SutureMirrorRpmMd) md =
		suture_mirror_rpm_md_served(folder, kernel, keyring, run->request->now, &cause);
	guint before = run->result->damaged->len;

	if (md && !verify_files(run, md->files, kernel, error))
		return FALSE;
	if (!cause && (!md || run->result->damaged->len > before ||
		       suture_mirror_rpm_md_check(folder, md, run->served->plan, &cause)))
		return TRUE;
	return note(run, g_strdup_printf("targets/%s/repodata/repomd.xml", kernel), kernel, cause, error);
}

static gboolean verify_all_rpm_md(Run *run, GError **error)
{
	GError *cause = NULL;
	g_autoptr(SutureKeyring) keyring =
		suture_mirror_keyring(run->served->folder, run->served->plan, &cause);
	const GPtrArray *roles = run->served->plan->roles;

	/* A keyring that is damaged is one of the files; without it nothing can be said of rpm-md. */
	g_clear_error(&cause);
	for (guint i = 0; keyring && i < roles->len; i++) {
		const SutureMirrorRole *role = roles->pdata[i];

		if (role->kernel && !verify_rpm_md(run, role->name, keyring, error))
			return FALSE;
	}
	return TRUE;
}

/* A copy of the keyring for people. */
static gboolean verify_public_key(Run *run, GError **error)
{
	const SutureMirrorFile *keyring = suture_mirror_keyring_file(run->served->plan);
	SUTURE_AUTO_FD fd = -1;
	GError *cause = NULL;

	if (!keyring)
		return TRUE;
	fd = suture_file_open_beneath(run->served->folder->top, PUBLIC_KEY_FILE, O_RDONLY, 0, &cause);
	return (fd >= 0 && suture_mirror_file_check(keyring, fd, &cause)) ||
	       note(run, g_strdup(PUBLIC_KEY_FILE), NULL, cause, error);
}

/* A reader that has it already does not ask for it, so that a client does not notice either. */
static gboolean verify_root(Run *run, GError **error)
{
	const SutureTufMetadata *root = suture_tuf_client_metadata(run->served->client, SUTURE_TUF_ROOT);
	int metadata = run->served->folder->metadata;
	g_autofree gchar *name = g_strdup_printf("%" G_GINT64_FORMAT ".root.json", root->version);
	g_autoptr(GBytes) served = NULL;
	GError *cause = NULL;

	if (suture_mirror_size(metadata, name) < 0)
		return TRUE;
	served = suture_file_read_at(metadata, name, SUTURE_TUF_MAX_ROOT_BYTES, &cause);
	if (served && g_bytes_equal(served, root->bytes))
		return TRUE;
	if (served)
		suture_mirror_refuse(&cause, SUTURE_MIRROR_ERROR_DAMAGED,
				     "not the root that this mirror trusts");
	return note(run, g_strconcat("metadata/", name, NULL), NULL, cause, error);
}

/* Each older root has to lead to the next one. */
static gboolean verify_roots(Run *run, GError **error)
{
	int metadata = run->served->folder->metadata;
	const SutureTufMetadata *newest = suture_tuf_client_metadata(run->served->client, SUTURE_TUF_ROOT);
	g_autoptr(SutureTufMetadata) held = NULL;
	GError *cause = NULL;

	for (gint64 version = newest->version - 1; version > 0; version--) {
		g_autofree gchar *name = g_strdup_printf("%" G_GINT64_FORMAT ".root.json", version);
		SutureTufMetadata *older;

		if (suture_mirror_size(metadata, name) < 0)
			return TRUE;
		older = suture_mirror_older_root(metadata, name, held ? held : newest, &cause);
		if (!older)
			return note(run, g_strconcat("metadata/", name, NULL), NULL, cause, error);
		g_clear_pointer(&held, suture_tuf_metadata_free);
		held = older;
	}
	return TRUE;
}

static gboolean verify_served(Run *run, GError **error)
{
	GError *cause = NULL;

	run->served = suture_mirror_served_open(run->request->folder, NULL, &cause);
	if (!run->served && suture_error_exit(cause) == SUTURE_EXIT_INPUT) {
		g_propagate_error(error, cause);
		return FALSE;
	}
	if (!run->served)
		return note(run, g_strdup("metadata"), NULL, cause, error);
	return verify_root(run, error) && verify_roots(run, error) &&
	       verify_files(run, run->served->plan->files, NULL, error) && verify_public_key(run, error) &&
	       verify_all_rpm_md(run, error);
}

static gboolean is_metadata(const SutureMirrorDamage *damage)
{
	return strcmp(damage->path, "metadata") == 0;
}

/* Damaged metadata is replaced by the sync, which knows what is right; nobody can tell which file it is. */
static gboolean remove_damaged(const SutureMirrorFolder *folder, const SutureMirrorVerified *result,
			       GError **error)
{
	for (guint i = 0; i < result->damaged->len; i++) {
		const SutureMirrorDamage *damage = result->damaged->pdata[i];

		if (damage->kernel)
			suture_mirror_record_set_rpm_md(folder->record, damage->kernel, 0);
		if (is_metadata(damage))
			suture_mirror_record_drop_rpm_md(folder->record);
		else if (unlinkat(folder->top, damage->path, 0) < 0 && errno != ENOENT)
			return suture_error_set_errno(error, errno, "%s", damage->path);
	}
	return suture_mirror_record_save(folder->state, folder->record, error);
}

static gboolean repair(const SutureMirrorVerify *request, const SutureMirrorVerified *result, GError **error)
{
	g_autoptr(SutureMirrorFolder) folder = suture_mirror_folder_open(request->folder, error);
	g_auto(GStrv) kernels = folder ? suture_mirror_record_kernels(folder->record) : NULL;
	g_autoptr(SutureMirrorReport) report = NULL;
	SutureMirrorSync sync = {.url = request->repair,
				 .folder = request->folder,
				 .kernels = (const gchar *const *)kernels,
				 .jobs = request->jobs,
				 .http = request->http,
				 .now = request->now,
				 .again = TRUE};

	if (!folder || !remove_damaged(folder, result, error))
		return FALSE;
	g_clear_pointer(&folder, suture_mirror_folder_free);
	report = suture_mirror_sync(&sync, error);
	if (report && report->refusal)
		g_propagate_error(error, g_steal_pointer(&report->refusal));
	else if (report)
		return TRUE;
	return FALSE;
}

static gboolean look(Run *run, GError **error)
{
	gboolean looked = verify_served(run, error);

	g_clear_pointer(&run->served, suture_mirror_served_free);
	return looked;
}

/* Files are looked at once there is metadata to compare them with. */
static gboolean repair_all(Run *run, GError **error)
{
	GPtrArray *damaged = run->result->damaged;
	const guint before = damaged->len;
	const gboolean again = is_metadata(damaged->pdata[0]);

	if (!repair(run->request, run->result, error))
		return FALSE;
	if (!again)
		return TRUE;
	return look(run, error) && (damaged->len == before || repair(run->request, run->result, error));
}

SutureMirrorVerified *suture_mirror_verify(const SutureMirrorVerify *request, GError **error)
{
	g_autoptr(SutureMirrorVerified) result = g_new0(SutureMirrorVerified, 1);
	Run run = {.request = request, .result = result};

	result->damaged = g_ptr_array_new_with_free_func(damage_free);
	if (!look(&run, error))
		return NULL;
	if (result->damaged->len > 0 && request->repair) {
		if (!repair_all(&run, error))
			return NULL;
		result->repaired = TRUE;
	}
	return g_steal_pointer(&result);
}
