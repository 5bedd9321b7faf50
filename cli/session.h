/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli/command.h"
#include "spec/patch.h"

/* What the commands that act on a host share: which kernel, which boot, and the ledger that every action goes
 * to. */
typedef struct _SutureSession SutureSession;

/*
 * Opens the host below the context's root. @command goes into the ledger's actor. With @must_record FALSE an
 * unprivileged user's missing write access to the ledger is no error: events are then dropped after a notice
 * on standard error (for `suture verify` on any machine).
 */
SutureSession *suture_session_open(const SutureContext *context, const gchar *command, gboolean must_record,
				   GError **error) G_GNUC_WARN_UNUSED_RESULT;
void suture_session_free(SutureSession *session);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureSession, suture_session_free)

/* For commands that only read: the kernel and the boot id without a session. */
gboolean suture_session_read_kernel(const SutureContext *context, SutureKernel *ret,
				    GError **error) G_GNUC_WARN_UNUSED_RESULT;
gchar *suture_session_read_boot_id(const SutureContext *context, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The running kernel; borrowed. */
const SutureKernel *suture_session_kernel(const SutureSession *session);
/* The kernel's boot id; borrowed. */
const gchar *suture_session_boot_id(const SutureSession *session);

/* A SutureEventSink with the session as @data: appends to the ledger. */
gboolean suture_session_record(const SutureEvent *event, gpointer session,
			       GError **error) G_GNUC_WARN_UNUSED_RESULT;
