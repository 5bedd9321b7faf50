/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/*
 * Trust checks are written `if (!suture_check_skipped("rpm-signature") && !verify(...))`, so that the
 * mutation test can switch each off in a build made for it (SUTURE_MUTATIONS) by naming it in the environment
 * variable SUTURE_SKIP_CHECK, and see a test fail. In every other build the call is the constant FALSE.
 */
#ifdef SUTURE_MUTATIONS
gboolean suture_check_skipped(const gchar *check);
#else
#define suture_check_skipped(check) FALSE
#endif
