// SPDX-License-Identifier: LGPL-2.1-or-later
#include "common/cancel.h"

#include "common/error.h"

#include <signal.h>
#include <unistd.h>

static sigset_t held_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	return set;
}

/* sigwait in a thread, since g_cancellable_cancel() may not be called from a signal handler. */
static gpointer wait_for_signals(gpointer data)
{
	sigset_t set = held_signals();
	int number;

	(void)data;
	if (sigwait(&set, &number) == 0)
		g_cancellable_cancel(suture_cancellable());
	if (sigwait(&set, &number) == 0)
		_exit(128 + number);
	return NULL;
}

void suture_cancel_install(void)
{
	sigset_t set = held_signals();

	pthread_sigmask(SIG_BLOCK, &set, NULL);
	g_thread_unref(g_thread_new("signals", wait_for_signals, NULL));
}

GCancellable *suture_cancellable(void)
{
	static gsize once;

	if (g_once_init_enter(&once))
		g_once_init_leave(&once, (gsize)g_cancellable_new());
	return (GCancellable *)once;
}

gboolean suture_cancel_check(GError **error)
{
	if (!g_cancellable_is_cancelled(suture_cancellable()))
		return TRUE;
	g_set_error(error, SUTURE_COMMON_ERROR, SUTURE_COMMON_ERROR_CANCELLED,
		    "interrupted; nothing half-done was kept, run it again");
	return FALSE;
}

void suture_cancel_reset_child(void)
{
	sigset_t set = held_signals();

	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}
