/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "applier/sysfs.h"
#include "spec/manifest.h"

/*
 * Whether the kernel patches exactly the functions that the manifest names for @module, and says so of every
 * object that is loaded: FUNCTIONS names the first difference. LOST when the patch is not there.
 */
gboolean suture_functions_check(const SutureLivepatch *livepatch, const SutureModule *module,
				GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The first function that @module replaces and @patch replaces too ("vmlinux/name,1"), or NULL. Newly
 * allocated. */
gchar *suture_functions_in_patch(const SutureModule *module, const SutureSysfsPatch *patch);

/* The same for two modules. */
gchar *suture_functions_in_module(const SutureModule *module, const SutureModule *other);
