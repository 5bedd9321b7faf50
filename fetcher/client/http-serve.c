// SPDX-License-Identifier: LGPL-2.1-or-later
/* The other end of http-worker.c: a process that has nothing to lose. */
#include "fetcher/client/http-worker.h"

#include "common/file.h"
#include "fetcher/client/http-channel.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/landlock.h>
#include <pwd.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* What broke off and was not asked for again since. */
#define KEEP_SECONDS (7 * 24 * 60 * 60)

#define READING (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define WRITING                                                                                           \
	(LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE | \
	 LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |       \
	 LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK |    \
	 LANDLOCK_ACCESS_FS_MAKE_SYM)

typedef struct {
	int socket, folder;
	SutureHttp *http;
} Server;

static void server_clear(Server *server)
{
	g_clear_pointer(&server->http, suture_http_free);
	suture_fd_clear(&server->folder);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Server, server_clear)

static gboolean allow(int rules, int folder, guint64 access)
{
	const struct landlock_path_beneath_attr beneath = {.allowed_access = access, .parent_fd = folder};

	return syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0) == 0;
}

/* Reads what it may, executes nothing, writes to @folder alone. A kernel without Landlock leaves it to the
 * user's rights. */
static gboolean restrict_paths(int folder, GError **error)
{
	const struct landlock_ruleset_attr all = {.handled_access_fs =
							  READING | WRITING | LANDLOCK_ACCESS_FS_EXECUTE};
	SUTURE_AUTO_FD rules = (int)syscall(SYS_landlock_create_ruleset, &all, sizeof all, 0);
	SUTURE_AUTO_FD top = open("/", O_PATH | O_CLOEXEC);

	if (rules < 0)
		return TRUE;
	return (allow(rules, top, READING) &&
		allow(rules, folder,
		      READING | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG |
			      LANDLOCK_ACCESS_FS_REMOVE_FILE) &&
		syscall(SYS_landlock_restrict_self, rules, 0) == 0) ||
	       suture_error_set_errno(error, errno, "Landlock");
}

