/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/profile/profile.h"
#include "spec/manifest.h"

/* Where the files of the kernel's modules are. */
typedef struct {
	const SutureProfile *profile; /* NULL: none */
	const gchar *const *files;    /* .ko files that the user named, NULL-terminated; NULL: none */
} SuturePatchedFiles;

/*
 * Names in @manifest the build of each kernel module that its modules patch; @modules (GBytes*) are these, in
 * the same order. *@ret_unnamed (gchar*, sorted, each once) gets those whose file is not to be had, or has
 * neither build-id nor srcversion. PATCHED for a file that the user named in vain: it is no module that is
 * patched, is there twice, or has neither; VERMAGIC for one of another kernel.
 */
gboolean suture_patched_name(const SuturePatchedFiles *files, SutureManifest *manifest,
			     const GPtrArray *modules, GPtrArray **ret_unnamed,
			     GError **error) G_GNUC_WARN_UNUSED_RESULT;
