// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/profile/recipe.h"

#include "common/file.h"
#include "packager/profile/dry-run.h"
#include "spec/json.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define SINGLE "suture_single"
#define MULTI "suture_multi"
#define SAID_BYTES (16 * 1024 * 1024)
#define WORDS_MAX 4096

/* One step: its words as kbuild has them. */
typedef struct {
	const gchar *name;
	gsize offset;
	gboolean needed;
} Step;

#define STEP(name, needed)                                         \
	{                                                          \
#name, G_STRUCT_OFFSET(SutureRecipe, name), needed \
	}
static const Step steps[] = {
	STEP(compile, TRUE),     STEP(objtool, FALSE),        STEP(partial_link, TRUE), STEP(modpost, TRUE),
	STEP(compile_mod, TRUE), STEP(compile_common, FALSE), STEP(link, TRUE),
};

static gchar ***step_words(const SutureRecipe *recipe, gsize index)
{
	return G_STRUCT_MEMBER_P(recipe, steps[index].offset);
}

void suture_recipe_free(SutureRecipe *recipe)
{
	for (gsize i = 0; i < G_N_ELEMENTS(steps); i++)
		g_strfreev(*step_words(recipe, i));
	g_free(recipe);
}

static gchar *replace(const gchar *text, const gchar *part, const gchar *with)
{
	g_auto(GStrv) pieces = g_strsplit(text, part, -1);

	return g_strjoinv(with, pieces);
}

gchar **suture_recipe_fill(gchar *const *argv, const gchar *folder, const gchar *name)
{
	g_autoptr(GPtrArray) words = g_ptr_array_new();

	if (!argv)
		return NULL;
	for (; *argv; argv++) {
		g_autofree gchar *with_folder = replace(*argv, SUTURE_RECIPE_FOLDER, folder);

		g_ptr_array_add(words, replace(with_folder, SUTURE_RECIPE_NAME, name));
	}
	g_ptr_array_add(words, NULL);
	return (gchar **)g_ptr_array_free(g_steal_pointer(&words), FALSE);
}

/* @count words, with placeholders in place of the probe's own names; a ";" behind the last is the shell's. */
static gchar **generalise(gchar **words, guint count, const gchar *probe, const gchar *name)
{
	gchar **general = g_new0(gchar *, count + 1);

	for (guint i = 0; i < count; i++) {
		g_autofree gchar *with_folder = replace(words[i], probe, SUTURE_RECIPE_FOLDER);

		general[i] = replace(with_folder, name, SUTURE_RECIPE_NAME);
		if (i + 1 == count && g_str_has_suffix(general[i], ";"))
			general[i][strlen(general[i]) - 1] = '\0';
	}
	return general;
}

static gint find_suffix(gchar **words, guint count, const gchar *suffix)
{
	for (guint i = 0; i < count; i++)
		if (g_str_has_suffix(words[i], suffix))
			return (gint)i;
	return -1;
}

static void set(gchar ***place, gchar **words)
{
	g_strfreev(*place);
	*place = words;
}

/* Whether one of @count words is "-o" with the probe's @file behind it. */
static gboolean writes(gchar **words, guint count, const gchar *probe, const gchar *file)
{
	g_autofree gchar *path = g_build_filename(probe, file, NULL);

	for (guint i = 0; i + 1 < count; i++)
		if (!strcmp(words[i], "-o") &&
		    (!strcmp(words[i + 1], path) ||
		     (g_str_has_prefix(words[i + 1], path) && !strcmp(words[i + 1] + strlen(path), ";"))))
			return TRUE;
	return FALSE;
}

static void take_objtool(SutureRecipe *recipe, gchar **words, const gchar *probe)
{
	guint total = g_strv_length(words);
	gint at = find_suffix(words, total, "objtool/objtool");
	guint count = at < 0 ? 0 : suture_dry_run_command_length(words, (guint)at);

	if (count >= 2)
		set(&recipe->objtool, generalise(words + at, count - 1, probe, SINGLE));
}

/* The list of objects comes on standard input, whether kbuild has a file or a pipe for it: as a file, since
 * modpost of 6.12 knows no "-". */
static void take_modpost(SutureRecipe *recipe, gchar **words, const gchar *probe)
{
	gint at = find_suffix(words, g_strv_length(words), "scripts/mod/modpost");
	guint count = at < 0 ? 0 : suture_dry_run_command_length(words, (guint)at);
	gchar **general;

	if (!count)
		return;
	general = generalise(words + at, count, probe, SINGLE);
	for (gchar **word = general; *word; word++)
		if (!strcmp(*word, "-T") && word[1]) {
			g_free(word[1]);
			word[1] = g_strdup("/dev/stdin");
		}
	set(&recipe->modpost, general);
}

/* ld ... -r -o multi.o @multi.mod: the list's place is where the objects go. */
static void take_partial_link(SutureRecipe *recipe, gchar **words, guint count, const gchar *probe)
{
	g_autofree gchar *list = g_strdup_printf("@%s/" MULTI ".mod", probe);
	gint at = find_suffix(words, count, list);

	if (at > 0)
		set(&recipe->partial_link, generalise(words, (guint)at, probe, MULTI));
}

static void take_line(SutureRecipe *recipe, gchar **words, const gchar *probe)
{
	guint count = suture_dry_run_command_length(words, 0);

	if (find_suffix(words, g_strv_length(words), "scripts/mod/modpost") >= 0) {
		take_modpost(recipe, words, probe);
	} else if (writes(words, count, probe, SINGLE ".o")) {
		set(&recipe->compile, generalise(words, count, probe, SINGLE));
		take_objtool(recipe, words, probe);
	} else if (writes(words, count, probe, MULTI ".o")) {
		take_partial_link(recipe, words, count, probe);
	} else if (writes(words, count, probe, SINGLE ".mod.o")) {
		set(&recipe->compile_mod, generalise(words, count, probe, SINGLE));
	} else if (writes(words, count, probe, ".module-common.o")) {
		set(&recipe->compile_common, generalise(words, count, probe, SINGLE));
	} else if (writes(words, count, probe, SINGLE ".ko")) {
		set(&recipe->link, generalise(words, count, probe, SINGLE));
	}
}

