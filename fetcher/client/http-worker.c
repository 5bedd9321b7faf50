// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fetcher/client/http-worker.h"

#include "common/cancel.h"
#include "common/file.h"
#include "fetcher/client/http-channel.h"

#include <errno.h>
#include <gio/gio.h>
#include <poll.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define TICK_MS 200
/* Over its own limits, before the process counts as stuck. */
#define PATIENCE_SECONDS 30

struct _SutureHttpWorker {
	GSubprocess *process;
	int socket, folder;
	guint patience; /* seconds without a word */
	SutureProgress progress;
	gpointer progress_data;
};

void suture_http_worker_free(SutureHttpWorker *worker)
{
	suture_fd_clear(&worker->socket);
	suture_fd_clear(&worker->folder);
	if (worker->process) {
		g_subprocess_force_exit(worker->process);
		g_subprocess_wait(worker->process, NULL, NULL);
	}
	g_clear_object(&worker->process);
	g_free(worker);
}

static gboolean fail(GError **error, const gchar *words)
{
	g_set_error(error, SUTURE_FETCH_ERROR, SUTURE_FETCH_ERROR_WORKER, "%s", words);
	return FALSE;
}

/* The one folder that it may write to. */
static gboolean give_folder(SutureHttpWorker *worker, const SutureHttpOptions *options, GError **error)
{
	const struct passwd *user = getpwnam(options->user);

	if (!user) {
		g_set_error(error, SUTURE_FETCH_ERROR, SUTURE_FETCH_ERROR_WORKER,
			    "%s: no such user to download as; make it, or set [fetch] user in suture.conf",
			    options->user);
		return FALSE;
	}
	worker->folder = suture_file_open_folder(options->folder, TRUE, error);
	if (worker->folder < 0)
		return FALSE;
	return (fchown(worker->folder, user->pw_uid, user->pw_gid) == 0 &&
		fchmod(worker->folder, 0700) == 0) ||
	       suture_error_set_errno(error, errno, "%s", options->folder);
}

static json_t *options_json(const SutureHttpOptions *options)
{
	return json_pack("{s:s, s:s, s:s?, s:s?, s:s?, s:s?, s:s?, s:s?, s:s?, s:i, s:i, s:i}", "user",
			 options->user, "folder", options->folder, "ca_file", options->ca_file, "ca_folder",
			 options->ca_folder, "proxy", options->proxy, "no_proxy", options->no_proxy,
			 "proxy_ca_file", options->proxy_ca_file, "client_certificate",
			 options->client_certificate, "client_key", options->client_key, "stall_seconds",
			 (int)options->stall_seconds, "connect_seconds", (int)options->connect_seconds,
			 "get_seconds", (int)options->get_seconds);
}

/* In a session of its own, without the terminal: what it writes there would be typed by root. */
static void reset_child(gpointer data)
{
	(void)data;
	suture_cancel_reset_child();
	if (setsid() < 0)
		_exit(1);
}

static gboolean spawn(SutureHttpWorker *worker, GError **error)
{
	g_autoptr(GSubprocessLauncher) launcher = g_subprocess_launcher_new(
		G_SUBPROCESS_FLAGS_STDOUT_SILENCE | G_SUBPROCESS_FLAGS_STDERR_SILENCE);
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return suture_error_set_errno(error, errno, "socketpair");
	worker->socket = ends[0];
	g_subprocess_launcher_take_fd(launcher, ends[1], SUTURE_HTTP_WORKER_FD);
	g_subprocess_launcher_set_child_setup(launcher, reset_child, NULL, NULL);
	worker->process = g_subprocess_launcher_spawn(launcher, error, "/proc/self/exe",
						      SUTURE_HTTP_WORKER_COMMAND, NULL);
	return worker->process != NULL;
}

/* FALSE once it is time to give up: at @end, or when a signal came. */
static gboolean wait_for_word(const SutureHttpWorker *worker, gint64 end, GError **error)
{
	struct pollfd poll_for = {.fd = worker->socket, .events = POLLIN};

	do {
		if (!suture_cancel_check(error))
			return FALSE;
		if (g_get_monotonic_time() > end) {
			g_set_error_literal(error, SUTURE_FETCH_ERROR, SUTURE_FETCH_ERROR_STALLED,
					    "the download process does not come to an end; try again");
			return FALSE;
		}
	} while (poll(&poll_for, 1, TICK_MS) <= 0);
	return TRUE;
}

static gint64 number(json_t *message, const gchar *key)
{
	return json_integer_value(json_object_get(message, key));
}

