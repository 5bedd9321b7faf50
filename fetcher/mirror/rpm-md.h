/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "fetcher/mirror/arrivals.h"
#include "packager/read/keyring.h"

/*
 * What dnf and zypper read: targets/<kernel>/repodata/. TUF metadata does not list it; it is taken when the
 * RPM keyring among the targets vouches for repomd.xml, repomd.xml for its files, and when every package that
 * they list is one that TUF lists for the kernel, with the same digest.
 */
#define SUTURE_MIRROR_MAX_REPOMD_BYTES (1024 * 1024)
#define SUTURE_MIRROR_MAX_REPOMD_ASC_BYTES (64 * 1024)
#define SUTURE_MIRROR_KEYRING "trust/rpm-keyring.asc"

typedef struct {
	gchar *kernel;
	GBytes *repomd, *signature;
	GPtrArray *files; /* SutureMirrorFile* */
	const SutureMirrorFile *primary;
} SutureMirrorRpmMd;
void suture_mirror_rpm_md_free(SutureMirrorRpmMd *md);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureMirrorRpmMd, suture_mirror_rpm_md_free)

/* Parses what @keyring vouches for at @now: RPM-MD-SIGNATURE, RPM-MD. */
SutureMirrorRpmMd *suture_mirror_rpm_md_new(const gchar *kernel, GBytes *repomd, GBytes *signature,
					    const SutureKeyring *keyring, gint64 now,
					    GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* That which is served for @kernel; NULL without an error when there is none. */
SutureMirrorRpmMd *suture_mirror_rpm_md_served(const SutureMirrorFolder *folder, const gchar *kernel,
					       const SutureKeyring *keyring, gint64 now, GError **error);

/* The RPM keyring that @plan lists, read from below targets/ and checked; NULL without an error when none is.
 */
SutureKeyring *suture_mirror_keyring(const SutureMirrorFolder *folder, const SutureMirrorPlan *plan,
				     GError **error);
/* That file of @plan; NULL when there is none. */
const SutureMirrorFile *suture_mirror_keyring_file(const SutureMirrorPlan *plan);

/* Whether every package of @md is in @plan; its primary metadata is served or in partial/, checked.
 * RPM-MD-PACKAGE. */
gboolean suture_mirror_rpm_md_check(const SutureMirrorFolder *folder, const SutureMirrorRpmMd *md,
				    const SutureMirrorPlan *plan, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Shows @md to readers, its files (all of which are served, or in partial/ and checked) first. */
gboolean suture_mirror_rpm_md_install(const SutureMirrorFolder *folder, const SutureMirrorRpmMd *md,
				      GError **error) G_GNUC_WARN_UNUSED_RESULT;
