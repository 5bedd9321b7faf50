// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/terminal.h"

#include <stdio.h>
#include <unistd.h>

#define REDRAW_MICROSECONDS 100000

static gboolean drawn;

void suture_terminal_progress(const gchar *step, guint64 done, guint64 total, gpointer data)
{
	static gint64 last;
	gint64 now = g_get_monotonic_time();

	if (!isatty(STDERR_FILENO) || (done < total && drawn && now - last < REDRAW_MICROSECONDS))
		return;
	last = now;
	drawn = TRUE;
	if (total > 0)
		fprintf(stderr, "\r\033[K%s %3u%%", step, (unsigned)(done * 100.0 / total));
	else
		fprintf(stderr, "\r\033[K%s", step);
	if (data)
		fprintf(stderr, " (%.0f s)", g_timer_elapsed(data, NULL));
	fflush(stderr);
}

void suture_terminal_clear(void)
{
	if (drawn)
		fputs("\r\033[K", stderr);
	drawn = FALSE;
}

gchar *suture_terminal_text(const gchar *text)
{
	GString *line = g_string_new(NULL);

	while (*text) {
		gunichar character = g_utf8_get_char_validated(text, -1);
		gboolean whole = (gint32)character >= 0;

		if (whole && g_unichar_isprint(character))
			g_string_append_unichar(line, character);
		else
			g_string_append_c(line, whole && g_unichar_isspace(character) ? ' ' : '?');
		text = whole ? g_utf8_next_char(text) : text + 1;
	}
	return g_string_free(line, FALSE);
}
