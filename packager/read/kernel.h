/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/read/error.h"
#include "spec/patch.h"

/*
 * The GNU build-id of the kernel image at @path: a vmlinux (ELF note section), or a bzImage (x86 boot
 * protocol: payload_offset, payload_length; gzip, xz, lzma, bzip2, lz4 or zstd payload). Lower-case hex.
 * NOT-KERNEL when it is neither.
 */
gchar *suture_kernel_image_build_id(const gchar *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Writes the kernel of the image at @path, as suture_kernel_image_build_id() takes it, to the position of the
 * descriptor @to as the ELF file that it holds. What a bzImage carries has no symbol table.
 */
gboolean suture_kernel_image_unpack(const gchar *path, int to, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The build-id in the content of /sys/kernel/notes (or of any ELF note section). */
gchar *suture_kernel_notes_build_id(GBytes *notes, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Release and machine from uname(2), build-id from /sys/kernel/notes below @root (NULL: "/"). vermagic stays
 * NULL. */
gboolean suture_kernel_running(const gchar *root, SutureKernel *ret,
			       GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* KERNEL-ARCH, KERNEL-RELEASE or KERNEL-BUILD-ID unless @wanted (of a bundle) is @have (of the host). @what
 * names the bundle. */
gboolean suture_kernel_match(const SutureKernel *wanted, const SutureKernel *have, const gchar *what,
			     GError **error);
