/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/build/error.h"
#include "spec/patch.h"

/* The kernel that a patch is built for, as its headers and its image say. */

/* uname -r of the kbuild output tree @headers (include/generated/utsrelease.h). HEADERS when it is not one.
 */
gchar *suture_headers_release(const gchar *headers, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Whether the kernel of that tree was built with "<@option>=y" (include/config/auto.conf). HEADERS. */
gboolean suture_headers_has(const gchar *headers, const gchar *option, gboolean *ret,
			    GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * uname -r in the first bytes of a kernel image: the kernel_version string of a bzImage (x86 boot protocol,
 * offset 0x20e), or the "Linux version" banner of a vmlinux. NULL when there is neither.
 */
gchar *suture_image_release(const guint8 *image, gsize size);

/*
 * Fills @ret with release, arch and build-id from the image (NOT-KERNEL of SUTURE_BUNDLE_ERROR when it is
 * none) and, when @headers is not NULL, refuses headers of another release: IMAGE. vermagic stays NULL.
 */
gboolean suture_target_kernel(const gchar *image, const gchar *headers, SutureKernel *ret,
			      GError **error) G_GNUC_WARN_UNUSED_RESULT;
