/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What `suture key` and `suture sign` share. */

#include <glib.h>
#include <jansson.h>

/* Parses options strictly; @usage goes after the command's name in --help, @summary below it. */
gboolean suture_vendor_parse(const gchar *usage, const gchar *summary, const GOptionEntry *entries, int *argc,
			     char ***argv, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Sets an error of the command line (exit code USAGE); FALSE. */
gboolean suture_vendor_usage(GError **error, const gchar *format, ...) G_GNUC_PRINTF(2, 3);

/* On standard output, indented. */
void suture_vendor_print_json(json_t *json);
