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
	gboolean shared;        /* several roles list it */
};
SutureMirrorFile *suture_mirror_file_new(const gchar *path, const gchar *sha256, guint64 length);
void suture_mirror_file_free(SutureMirrorFile *file);

/* A delegated role. */
typedef struct {
	gchar *name;
	gchar *stored;               /* its file in the client's folder */
	gchar *served;               /* its file below metadata/ */
	gchar *top;                  /* the role by which the top-level one leads to it: the kernel's */
	const SutureTufFile *listed; /* by snapshot; borrowed from the client */
	gint64 version;
	guint first, count;  /* its files in the plan, but for those that another one lists as well */
	gboolean failed;     /* not all of its files can be had */
	gboolean incomplete; /* it, or another one of its kernel, has failed */
	gboolean kernel; /* delegated to by the top-level targets role, and can be a folder below targets/ */
} SutureMirrorRole;

/* A delegated role of which something was refused. */
typedef struct {
	gchar *name;                 /* of the kernel: the role that the top-level one delegates to */
	gchar *served;               /* its file below metadata/; NULL: it cannot have one */
	const SutureTufFile *listed; /* by snapshot; NULL: not; borrowed from the client */
	gboolean expired;            /* and nothing else: the plan has the role nevertheless */
	GError *cause;
} SutureMirrorRefused;

/* All that refreshed metadata leads to. */
typedef struct {
	GPtrArray *files;    /* SutureMirrorFile* */
	GPtrArray *roles;    /* SutureMirrorRole*, a delegator before those it delegates to */
	GPtrArray *refused;  /* SutureMirrorRefused* */
	GHashTable *by_path; /* path -> SutureMirrorFile* */
	guint64 bytes;       /* of all files */
	guint top_level;     /* so many of the files, the first ones, are those of the top-level role */
} SutureMirrorPlan;
void suture_mirror_plan_free(SutureMirrorPlan *plan);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureMirrorPlan, suture_mirror_plan_free)

/*
 * The top-level role and the delegated roles that match @kernels (patterns; NULL: all), with their files.
 * A delegated role that is refused, or that lists a name that cannot be a file, is among the refused, and
 * none of its files in the plan; one that expired is in both. Codes CONSISTENT, NAME (top level), KERNEL,
 * those of suture_tuf_client_walk(), and what says nothing of one role: cancelled, io, a server that is not
 * there.
 */
SutureMirrorPlan *suture_mirror_plan_new(SutureTufClient *client, const gchar *const *kernels,
					 GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Whether @cause says something of one file, or role, alone: another one may well be had. */
gboolean suture_mirror_is_one_file(const GError *cause);

const SutureMirrorFile *suture_mirror_plan_file(const SutureMirrorPlan *plan, const gchar *path);
