/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/*
 * Runs argv[0] (found in PATH) with @argv and waits. @environ_add: "NAME=value" pairs put over our
 * environment, NULL for none. @folder: working directory, NULL for ours. @input: given on standard input,
 * NULL for /dev/null. Standard output goes to @ret_output when not NULL (NUL-terminated, length not needed;
 * also when the program ran and failed), else it is dropped. Standard error is kept: on a non-zero exit the
 * error PROCESS carries the program's name, status and the last lines it said. The child dies with us
 * (PR_SET_PDEATHSIG).
 */
gboolean suture_process_run(const gchar *const *argv, const gchar *const *environ_add, const gchar *folder,
			    GBytes *input, gchar **ret_output, GError **error) G_GNUC_WARN_UNUSED_RESULT;
