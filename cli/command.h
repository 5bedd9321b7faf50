/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/error.h"
#include "spec/event.h"

/* What the global options and the machine say, for every command. */
typedef struct {
	gchar *root;   /* --root: every host path is below it; NULL for "/" */
	gboolean json; /* --json */
	gboolean quiet;
	const gchar *program; /* "suture" */
} SutureContext;

/*
 * A command gets argv from its own name on, parses its options with GOptionContext, and returns an exit code.
 * On failure it sets @error; the caller prints the one line and takes the exit code from suture_error_exit().
 */
typedef gboolean (*SutureCommandFunc)(SutureContext *context, int argc, char **argv, GError **error);

typedef struct {
	const gchar *name;
	SutureCommandFunc run;
	const gchar *help; /* one line */
} SutureCommand;

/* Host path @absolute below the context's root. */
gchar *suture_context_path(const SutureContext *context, const gchar *absolute);

/* Entry point shared by suture and suture-vendor, @program being the one. @commands ends with a NULL name. */
int suture_main(int argc, char **argv, const gchar *program, const SutureCommand *commands);

/* Runs the one of @commands that argv[1] names ("repo init"); without a name, or with --help, it lists them.
 */
gboolean suture_subcommand(SutureContext *context, const SutureCommand *commands, int argc, char **argv,
			   GError **error);

/* Commands; one file cmd_<verb>.c each. */
gboolean cmd_apply(SutureContext *context, int argc, char **argv, GError **error);
gboolean cmd_audit(SutureContext *context, int argc, char **argv, GError **error);
gboolean cmd_check(SutureContext *context, int argc, char **argv, GError **error);
gboolean cmd_build(SutureContext *context, int argc, char **argv, GError **error);
gboolean cmd_entitle(SutureContext *context, int argc, char **argv, GError **error);
gboolean cmd_fetch(SutureContext *context, int argc, char **argv, GError **error);
gboolean cmd_kernel(SutureContext *context, int argc, char **argv, GError **error);
gboolean cmd_key(SutureContext *context, int argc, char **argv, GError **error);
gboolean cmd_list(SutureContext *context, int argc, char **argv, GError **error);
gboolean cmd_mirror(SutureContext *context, int argc, char **argv, GError **error);
gboolean cmd_policy(SutureContext *context, int argc, char **argv, GError **error);
gboolean cmd_prune(SutureContext *context, int argc, char **argv, GError **error);
gboolean cmd_repo(SutureContext *context, int argc, char **argv, GError **error);
gboolean cmd_repo_config(SutureContext *context, int argc, char **argv, GError **error);
gboolean cmd_revert(SutureContext *context, int argc, char **argv, GError **error);
gboolean cmd_sign(SutureContext *context, int argc, char **argv, GError **error);
gboolean cmd_status(SutureContext *context, int argc, char **argv, GError **error);
gboolean cmd_subscribe(SutureContext *context, int argc, char **argv, GError **error);
gboolean cmd_update(SutureContext *context, int argc, char **argv, GError **error);
gboolean cmd_verify(SutureContext *context, int argc, char **argv, GError **error);
