/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/fix/generate.h"
#include "packager/fix/unit.h"

/* What the author of a fix says of the patch by <suture/fix.h>. */

/*
 * Puts that header below @scratch and returns the words by which the compiler finds it. @framework: the
 * include folder of the framework that the patch is for; NULL: the kernel's own livepatch.
 */
gchar **suture_author_words(const gchar *scratch, const gchar *framework,
			    GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Adds the callbacks and states of @unit's diff to @source. A state may be declared by several units;
 * CALLBACK (of SUTURE_DIFF_ERROR) for two callbacks of one object at one moment, STATE for one id with two
 * versions.
 */
gboolean suture_author_collect(const SutureFixUnit *unit, SuturePatchSource *source,
			       GError **error) G_GNUC_WARN_UNUSED_RESULT;
