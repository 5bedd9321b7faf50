/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* Programs whose words are the author's to read: compilers, objtool, modpost, make. */

/* Runs @argv in @folder with standard output and standard error, in the order in which they are said, going
 * to the file @said. PROCESS when it fails. */
gboolean suture_said_run(const gchar *const *argv, const gchar *folder, GBytes *input, const gchar *said,
			 GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* What is in the file, as valid UTF-8 without blanks at its end; the first 4 MiB; "" for no file. */
gchar *suture_said_read(const gchar *said);

/* The first line of @words that says what is wrong; the compiler's before make's own. */
gchar *suture_said_first_error(const gchar *words);

/* @words without each @part: the names of scratch folders say nothing to the author. */
gchar *suture_said_without(const gchar *words, const gchar *part);
