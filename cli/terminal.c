// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/terminal.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define REDRAW_MICROSECONDS 100000
/* Of the rate that was shown, how much each second takes away. */
#define FORGET_PER_SECOND 0.3

static gboolean drawn;

/* Whether it is time to draw; notes that it was. */
static gboolean is_due(guint64 done, guint64 total)
{
	static gint64 last;
	gint64 now = g_get_monotonic_time();

	if (!isatty(STDERR_FILENO) || (done < total && drawn && now - last < REDRAW_MICROSECONDS))
		return FALSE;
	last = now;
	drawn = TRUE;
	return TRUE;
}

void suture_terminal_progress(const gchar *step, guint64 done, guint64 total, gpointer data)
{
	if (!is_due(done, total))
		return;
	if (total > 0)
		fprintf(stderr, "\r\033[K%s %3u%%", step, (unsigned)(done * 100.0 / total));
	else
		fprintf(stderr, "\r\033[K%s", step);
	if (data)
		fprintf(stderr, " (%.0f s)", g_timer_elapsed(data, NULL));
	fflush(stderr);
}

/* Bytes per second of @step, smoothed; 0 at first. */
static gdouble rate_of(const gchar *step, guint64 done)
{
	static gchar current[64];
	static gint64 then;
	static guint64 before;
	static gdouble rate;
	gint64 now = g_get_monotonic_time();
	gdouble seconds = (gdouble)(now - then) / G_USEC_PER_SEC, share, latest;

	if (strncmp(current, step, sizeof(current) - 1) != 0 || done < before) {
		g_strlcpy(current, step, sizeof(current));
		rate = 0;
	} else if (seconds > 0) {
		latest = (gdouble)(done - before) / seconds;
		share = rate > 0 ? MIN(1.0, seconds * FORGET_PER_SECOND) : 1.0;
		rate += share * (latest - rate);
	}
	then = now;
	before = done;
	return rate;
}

static void draw_time_left(gdouble seconds)
{
	if (seconds < 60)
		fprintf(stderr, ", %.0f s left", seconds);
	else if (seconds < 6000)
		fprintf(stderr, ", %.0f min left", seconds / 60);
	else
		fprintf(stderr, ", %.0f h left", seconds / 3600);
}

void suture_terminal_transfer(const gchar *step, guint64 done, guint64 total, gpointer data)
{
	g_autofree gchar *have = NULL, *all = NULL, *fast = NULL;
	gdouble rate;

	(void)data;
	if (!is_due(done, total))
		return;
	rate = rate_of(step, done);
	have = g_format_size(done);
	all = g_format_size(total);
	fast = g_format_size((guint64)rate);
	fprintf(stderr, "\r\033[K%s %s", step, have);
	if (total > 0)
		fprintf(stderr, " of %s, %3u%%", all, (unsigned)((gdouble)done * 100.0 / (gdouble)total));
	if (rate >= 1)
		fprintf(stderr, ", %s/s", fast);
	if (rate >= 1 && total > done)
		draw_time_left((gdouble)(total - done) / rate);
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
