/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/*
 * Reads what `make -n V=1 vmlinux modules` of a kernel prints, line by line: which units there are, how each
 * is compiled, what objtool is told, and of what modules and vmlinux are made.
 */
typedef struct _SutureDryRun SutureDryRun;

SutureDryRun *suture_dry_run_new(void);
void suture_dry_run_free(SutureDryRun *run);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureDryRun, suture_dry_run_free)

/* Takes one line, without its line break. Lines that mean nothing to us are passed over. COMMANDS: a command
 * that cannot be understood. */
gboolean suture_dry_run_line(SutureDryRun *run, const gchar *line, GError **error);

/* All lines of @fd from its position on; @what names it in errors. */
gboolean suture_dry_run_read(SutureDryRun *run, int fd, const gchar *what, GError **error);

/* The index of it all (commands.h); new. COMMANDS when there is no unit. */
GVariant *suture_dry_run_index(SutureDryRun *run, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * The command that a line of make shows ("set -e; echo '  gcc ...'; ..."), without the quotes; NULL when it
 * shows none. New.
 */
gchar *suture_dry_run_shown(const gchar *line);

/* Number of words before the ";" at or behind @from that ends a command; the word may end in it. */
guint suture_dry_run_command_length(gchar **words, guint from);

/* "a/b/../c" -> "a/c", "./a" -> "a"; NULL when it is absolute or leads out. New. */
gchar *suture_dry_run_path(const gchar *path);
