// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Does with a real profile what a build does. Usage: profile-tool STORE NAME FOLDER UNIT...
 * Compiles the units into FOLDER, with objtool where it is theirs; checks that every file that the compiler
 * read is one whose change would have them compiled again; makes a module by the recipe. Prints what it
 * found.
 */
#include "common/process.h"
#include "packager/profile/profile.h"

#include <string.h>

static gboolean start(const SutureProfile *profile, gchar **words, const gchar *object, const gchar *folder,
		      GBytes *input, GError **error)
{
	g_autoptr(GPtrArray) all = g_ptr_array_new();
	g_auto(GStrv) argv = NULL;

	for (; *words; words++)
		g_ptr_array_add(all, *words);
	if (object)
		g_ptr_array_add(all, (gpointer)object);
	g_ptr_array_add(all, NULL);
	argv = suture_profile_argv(profile, (const gchar *const *)all->pdata, folder, profile->tree);
	return suture_process_run((const gchar *const *)argv, NULL, NULL, input, NULL, error);
}

/* The recorded command, with places in @folder. */
static void redirect(SutureCommandLine *line, const gchar *object, const gchar *dep)
{
	for (gchar **word = line->compile; *word; word++) {
		if (!strcmp(*word, "-o")) {
			g_free(word[1]);
			word[1] = g_strdup(object);
		} else if (g_str_has_prefix(*word, "-Wp,-MMD,")) {
			g_free(*word);
			*word = g_strconcat("-Wp,-MMD,", dep, NULL);
		}
	}
}

/* Files of the tree in the compiler's dep file that do not lead to @unit. */
static guint count_missed(const SutureProfile *profile, const gchar *dep, const gchar *unit, guint *ret_files)
{
	g_autofree gchar *text = NULL;
	g_auto(GStrv) words = NULL;
	guint missed = 0;

	g_assert_true(g_file_get_contents(dep, &text, NULL, NULL));
	words = g_strsplit_set(text, " \n\\", -1);
	for (gchar **word = words; *word; word++) {
		const gchar *path = g_str_has_prefix(*word, "./") ? *word + 2 : *word;
		const gchar *const files[] = {path, NULL};
		g_autoptr(GPtrArray) units = NULL;

		if (!*path || g_str_has_suffix(path, ":") || *path == '/')
			continue;
		units = suture_profile_dependents(profile, files, NULL);
		(*ret_files)++;
		if (!g_ptr_array_find_with_equal_func(units, unit, g_str_equal, NULL)) {
			g_printerr("%s: %s is not in the index\n", unit, path);
			missed++;
		}
	}
	return missed;
}

static gboolean compile(const SutureProfile *profile, const gchar *unit, const gchar *folder, GError **error)
{
	g_autoptr(SutureCommandLine) line = suture_profile_command(profile, unit);
	g_autofree gchar *object = g_build_filename(folder, "unit.o", NULL);
	g_autofree gchar *dep = g_build_filename(folder, "unit.d", NULL);
	guint files = 0, missed;

	g_assert_nonnull(line);
	redirect(line, object, dep);
	if (!start(profile, line->compile, NULL, folder, NULL, error) ||
	    (line->objtool && !line->objtool_delayed &&
	     !start(profile, line->objtool, object, folder, NULL, error)))
		return FALSE;
	missed = count_missed(profile, dep, unit, &files);
	g_print("%s %s %s files=%u missed=%u\n", unit, line->object,
		line->objtool_delayed ? "delayed" : "now", files, missed);
	return TRUE;
}

static void write_file(const gchar *folder, const gchar *name, const gchar *text)
{
	g_autofree gchar *path = g_build_filename(folder, name, NULL);

	g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

static gboolean step(const SutureProfile *profile, gchar **words, const gchar *folder, const gchar *object,
		     GBytes *input, GError **error)
{
	g_auto(GStrv) filled = suture_recipe_fill(words, folder, "fix");

	return !words || start(profile, filled, object, folder, input, error);
}

static gboolean make_module(const SutureProfile *profile, const gchar *folder, GError **error)
{
	const SutureRecipe *recipe = suture_profile_recipe(profile);
	g_autofree gchar *object = g_build_filename(folder, "fix.o", NULL);
	g_autofree gchar *list = g_strconcat(object, "\n", NULL);
	g_autoptr(GBytes) input = g_bytes_new(list, strlen(list));

	write_file(folder, "fix.c",
		   "#include <linux/module.h>\nMODULE_LICENSE(\"GPL\");\n"
		   "int fix(int x);\nint fix(int x) { return _printk(\"%d\", x); }\n");
	write_file(folder, "fix.mod", list);
	write_file(folder, ".fix.o.cmd", "");
	return step(profile, recipe->compile, folder, NULL, NULL, error) &&
	       step(profile, recipe->objtool, folder, object, NULL, error) &&
	       step(profile, recipe->modpost, folder, NULL, input, error) &&
	       step(profile, recipe->compile_mod, folder, NULL, NULL, error) &&
	       step(profile, recipe->compile_common, folder, NULL, NULL, error) &&
	       step(profile, recipe->link, folder, NULL, NULL, error);
}

int main(int argc, char **argv)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(SutureProfile) profile = argc > 3 ? suture_profile_open(argv[1], argv[2], &error) : NULL;

	for (int i = 4; profile && !error && i < argc; i++)
		compile(profile, argv[i], argv[3], &error);
	if (profile && !error && suture_profile_check_tools(profile, &error))
		make_module(profile, argv[3], &error);
	if (error)
		g_printerr("%s\n", error->message);
	return profile && !error ? 0 : 1;
}
