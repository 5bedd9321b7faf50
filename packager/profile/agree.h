/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/profile/inputs.h"

/* What the kernel's image says of itself. */
typedef struct {
	gchar *release, *build_id;
	gchar *banner; /* "Linux version <release> (<builder>) (<compiler>, <linker>) <number> ..." */
	gchar *tools;  /* "<compiler>, <linker>" of it; NULL when it cannot be told */
} SutureImageIdentity;
void suture_image_identity_free(SutureImageIdentity *identity);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureImageIdentity, suture_image_identity_free)

/* Reads it from the ELF file @vmlinux; @what names it in errors. INPUT when it has no banner; kernel-image.
 */
SutureImageIdentity *suture_image_identity_read(const gchar *vmlinux, const gchar *what,
						GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Release and tools in the banner of a kernel; NULL when it is none. */
SutureImageIdentity *suture_image_identity_parse(const gchar *banner);

/*
 * That all inputs are of one kernel: what packages and headers say, the modules' vermagic, the source's
 * version, the configurations. DISAGREE names the two that do not.
 */
gboolean suture_inputs_agree(const SutureInputs *inputs, const SutureImageIdentity *image, GError **error);
