// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fetcher/client/tuf-client-private.h"

#include "common/file.h"
#include "common/mutation.h"
#include "fetcher/client/tuf-signatures.h"
#include "fetcher/client/tuf-target.h"
#include "spec/time.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

/* What the workflow needs to know of each role; indexed by SutureTufType. */
static const struct {
	const gchar *file;
	guint64 limit;
	SutureTufError signature;
} roles[] = {
	{"root.json", SUTURE_TUF_MAX_ROOT_BYTES, SUTURE_TUF_ERROR_ROOT_SIGNATURE},
	{"timestamp.json", SUTURE_TUF_MAX_TIMESTAMP_BYTES, SUTURE_TUF_ERROR_TIMESTAMP_SIGNATURE},
	{"snapshot.json", SUTURE_TUF_MAX_SNAPSHOT_BYTES, SUTURE_TUF_ERROR_SNAPSHOT_SIGNATURE},
	{"targets.json", SUTURE_TUF_MAX_TARGETS_BYTES, SUTURE_TUF_ERROR_TARGETS_SIGNATURE},
};

static gboolean verify(const SutureTufMetadata *root, const SutureTufMetadata *metadata, GError **error)
{
	const gchar *name = suture_tuf_type_name(metadata->type);

	return suture_tuf_signatures_verify(metadata, g_hash_table_lookup(root->roles, name), root->keys,
					    roles[metadata->type].signature, error);
}

gboolean suture_tuf_client_refuse(GError **error, SutureTufError code, const gchar *format, ...)
{
	g_autofree gchar *why = NULL;
	va_list args;

	va_start(args, format);
	why = g_strdup_vprintf(format, args);
	va_end(args);
	g_set_error(error, SUTURE_TUF_ERROR, (gint)code,
		    "%s; nothing of it was kept: use another server, and tell the publisher if that does not "
		    "help",
		    why);
	return FALSE;
}

gboolean suture_tuf_client_check_expiry(const SutureTufClient *client, const SutureTufMetadata *metadata,
					const gchar *file, SutureTufError code, GError **error)
{
	g_autofree gchar *end = NULL, *now = NULL;

	if (metadata->expires > client->now)
		return TRUE;
	end = suture_time_text(metadata->expires);
	now = suture_time_text(client->now);
	return suture_tuf_client_refuse(error, code,
					"%s version %" G_GINT64_FORMAT
					" expired at %s, and it is %s (check this host's clock)",
					file, metadata->version, end, now);
}

/* What the host's policy bears with for a while, and says so. */
static gboolean is_tolerated(SutureTufClient *client, const SutureTufMetadata *metadata)
{
	if (metadata->type != SUTURE_TUF_TIMESTAMP && metadata->type != SUTURE_TUF_SNAPSHOT)
		return FALSE;
	if (metadata->expires > client->now || client->now - metadata->expires >= client->max_stale)
		return FALSE;
	client->stale[metadata->type] = metadata->expires;
	return TRUE;
}

static gboolean is_current(SutureTufClient *client, const SutureTufMetadata *metadata, SutureTufError code,
			   GError **error)
{
	return is_tolerated(client, metadata) ||
	       suture_tuf_client_check_expiry(client, metadata, roles[metadata->type].file, code, error);
}

/* It cannot be before a moment that accepted metadata was signed at. */
static void take_time(SutureTufClient *client, const SutureTufMetadata *timestamp)
{
	suture_clock_raise(&client->clock, timestamp->issued);
	client->now = suture_clock_now(&client->clock, client->local);
}

static gboolean keep(SutureTufClient *client, SutureTufMetadata *metadata, GError **error)
{
	if (!suture_file_write_atomic(client->folder, roles[metadata->type].file, metadata->bytes, 0644,
				      error))
		return FALSE;
	g_clear_pointer(&client->trusted[metadata->type], suture_tuf_metadata_free);
	client->trusted[metadata->type] = metadata;
	return TRUE;
}

