/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/progress.h"

/*
 * A SutureProgress that redraws one line on standard error when that is a terminal, and else does nothing.
 * @data: NULL, or a GTimer whose seconds are shown too.
 */
void suture_terminal_progress(const gchar *step, guint64 done, guint64 total, gpointer data);

/*
 * The same for bytes: how many of how many, how fast (over the last seconds), and how long it will take yet.
 * @data is not used.
 */
void suture_terminal_transfer(const gchar *step, guint64 done, guint64 total, gpointer data);

/* Removes the progress line; call before printing anything else. */
void suture_terminal_clear(void);

/*
 * @text as one line that is safe on a terminal: what is no printable character (escape sequences, line
 * breaks, changes of direction, broken UTF-8) becomes '?'. Errors carry names that servers, files and other
 * users' processes chose.
 */
gchar *suture_terminal_text(const gchar *text) G_GNUC_WARN_UNUSED_RESULT;
