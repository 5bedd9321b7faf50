/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "fetcher/client/http-many.h"
#include "fetcher/mirror/error.h"

#include <jansson.h>

/* Mirrors of a repository: what a web server serves, copied byte for byte. No key is needed, all is verified.
 */

/* A kernel of which something was refused, or cannot be had. */
typedef struct {
	gchar *kernel;
	GError *cause;
} SutureMirrorRefusal;

/* What was done. */
typedef struct {
	gint64 root, timestamp, snapshot, targets; /* versions that readers are shown, unless held back */
	gboolean held_back;                        /* readers are shown the old metadata: see refused */
	GPtrArray *refused;                        /* SutureMirrorRefusal* */
	guint kernels;                             /* delegated roles */
	guint64 files, bytes;                      /* packages and trust files that metadata leads to */
	guint64 new_files, new_bytes;              /* of those, not here before */
	guint rpm_md;                              /* kernels whose rpm-md changed */
	gboolean changed;
	gint64 stale_since; /* when the timestamp or snapshot that was tolerated expired; 0: it did not */
	SutureHttpCount count;
	GError *refusal; /* the first of a kernel that was refused, or of its rpm-md; NULL: none */
} SutureMirrorReport;
void suture_mirror_report_free(SutureMirrorReport *report);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureMirrorReport, suture_mirror_report_free)

typedef struct {
	const gchar *url;            /* of the repository: metadata/ and targets/ are below it */
	const gchar *folder;         /* the mirror; made if absent */
	const gchar *root;           /* path of the root.json to trust when there is none yet; NULL: none */
	const gchar *const *kernels; /* patterns; NULL: all */
	guint jobs;                  /* 0: SUTURE_HTTP_JOBS */
	SutureHttpOptions http;      /* its progress is told of bytes */
	gint64 now;
	gboolean again; /* look at everything, even when nothing is new */
} SutureMirrorSync;

/*
 * Brings the mirror up to date. Readers see the old state or the new: timestamp.json comes last, nothing gets
 * a name below the served folders before it is verified and on disk, and nothing that is served is removed.
 * Can be cut short at any point; the next run goes on. With nothing new it makes the two requests of a
 * refresh. What is refused of one kernel is in the report, and all others come: a kernel that expired as it
 * is, one whose listed version is served already stays. Where readers would be led to a version of a role, or
 * to a file of it, that is not there, the metadata is held back. Codes of SUTURE_TUF_ERROR,
 * SUTURE_FETCH_ERROR and SUTURE_MIRROR_ERROR.
 */
SutureMirrorReport *suture_mirror_sync(const SutureMirrorSync *request,
				       GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* A file that is not what was signed, or is not there. */
typedef struct {
	gchar *path;   /* below the mirror; "metadata" when a reader could not get past the metadata */
	gchar *kernel; /* whose rpm-md it belongs to; NULL: none */
	GError *cause;
} SutureMirrorDamage;

typedef struct {
	guint64 files, bytes; /* that were looked at */
	GPtrArray *damaged;   /* SutureMirrorDamage* */
	gboolean repaired;    /* they were, all */
} SutureMirrorVerified;
void suture_mirror_verified_free(SutureMirrorVerified *result);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureMirrorVerified, suture_mirror_verified_free)

typedef struct {
	const gchar *folder;
	const gchar *repair; /* URL to bring what is damaged from; NULL: only tell */
	guint jobs;          /* for the repair, as the next */
	SutureHttpOptions http;
	gint64 now;
	SutureProgress progress; /* told of bytes read; NULL allowed */
	gpointer progress_data;
} SutureMirrorVerify;

/* Reads everything that the mirror serves, and compares it with what was signed. */
SutureMirrorVerified *suture_mirror_verify(const SutureMirrorVerify *request,
					   GError **error) G_GNUC_WARN_UNUSED_RESULT;

typedef struct {
	guint files;
	guint64 bytes;
} SutureMirrorPruned;

/* Removes what the metadata that is served no longer leads to; versions of root stay. INCOMPLETE when a run
 * was cut short. */
gboolean suture_mirror_prune(const gchar *folder, gint64 now, SutureMirrorPruned *ret,
			     GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * What @folder has, for the other side of an air gap (spec/media.md): versions of its metadata, and for each
 * kernel the version of its role and the SHA-256 of its repomd.xml. A mirror that serves nothing yet has a
 * state as well. New reference.
 */
json_t *suture_mirror_state(const gchar *folder, GError **error) G_GNUC_WARN_UNUSED_RESULT;

typedef struct {
	const gchar *folder;
	const gchar *media;          /* path to write */
	const gchar *since;          /* path of what the other side's state says; NULL: all */
	const gchar *const *kernels; /* patterns that narrow the mirror's own; NULL: all that it has */
	gint64 now;
	SutureProgress progress; /* told of bytes; NULL allowed */
	gpointer progress_data;
} SutureMirrorExport;

typedef struct {
	gint64 timestamp;
	guint files;
	guint64 bytes; /* of the files, before compression */
} SutureMirrorExported;

/*
 * Writes what the mirror serves, and the other side lacks, to a media (spec/media.md). The media appears when
 * it is whole. DAMAGED, STATE, STATE-NEWER, KERNEL, INCOMPLETE.
 */
gboolean suture_mirror_export(const SutureMirrorExport *request, SutureMirrorExported *ret,
			      GError **error) G_GNUC_WARN_UNUSED_RESULT;

typedef struct {
	const gchar *media;
	const gchar *folder; /* the mirror; made if absent */
	const gchar *root;   /* as in SutureMirrorSync */
	guint max_stale;     /* days for which an expired timestamp and snapshot are tolerated */
	gint64 now;
	SutureProgress progress; /* told of bytes; NULL allowed */
	gpointer progress_data;
} SutureMirrorImport;

/*
 * suture_mirror_sync() from a media: with the same checks and promises, and without a socket. Codes MEDIA-*
 * besides.
 */
SutureMirrorReport *suture_mirror_import(const SutureMirrorImport *request,
					 GError **error) G_GNUC_WARN_UNUSED_RESULT;
