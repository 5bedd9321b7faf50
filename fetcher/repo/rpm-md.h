/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "fetcher/repo/bundles.h"

/* rpm-md, what dnf and zypper read, through libcreaterepo_c. Its failures are RPM-MD. */

/*
 * Reads the package at @path into @bundle's rpm_ members and file name, and writes its pieces of primary,
 * filelists and other XML into the folder @folder. @bundle has its sha256 already. No signature is checked
 * here.
 */
gboolean suture_rpm_md_read_package(const gchar *path, SutureRepoBundle *bundle, int folder,
				    GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Writes the content of a repodata folder for @bundles (all of one kernel, sorted) into the empty folder
 * @folder: primary, filelists, other and updateinfo, gzip, each named by its checksum, and repomd.xml. The
 * packages' XML comes from @shelf. @time: what revision and timestamps say, seconds since the epoch; equal
 * bundles and time give equal bytes.
 */
gboolean suture_rpm_md_write(int folder, int shelf, GPtrArray *bundles, gint64 time,
			     GError **error) G_GNUC_WARN_UNUSED_RESULT;
