/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/profile/profile.h"

/* What a profile is made of, brought together in the folder that becomes it. */

/* The parts; each is at most once there. */
typedef enum {
	SUTURE_INPUT_SOURCE,          /* tree/ */
	SUTURE_INPUT_CONFIG,          /* in/config */
	SUTURE_INPUT_SYMVERS,         /* in/symvers */
	SUTURE_INPUT_IMAGE,           /* in/image: vmlinuz or vmlinux */
	SUTURE_INPUT_VMLINUX,         /* in/vmlinux, with symbols */
	SUTURE_INPUT_MODULES,         /* modules/ */
	SUTURE_INPUT_HEADERS_CONFIG,  /* in/headers-config: .config of the headers */
	SUTURE_INPUT_HEADERS_RELEASE, /* in/utsrelease.h of the headers */
	SUTURE_INPUT_HEADERS_VERSION, /* in/version.h of the headers */
	SUTURE_INPUTS,
} SutureInput;

/* What an input's own name or packaging says: its release, or the version of its package. */
typedef struct {
	gchar *origin, *said;
} SutureInputClaim;

typedef struct {
	int dirfd; /* the folder, borrowed */
	gchar *folder;
	gchar *origins[SUTURE_INPUTS]; /* what the user named and a part came from; NULL: not there */
	GPtrArray *releases;           /* SutureInputClaim*: "uname -r" */
	GPtrArray *versions;           /* SutureInputClaim*: of Debian packages */
	gchar *source_name;            /* name of the source's folder: "linux-5.14.0-427.el9"; NULL */
	guint n_modules;
	gboolean source_is_package; /* the source came with packages: it must be of their version */
	gboolean source_in_parts;   /* as files in packages: another may bring more of the same folder */
} SutureInputs;
void suture_inputs_free(SutureInputs *inputs);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SutureInputs, suture_inputs_free)

/* Path of a part within the folder; NULL for one that is not there. New. */
gchar *suture_inputs_path(const SutureInputs *inputs, SutureInput input);

/*
 * Checks that @request names enough, and not two things at once; looks at no file. INPUT.
 */
gboolean suture_inputs_check(const SutureImport *request, GError **error);

/* [{"role": "image", "name": "vmlinuz", "sha256": "..."}] of all that @request names, in an order that does
 * not depend on it. New reference. */
json_t *suture_inputs_digest(const SutureImport *request, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Unpacks and copies all of it into the folder @dirfd, whose path is @folder. INPUT (something is missing or
 * twice there), ARCHIVE, IO. */
SutureInputs *suture_inputs_gather(const SutureImport *request, int dirfd, const gchar *folder,
				   GError **error) G_GNUC_WARN_UNUSED_RESULT;
