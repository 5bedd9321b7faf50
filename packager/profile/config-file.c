// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/profile/config-file.h"

#include "common/file.h"

#include <string.h>

#define CONFIG_BYTES (16 * 1024 * 1024)

static void parse_line(GHashTable *config, const gchar *line)
{
	const gchar *equals = strchr(line, '=');
	const gchar *unset = strstr(line, " is not set");

	if (g_str_has_prefix(line, "# CONFIG_") && unset)
		g_hash_table_insert(config, g_strndup(line + 2, (gsize)(unset - line - 2)), g_strdup("n"));
	else if (g_str_has_prefix(line, "CONFIG_") && equals) {
		gsize length = strlen(equals + 1);
		gboolean quoted = length >= 2 && equals[1] == '"' && equals[length] == '"';

		g_hash_table_insert(config, g_strndup(line, (gsize)(equals - line)),
				    quoted ? g_strndup(equals + 2, length - 2) : g_strdup(equals + 1));
	}
}

GHashTable *suture_config_parse(const gchar *text)
{
	GHashTable *config = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

	for (gchar **line = lines; *line; line++)
		parse_line(config, *line);
	return config;
}

GHashTable *suture_config_read(const gchar *path, GError **error)
{
	g_autoptr(GBytes) bytes = suture_file_read(path, CONFIG_BYTES, error);
	g_autofree gchar *text = NULL;

	if (!bytes)
		return NULL;
	text = g_strndup(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
	return suture_config_parse(text);
}

gchar *suture_config_version(const gchar *path)
{
	g_autoptr(GBytes) bytes = suture_file_read(path, CONFIG_BYTES, NULL);
	g_autoptr(GRegex) regex =
		g_regex_new("^# Linux/\\S+ ([0-9]+\\.[0-9]+\\.[0-9]+)\\S* Kernel Configuration$",
			    G_REGEX_MULTILINE | G_REGEX_RAW, 0, NULL);
	g_autoptr(GMatchInfo) match = NULL;
	g_autofree gchar *text =
		bytes ? g_strndup(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes)) : NULL;

	return text && g_regex_match(regex, text, 0, &match) ? g_match_info_fetch(match, 1) : NULL;
}

static gint compare_text(gconstpointer left, gconstpointer right)
{
	return strcmp(*(const gchar *const *)left, *(const gchar *const *)right);
}

/* A symbol that is "n" may as well be absent: Kconfig leaves out what cannot be set. */
static const gchar *value_or_n(GHashTable *config, const gchar *symbol)
{
	const gchar *value = g_hash_table_lookup(config, symbol);

	return value ? value : "n";
}

/* What the compiler of a language says that the kernel was built without. */
static gboolean is_idle(GHashTable *config, const gchar *symbol)
{
	return strcmp(value_or_n(config, "CONFIG_RUST"), "y") != 0 &&
	       (g_str_has_prefix(symbol, "CONFIG_RUSTC_") || g_str_has_prefix(symbol, "CONFIG_BINDGEN_") ||
		!strcmp(symbol, "CONFIG_RUST_IS_AVAILABLE"));
}

GPtrArray *suture_config_changes(GHashTable *before, GHashTable *after, gboolean all)
{
	GPtrArray *changes = g_ptr_array_new_with_free_func(g_free);
	GHashTableIter iter;
	gpointer symbol, value;

	g_hash_table_iter_init(&iter, before);
	while (g_hash_table_iter_next(&iter, &symbol, &value)) {
		const gchar *now = value_or_n(after, symbol);

		if ((!all && !g_hash_table_contains(after, symbol)) || strcmp(value, now) == 0 ||
		    is_idle(before, symbol))
			continue;
		g_ptr_array_add(changes,
				g_strdup_printf("%s: %s, now %s", (gchar *)symbol, (gchar *)value, now));
	}
	g_ptr_array_sort(changes, compare_text);
	return changes;
}
