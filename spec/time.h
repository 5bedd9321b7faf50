/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* Moments as the formats write them: RFC 3339 in UTC, whole seconds, "2026-11-22T12:00:00Z". */

/* Seconds since the epoch; -1 for anything else, and for what was before. */
gint64 suture_time_parse(const gchar *text);
/* Newly allocated; "" for a moment that has no such form. */
gchar *suture_time_text(gint64 moment);
