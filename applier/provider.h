/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "applier/sysfs.h"

/* The framework as a module of this host: suture.ko in lib/modules/<release>, where its packages put it. */

/* FRAMEWORK unless depmod's lists of @release below @root (NULL: "/") know it. @what names who needs it. */
gboolean suture_framework_installed(const gchar *root, const gchar *release, const gchar *what,
				    GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Loads it unless it is there, and lets @livepatch see it. As for every module, the kernel judges its
 * signature; no configuration of modprobe is read. It is never unloaded. FRAMEWORK when it is not installed
 * or shows no patches, else as suture_module_load().
 */
gboolean suture_framework_load(SutureLivepatch *livepatch, const gchar *root, const gchar *release,
			       GError **error) G_GNUC_WARN_UNUSED_RESULT;
