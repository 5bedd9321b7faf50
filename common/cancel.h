/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

/*
 * Ctrl-C and SIGTERM end work through the ordinary error path, so that what guards itself by scope is cleaned
 * up. A program calls suture_cancel_install() once, before it starts any thread; long work polls
 * suture_cancel_check() or passes suture_cancellable() on. A second signal ends the process at once.
 */
void suture_cancel_install(void);

/* The process's one cancellable; never NULL; borrowed. */
GCancellable *suture_cancellable(void);

/* FALSE with COMMON-CANCELLED once a signal has come. */
gboolean suture_cancel_check(GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Gives a child process back the signals that suture_cancel_install() holds; for child set-up functions. */
void suture_cancel_reset_child(void);
