/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* Folders and files of the kernel's source from which no kernel is made. What a fix does there is passed
 * over. */
gboolean suture_aside_is(const gchar *path);

/* The same as options of git-apply, NULL-terminated; static. */
const gchar *const *suture_aside_options(void);
