/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "fetcher/repo/error.h"
#include "packager/read/bundle.h"
#include "spec/target.h"

/*
 * The shelf: every bundle that the repository is to offer, in <repository>/state/bundles/<kernel
 * release>/<id>/ as bundle.json (the record), package.rpm, and the three pieces of rpm-md XML, which are
 * taken from the RPM once, so that publishing reads no RPM. A folder appears by one rename; without
 * bundle.json it is none of ours.
 */
typedef struct {
	gchar *id;     /* <name>-<version>-<release> of the patch */
	gchar *kernel; /* uname -r */
	gchar *file;   /* file name from the RPM's own name, version, release and architecture */
	guint64 length;
	gchar *sha256; /* hex, of the RPM file */
	gchar *summary;
	gchar *rpm_name, *rpm_epoch, *rpm_version, *rpm_release, *rpm_arch;
	json_t *custom;       /* as in TUF targets metadata */
	SutureTarget *target; /* the same, parsed */
	gboolean offered;     /* by the newest targets metadata; filled in by suture_repo_list() alone */
} SutureRepoBundle;

#define SUTURE_REPO_PACKAGE_FILE "package.rpm"

void suture_repo_bundle_free(SutureRepoBundle *bundle);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureRepoBundle, suture_repo_bundle_free)

/* "<sha256>.<file>": the name on disk, for TUF's consistent snapshots and for rpm-md alike. */
gchar *suture_repo_bundle_disk_name(const SutureRepoBundle *bundle);
/* "<kernel>/<file>": the target path of TUF. */
gchar *suture_repo_bundle_target_path(const SutureRepoBundle *bundle);

/* Whether the bundle, whose RPM has no file name yet, may be put on the shelf; and what has to be noted
 * before it is. */
typedef gboolean (*SutureRepoAllow)(const SutureRepoBundle *bundle, gpointer data, GError **error);

/*
 * Puts the RPM open at @fd on the shelf @shelf (descriptor of state/bundles) after suture_bundle_verify()
 * with @trust on a private copy, whose refusals come through, and @allow. An equal one there already is
 * success with *@ret_added FALSE; a different file for the same id and kernel gives EXISTS; a kernel release
 * that cannot name a role KERNEL.
 */
SutureRepoBundle *suture_repo_shelf_add(int shelf, int fd, const gchar *what, const SutureTrust *trust,
					gint64 now, SutureRepoAllow allow, gpointer data, gboolean *ret_added,
					GError **error) G_GNUC_WARN_UNUSED_RESULT;

gboolean suture_repo_shelf_has(int shelf, const gchar *kernel, const gchar *id);
/* Takes the bundle @id for @kernel, which is there, off the shelf. */
gboolean suture_repo_shelf_remove(int shelf, const gchar *kernel, const gchar *id,
				  GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The bundles for @kernel (SutureRepoBundle*), sorted by id. A record that cannot be read: DAMAGED. */
GPtrArray *suture_repo_shelf_list(int shelf, const gchar *kernel, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Removes what a process that died left on the shelf, among bundles of @kernels (gchar*) alone; call it under
 * the repository's lock. */
gboolean suture_repo_shelf_sweep(int shelf, GPtrArray *kernels, GError **error);

/* Opens a bundle's folder. */
int suture_repo_shelf_open(int shelf, const gchar *kernel, const gchar *id,
			   GError **error) G_GNUC_WARN_UNUSED_RESULT;
int suture_repo_bundle_open(int shelf, const SutureRepoBundle *bundle,
			    GError **error) G_GNUC_WARN_UNUSED_RESULT;
