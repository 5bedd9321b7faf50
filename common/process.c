// SPDX-License-Identifier: LGPL-2.1-or-later
#include "common/process.h"

#include "common/cancel.h"
#include "common/error.h"
#include "common/file.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define TAIL_BYTES 4000 /* of what a failed program said */
#define READ_CHUNK 65536
#define GROUP_POLLS 200
#define GROUP_POLL_MICROSECONDS 10000

/*
 * Not GSubprocess: its communicate() works with a thread and a main context of its own, and GLib before 2.80
 * can free that context while it is still being unlocked, which corrupts the heap once in some hundred calls.
 */
typedef struct {
	GPid pid;
	int pipes[2]; /* standard output, standard error; -1 once ended */
	GByteArray *said[2];
} Child;

static void child_clear(Child *child)
{
	for (guint i = 0; i < 2; i++) {
		suture_fd_clear(&child->pipes[i]);
		g_byte_array_unref(child->said[i]);
	}
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Child, child_clear)

/* A group of its own, so that what it starts can be ended with it. */
static void die_with_parent(gpointer data)
{
	(void)data;
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	suture_cancel_reset_child();
}

static GStrv environment(const gchar *const *add)
{
	GStrv all = g_get_environ();

	for (; add && *add; add++) {
		g_auto(GStrv) pair = g_strsplit(*add, "=", 2);

		all = g_environ_setenv(all, pair[0], pair[1] ? pair[1] : "", TRUE);
	}
	return all;
}

/* A file in memory never blocks us, however late the program reads it. */
static int input_file(GBytes *input, GError **error)
{
	SUTURE_AUTO_FD fd = memfd_create("input", MFD_CLOEXEC);
	gsize size;
	gconstpointer data = g_bytes_get_data(input, &size);

	if (fd < 0) {
		suture_error_set_errno(error, errno, "memfd_create");
		return -1;
	}
	if (!suture_file_write_fd(fd, data, size, error))
		return -1;
	if (lseek(fd, 0, SEEK_SET) < 0) {
		suture_error_set_errno(error, errno, "lseek");
		return -1;
	}
	return suture_fd_steal(&fd);
}

static gboolean spawn(Child *child, const gchar *const *argv, const gchar *const *environ_add,
		      const gchar *folder, int input, gboolean keep_output, GError **error)
{
	g_auto(GStrv) variables = environment(environ_add);
	GSpawnFlags flags = G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_CLOEXEC_PIPES;
	g_autoptr(GError) cause = NULL;

	if (!keep_output)
		flags |= G_SPAWN_STDOUT_TO_DEV_NULL;
	if (g_spawn_async_with_pipes_and_fds(folder, argv, (const gchar *const *)variables, flags,
					     die_with_parent, NULL, input, -1, -1, NULL, NULL, 0, &child->pid,
					     NULL, keep_output ? &child->pipes[0] : NULL, &child->pipes[1],
					     &cause))
		return TRUE;
	g_set_error(error, SUTURE_COMMON_ERROR, SUTURE_COMMON_ERROR_PROCESS, "%s: %s", argv[0],
		    cause->message);
	return FALSE;
}

static void take(Child *child, guint i)
{
	GByteArray *said = child->said[i];
	guint before = said->len;
	gssize got;

	g_byte_array_set_size(said, before + READ_CHUNK);
	got = TEMP_FAILURE_RETRY(read(child->pipes[i], said->data + before, READ_CHUNK));
	g_byte_array_set_size(said, before + (guint)MAX(got, 0));
	if (got <= 0)
		suture_fd_clear(&child->pipes[i]);
}