/* The answer to one request; what it says of progress on the way is passed on. */
static json_t *await(SutureHttpWorker *worker, const gchar *url, guint64 total, int *ret_fd, GError **error)
{
	g_autofree gchar *label = suture_http_label(url);
	gint64 start = g_get_monotonic_time(), have = 0;

	for (;;) {
		SUTURE_AUTO_JSON *message = NULL;
		SUTURE_AUTO_FD fd = -1;
		/* Nor may it go on slower than a server may. */
		gint64 seconds = worker->patience + have / SUTURE_HTTP_FLOOR_BYTES_PER_SECOND;

		if (!wait_for_word(worker, start + seconds * G_USEC_PER_SEC, error))
			return NULL;
		message = suture_http_channel_receive(worker->socket, &fd, error);
		if (!message) {
			if ((!error || !*error) && suture_cancel_check(error))
				fail(error, "the download process ended; try again");
			return NULL;
		}
		if (!json_object_get(message, "have")) {
			*ret_fd = suture_fd_steal(&fd);
			return g_steal_pointer(&message);
		}
		have = CLAMP(number(message, "have"), 0, (gint64)total);
		if (worker->progress)
			worker->progress(label, (guint64)have, total, worker->progress_data);
	}
}

SutureHttpWorker *suture_http_worker_start(const SutureHttpOptions *options, GError **error)
{
	g_autoptr(SutureHttpWorker) worker = g_new0(SutureHttpWorker, 1);
	SUTURE_AUTO_JSON *settings = options_json(options), *ready = NULL;
	SUTURE_AUTO_FD fd = -1;
	guint get = options->get_seconds ? options->get_seconds : SUTURE_HTTP_GET_SECONDS;

	worker->socket = worker->folder = -1;
	worker->patience = get + PATIENCE_SECONDS;
	worker->progress = options->progress;
	worker->progress_data = options->progress_data;
	if (!give_folder(worker, options, error) || !spawn(worker, error) ||
	    !suture_http_channel_send(worker->socket, settings, -1, error))
		return NULL;
	ready = await(worker, "", 0, &fd, error);
	if (!ready)
		return NULL;
	if (!json_is_true(json_object_get(ready, "ok"))) {
		const gchar *why = json_string_value(json_object_get(ready, "message"));

		fail(error, why ? why : "the download process does not start");
		return NULL;
	}
	return g_steal_pointer(&worker);
}

/* The worker's own error, as far as it is one that a download can have. */
static gboolean take_error(json_t *answer, GError **error)
{
	const gchar *message = json_string_value(json_object_get(answer, "message"));
	gint64 code = number(answer, "code");

	if (code < SUTURE_FETCH_ERROR_URL || code > SUTURE_FETCH_ERROR_LAST)
		code = SUTURE_FETCH_ERROR_WORKER;
	g_set_error_literal(error, SUTURE_FETCH_ERROR, (gint)code, message ? message : "download failed");
	return FALSE;
}

/* A descriptor of a plain file of at most @limit bytes, whose size *@ret_size says; -1 with the worker's
 * error. */
static int request(SutureHttpWorker *worker, const gchar *kind, const gchar *url, guint64 limit,
		   guint64 *ret_size, gboolean *ret_resumed, SutureHttpCount *count, GError **error)
{
	SUTURE_AUTO_JSON *message =
		json_pack("{s:s, s:s, s:I}", "kind", kind, "url", url, "limit", (json_int_t)limit);
	SUTURE_AUTO_JSON *answer = NULL;
	SUTURE_AUTO_FD fd = -1;
	struct stat st;

	if (!suture_cancel_check(error) || !suture_http_channel_send(worker->socket, message, -1, error))
		return -1;
	answer = await(worker, url, limit, &fd, error);
	if (!answer)
		return -1;
	count->requests += (guint64)number(answer, "requests");
	count->bytes += (guint64)number(answer, "bytes");
	if (!json_is_true(json_object_get(answer, "ok"))) {
		take_error(answer, error);
		return -1;
	}
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || (guint64)st.st_size > limit) {
		fail(error, "the download process does not keep to its limits");
		return -1;
	}
	*ret_size = (guint64)st.st_size;
	if (ret_resumed)
		*ret_resumed = json_is_true(json_object_get(answer, "resumed"));
	return suture_fd_steal(&fd);
}

GBytes *suture_http_worker_get(SutureHttpWorker *worker, const gchar *url, guint64 limit,
			       SutureHttpCount *count, GError **error)
{
	guint64 size;
	SUTURE_AUTO_FD fd = request(worker, "get", url, limit, &size, NULL, count, error);

	return fd < 0 ? NULL : suture_file_read_fd(fd, limit, url, error);
}

gboolean suture_http_worker_get_file(SutureHttpWorker *worker, const gchar *url, int fd, guint64 length,
				     gboolean *ret_resumed, SutureHttpCount *count, GError **error)
{
	g_autofree gchar *name = g_compute_checksum_for_string(G_CHECKSUM_SHA256, url, -1);
	guint64 size;
	SUTURE_AUTO_FD from = request(worker, "file", url, length, &size, ret_resumed, count, error);

	if (from < 0)
		return FALSE;
	/* Copied, it is the caller's alone; gone, a second try begins anew. */
	if (ftruncate(fd, 0) < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return suture_error_set_errno(error, errno, "%s", url);
	return suture_file_copy_range(from, 0, size, fd, error) &&
	       suture_file_remove_tree(worker->folder, name, error);
}
