/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/*
 * A folder under construction: made with a hidden name beside its destination, removed with all its content
 * when freed, unless suture_staging_commit() gave it its name. One thread at a time.
 */
typedef struct _SutureStaging SutureStaging;

/* Makes the folder in @dirfd, which stays the caller's and must outlive the staging. Mode 0700 until
 * committed. */
SutureStaging *suture_staging_new(int dirfd, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void suture_staging_free(SutureStaging *staging);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureStaging, suture_staging_free)

/* Descriptor of the folder; owned by the staging. */
int suture_staging_fd(const SutureStaging *staging);

/*
 * Gives the folder the name @name in its parent, mode 0755, after syncing it (syncfs). If @name exists it is
 * exchanged (renameat2 RENAME_EXCHANGE) and the old one removed, so a reader sees the old or the new whole.
 */
gboolean suture_staging_commit(SutureStaging *staging, const gchar *name,
			       GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Removes the folder @name of @dirfd so that readers see it whole or not at all, also across a crash: it gets
 * a hidden name first, which suture_staging_sweep() cleans up. Absent is success.
 */
gboolean suture_staging_remove(int dirfd, const gchar *name, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Removes what stagings of dead processes left in @dirfd; call it under the lock that guards @dirfd. */
gboolean suture_staging_sweep(int dirfd, GError **error);

/* A private scratch folder under g_get_tmp_dir() (for gpg homes and builds); removed when freed. */
typedef struct _SutureScratch SutureScratch;
SutureScratch *suture_scratch_new(GError **error) G_GNUC_WARN_UNUSED_RESULT;
const gchar *suture_scratch_path(const SutureScratch *scratch);
void suture_scratch_free(SutureScratch *scratch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureScratch, suture_scratch_free)
