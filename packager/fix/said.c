// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/fix/said.h"

#include "common/file.h"
#include "common/process.h"

#include <string.h>

#define WORDS_BYTES (4 * 1024 * 1024)

gboolean suture_said_run(const gchar *const *argv, const gchar *folder, GBytes *input, const gchar *said,
			 GError **error)
{
	const gchar *const shell[] = {"sh", "-c", "said=$1; shift; exec \"$@\" >\"$said\" 2>&1", "sh", said};
	g_autoptr(GPtrArray) all = g_ptr_array_new();

	for (gsize i = 0; i < G_N_ELEMENTS(shell); i++)
		g_ptr_array_add(all, (gpointer)shell[i]);
	for (; *argv; argv++)
		g_ptr_array_add(all, (gpointer)*argv);
	g_ptr_array_add(all, NULL);
	return suture_process_run((const gchar *const *)all->pdata, NULL, folder, input, NULL, error);
}

gchar *suture_said_read(const gchar *said)
{
	g_autoptr(GBytes) bytes = suture_file_read(said, WORDS_BYTES, NULL);

	if (!bytes || g_bytes_get_size(bytes) == 0)
		return g_strdup("");
	return g_strchomp(g_utf8_make_valid(g_bytes_get_data(bytes, NULL), (gssize)g_bytes_get_size(bytes)));
}

gchar *suture_said_first_error(const gchar *words)
{
	const gchar *const marks[] = {"error:", "ERROR:", "undefined", "***", "warning:"};
	g_auto(GStrv) lines = g_strsplit(words, "\n", -1);

	for (gsize mark = 0; mark < G_N_ELEMENTS(marks); mark++)
		for (gchar **line = lines; *line; line++)
			if (strstr(*line, marks[mark]))
				return g_strdup(*line);
	return g_strdup(*words ? lines[0] : "it said nothing");
}

gchar *suture_said_without(const gchar *words, const gchar *part)
{
	g_auto(GStrv) pieces = g_strsplit(words, part, -1);

	return g_strjoinv("", pieces);
}
