// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/profile/includes.h"

#include <string.h>

#define INCBIN ".incbin"

/* What a line of the preprocessor says, with its end. */
typedef struct {
	const gchar *at, *end;
} Line;

static void name_clear(gpointer data)
{
	SutureIncludeName *name = data;

	g_free(name->name);
}

static void skip_space(Line *line)
{
	while (line->at < line->end && (*line->at == ' ' || *line->at == '\t'))
		line->at++;
}

static gboolean skip_word(Line *line, const gchar *word)
{
	gsize length = strlen(word);

	if ((gsize)(line->end - line->at) < length || memcmp(line->at, word, length) != 0)
		return FALSE;
	line->at += length;
	return TRUE;
}

/* Words of a macro's name or value: up to white space, and not more of it. */
static gchar *take_word(Line *line)
{
	const gchar *start;

	skip_space(line);
	start = line->at;
	while (line->at < line->end && !g_ascii_isspace(*line->at))
		line->at++;
	return g_strndup(start, (gsize)(line->at - start));
}

static void add_name(GArray *names, const gchar *start, gsize length, gboolean quoted)
{
	SutureIncludeName name = {.name = g_strndup(start, length), .quoted = quoted};

	g_array_append_val(names, name);
}

/* "x.h" or <x.h> at the line's place. */
static gboolean take_name(Line *line, GArray *names)
{
	gchar close = *line->at == '"' ? '"' : *line->at == '<' ? '>' : '\0';
	const gchar *end = close && line->at < line->end
				   ? memchr(line->at + 1, close, (gsize)(line->end - line->at - 1))
				   : NULL;

	if (!end || end == line->at + 1)
		return FALSE;
	add_name(names, line->at + 1, (gsize)(end - line->at - 1), close == '"');
	return TRUE;
}

/* A header of tracepoints says where it is itself, for define_trace.h to include it again. */
typedef struct {
	gchar *path, *file;
} Trace;

static void take_define(Line *line, GArray *names, Trace *trace)
{
	g_autofree gchar *macro = take_word(line);
	g_autofree gchar *value = NULL;

	skip_space(line);
	if (line->at >= line->end)
		return;
	if (take_name(line, names))
		return;
	value = take_word(line);
	if (!strcmp(macro, "TRACE_INCLUDE_PATH")) {
		g_free(trace->path);
		trace->path = g_steal_pointer(&value);
	} else if (!strcmp(macro, "TRACE_INCLUDE_FILE")) {
		g_free(trace->file);
		trace->file = g_steal_pointer(&value);
	}
}

static void take_directive(Line *line, GArray *names, Trace *trace)
{
	skip_space(line);
	if (skip_word(line, "include")) {
		if (!skip_word(line, "_next"))
			skip_word(line, "_");
		skip_space(line);
		if (line->at < line->end)
			take_name(line, names);
	} else if (skip_word(line, "define")) {
		take_define(line, names, trace);
	}
}

/* As define_trace.h, which lies in include/trace, makes the name. */
static void add_trace(GArray *names, const Trace *trace)
{
	g_autofree gchar *name = NULL;

	if (!trace->file)
		return;
	name = g_strdup_printf("trace/%s%s%s.h", trace->path ? trace->path : "",
			       trace->path ? "/" : "events/", trace->file);
	add_name(names, name, strlen(name), FALSE);
}

GArray *suture_includes_scan(const gchar *text, gsize length)
{
	GArray *names = g_array_new(FALSE, FALSE, sizeof(SutureIncludeName));
	const gchar *end = text + length;
	Trace trace = {0};

	g_array_set_clear_func(names, name_clear);
	while (text < end) {
		const gchar *stop = memchr(text, '\n', (gsize)(end - text));
		Line line = {text, stop ? stop : end};

		skip_space(&line);
		if (line.at < line.end && *line.at == '#') {
			line.at++;
			take_directive(&line, names, &trace);
		}
		text = stop ? stop + 1 : end;
	}
	add_trace(names, &trace);
	g_free(trace.path);
	g_free(trace.file);
	return names;
}

void suture_includes_scan_binaries(const gchar *text, gsize length, GArray *names)
{
	const gchar *end = text + length;

	while ((text = memmem(text, (gsize)(end - text), INCBIN, strlen(INCBIN)))) {
		SutureIncludeName name = {.from_top = TRUE};
		const gchar *start;

		text += strlen(INCBIN);
		/* In a string of C: .incbin \"x\" */
		while (text < end && strchr(" \t\\\"", *text))
			text++;
		start = text;
		while (text < end && !strchr("\\\"\n", *text))
			text++;
		name.name = g_strndup(start, (gsize)(text - start));
		g_array_append_val(names, name);
	}
}
