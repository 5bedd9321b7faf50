/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "fetcher/client/tuf-client.h"
#include "fetcher/mirror/error.h"

/* One file below targets/. */
typedef struct _SutureMirrorFile SutureMirrorFile;
struct _SutureMirrorFile {
	gchar *path;   /* safe, with the digest before the last name: consistent snapshots */
	gchar *sha256; /* lower-case hex */
	guint64 length;
	SutureMirrorFile *same; /* another name for the same bytes; NULL: no more */
};
SutureMirrorFile *suture_mirror_file_new(const gchar *path, const gchar *sha256, guint64 length);
void suture_mirror_file_free(SutureMirrorFile *file);

/* A delegated role. */
typedef struct {
	gchar *name;
	gchar *stored; /* its file in the client's folder */
	gchar *served; /* its file below metadata/ */
	gint64 version;
	guint first, count; /* its files in the plan, but for those that another one lists as well */
	gboolean kernel; /* delegated to by the top-level targets role, and can be a folder below targets/ */
} SutureMirrorRole;

/* All that refreshed metadata leads to. */
typedef struct {
	GPtrArray *files;    /* SutureMirrorFile* */
	GPtrArray *roles;    /* SutureMirrorRole*, a delegator before those it delegates to */
	GHashTable *by_path; /* path -> SutureMirrorFile* */
	guint64 bytes;       /* of all files */
	guint top_level;     /* so many of the files, the first ones, are those of the top-level role */
} SutureMirrorPlan;
void suture_mirror_plan_free(SutureMirrorPlan *plan);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureMirrorPlan, suture_mirror_plan_free)

/*
 * The top-level role and the delegated roles that match @kernels (patterns; NULL: all), with their files.
 * One role that is refused, or one name that cannot be a file, refuses all: a mirror shows the repository
 * whole or not. Codes CONSISTENT, NAME, KERNEL, and those of suture_tuf_client_walk().
 */
SutureMirrorPlan *suture_mirror_plan_new(SutureTufClient *client, const gchar *const *kernels,
					 GError **error) G_GNUC_WARN_UNUSED_RESULT;

const SutureMirrorFile *suture_mirror_plan_file(const SutureMirrorPlan *plan, const gchar *path);