/* Until both pipes have ended, or a signal has come: then FALSE. */
static gboolean listen_to(Child *child)
{
	GPollFD polls[3] = {{.fd = -1}, {.fd = -1}, {.fd = -1}};
	gboolean watched = g_cancellable_make_pollfd(suture_cancellable(), &polls[2]);

	while ((child->pipes[0] >= 0 || child->pipes[1] >= 0) &&
	       !g_cancellable_is_cancelled(suture_cancellable())) {
		for (guint i = 0; i < 2; i++)
			polls[i] = (GPollFD){child->pipes[i], G_IO_IN, 0};
		g_poll(polls, watched ? 3 : 2, -1);
		for (guint i = 0; i < 2; i++)
			if (child->pipes[i] >= 0 && polls[i].revents)
				take(child, i);
	}
	if (watched)
		g_cancellable_release_fd(suture_cancellable());
	return !g_cancellable_is_cancelled(suture_cancellable());
}

/* A program that closed its pipes may go on for long: waits until it ends, or a signal has come: then FALSE.
 */
static gboolean await_end(const Child *child)
{
	SUTURE_AUTO_FD process = (int)syscall(SYS_pidfd_open, child->pid, 0);
	GPollFD polls[2] = {{.fd = process, .events = G_IO_IN}, {.fd = -1}};
	gboolean watched = g_cancellable_make_pollfd(suture_cancellable(), &polls[1]);

	while (process >= 0 && !polls[0].revents && !g_cancellable_is_cancelled(suture_cancellable()))
		g_poll(polls, watched ? 2 : 1, -1);
	if (watched)
		g_cancellable_release_fd(suture_cancellable());
	return !g_cancellable_is_cancelled(suture_cancellable());
}

/* Compilers leave their parts running when they are ended: waits until nobody of the group writes to our
 * folders any more, and after a second insists. Nobody may reap them, so that this has an end too. */
static void end_group(GPid group)
{
	for (guint i = 0; i < GROUP_POLLS && kill(-group, 0) == 0; i++) {
		g_usleep(GROUP_POLL_MICROSECONDS);
		if (i == GROUP_POLLS / 2)
			kill(-group, SIGKILL);
	}
}

static gchar *tail_of(const GByteArray *said)
{
	guint skip = said->len > TAIL_BYTES ? said->len - TAIL_BYTES : 0;
	g_autofree gchar *text = g_strndup((const gchar *)said->data + skip, said->len - skip);

	return g_utf8_make_valid(g_strstrip(text), -1);
}

static gboolean judge(int status, const gchar *program, const GByteArray *said, GError **error)
{
	g_autofree gchar *tail = NULL;

	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return TRUE;
	tail = tail_of(said);
	if (WIFEXITED(status))
		g_set_error(error, SUTURE_COMMON_ERROR, SUTURE_COMMON_ERROR_PROCESS,
			    "%s exited with status %d: %s", program, WEXITSTATUS(status),
			    *tail ? tail : "it said nothing");
	else
		g_set_error(error, SUTURE_COMMON_ERROR, SUTURE_COMMON_ERROR_PROCESS,
			    "%s was ended by signal %d: %s", program, WTERMSIG(status), tail);
	return FALSE;
}

gboolean suture_process_run(const gchar *const *argv, const gchar *const *environ_add, const gchar *folder,
			    GBytes *input, gchar **ret_output, GError **error)
{
	g_auto(Child) child = {.pipes = {-1, -1}, .said = {g_byte_array_new(), g_byte_array_new()}};
	SUTURE_AUTO_FD in = input ? input_file(input, error) : -1;
	int status = 0;

	if ((input && in < 0) || !spawn(&child, argv, environ_add, folder, in, ret_output != NULL, error))
		return FALSE;
	if (!listen_to(&child) || !await_end(&child))
		kill(-child.pid, SIGTERM);
	if (TEMP_FAILURE_RETRY(waitpid(child.pid, &status, 0)) < 0)
		return suture_error_set_errno(error, errno, "%s", argv[0]);
	if (g_cancellable_is_cancelled(suture_cancellable()))
		end_group(child.pid);
	if (!suture_cancel_check(error))
		return FALSE;
	if (ret_output)
		*ret_output = g_strndup((const gchar *)child.said[0]->data, child.said[0]->len);
	return judge(status, argv[0], child.said[1], error);
}
