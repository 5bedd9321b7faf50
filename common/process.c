// SPDX-License-Identifier: LGPL-2.1-or-later
#include "common/process.h"

#include "common/cancel.h"
#include "common/error.h"

#include <gio/gio.h>
#include <signal.h>
#include <sys/prctl.h>

#define TAIL_BYTES 4000 /* of what a failed program said */

static void die_with_parent(gpointer data)
{
	(void)data;
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	suture_cancel_reset_child();
}

static GSubprocessLauncher *launcher_new(const gchar *const *environ_add, const gchar *folder, GBytes *input,
					 gboolean keep_output)
{
	GSubprocessFlags flags = G_SUBPROCESS_FLAGS_STDERR_PIPE;
	GSubprocessLauncher *launcher;

	flags |= input ? G_SUBPROCESS_FLAGS_STDIN_PIPE : 0;
	flags |= keep_output ? G_SUBPROCESS_FLAGS_STDOUT_PIPE : G_SUBPROCESS_FLAGS_STDOUT_SILENCE;
	launcher = g_subprocess_launcher_new(flags);
	g_subprocess_launcher_set_child_setup(launcher, die_with_parent, NULL, NULL);
	if (folder)
		g_subprocess_launcher_set_cwd(launcher, folder);
	for (; environ_add && *environ_add; environ_add++) {
		g_auto(GStrv) pair = g_strsplit(*environ_add, "=", 2);

		g_subprocess_launcher_setenv(launcher, pair[0], pair[1] ? pair[1] : "", TRUE);
	}
	return launcher;
}

static gchar *tail_of(GBytes *said)
{
	gsize size;
	const gchar *data = g_bytes_get_data(said, &size);
	gsize skip = size > TAIL_BYTES ? size - TAIL_BYTES : 0;
	g_autofree gchar *text = g_strndup(data ? data + skip : "", size - skip);

	return g_utf8_make_valid(g_strstrip(text), -1);
}

static gboolean judge(GSubprocess *process, const gchar *program, GBytes *said, GError **error)
{
	g_autofree gchar *tail = NULL;

	if (g_subprocess_get_successful(process))
		return TRUE;
	tail = tail_of(said);
	if (g_subprocess_get_if_exited(process))
		g_set_error(error, SUTURE_COMMON_ERROR, SUTURE_COMMON_ERROR_PROCESS,
			    "%s exited with status %d: %s", program, g_subprocess_get_exit_status(process),
			    *tail ? tail : "it said nothing");
	else
		g_set_error(error, SUTURE_COMMON_ERROR, SUTURE_COMMON_ERROR_PROCESS,
			    "%s was ended by signal %d: %s", program, g_subprocess_get_term_sig(process),
			    tail);
	return FALSE;
}

gboolean suture_process_run(const gchar *const *argv, const gchar *const *environ_add, const gchar *folder,
			    GBytes *input, gchar **ret_output, GError **error)
{
	g_autoptr(GSubprocessLauncher) launcher =
		launcher_new(environ_add, folder, input, ret_output != NULL);
	g_autoptr(GSubprocess) process = NULL;
	g_autoptr(GBytes) output = NULL;
	g_autoptr(GBytes) said = NULL;
	g_autoptr(GError) cause = NULL;

	process = g_subprocess_launcher_spawnv(launcher, argv, &cause);
	if (!process ||
	    !g_subprocess_communicate(process, input, suture_cancellable(), &output, &said, &cause)) {
		if (process) {
			g_subprocess_send_signal(process, SIGTERM);
			g_subprocess_wait(process, NULL, NULL);
		}
		if (!suture_cancel_check(error))
			return FALSE;
		g_set_error(error, SUTURE_COMMON_ERROR, SUTURE_COMMON_ERROR_PROCESS, "%s: %s", argv[0],
			    cause->message);
		return FALSE;
	}
	if (!judge(process, argv[0], said, error))
		return FALSE;
	if (ret_output) {
		gsize size;
		gconstpointer data = g_bytes_get_data(output, &size);

		*ret_output = g_strndup(data ? data : "", size);
	}
	return TRUE;
}