static gboolean check(const SutureRecipe *recipe, GError **error)
{
	for (gsize i = 0; i < G_N_ELEMENTS(steps); i++)
		if (steps[i].needed && !*step_words(recipe, i)) {
			g_set_error(error, SUTURE_PROFILE_ERROR, SUTURE_PROFILE_ERROR_COMMANDS,
				    "kbuild does not say how it makes a module: no step \"%s\"",
				    steps[i].name);
			return FALSE;
		}
	return TRUE;
}

SutureRecipe *suture_recipe_parse(const gchar *said, const gchar *probe, GError **error)
{
	g_autoptr(SutureRecipe) recipe = g_new0(SutureRecipe, 1);
	g_auto(GStrv) lines = g_strsplit(said, "\n", -1);

	for (gchar **line = lines; *line; line++) {
		g_auto(GStrv) words = NULL;

		if (strstr(*line, probe) && !strstr(*line, "__GENKSYMS__") &&
		    g_utf8_validate(*line, -1, NULL) && g_shell_parse_argv(*line, NULL, &words, NULL))
			take_line(recipe, words, probe);
	}
	return check(recipe, error) ? g_steal_pointer(&recipe) : NULL;
}

static gboolean write_probe(const gchar *probe, GError **error)
{
	static const gchar module[] = "#include <linux/module.h>\nMODULE_LICENSE(\"GPL\");\n";
	static const struct {
		const gchar *name, *text;
	} files[] = {
		{"Kbuild",
		 "obj-m := " SINGLE ".o " MULTI ".o\n" MULTI "-y := suture_part1.o suture_part2.o\n"},
		{SINGLE ".c", module},
		{"suture_part1.c", module},
		{"suture_part2.c", "int suture_part2;\n"},
	};
	SUTURE_AUTO_FD dirfd = suture_file_open_folder(probe, TRUE, error);

	for (gsize i = 0; dirfd >= 0 && i < G_N_ELEMENTS(files); i++) {
		g_autoptr(GBytes) bytes = g_bytes_new_static(files[i].text, strlen(files[i].text));

		if (!suture_file_write_atomic(dirfd, files[i].name, bytes, 0644, error))
			return FALSE;
	}
	return dirfd >= 0;
}

static SutureRecipe *build(const SutureKernelTree *tree, const gchar *probe, GError **error)
{
	g_autofree gchar *folder_is = g_strconcat("M=", probe, NULL);
	const gchar *const goals[] = {"V=1", folder_is, "modules", NULL};
	g_autofree gchar *said = g_build_filename(probe, "said", NULL);
	g_autoptr(GBytes) bytes = NULL;
	g_autofree gchar *text = NULL;

	if (!write_probe(probe, error) || !suture_prepare_make(tree, goals, "probe/said", FALSE, error))
		return NULL;
	bytes = suture_file_read(said, SAID_BYTES, error);
	if (!bytes)
		return NULL;
	text = g_strndup(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
	return suture_recipe_parse(text, probe, error);
}

SutureRecipe *suture_recipe_record(const SutureKernelTree *tree, GError **error)
{
	g_autofree gchar *probe = g_build_filename(tree->folder, "probe", NULL);
	g_autoptr(SutureRecipe) recipe = build(tree, probe, error);

	if (!suture_file_remove_tree(AT_FDCWD, probe, recipe ? error : NULL))
		return NULL;
	return g_steal_pointer(&recipe);
}

json_t *suture_recipe_json(const SutureRecipe *recipe)
{
	json_t *json = json_object();

	for (gsize i = 0; i < G_N_ELEMENTS(steps); i++) {
		gchar **words = *step_words(recipe, i);
		json_t *list = words ? json_array() : NULL;

		for (; words && *words; words++)
			json_array_append_new(list, json_string(*words));
		if (list)
			json_object_set_new(json, steps[i].name, list);
	}
	return json;
}

static gchar **words_from_json(json_t *list)
{
	g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);
	gsize index;
	json_t *word;

	json_array_foreach (list, index, word) {
		if (!json_is_string(word))
			return NULL;
		g_ptr_array_add(words, g_strdup(json_string_value(word)));
	}
	g_ptr_array_add(words, NULL);
	g_ptr_array_set_free_func(words, NULL);
	return (gchar **)g_ptr_array_free(g_steal_pointer(&words), FALSE);
}

SutureRecipe *suture_recipe_from_json(json_t *json, GError **error)
{
	g_autoptr(SutureRecipe) recipe = g_new0(SutureRecipe, 1);

	for (gsize i = 0; i < G_N_ELEMENTS(steps); i++) {
		json_t *list = json_object_get(json, steps[i].name);

		if (!list && !steps[i].needed)
			continue;
		if (json_is_array(list) && json_array_size(list) > 0 && json_array_size(list) <= WORDS_MAX)
			*step_words(recipe, i) = words_from_json(list);
		if (!*step_words(recipe, i)) {
			g_set_error(error, SUTURE_PROFILE_ERROR, SUTURE_PROFILE_ERROR_DAMAGED,
				    "the recipe of modules lacks the step \"%s\"", steps[i].name);
			return NULL;
		}
	}
	return g_steal_pointer(&recipe);
}