static gboolean drop_privileges(const gchar *name, int folder, GError **error)
{
	const struct passwd *user = getpwnam(name);

	/* Whatever comes of the parent, this does not outlive it. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!user)
		return suture_error_set_errno(error, ENOENT, "user %s", name);
	if (setgroups(0, NULL) < 0 || setresgid(user->pw_gid, user->pw_gid, user->pw_gid) < 0 ||
	    setresuid(user->pw_uid, user->pw_uid, user->pw_uid) < 0)
		return suture_error_set_errno(error, errno, "become user %s", name);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	return (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && restrict_paths(folder, error)) ||
	       (error && *error ? FALSE : suture_error_set_errno(error, errno, "no_new_privs"));
}

static const gchar *text(json_t *message, const gchar *key)
{
	return json_string_value(json_object_get(message, key));
}

static guint seconds(json_t *message, const gchar *key)
{
	return (guint)json_integer_value(json_object_get(message, key));
}

static void tell_progress(const gchar *step, guint64 done, guint64 total, gpointer data)
{
	const Server *server = data;
	SUTURE_AUTO_JSON *message = json_pack("{s:I}", "have", (json_int_t)done);

	(void)step, (void)total;
	if (!suture_http_channel_send(server->socket, message, -1, NULL))
		_exit(1);
}

/* Certificates and keys that root alone can read are read before this is no longer root. */
static gboolean set_up(Server *server, json_t *settings, GError **error)
{
	const SutureHttpOptions options = {
		.ca_file = text(settings, "ca_file"),
		.ca_folder = text(settings, "ca_folder"),
		.proxy = text(settings, "proxy"),
		.no_proxy = text(settings, "no_proxy"),
		.proxy_ca_file = text(settings, "proxy_ca_file"),
		.client_certificate = text(settings, "client_certificate"),
		.client_key = text(settings, "client_key"),
		.stall_seconds = seconds(settings, "stall_seconds"),
		.connect_seconds = seconds(settings, "connect_seconds"),
		.get_seconds = seconds(settings, "get_seconds"),
		.in_memory = TRUE,
		.progress = tell_progress,
		.progress_data = server,
	};

	server->folder = suture_file_open_folder(text(settings, "folder"), FALSE, error);
	server->http = server->folder < 0 ? NULL : suture_http_new(&options, error);
	return server->http && drop_privileges(text(settings, "user"), server->folder, error);
}

static gboolean is_old(int folder, const gchar *name)
{
	struct stat st;

	return fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       st.st_mtime < time(NULL) - KEEP_SECONDS;
}

static void sweep(int folder)
{
	g_autofree gchar *path = g_strdup_printf("/proc/self/fd/%d", folder);
	g_autoptr(GDir) listing = g_dir_open(path, 0, NULL);
	const gchar *name;

	while (listing && (name = g_dir_read_name(listing)))
		if (is_old(folder, name))
			unlinkat(folder, name, 0);
}

/* A file in memory that holds the body. */
static int get(Server *server, const gchar *url, guint64 limit, GError **error)
{
	g_autoptr(GBytes) body = suture_http_get(server->http, url, limit, error);
	SUTURE_AUTO_FD fd = body ? memfd_create("body", MFD_CLOEXEC) : -1;
	gsize size;
	gconstpointer data;

	if (!body)
		return -1;
	data = g_bytes_get_data(body, &size);
	if (fd < 0) {
		suture_error_set_errno(error, errno, "memfd");
		return -1;
	}
	return suture_file_write_fd(fd, data, size, error) ? suture_fd_steal(&fd) : -1;
}

static int get_file(Server *server, const gchar *url, guint64 length, gboolean *resumed, GError **error)
{
	g_autofree gchar *name = g_compute_checksum_for_string(G_CHECKSUM_SHA256, url, -1);
	SUTURE_AUTO_FD fd = suture_file_open_beneath(server->folder, name, O_RDWR | O_CREAT, 0600, error);

	if (fd < 0 || !suture_http_get_file(server->http, url, fd, length, resumed, error))
		return -1;
	return suture_fd_steal(&fd);
}

static gboolean answer(Server *server, json_t *request, GError **error)
{
	const SutureHttpCount before = suture_http_count(server->http);
	const gchar *kind = text(request, "kind"), *url = text(request, "url");
	guint64 limit = (guint64)json_integer_value(json_object_get(request, "limit"));
	g_autoptr(GError) cause = NULL;
	gboolean resumed = FALSE;
	SUTURE_AUTO_FD fd = g_strcmp0(kind, "get") == 0 ? get(server, url, limit, &cause)
							: get_file(server, url, limit, &resumed, &cause);
	const SutureHttpCount after = suture_http_count(server->http);
	SUTURE_AUTO_JSON *reply = json_pack("{s:b, s:b, s:I, s:I}", "ok", fd >= 0, "resumed", resumed,
					    "requests", (json_int_t)(after.requests - before.requests),
					    "bytes", (json_int_t)(after.bytes - before.bytes));

	if (cause) {
		g_autofree gchar *words = g_utf8_make_valid(cause->message, -1);

		json_object_set_new(reply, "message", json_string(words));
		json_object_set_new(reply, "code",
				    json_integer(cause->domain == SUTURE_FETCH_ERROR ? cause->code : -1));
	}
	return suture_http_channel_send(server->socket, reply, fd, error);
}

gboolean suture_http_worker_serve(int fd, GError **error)
{
	g_auto(Server) server = {.socket = fd, .folder = -1};
	SUTURE_AUTO_JSON *settings = suture_http_channel_receive(fd, NULL, error);
	SUTURE_AUTO_JSON *ready = NULL;
	g_autoptr(GError) cause = NULL;
	gboolean fine = settings && set_up(&server, settings, &cause);

	ready = json_pack("{s:b, s:s}", "ok", fine, "message", cause ? cause->message : "");
	if (!suture_http_channel_send(fd, ready, -1, error) || !fine)
		return fine;
	sweep(server.folder);
	for (;;) {
		SUTURE_AUTO_JSON *request = suture_http_channel_receive(fd, NULL, error);

		if (!request)
			return !error || !*error;
		if (!text(request, "url") || !answer(&server, request, error))
			return FALSE;
	}
}
