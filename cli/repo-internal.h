/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli/command.h"
#include "fetcher/repo/repo.h"

#include <jansson.h>

/* Shared by the files that make up `suture repo`. */

/*
 * Parses the options of one subcommand and takes its folder, the first argument, off: *@ret_folder. @min and
 * @max: how many arguments may follow it (@max -1: any number); these are left in @argv from 1 on.
 * G_OPTION_ERROR.
 */
gboolean suture_repo_options(const GOptionEntry *entries, const gchar *usage, const gchar *description,
			     int min, int max, int *argc, char ***argv, gchar **ret_folder, GError **error);

/* SOURCE_DATE_EPOCH where it is set, else @now. COMMON-CONFIG when it is not a number. */
gboolean suture_repo_metadata_time(gint64 now, gint64 *ret, GError **error);

void suture_repo_print_json(json_t *json);

/* A key file is found again from wherever publish is run: "file:" URIs become paths, and paths absolute. What
 * is neither is left to the signer. NULL for NULL. */
GStrv suture_repo_absolute_uris(GStrv uris);

/* Subcommands that live in a file of their own; argv[0] is the subcommand's name. */
gboolean cmd_repo_init(SutureContext *context, int argc, char **argv, GError **error);
gboolean cmd_repo_stage(SutureContext *context, int argc, char **argv, GError **error);
gboolean cmd_repo_sign(SutureContext *context, int argc, char **argv, GError **error);
gboolean cmd_repo_collect(SutureContext *context, int argc, char **argv, GError **error);
gboolean cmd_repo_delegate(SutureContext *context, int argc, char **argv, GError **error);
gboolean cmd_repo_rotate(SutureContext *context, int argc, char **argv, GError **error);
gboolean cmd_repo_list(SutureContext *context, int argc, char **argv, GError **error);
gboolean cmd_repo_status(SutureContext *context, int argc, char **argv, GError **error);
