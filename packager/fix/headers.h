/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "packager/fix/error.h"

/*
 * Copies the headers of folder @from, and of the folders in it, to @to, which is made. The tools of another
 * distribution see nothing of this host but the folders of the kernel's profile and of the build. Codes of
 * SUTURE_ERROR.
 */
gboolean suture_headers_copy(const gchar *from, const gchar *to, GError **error) G_GNUC_WARN_UNUSED_RESULT;
