/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/fix/shadow.h"
#include "packager/profile/profile.h"

/* Units that are part of neither vmlinux nor a module as such: of images that the kernel holds (the vDSO,
 * real mode, kexec's purgatory) or that were in front of it (the boot loader's stub). */
typedef struct {
	const SutureProfile *profile;
	const SutureShadow *shadow; /* the tree with the fix */
	const gchar *scratch;       /* for what is compiled */
	const GPtrArray *lines;     /* SutureCommandLine* */
	GPtrArray *notes;           /* SutureNote*, to be added to */
	guint jobs;
} SutureApart;

/*
 * Compiles them as the kernel's build does, before and after. Those that come out the same say nothing; what
 * runs at boot alone is noted, and so is what cannot be compiled here without the fix. APART for the first
 * other that differs: functions in an image cannot be redirected. *@ret_words are the compiler's, with
 * COMPILE.
 */
gboolean suture_apart_check(const SutureApart *apart, gchar **ret_words,
			    GError **error) G_GNUC_WARN_UNUSED_RESULT;