/* NULL without an error when the folder has no such file. */
static SutureTufMetadata *read_local(int folder, SutureTufType type, GError **error)
{
	g_autoptr(GBytes) bytes = NULL;

	if (faccessat(folder, roles[type].file, F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
		return NULL;
	bytes = suture_file_read_at(folder, roles[type].file, roles[type].limit, error);
	return bytes ? suture_tuf_metadata_parse(bytes, type, roles[type].file, error) : NULL;
}

/*
 * What this host trusted before, verified by today's root, expired or not: expired metadata still guards
 * against rollback. What today's root does not vouch for any more is as good as deleted (5.3.11).
 */
static SutureTufMetadata *load_local(SutureTufClient *client, SutureTufType type)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(SutureTufMetadata) local = read_local(client->folder, type, &error);

	if (local && verify(client->trusted[SUTURE_TUF_ROOT], local, &error))
		return g_steal_pointer(&local);
	if (error)
		g_info("stored %s is not used: %s", roles[type].file, error->message);
	return NULL;
}

/* A server's announcement over the limit: the limit is ours, or the length that signed metadata lists. */
static GBytes *download(SutureTufClient *client, const gchar *name, guint64 limit, SutureTufError over,
			GError **error)
{
	g_autofree gchar *url = suture_http_join_encoded(client->url, name);
	g_autoptr(GError) cause = NULL;
	GBytes *bytes = suture_http_get(client->http, url, limit, &cause);

	if (bytes)
		return bytes;
	if (g_error_matches(cause, SUTURE_FETCH_ERROR, SUTURE_FETCH_ERROR_TOO_LARGE))
		g_set_error_literal(error, SUTURE_TUF_ERROR, (gint)over, cause->message);
	else
		g_propagate_error(error, g_steal_pointer(&cause));
	return NULL;
}

/* A root that vouches for itself. */
static SutureTufMetadata *parse_root(GBytes *bytes, const gchar *what, GError **error)
{
	g_autoptr(SutureTufMetadata) root = suture_tuf_metadata_parse(bytes, SUTURE_TUF_ROOT, what, error);

	if (!root)
		return NULL;
	if (!suture_check_skipped("tuf-root-signature-new") && !verify(root, root, error))
		return NULL;
	return g_steal_pointer(&root);
}

gboolean suture_tuf_init(const gchar *folder, GBytes *bytes, GError **error)
{
	g_autoptr(SutureTufMetadata) root = NULL;
	SUTURE_AUTO_FD dirfd = -1;

	if (g_bytes_get_size(bytes) > SUTURE_TUF_MAX_ROOT_BYTES)
		return suture_tuf_client_refuse(error, SUTURE_TUF_ERROR_TOO_LARGE,
						"root metadata is larger than %d bytes",
						SUTURE_TUF_MAX_ROOT_BYTES);
	root = parse_root(bytes, "initial root metadata", error);
	if (!root)
		return FALSE;
	dirfd = suture_file_open_folder(folder, TRUE, error);
	return dirfd >= 0 && suture_file_write_atomic(dirfd, roles[SUTURE_TUF_ROOT].file, bytes, 0644, error);
}

gboolean suture_tuf_is_initialised(const gchar *folder)
{
	g_autofree gchar *path = g_build_filename(folder, roles[SUTURE_TUF_ROOT].file, NULL);

	return g_file_test(path, G_FILE_TEST_EXISTS);
}

static gboolean load_root(SutureTufClient *client, const gchar *folder, GError **error)
{
	g_autoptr(GBytes) bytes = NULL;

	if (!suture_tuf_is_initialised(folder)) {
		g_set_error(error, SUTURE_TUF_ERROR, SUTURE_TUF_ERROR_NOT_INITIALISED,
			    "%s: no trusted root.json yet; put the publisher's there first", folder);
		return FALSE;
	}
	bytes = suture_file_read_at(client->folder, roles[SUTURE_TUF_ROOT].file, SUTURE_TUF_MAX_ROOT_BYTES,
				    error);
	if (bytes)
		client->trusted[SUTURE_TUF_ROOT] = parse_root(bytes, "stored root.json", error);
	return client->trusted[SUTURE_TUF_ROOT] != NULL;
}

SutureTufClient *suture_tuf_client_new(const gchar *folder, const gchar *metadata_url, SutureHttp *http,
				       gint64 now, GError **error)
{
	g_autoptr(SutureTufClient) client = g_new0(SutureTufClient, 1);

	client->url = g_strdup(metadata_url);
	client->http = http;
	client->local = client->now = now;
	client->folder = suture_file_open_folder(folder, TRUE, error);
	if (client->folder < 0 || !load_root(client, folder, error))
		return NULL;
	return g_steal_pointer(&client);
}

void suture_tuf_client_free(SutureTufClient *client)
{
	suture_tuf_client_forget_delegated(client);
	for (gsize i = 0; i < G_N_ELEMENTS(client->trusted); i++)
		g_clear_pointer(&client->trusted[i], suture_tuf_metadata_free);
	suture_fd_clear(&client->folder);
	g_free(client->url);
	g_free(client);
}

/* Before the new root is stored, so that a crash in between cannot keep what the rotation meant to drop. */
static gboolean recover_from_fast_forward(SutureTufClient *client, const SutureTufMetadata *root,
					  GError **error)
{
	const SutureTufMetadata *before = client->trusted[SUTURE_TUF_ROOT];

	gboolean timestamp = suture_tuf_keys_rotated(before, root, "timestamp");

	if (!timestamp && !suture_tuf_keys_rotated(before, root, "snapshot"))
		return TRUE;
	/* What the old key said of the time is worth no more than the versions that it gave. */
	if (timestamp && !suture_clock_drop(&client->clock, client->folder, error))
		return FALSE;
	client->now = suture_clock_now(&client->clock, client->local);
	return suture_file_remove_tree(client->folder, roles[SUTURE_TUF_TIMESTAMP].file, error) &&
	       suture_file_remove_tree(client->folder, roles[SUTURE_TUF_SNAPSHOT].file, error);
}

/* 5.3.4 to 5.3.8 for version N+1, and 5.3.11. */
static gboolean accept_root(SutureTufClient *client, GBytes *bytes, const gchar *name, GError **error)
{
	const SutureTufMetadata *before = client->trusted[SUTURE_TUF_ROOT];
	g_autoptr(SutureTufMetadata) root = suture_tuf_metadata_parse(bytes, SUTURE_TUF_ROOT, name, error);

	if (!root)
		return FALSE;
	if (!suture_check_skipped("tuf-root-signature") && !verify(before, root, error))
		return FALSE;
	if (!suture_check_skipped("tuf-root-signature-new") && !verify(root, root, error))
		return FALSE;
	if (!suture_check_skipped("tuf-root-version") && root->version != before->version + 1)
		return suture_tuf_client_refuse(error, SUTURE_TUF_ERROR_ROOT_VERSION,
						"%s says that it is version %" G_GINT64_FORMAT, name,
						root->version);
	if (!recover_from_fast_forward(client, root, error) || !keep(client, root, error))
		return FALSE;
	g_steal_pointer(&root);
	return TRUE;
}

/* FALSE without an error when there is no newer root. */
static gboolean update_root_once(SutureTufClient *client, GError **error)
{
	g_autofree gchar *name = g_strdup_printf("%" G_GINT64_FORMAT ".root.json",
						 client->trusted[SUTURE_TUF_ROOT]->version + 1);
	g_autoptr(GError) cause = NULL;
	g_autoptr(GBytes) bytes =
		download(client, name, SUTURE_TUF_MAX_ROOT_BYTES, SUTURE_TUF_ERROR_TOO_LARGE, &cause);

	if (bytes)
		return accept_root(client, bytes, name, error);
	if (!g_error_matches(cause, SUTURE_FETCH_ERROR, SUTURE_FETCH_ERROR_NOT_FOUND))
		g_propagate_error(error, g_steal_pointer(&cause));
	return FALSE;
}

/* 5.3.2 to 5.3.9 */
static gboolean update_root(SutureTufClient *client, GError **error)
{
	g_autoptr(GError) cause = NULL;

	for (guint i = 0; i < SUTURE_TUF_MAX_ROOTS; i++)
		if (client->trusted[SUTURE_TUF_ROOT]->version == G_MAXINT64 ||
		    !update_root_once(client, &cause))
			break;
	if (cause) {
		g_propagate_error(error, g_steal_pointer(&cause));
		return FALSE;
	}
	return TRUE;
}

/* 5.3.10 */
static gboolean check_root(SutureTufClient *client, GError **error)
{
	return suture_check_skipped("tuf-root-expired") ||
	       is_current(client, client->trusted[SUTURE_TUF_ROOT], SUTURE_TUF_ERROR_ROOT_EXPIRED, error);
}

/* 5.4.3 against what was trusted before. */
static gboolean check_timestamp_rollback(const SutureTufMetadata *old, const SutureTufMetadata *new,
					 GError **error)
{
	gint64 old_snapshot = suture_tuf_metadata_file(old, "snapshot.json")->version;
	gint64 new_snapshot = suture_tuf_metadata_file(new, "snapshot.json")->version;

	if (!suture_check_skipped("tuf-timestamp-rollback") && new->version < old->version)
		return suture_tuf_client_refuse(error, SUTURE_TUF_ERROR_TIMESTAMP_ROLLBACK,
						"timestamp.json went back from version %" G_GINT64_FORMAT
						" to %" G_GINT64_FORMAT,
						old->version, new->version);
	if (!suture_check_skipped("tuf-timestamp-snapshot-rollback") && new->version != old->version &&
	    new_snapshot < old_snapshot)
		return suture_tuf_client_refuse(
			error, SUTURE_TUF_ERROR_TIMESTAMP_SNAPSHOT,
			"timestamp.json takes snapshot.json back from version %" G_GINT64_FORMAT
			" to %" G_GINT64_FORMAT,
			old_snapshot, new_snapshot);
	return TRUE;
}

/* A publisher whose clock is so wrong would take every host's along. */
/* A moment after its own end, or root's, would only keep this host from believing anything. */
static gboolean check_issued(const SutureTufClient *client, const SutureTufMetadata *timestamp,
			     GError **error)
{
	gint64 last = MIN(timestamp->expires, client->trusted[SUTURE_TUF_ROOT]->expires);
	g_autofree gchar *issued = NULL;

	if (suture_check_skipped("tuf-timestamp-issued") || timestamp->issued <= last)
		return TRUE;
	issued = suture_time_text(timestamp->issued);
	return suture_tuf_client_refuse(error, SUTURE_TUF_ERROR_TIMESTAMP_ISSUED,
					"timestamp.json version %" G_GINT64_FORMAT
					" says to be signed at %s, after its own end or root's",
					timestamp->version, issued);
}

/* 5.4.1 and 5.4.2 */
static SutureTufMetadata *fetch_timestamp(SutureTufClient *client, GError **error)
{
	g_autoptr(SutureTufMetadata) new = NULL;
	g_autoptr(GBytes) bytes = download(client, "timestamp.json", SUTURE_TUF_MAX_TIMESTAMP_BYTES,
					   SUTURE_TUF_ERROR_TOO_LARGE, error);

	new = bytes ? suture_tuf_metadata_parse(bytes, SUTURE_TUF_TIMESTAMP, "timestamp.json", error) : NULL;
	if (!new)
		return NULL;
	if (!suture_check_skipped("tuf-timestamp-signature") &&
	    !verify(client->trusted[SUTURE_TUF_ROOT], new, error))
		return NULL;
	return check_issued(client, new, error) ? g_steal_pointer(&new) : NULL;
}

/* 5.4. Takes @old, what is stored; NULL when there is nothing. */
static gboolean update_timestamp(SutureTufClient *client, SutureTufMetadata *stored, GError **error)
{
	g_autoptr(SutureTufMetadata) old = stored;
	g_autoptr(SutureTufMetadata) new = fetch_timestamp(client, error);

	if (!new || (old && !check_timestamp_rollback(old, new, error)))
		return FALSE;
	/* The same version says the same: what is there stays, whatever else the server put into it. */
	if (old && old->version == new->version)
		client->trusted[SUTURE_TUF_TIMESTAMP] = g_steal_pointer(&old);
	if (!suture_check_skipped("tuf-timestamp-expired") &&
	    !is_current(client, client->trusted[SUTURE_TUF_TIMESTAMP] ?: new,
			SUTURE_TUF_ERROR_TIMESTAMP_EXPIRED, error))
		return FALSE;
	if (client->trusted[SUTURE_TUF_TIMESTAMP])
		return TRUE;
	if (!keep(client, new, error))
		return FALSE;
	take_time(client, g_steal_pointer(&new));
	return TRUE;
}

gboolean suture_tuf_client_is_listed(const SutureTufMetadata *local, const SutureTufFile *listed)
{
	gint64 size = (gint64)g_bytes_get_size(local->bytes);

	return local->version == listed->version && (listed->length < 0 || listed->length == size) &&
	       (!listed->hashes || suture_tuf_hashes_check_bytes(listed, local->bytes, "", 0, NULL));
}

static const SutureTufListed snapshot_steps = {
	.file = "snapshot.json",
	.type = SUTURE_TUF_SNAPSHOT,
	.limit = SUTURE_TUF_MAX_SNAPSHOT_BYTES,
	.length = SUTURE_TUF_ERROR_SNAPSHOT_LENGTH,
	.hash = SUTURE_TUF_ERROR_SNAPSHOT_HASH,
	.version = SUTURE_TUF_ERROR_SNAPSHOT_VERSION,
};
static const SutureTufListed targets_steps = {
	.file = "targets.json",
	.type = SUTURE_TUF_TARGETS,
	.limit = SUTURE_TUF_MAX_TARGETS_BYTES,
	.length = SUTURE_TUF_ERROR_TARGETS_LENGTH,
	.hash = SUTURE_TUF_ERROR_TARGETS_HASH,
	.version = SUTURE_TUF_ERROR_TARGETS_VERSION,
};

gchar *suture_tuf_client_served_name(const SutureTufClient *client, const gchar *file, gint64 version)
{
	return client->trusted[SUTURE_TUF_ROOT]->consistent_snapshot
		       ? g_strdup_printf("%" G_GINT64_FORMAT ".%s", version, file)
		       : g_strdup(file);
}

/* The bytes of @what's role, checked against length and hashes in @listed where it has them. */
static GBytes *download_listed(SutureTufClient *client, const SutureTufListed *what,
			       const SutureTufFile *listed, GError **error)
{
	gboolean ours = listed->length < 0 || (guint64)listed->length > what->limit;
	g_autofree gchar *name = suture_tuf_client_served_name(client, what->file, listed->version);
	g_autoptr(GBytes) bytes = download(client, name, ours ? what->limit : (guint64)listed->length,
					   ours ? SUTURE_TUF_ERROR_TOO_LARGE : what->length, error);

	if (!bytes)
		return NULL;
	if (!suture_check_skipped("tuf-metadata-length") && listed->length >= 0 &&
	    g_bytes_get_size(bytes) != (guint64)listed->length) {
		suture_tuf_client_refuse(error, what->length,
					 "%s has %" G_GSIZE_FORMAT
					 " bytes, signed metadata says %" G_GINT64_FORMAT,
					 name, g_bytes_get_size(bytes), listed->length);
		return NULL;
	}
	if (!suture_check_skipped("tuf-metadata-hash") && listed->hashes &&
	    !suture_tuf_hashes_check_bytes(listed, bytes, name, what->hash, error))
		return NULL;
	return g_steal_pointer(&bytes);
}

SutureTufMetadata *suture_tuf_client_get_listed(SutureTufClient *client, const SutureTufListed *what,
						const SutureTufFile *listed, GError **error)
{
	g_autoptr(SutureTufMetadata) new = NULL;
	g_autoptr(GBytes) bytes = download_listed(client, what, listed, error);

	new = bytes ? suture_tuf_metadata_parse(bytes, what->type, what->file, error) : NULL;
	return g_steal_pointer(&new);
}

gboolean suture_tuf_client_check_version(const SutureTufListed *what, const SutureTufFile *listed,
					 const SutureTufMetadata *metadata, GError **error)
{
	if (suture_check_skipped("tuf-metadata-version") || metadata->version == listed->version)
		return TRUE;
	return suture_tuf_client_refuse(error, what->version,
					"%s is version %" G_GINT64_FORMAT
					", signed metadata says %" G_GINT64_FORMAT ": a mix of old and new",
					what->file, metadata->version, listed->version);
}

static SutureTufMetadata *fetch_listed(SutureTufClient *client, const SutureTufListed *what,
				       const SutureTufFile *listed, GError **error)
{
	g_autoptr(SutureTufMetadata) new = suture_tuf_client_get_listed(client, what, listed, error);

	if (!new)
		return NULL;
	if (!suture_check_skipped(what->type == SUTURE_TUF_SNAPSHOT ? "tuf-snapshot-signature"
								    : "tuf-targets-signature") &&
	    !verify(client->trusted[SUTURE_TUF_ROOT], new, error))
		return NULL;
	return suture_tuf_client_check_version(what, listed, new, error) ? g_steal_pointer(&new) : NULL;
}

/* 5.5.5 */
static gboolean check_snapshot_rollback(const SutureTufMetadata *old, const SutureTufMetadata *new,
					GError **error)
{
	GHashTableIter iter;
	gpointer path, value;

	g_hash_table_iter_init(&iter, old->files);
	while (g_hash_table_iter_next(&iter, &path, &value)) {
		const SutureTufFile *before = value, *after = suture_tuf_metadata_file(new, path);

		if (!after)
			return suture_tuf_client_refuse(error, SUTURE_TUF_ERROR_SNAPSHOT_ROLLBACK,
							"snapshot.json lists %.200s no more",
							(const gchar *)path);
		if (after->version < before->version)
			return suture_tuf_client_refuse(
				error, SUTURE_TUF_ERROR_SNAPSHOT_ROLLBACK,
				"snapshot.json takes %.200s back from version %" G_GINT64_FORMAT
				" to %" G_GINT64_FORMAT,
				(const gchar *)path, before->version, after->version);
	}
	return TRUE;
}

/* 5.5 */
static gboolean update_snapshot(SutureTufClient *client, GError **error)
{
	const SutureTufFile *listed =
		suture_tuf_metadata_file(client->trusted[SUTURE_TUF_TIMESTAMP], "snapshot.json");
	g_autoptr(SutureTufMetadata) old = load_local(client, SUTURE_TUF_SNAPSHOT);
	g_autoptr(SutureTufMetadata) new = NULL;

	if (old && suture_tuf_client_is_listed(old, listed)) {
		client->trusted[SUTURE_TUF_SNAPSHOT] = g_steal_pointer(&old);
		return suture_check_skipped("tuf-snapshot-expired") ||
		       is_current(client, client->trusted[SUTURE_TUF_SNAPSHOT],
				  SUTURE_TUF_ERROR_SNAPSHOT_EXPIRED, error);
	}
	new = fetch_listed(client, &snapshot_steps, listed, error);
	if (!new)
		return FALSE;
	if (!suture_check_skipped("tuf-snapshot-rollback") && old &&
	    !check_snapshot_rollback(old, new, error))
		return FALSE;
	if (!suture_check_skipped("tuf-snapshot-expired") &&
	    !is_current(client, new, SUTURE_TUF_ERROR_SNAPSHOT_EXPIRED, error))
		return FALSE;
	if (!keep(client, new, error))
		return FALSE;
	g_steal_pointer(&new);
	return TRUE;
}

/* 5.6.1 to 5.6.6 */
static gboolean update_targets(SutureTufClient *client, GError **error)
{
	const SutureTufFile *listed =
		suture_tuf_metadata_file(client->trusted[SUTURE_TUF_SNAPSHOT], "targets.json");
	g_autoptr(SutureTufMetadata) old = load_local(client, SUTURE_TUF_TARGETS);
	g_autoptr(SutureTufMetadata) new = NULL;

	if (old && suture_tuf_client_is_listed(old, listed)) {
		client->trusted[SUTURE_TUF_TARGETS] = g_steal_pointer(&old);
		return suture_check_skipped("tuf-targets-expired") ||
		       is_current(client, client->trusted[SUTURE_TUF_TARGETS],
				  SUTURE_TUF_ERROR_TARGETS_EXPIRED, error);
	}
	new = fetch_listed(client, &targets_steps, listed, error);
	if (!new)
		return FALSE;
	if (!suture_check_skipped("tuf-targets-expired") &&
	    !is_current(client, new, SUTURE_TUF_ERROR_TARGETS_EXPIRED, error))
		return FALSE;
	if (!keep(client, new, error))
		return FALSE;
	g_steal_pointer(&new);
	return TRUE;
}

static gboolean refresh(SutureTufClient *client, GError **error)
{
	SutureTufMetadata *timestamp;

	if (!update_root(client, error))
		return FALSE;
	/* Before the first expiry is judged. */
	timestamp = load_local(client, SUTURE_TUF_TIMESTAMP);
	if (timestamp)
		take_time(client, timestamp);
	if (!check_root(client, error)) {
		g_clear_pointer(&timestamp, suture_tuf_metadata_free);
		return FALSE;
	}
	/* Root once more, by what timestamp says the time is. */
	return update_timestamp(client, timestamp, error) && check_root(client, error) &&
	       update_snapshot(client, error) && update_targets(client, error);
}

gboolean suture_tuf_client_refresh(SutureTufClient *client, GError **error)
{
	gboolean done;

	suture_tuf_client_forget_delegated(client);
	for (SutureTufType type = SUTURE_TUF_TIMESTAMP; type <= SUTURE_TUF_TARGETS; type++) {
		g_clear_pointer(&client->trusted[type], suture_tuf_metadata_free);
		client->stale[type] = 0;
	}
	suture_clock_load(&client->clock, client->folder);
	client->now = suture_clock_now(&client->clock, client->local);
	done = refresh(client, error);
	if (!suture_clock_save(&client->clock, client->folder, done ? error : NULL) || !done)
		return FALSE;
	suture_tuf_client_sweep(client);
	return TRUE;
}

void suture_tuf_client_set_max_stale(SutureTufClient *client, guint days)
{
	client->max_stale = (gint64)days * 24 * 60 * 60;
}

void suture_tuf_client_take_expired(SutureTufClient *client)
{
	client->take_expired = TRUE;
}

gint64 suture_tuf_client_now(const SutureTufClient *client)
{
	return client->now;
}

gint64 suture_tuf_client_stale_since(const SutureTufClient *client, SutureTufType type)
{
	return client->stale[type];
}

const SutureTufMetadata *suture_tuf_client_metadata(const SutureTufClient *client, SutureTufType type)
{
	return client->trusted[type];
}

gboolean suture_tuf_client_download(SutureTufClient *client, const SutureTufTarget *target,
				    const gchar *base_url, int fd, GError **error)
{
	gboolean consistent = client->trusted[SUTURE_TUF_ROOT]->consistent_snapshot;
	g_autofree gchar *path = suture_tuf_target_path(target, consistent);
	g_autofree gchar *url = suture_http_join(base_url, path);

	return suture_tuf_target_download(target, client->http, url, fd, error);
}
