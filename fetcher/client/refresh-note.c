// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fetcher/client/refresh-note.h"

#include "common/file.h"
#include "fetcher/client/clock.h"
#include "fetcher/client/fetch.h"

#include <errno.h>
#include <fcntl.h>

#define MAX_BYTES (16 * 1024 * 1024)

static int open_folder(const gchar *root, const gchar *absolute, GError **error)
{
	g_autofree gchar *path = root ? g_build_filename(root, absolute, NULL) : g_strdup(absolute);

	return suture_file_open(path, O_PATH | O_DIRECTORY, error);
}

SutureRefresh *suture_refresh_load(const gchar *root, GError **error)
{
	SUTURE_AUTO_FD folder = open_folder(root, SUTURE_REFRESH_FOLDER, NULL);
	g_autoptr(GBytes) bytes = NULL;

	if (folder < 0 ||
	    (faccessat(folder, SUTURE_REFRESH_FILE, F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT))
		return NULL;
	bytes = suture_file_read_at(folder, SUTURE_REFRESH_FILE, MAX_BYTES, error);
	return bytes ? suture_refresh_parse(bytes, error) : NULL;
}

gint64 suture_refresh_now(const gchar *root, gint64 local)
{
	SUTURE_AUTO_FD folder = open_folder(root, SUTURE_FETCH_METADATA, NULL);
	SutureClock clock;

	if (folder < 0)
		return local;
	suture_clock_load(&clock, folder);
	return suture_clock_now(&clock, local);
}

/* What is noted, and what was before. */
typedef struct {
	SutureTufClient *client;
	const SutureRefresh *before;
	SutureRefresh *refresh;
} Notes;

static void note_role(const gchar *name, const SutureTufMetadata *metadata, gpointer data)
{
	const Notes *notes = data;
	const SutureRefreshRole *before = notes->before ? suture_refresh_role(notes->before, name) : NULL;
	gint64 now = suture_tuf_client_now(notes->client);
	SutureRefreshRole role = {.version = metadata->version, .expires = metadata->expires};

	role.since = before && before->version == role.version ? before->since : now;
	if (metadata->issued > 0)
		role.since = metadata->issued;
	role.stale = metadata->expires <= now;
	suture_refresh_add(notes->refresh, name, &role);
}

static void note_success(Notes *notes)
{
	for (SutureTufType type = SUTURE_TUF_ROOT; type <= SUTURE_TUF_TARGETS; type++)
		note_role(suture_tuf_type_name(type), suture_tuf_client_metadata(notes->client, type), notes);
	suture_tuf_client_foreach_loaded(notes->client, note_role, notes);
	notes->refresh->refreshed = suture_tuf_client_now(notes->client);
}

static void note_failure(Notes *notes, const GError *failure)
{
	SutureRefresh *refresh = notes->refresh;

	for (guint i = 0; notes->before && i < notes->before->roles->len; i++) {
		const SutureRefreshRole *role = notes->before->roles->pdata[i];

		suture_refresh_add(refresh, role->name, role);
	}
	refresh->refreshed = notes->before ? notes->before->refreshed : 0;
	refresh->failed = suture_tuf_client_now(notes->client);
	g_free(refresh->reason);
	refresh->reason = g_strdup(suture_error_reason(failure));
	g_free(refresh->message);
	refresh->message = g_strdup(failure->message);
}

static gboolean write_refresh(const gchar *root, const SutureRefresh *refresh, GError **error)
{
	g_autofree gchar *path = g_build_filename(root ? root : "/", SUTURE_REFRESH_FOLDER, NULL);
	SUTURE_AUTO_FD folder = suture_file_open_folder(path, TRUE, error);
	g_autoptr(GBytes) bytes = suture_refresh_write(refresh);

	return folder >= 0 && suture_file_write_atomic(folder, SUTURE_REFRESH_FILE, bytes, 0644, error);
}

SutureRefresh *suture_refresh_note(const gchar *root, const gchar *url, SutureTufClient *client,
				   const GError *failure, GError **error)
{
	g_autoptr(GError) unread = NULL;
	g_autoptr(SutureRefresh) before = suture_refresh_load(root, &unread);
	g_autoptr(SutureRefresh) refresh = suture_refresh_new();
	Notes notes = {client, before, refresh};

	if (unread)
		g_info("%s", unread->message);
	g_free(refresh->url);
	refresh->url = suture_http_label(url);
	if (failure)
		note_failure(&notes, failure);
	else
		note_success(&notes);
	return write_refresh(root, refresh, error) ? g_steal_pointer(&refresh) : NULL;
}
