/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* A file or symlink in a folder that the user named. */
typedef struct {
	const gchar *path;   /* from the folder on */
	const gchar *full;   /* with the folder */
	const gchar *target; /* of a symlink; NULL for a file */
	gboolean executable;
	guint64 size; /* bytes on disk */
} SutureFolderEntry;

typedef gboolean (*SutureFolderVisit)(const SutureFolderEntry *entry, gpointer data, GError **error);

/* Calls @visit for every file and symlink below @path, in an order that depends on names alone; nothing is
 * followed but @path itself. FALSE with IO, CANCELLED, or what @visit says. */
gboolean suture_folder_walk(const gchar *path, SutureFolderVisit visit, gpointer data,
			    GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Copies a file or symlink to @name below @dirfd, folders made where they lack. ARCHIVE: a symlink that leads
 * out; IO. */
gboolean suture_folder_copy(const SutureFolderEntry *entry, int dirfd, const gchar *name, GError **error);
