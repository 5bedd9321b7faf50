// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spec/time.h"

#include <string.h>

gint64 suture_time_parse(const gchar *text)
{
	g_autoptr(GDateTime) time = NULL;

	if (strlen(text) == strlen("2026-11-22T12:00:00Z") && text[10] == 'T' && g_str_has_suffix(text, "Z"))
		time = g_date_time_new_from_iso8601(text, NULL);
	return time ? MAX(g_date_time_to_unix(time), -1) : -1;
}

gchar *suture_time_text(gint64 moment)
{
	g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(moment);

	return time ? g_date_time_format(time, "%Y-%m-%dT%H:%M:%SZ") : g_strdup("");
}
