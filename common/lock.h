/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/*
 * Takes an exclusive flock(2) on @path, made if absent (mode 0600, its folder too). With @wait it waits, else
 * a holder gives BUSY. Returns the descriptor that holds the lock (close it to release), or -1. The file is
 * never removed.
 */
int suture_lock_take(const gchar *path, gboolean wait, GError **error) G_GNUC_WARN_UNUSED_RESULT;
