// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/fix/lines.h"

#include "common/file.h"
#include "common/process.h"

#include <string.h>

#define SOURCE_BYTES (64 * 1024 * 1024)

/* Where a hunk begins in the old file, and the first line behind it, counted from 1, in both. */
typedef struct {
	guint64 old_start, old_line, new_line;
} Resume;

/* Directives are none of the author's doing. */
static gchar *run_diff(const gchar *before, const gchar *after, GError **error)
{
	const gchar *const argv[] = {
		"sh", "-c",   "LC_ALL=C diff -a -U0 -I '^#line [0-9]*$' -- \"$1\" \"$2\"; test $? -le 1",
		"sh", before, after,
		NULL,
	};
	g_autofree gchar *text = NULL;

	return suture_process_run(argv, NULL, NULL, NULL, &text, error) ? g_steal_pointer(&text) : NULL;
}

/* The line behind a range of a hunk's header: an empty range names the line before it. */
static guint64 behind(const GMatchInfo *match, const gchar *start_name, const gchar *count_name)
{
	g_autofree gchar *start = g_match_info_fetch_named(match, start_name);
	g_autofree gchar *count = g_match_info_fetch_named(match, count_name);
	guint64 lines = count && *count ? g_ascii_strtoull(count, NULL, 10) : 1;

	return g_ascii_strtoull(start, NULL, 10) + (lines ? lines : 1);
}

static GArray *find_hunks(const gchar *text)
{
	g_autoptr(GRegex) header = g_regex_new(
		"^@@ -(?<OLD>[0-9]+)(?:,(?<OLDS>[0-9]+))? \\+(?<NEW>[0-9]+)(?:,(?<NEWS>[0-9]+))? @@",
		G_REGEX_MULTILINE | G_REGEX_RAW, 0, NULL);
	g_autoptr(GMatchInfo) match = NULL;
	GArray *hunks = g_array_new(FALSE, FALSE, sizeof(Resume));

	for (g_regex_match(header, text, 0, &match); g_match_info_matches(match);
	     g_match_info_next(match, NULL)) {
		g_autofree gchar *start = g_match_info_fetch_named(match, "OLD");
		const Resume resume = {g_ascii_strtoull(start, NULL, 10), behind(match, "OLD", "OLDS"),
				       behind(match, "NEW", "NEWS")};

		g_array_append_val(hunks, resume);
	}
	return hunks;
}

typedef struct {
	const Resume *hunk;                /* the last one that ended; NULL before the first */
	gboolean after_empty, after_brace; /* that a directive was put there for it */
} State;

/* Whether the file's grammar can take a directive behind @line, once for each sort of place and hunk. */
static gboolean takes_directive(State *state, const gchar *line, gsize length)
{
	gboolean *done;

	if (!state->hunk || (state->after_brace && state->after_empty))
		return FALSE;
	if (length == 0)
		done = &state->after_empty;
	else if (line[0] == '}')
		done = &state->after_brace;
	else
		return FALSE;
	if (*done || (length > 0 && line[length - 1] == '\\'))
		return FALSE;
	*done = TRUE;
	return TRUE;
}

static GBytes *insert_directives(GBytes *source, const GArray *hunks)
{
	gsize size, at = 0;
	const gchar *text = g_bytes_get_data(source, &size);
	GString *out = g_string_sized_new(size + 256);
	State state = {0};
	guint next = 0;

	for (guint64 number = 1; at < size; number++) {
		const gchar *line = text + at, *end = memchr(line, '\n', size - at);
		gsize length = end ? (gsize)(end - line) : size - at;

		for (; next < hunks->len && g_array_index(hunks, Resume, next).new_line <= number; next++)
			state = (State){.hunk = &g_array_index(hunks, Resume, next)};
		g_string_append_len(out, line, (gssize)(length + (end != NULL)));
		if (end && takes_directive(&state, line, length))
			g_string_append_printf(out, "#line %" G_GUINT64_FORMAT "\n",
					       number + 1 - state.hunk->new_line + state.hunk->old_line);
		at += length + 1;
	}
	return g_string_free_to_bytes(out);
}

gboolean suture_lines_keep(const gchar *before, const gchar *after, GError **error)
{
	g_autoptr(GBytes) source = suture_file_read(after, SOURCE_BYTES, error);
	g_autofree gchar *text = source ? run_diff(before, after, error) : NULL;
	g_autoptr(GArray) hunks = NULL;
	g_autoptr(GBytes) kept = NULL;

	if (!text)
		return FALSE;
	hunks = find_hunks(text);
	kept = insert_directives(source, hunks);
	return suture_file_write_atomic_path(after, kept, 0644, error);
}

GArray *suture_lines_changed(const gchar *before, const gchar *after, GError **error)
{
	g_autofree gchar *text = run_diff(before, after, error);
	g_autoptr(GArray) hunks = text ? find_hunks(text) : NULL;
	GArray *ranges;

	if (!hunks)
		return NULL;
	ranges = g_array_new(FALSE, FALSE, sizeof(SutureLineRange));
	for (guint i = 0; i < hunks->len; i++) {
		const Resume *hunk = &g_array_index(hunks, Resume, i);
		const SutureLineRange range = {hunk->old_start, MAX(hunk->old_line - 1, hunk->old_start)};

		g_array_append_val(ranges, range);
	}
	return ranges;
}
