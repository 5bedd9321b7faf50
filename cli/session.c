// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/session.h"

#include "audit/ledger.h"
#include "packager/read/kernel.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define LEDGER_PATH "/var/lib/suture/ledger.jsonl"

struct _SutureSession {
	SutureKernel kernel;
	gchar *boot_id;
	gchar *actor;
	SutureLedgerContext ledger_context;
	SutureLedger *ledger; /* NULL when events are dropped */
};

/* The form is fixed in spec/ledger.md. */
static gchar *describe_actor(const gchar *command)
{
	const gchar *sudo = g_getenv("SUDO_USER");

	return g_strdup_printf("uid=%u user=%s%s%s command=%s", (unsigned)getuid(), g_get_user_name(),
			       sudo ? " sudo=" : "", sudo ? sudo : "", command);
}

gchar *suture_session_read_boot_id(const SutureContext *context, GError **error)
{
	g_autofree gchar *path = suture_context_path(context, "/proc/sys/kernel/random/boot_id");
	g_autofree gchar *text = NULL;

	/* Below another root there may be no /proc: the machine that runs is still this one. */
	if (!g_file_get_contents(g_file_test(path, G_FILE_TEST_EXISTS) ? path
								       : "/proc/sys/kernel/random/boot_id",
				 &text, NULL, error))
		return NULL;
	g_strstrip(text);
	return g_steal_pointer(&text);
}

gboolean suture_session_read_kernel(const SutureContext *context, SutureKernel *ret, GError **error)
{
	g_autofree gchar *notes = suture_context_path(context, "/sys/kernel/notes");

	return suture_kernel_running(g_file_test(notes, G_FILE_TEST_EXISTS) ? context->root : NULL, ret,
				     error);
}

static gboolean may_drop_events(const gchar *path)
{
	g_autofree gchar *folder = g_path_get_dirname(path);

	return getuid() != 0 && access(path, W_OK) != 0 && access(folder, W_OK) != 0;
}

SutureSession *suture_session_open(const SutureContext *context, const gchar *command, gboolean must_record,
				   GError **error)
{
	g_autoptr(SutureSession) session = g_new0(SutureSession, 1);
	g_autofree gchar *path = suture_context_path(context, LEDGER_PATH);

	if (!suture_session_read_kernel(context, &session->kernel, error))
		return NULL;
	session->boot_id = suture_session_read_boot_id(context, error);
	if (!session->boot_id)
		return NULL;
	session->actor = describe_actor(command);
	session->ledger_context = (SutureLedgerContext){
		.boot_id = session->boot_id,
		.host = g_get_host_name(),
		.kernel_release = session->kernel.release,
		.kernel_build_id = session->kernel.build_id,
		.actor = session->actor,
	};
	if (!must_record && may_drop_events(path)) {
		if (!context->quiet)
			g_printerr("%s: not recorded: no write access to %s\n", context->program, path);
		return g_steal_pointer(&session);
	}
	session->ledger = suture_ledger_open(path, &session->ledger_context, error);
	return session->ledger ? g_steal_pointer(&session) : NULL;
}

void suture_session_free(SutureSession *session)
{
	g_clear_pointer(&session->ledger, suture_ledger_free);
	suture_kernel_clear(&session->kernel);
	g_free(session->boot_id);
	g_free(session->actor);
	g_free(session);
}

const SutureKernel *suture_session_kernel(const SutureSession *session)
{
	return &session->kernel;
}

const gchar *suture_session_boot_id(const SutureSession *session)
{
	return session->boot_id;
}

gboolean suture_session_record(const SutureEvent *event, gpointer data, GError **error)
{
	SutureSession *session = data;

	return !session->ledger || suture_ledger_append(event, session->ledger, error);
}
