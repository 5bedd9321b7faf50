// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/build-explain.h"

#include "cli/terminal.h"
#include "cli/vendor.h"

#include <string.h>

static const gchar *text_of(const json_t *object, const gchar *key)
{
	const gchar *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static gint64 number_of(const json_t *object, const gchar *key)
{
	return json_integer_value(json_object_get(object, key));
}

/* Names and sentences come from a kernel's source and a compiler: nothing of them may steer the terminal. */
static void print_line(const gchar *indent, const gchar *text)
{
	g_autofree gchar *safe = suture_terminal_text(text);

	g_print("%s%s\n", indent, safe);
}

static void print_list(const gchar *indent, const gchar *prefix, const json_t *list)
{
	json_t *item;
	gsize i;

	json_array_foreach ((json_t *)list, i, item) {
		g_autofree gchar *text = g_strconcat(prefix, json_string_value(item), NULL);

		print_line(indent, text);
	}
}

static void print_function(const json_t *function)
{
	gboolean changed = strcmp(text_of(function, "kind"), "changed") == 0;
	gint64 sympos = number_of(function, "sympos");
	g_autofree gchar *position =
		sympos ? g_strdup_printf(", number %" G_GINT64_FORMAT " of that name", sympos) : g_strdup("");
	g_autofree gchar *line = NULL;

	if (changed)
		line = g_strdup_printf("changed %s: replaces %s%s, %" G_GINT64_FORMAT " -> %" G_GINT64_FORMAT
				       " bytes",
				       text_of(function, "name"), text_of(function, "replaces"), position,
				       number_of(function, "size_before"), number_of(function, "size_after"));
	else
		line = g_strdup_printf("new     %s: %" G_GINT64_FORMAT " bytes", text_of(function, "name"),
				       number_of(function, "size_after"));
	print_line("  ", line);
	print_list("            ", "because ", json_object_get(function, "reasons"));
	print_list("            ", "has inlined ", json_object_get(function, "inlined"));
}

static void print_named(const gchar *title, const json_t *list, const gchar *name_key, const gchar *word_key,
			const gchar *text_key)
{
	json_t *item;
	gsize i;

	if (json_array_size(list) > 0)
		g_print("  %s\n", title);
	json_array_foreach ((json_t *)list, i, item) {
		g_autofree gchar *word =
			word_key ? g_strdup_printf(" (%s)", text_of(item, word_key)) : g_strdup("");
		g_autofree gchar *line =
			g_strdup_printf("%s%s: %s", text_of(item, name_key), word, text_of(item, text_key));

		print_line("    ", line);
	}
}

static void print_references(const json_t *unit)
{
	const json_t *references = json_object_get(unit, "references");
	json_t *item;
	gsize i;

	g_print("  %" G_GINT64_FORMAT " relocations, to %zu symbols that the kernel does not export%s\n",
		number_of(unit, "relocations"), json_array_size(references),
		json_array_size(references) ? ":" : "");
	json_array_foreach ((json_t *)references, i, item) {
		gint64 sympos = number_of(item, "sympos");
		g_autofree gchar *line =
			sympos ? g_strdup_printf("%s:%s,%" G_GINT64_FORMAT, text_of(item, "object"),
						 text_of(item, "symbol"), sympos)
			       : g_strdup_printf("%s:%s", text_of(item, "object"), text_of(item, "symbol"));

		print_line("    ", line);
	}
}

static void print_author(const json_t *unit)
{
	json_t *item;
	gsize i;

	json_array_foreach (json_object_get(unit, "callbacks"), i, item) {
		g_autofree gchar *line =
			g_strdup_printf("calls %s at %s", text_of(item, "function"), text_of(item, "moment"));

		print_line("  ", line);
	}
	json_array_foreach (json_object_get(unit, "states"), i, item)
		g_print("  state %" G_GINT64_FORMAT ", version %" G_GINT64_FORMAT "\n", number_of(item, "id"),
			number_of(item, "version"));
}

static void print_unit(const json_t *unit)
{
	g_autofree gchar *title =
		g_strdup_printf("%s, part of %s", text_of(unit, "unit"), text_of(unit, "object"));
	json_t *function;
	gsize i;

	print_line("", title);
	json_array_foreach (json_object_get(unit, "functions"), i, function)
		print_function(function);
	print_author(unit);
	print_references(unit);
	print_named("sections that differ:", json_object_get(unit, "sections"), "name", "disposition",
		    "sentence");
	print_named("types whose layout differs:", json_object_get(unit, "layouts"), "type", NULL, "what");
	print_named("refused:", json_object_get(unit, "refusals"), "reason", NULL, "sentence");
	if (json_array_size(json_object_get(unit, "notes")) > 0)
		g_print("  to know:\n");
	print_list("    ", "", json_object_get(unit, "notes"));
}

static void print_steps(const json_t *report)
{
	json_t *step;
	gsize i;

	json_array_foreach (json_object_get(report, "steps"), i, step)
		g_print("%s%s %.2f s", i ? ", " : "", text_of(step, "step"),
			json_number_value(json_object_get(step, "seconds")));
	g_print("\n");
}

static void print_patches(const json_t *report)
{
	json_t *build;
	gsize i;

	json_array_foreach (json_object_get(report, "patches"), i, build) {
		const gchar *build_id = text_of(build, "build_id"),
			    *srcversion = text_of(build, "srcversion");
		g_autofree gchar *line =
			g_strdup_printf("for the module %s with%s%s%s%s", text_of(build, "object"),
					*build_id ? " build-id " : "", build_id,
					*srcversion ? " srcversion " : "", srcversion);

		print_line("", line);
	}
}

static void print_text(const json_t *report)
{
	json_t *unit;
	gsize i;

	g_print("kernel %s, build-id %s\n", text_of(report, "kernel"), text_of(report, "build_id"));
	json_array_foreach (json_object_get(report, "units"), i, unit)
		print_unit(unit);
	print_list("", "comes out the same: ", json_object_get(report, "unchanged"));
	json_array_foreach (json_object_get(report, "notes"), i, unit) {
		g_autofree gchar *line =
			g_strdup_printf("%s: %s", text_of(unit, "subject"), text_of(unit, "text"));

		print_line("", line);
	}
	print_patches(report);
	print_steps(report);
}

void suture_build_explain(const SutureContext *context, json_t *report)
{
	if (context->json)
		suture_vendor_print_json(report);
	else
		print_text(report);
}
