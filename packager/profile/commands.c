// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/profile/commands.h"

#include <string.h>

struct _SutureCommands {
	GVariant *words, *units, *by_source;
};

SutureCommands *suture_commands_new(GVariant *index)
{
	SutureCommands *commands;

	if (!g_variant_is_of_type(index, G_VARIANT_TYPE(SUTURE_COMMANDS_TYPE)))
		return NULL;
	commands = g_new0(SutureCommands, 1);
	commands->words = g_variant_get_child_value(index, 0);
	commands->units = g_variant_get_child_value(index, 1);
	commands->by_source = g_variant_get_child_value(index, 2);
	return commands;
}

SutureCommands *suture_commands_new_from_bytes(GBytes *bytes)
{
	/* Not trusted: what is not well-formed reads as empty, and nothing is read beyond the bytes. */
	g_autoptr(GVariant) index = g_variant_ref_sink(
		g_variant_new_from_bytes(G_VARIANT_TYPE(SUTURE_COMMANDS_TYPE), bytes, FALSE));
	g_autoptr(SutureCommands) commands = suture_commands_new(index);

	return commands && suture_commands_count(commands) > 0 ? g_steal_pointer(&commands) : NULL;
}

void suture_commands_free(SutureCommands *commands)
{
	g_variant_unref(commands->words);
	g_variant_unref(commands->units);
	g_variant_unref(commands->by_source);
	g_free(commands);
}

void suture_command_line_free(SutureCommandLine *line)
{
	g_free(line->unit);
	g_free(line->source);
	g_free(line->object);
	g_free(line->module_path);
	g_strfreev(line->module_paths);
	g_strfreev(line->compile);
	g_strfreev(line->objtool);
	g_free(line);
}

guint suture_commands_count(const SutureCommands *commands)
{
	return (guint)g_variant_n_children(commands->units);
}

static gchar *text_of(const SutureCommands *commands, guint number, gsize field)
{
	g_autoptr(GVariant) unit = g_variant_get_child_value(commands->units, number);
	gchar *text = NULL;

	g_variant_get_child(unit, field, "s", &text);
	return text;
}

gchar *suture_commands_unit(const SutureCommands *commands, guint number)
{
	return text_of(commands, number, 0);
}

gint suture_commands_find(const SutureCommands *commands, const gchar *unit)
{
	guint low = 0, high = suture_commands_count(commands);

	while (low < high) {
		guint middle = low + (high - low) / 2;
		g_autofree gchar *name = suture_commands_unit(commands, middle);
		gint order = strcmp(unit, name);

		if (order == 0)
			return (gint)middle;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return -1;
}

static gchar **words_of(const SutureCommands *commands, GVariant *indexes)
{
	gsize count = 0, n_words = g_variant_n_children(commands->words);
	const guint32 *numbers = g_variant_get_fixed_array(indexes, &count, sizeof(guint32));
	g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);

	for (gsize i = 0; i < count; i++) {
		gchar *word = NULL;

		if (numbers[i] >= n_words)
			break;
		g_variant_get_child(commands->words, numbers[i], "s", &word);
		g_ptr_array_add(words, word);
	}
	g_ptr_array_add(words, NULL);
	g_ptr_array_set_free_func(words, NULL);
	return (gchar **)g_ptr_array_free(g_steal_pointer(&words), FALSE);
}

SutureCommandLine *suture_commands_line(const SutureCommands *commands, guint number)
{
	g_autoptr(GVariant) unit = g_variant_get_child_value(commands->units, number);
	g_autoptr(GVariant) compile = NULL;
	g_autoptr(GVariant) objtool = NULL;
	SutureCommandLine *line = g_new0(SutureCommandLine, 1);
	const gchar *owner;

	g_variant_get(unit, "(ss&s^as@au@aub)", &line->unit, &line->source, &owner, &line->module_paths,
		      &compile, &objtool, &line->objtool_delayed);
	line->compile = words_of(commands, compile);
	line->objtool = g_variant_n_children(objtool) ? words_of(commands, objtool) : NULL;
	line->module_path = g_strdup(line->module_paths[0]);
	if (line->module_path)
		line->object = g_strdelimit(g_path_get_basename(line->module_path), "-", '_');
	else if (*owner)
		line->object = g_strdup(owner);
	return line;
}

/* The first place in the order by sources whose source is not before @source. */
static gsize first_of_source(const SutureCommands *commands, const guint32 *order, gsize count,
			     const gchar *source)
{
	gsize low = 0, high = count;

	while (low < high) {
		gsize middle = low + (high - low) / 2;
		g_autofree gchar *at = text_of(commands, order[middle], 1);

		if (strcmp(at, source) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

GArray *suture_commands_of_source(const SutureCommands *commands, const gchar *source)
{
	GArray *numbers = g_array_new(FALSE, FALSE, sizeof(guint32));
	guint n_units = suture_commands_count(commands);
	gsize count = 0;
	const guint32 *order = g_variant_get_fixed_array(commands->by_source, &count, sizeof(guint32));

	for (gsize i = 0; i < count; i++)
		if (order[i] >= n_units)
			return numbers;
	for (gsize i = first_of_source(commands, order, count, source); i < count; i++) {
		g_autofree gchar *at = text_of(commands, order[i], 1);

		if (strcmp(at, source) != 0)
			break;
		g_array_append_val(numbers, order[i]);
	}
	return numbers;
}
