/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/*
 * refresh.json, format 1 (spec/refresh.md): what this host last heard of its repository, for people and
 * monitoring. No trust rests on it.
 */
#define SUTURE_REFRESH_FILE "refresh.json"

typedef struct {
	gchar *name;    /* of the role */
	gint64 version; /* 1 or more */
	gint64 expires; /* seconds since the epoch, as all moments here */
	gint64 since;   /* from when on this version is: signed then, or else first accepted here */
	gboolean stale; /* used after its end, as policy max-stale lets */
} SutureRefreshRole;

typedef struct {
	gchar *url;       /* of the repository, without a password */
	gint64 refreshed; /* the last time all was well; 0: never */
	gint64 failed;    /* the last time it was not, when that was later; 0: it is well */
	gchar *reason;    /* reason code of that; "" */
	gchar *message;   /* one line; "" */
	GPtrArray
		*roles; /* SutureRefreshRole*, when all was well: top-level ones, then those of this kernel */
} SutureRefresh;

SutureRefresh *suture_refresh_new(void);
void suture_refresh_free(SutureRefresh *refresh);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureRefresh, suture_refresh_free)

/* Adds a role; copies @name. */
void suture_refresh_add(SutureRefresh *refresh, const gchar *name, const SutureRefreshRole *role);
/* NULL when there is none. */
const SutureRefreshRole *suture_refresh_role(const SutureRefresh *refresh, const gchar *name);

/* Codes of SUTURE_JSON_ERROR and SUTURE_MANIFEST_ERROR (FORMAT, VALUE). */
SutureRefresh *suture_refresh_parse(GBytes *bytes, GError **error) G_GNUC_WARN_UNUSED_RESULT;
GBytes *suture_refresh_write(const SutureRefresh *refresh) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Whether @role ends within @days of @now, or has ended. Timestamp and snapshot, which are made to end soon,
 * not before a third of their life is left.
 */
gboolean suture_refresh_ends_soon(const SutureRefreshRole *role, gint64 now, guint days);
