/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/profile/inputs.h"

/* Takes out of a distribution's package what a profile needs of it, by the paths that packages of kernels
 * have: Debian's linux-image, -headers, -source, -dbg; Red Hat's kernel-core, -modules, -devel, -debuginfo
 * and src.rpm; SUSE's kernel-default, kernel-devel and kernel-source. INPUT, ARCHIVE, DISAGREE, IO. */
gboolean suture_package_gather(SutureInputs *inputs, const gchar *path, GError **error);

/* Takes the entry for the part @input; INPUT when that is there already. */
gboolean suture_inputs_claim(SutureInputs *inputs, SutureInput input, const gchar *origin, GError **error);

/* Name of the file that a part is, within the folder. */
const gchar *suture_inputs_file(SutureInput input);

/* Unpacks a tarball with one folder at its top into tree/. */
gboolean suture_package_unpack_source(SutureInputs *inputs, const gchar *path, GError **error);
