/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/*
 * How long work reports itself without printing: libraries call the function, cli/ draws it on a terminal.
 * @step names what is being done; @done and @total are in @step's own unit (bytes for downloads), @total 0
 * when unknown.
 */
typedef void (*SutureProgress)(const gchar *step, guint64 done, guint64 total, gpointer data);
