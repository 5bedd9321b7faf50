// SPDX-License-Identifier: LGPL-2.1-or-later
/* What make prints in a dry run, the index that comes of it, and an index in a damaged profile. */
#include "packager/profile/commands.h"
#include "packager/profile/dry-run.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_all(const SutureCommands *commands)
{
	for (guint i = 0; i < MIN(suture_commands_count(commands), 64); i++) {
		g_autoptr(SutureCommandLine) line = suture_commands_line(commands, i);
		g_autoptr(GArray) units = suture_commands_of_source(commands, line->source);

		g_assert(line->unit && line->compile && line->module_paths && units);
	}
}

static void dry_run(const gchar *text)
{
	g_autoptr(SutureDryRun) run = suture_dry_run_new();
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	g_autoptr(GVariant) index = NULL;
	g_autoptr(SutureCommands) commands = NULL;

	for (gchar **line = lines; *line; line++) {
		g_autoptr(GError) error = NULL;

		g_assert(suture_dry_run_line(run, *line, &error) == (error == NULL));
	}
	index = suture_dry_run_index(run, NULL);
	commands = index ? suture_commands_new(index) : NULL;
	for (guint i = 0; commands && i < suture_commands_count(commands); i++) {
		g_autofree gchar *unit = suture_commands_unit(commands, i);

		/* What was put in is found again, and leads nowhere else. */
		g_assert(suture_commands_find(commands, unit) == (gint)i && *unit != '/');
	}
	if (commands)
		read_all(commands);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree gchar *text = g_strndup((const gchar *)data, size);
	g_autoptr(GBytes) bytes = g_bytes_new(data, size);
	g_autoptr(SutureCommands) commands = suture_commands_new_from_bytes(bytes);

	dry_run(text);
	if (commands)
		read_all(commands);
	return 0;
}
