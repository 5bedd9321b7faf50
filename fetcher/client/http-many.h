/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "fetcher/client/http.h"

/*
 * Many files at once: streams of one connection where the server speaks HTTP/2, several connections
 * otherwise. Files are asked for one by one, as there is room: neither descriptors nor memory grow with their
 * number.
 */
#define SUTURE_HTTP_JOBS 8
#define SUTURE_HTTP_MAX_JOBS 64
/* How often one file is asked for when its transfer breaks off, each time from where it broke off. */
#define SUTURE_HTTP_ATTEMPTS 4

typedef struct {
	gchar *url;
	int fd;           /* what it holds already is kept; or */
	GByteArray *body; /* where to in memory; NULL: a file */
	guint64 length;   /* that the file is to have, at most */
	gpointer data;    /* the caller's own */
	gchar *sha256;    /* for done(): of all of it, when it came in one piece; NULL: not known */
} SutureHttpFile;

typedef enum {
	SUTURE_HTTP_NEXT,  /* go on; the file is closed */
	SUTURE_HTTP_AGAIN, /* download this one once more, from what is in @fd now */
	SUTURE_HTTP_STOP,  /* the run ends with the error that was set */
} SutureHttpVerdict;

typedef struct {
	/* Fills in @ret, whose @url, @fd and @body are the run's from then on. FALSE: no more, or an error
	 * was set.
	 */
	gboolean (*next)(SutureHttpFile *ret, gpointer data, GError **error);
	/*
	 * @failure NULL: all bytes that the server had are in the file, unchecked; @resumed says whether some
	 * were there before.
	 */
	SutureHttpVerdict (*done)(const SutureHttpFile *file, gboolean resumed, const GError *failure,
				  gpointer data, GError **error);
	gpointer data;
	const gchar *step; /* for the options' progress, which is told the bytes of all files */
	guint64 total;     /* bytes of all files; 0: not known */
} SutureHttpWork;

/* Connections are kept from run to run. One thread at a time. */
typedef struct _SutureHttpPool SutureHttpPool;

/* At most @jobs files at once, SUTURE_HTTP_MAX_JOBS at most; 0: SUTURE_HTTP_JOBS. */
SutureHttpPool *suture_http_pool_new(const SutureHttpOptions *options, guint jobs,
				     GError **error) G_GNUC_WARN_UNUSED_RESULT;
void suture_http_pool_free(SutureHttpPool *pool);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureHttpPool, suture_http_pool_free)

/*
 * Downloads all files of @work. A file's failure is done()'s to judge, after SUTURE_HTTP_ATTEMPTS where
 * trying again can help. The run itself fails when cancelled, when a callback says so, or with the last
 * failure when the server fails again and again without a single file coming through in between. Whatever
 * came stays in its file.
 */
gboolean suture_http_pool_run(SutureHttpPool *pool, const SutureHttpWork *work,
			      GError **error) G_GNUC_WARN_UNUSED_RESULT;

SutureHttpCount suture_http_pool_count(const SutureHttpPool *pool);
