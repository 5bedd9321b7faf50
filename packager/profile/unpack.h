/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/*
 * Packages and tarballs, read as streams by libarchive with constant memory: .deb (an ar file with
 * data.tar.*), .rpm (cpio), tarballs in any of the usual compressions; archives within archives too. Bytes
 * and paths are hostile.
 */
typedef enum {
	SUTURE_PACKAGE_DEB,
	SUTURE_PACKAGE_RPM,
	SUTURE_PACKAGE_TAR,
} SuturePackageKind;

/* An entry being visited; valid during the visit. */
typedef struct _SutureEntry SutureEntry;

/*
 * Called for every regular file and symlink of a package; of a .deb for those of its data and its
 * control file (as "control"). @path: cleaned, relative, without "..". What it does not read is skipped.
 * FALSE with @error ends the walk.
 */
typedef gboolean (*SutureVisit)(SutureEntry *entry, const gchar *path, gpointer data, GError **error);

/* Walks over the package or tarball at @path. ARCHIVE when it is none, is damaged, or holds an unsafe path.
 */
gboolean suture_unpack_walk(const gchar *path, SutureVisit visit, gpointer data, SuturePackageKind *ret_kind,
			    GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* What kind of package the entry is in. */
SuturePackageKind suture_entry_kind(const SutureEntry *entry);

/* Whether it is a symlink, and how many bytes it says it has. */
gboolean suture_entry_is_link(const SutureEntry *entry);
guint64 suture_entry_size(const SutureEntry *entry);

/*
 * Puts the entry at @name below @dirfd, folders made where they lack: a new file (mode 0644 or 0755), or a
 * symlink that leads nowhere but into @dirfd. ARCHIVE for others, and for a file that is there already.
 */
gboolean suture_entry_write(SutureEntry *entry, int dirfd, const gchar *name, GError **error);

/* The entry's content, at most @limit bytes. */
GBytes *suture_entry_read(SutureEntry *entry, gsize limit, GError **error);

/* Walks over the tarball that the entry is. */
gboolean suture_entry_walk(SutureEntry *entry, SutureVisit visit, gpointer data, GError **error);

/* Whether @target, read in a symlink at the relative path @path, stays below the root of @path, whatever
 * other symlinks that pass this test lie there: ".." at its beginning only, and no more of them than @path is
 * deep. */
gboolean suture_unpack_link_is_safe(const gchar *path, const gchar *target);

/* Opens the folder of the relative path @name below @dirfd, made with its parents where it lacks; no symlink
 * is followed. -1 with IO, or ARCHIVE when a part of it is no folder. */
int suture_unpack_parent(int dirfd, const gchar *name, GError **error) G_GNUC_WARN_UNUSED_RESULT;
