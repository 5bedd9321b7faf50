// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/profile/includes.h"

#include "common/staging.h"
#include "packager/profile/dry-run.h"

#include <string.h>

static GArray *scan(const gchar *text)
{
	return suture_includes_scan(text, strlen(text));
}

static void assert_scan(const gchar *text, const gchar *expected)
{
	g_autoptr(GArray) names = scan(text);
	g_autoptr(GString) found = g_string_new(NULL);

	for (guint i = 0; i < names->len; i++) {
		const SutureIncludeName *name = &g_array_index(names, SutureIncludeName, i);

		g_string_append_printf(found, name->quoted ? "\"%s\" " : "<%s> ", name->name);
	}
	g_assert_cmpstr(g_strchomp(found->str), ==, expected);
}

static void test_scan(void)
{
	assert_scan("#include <a.h>\n#include \"b.h\"", "<a.h> \"b.h\"");
	assert_scan("  #\t include\t<a.h> /* why */\r\n", "<a.h>");
	assert_scan("#if 0\n#include <a.h>\n#endif\n", "<a.h>");
	assert_scan("#include_next <a.h>\n", "<a.h>");
	assert_scan("#include <a.h\n#include \"\"\n#include\n#\nint a;\n", "");
	assert_scan("#define HEADER \"c.h\"\n#include HEADER\n", "\"c.h\"");
	assert_scan("#define TRACE_INCLUDE_FILE ev\n", "<trace/events/ev.h>");
	assert_scan("#define TRACE_INCLUDE_PATH ../../drivers/x\n#define TRACE_INCLUDE_FILE ev\n",
		    "<trace/../../drivers/x/ev.h>");
	assert_scan("", "");
}

/* A tree of files, and a unit for each source. */
typedef struct {
	SutureScratch *scratch;
	SutureCommands *commands;
	SutureIncludes *includes;
	GHashTable *absent;
} Tree;

static void write_file(const gchar *root, const gchar *name, const gchar *text)
{
	g_autofree gchar *path = g_build_filename(root, name, NULL);
	g_autofree gchar *folder = g_path_get_dirname(path);

	g_assert_cmpint(g_mkdir_with_parents(folder, 0755), ==, 0);
	g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

static void add_unit(SutureDryRun *run, const gchar *stem, const gchar *options)
{
	g_autofree gchar *line = g_strdup_printf("set -e; echo '  gcc -D__KERNEL__ %s -c -o %s.o %s.c'; true",
						 options, stem, stem);

	g_assert_true(suture_dry_run_line(run, line, NULL));
}

static void tree_set_up(Tree *tree, gconstpointer data)
{
	g_autoptr(SutureDryRun) run = suture_dry_run_new();
	g_autoptr(GVariant) commands = NULL;
	g_autoptr(GVariant) includes = NULL;
	const gchar *root;

	(void)data;
	tree->scratch = suture_scratch_new(NULL);
	root = suture_scratch_path(tree->scratch);
	write_file(root, "include/forced.h", "");
	write_file(root, "include/deep.h", "#include <loop.h>\n");
	write_file(root, "include/loop.h",
		   "#include <deep.h>\n#ifdef NEVER\n#include \"beside.h\"\n#endif\n");
	write_file(root, "include/beside.h", "");
	write_file(root, "include/both.h", "");
	write_file(root, "d/both.h", "");
	write_file(root, "d/a.c", "#include \"both.h\"\n#include <deep.h>\n");
	write_file(root, "d/b.c", "#include <both.h>\n#include <absent.h>\n");
	write_file(root, "e/c.c", "#include <both.h>\n");
	write_file(root, "e/unit.c", "#include \"part.c\"\n");
	write_file(root, "e/part.c", "");
	write_file(root, "quoted/both.h", "");
	write_file(root, "e/quoting.c", "#include \"both.h\"\n");
	write_file(root, "e/plain.c", "#include <both.h>\n");
	write_file(root, "e/holder.c",
		   "asm(\".incbin \\\"e/data.gz\\\"\\n\" \".incbin \\\"e/none.gz\\\"\");\n");
	write_file(root, "e/data.gz", "");
	add_unit(run, "d/a", "-include ./include/forced.h -I./include");
	add_unit(run, "d/b", "-include ./include/forced.h -I ./include");
	add_unit(run, "e/c", "-I./d -I./include");
	add_unit(run, "e/unit", "-I./include");
	add_unit(run, "e/generated", "-I./include");
	add_unit(run, "e/quoting", "-I./d -iquote ./quoted");
	add_unit(run, "e/plain", "-I./d -iquote ./quoted");
	add_unit(run, "e/holder", "-I./include");
	commands = suture_dry_run_index(run, NULL);
	tree->commands = suture_commands_new(commands);
	includes = suture_includes_make(tree->commands, root, NULL, NULL, &tree->absent, NULL);
	g_assert_nonnull(includes);
	tree->includes = suture_includes_new_from_bytes(g_variant_get_data_as_bytes(includes));
	g_assert_nonnull(tree->includes);
}

static void tree_tear_down(Tree *tree, gconstpointer data)
{
	(void)data;
	g_hash_table_unref(tree->absent);
	suture_includes_free(tree->includes);
	suture_commands_free(tree->commands);
	suture_scratch_free(tree->scratch);
}

/* Names of the units that include @path, in their order. */
static void assert_units(Tree *tree, const gchar *path, const gchar *expected)
{
	g_autoptr(GHashTable) numbers = g_hash_table_new(NULL, NULL);
	g_autoptr(GString) found = g_string_new(NULL);

	g_assert_true(
		suture_includes_find(tree->includes, path, suture_commands_count(tree->commands), numbers));
	for (guint i = 0; i < suture_commands_count(tree->commands); i++)
		if (g_hash_table_contains(numbers, GUINT_TO_POINTER(i))) {
			g_autofree gchar *unit = suture_commands_unit(tree->commands, i);

			g_string_append_printf(found, "%s ", unit);
		}
	g_assert_cmpstr(g_strchomp(found->str), ==, expected);
}

static void test_index(Tree *tree, gconstpointer data)
{
	(void)data;
	assert_units(tree, "include/forced.h", "d/a.o d/b.o");
	assert_units(tree, "include/deep.h", "d/a.o");
	assert_units(tree, "include/beside.h", "d/a.o");
	assert_units(tree, "d/both.h", "d/a.o e/c.o e/plain.o");
	assert_units(tree, "quoted/both.h", "e/quoting.o");
	assert_units(tree, "include/both.h", "d/b.o");
	assert_units(tree, "e/part.c", "e/unit.o");
	assert_units(tree, "d/a.c", "d/a.o");
	assert_units(tree, "e/data.gz", "e/holder.o");
	assert_units(tree, "include/nobody.h", "");
}

static void test_absent(Tree *tree, gconstpointer data)
{
	static const gchar *const absent[] = {"e/generated.c", "include/absent.h", "e/none.gz"};
	static const gchar *const there[] = {"e/data.gz", "d/both.h", "d/a.c"};

	(void)data;
	for (gsize i = 0; i < G_N_ELEMENTS(absent); i++)
		g_assert_true(g_hash_table_contains(tree->absent, absent[i]));
	for (gsize i = 0; i < G_N_ELEMENTS(there); i++)
		g_assert_false(g_hash_table_contains(tree->absent, there[i]));
}

static void test_damaged(Tree *tree, gconstpointer data)
{
	g_autoptr(GHashTable) numbers = g_hash_table_new(NULL, NULL);

	(void)data;
	/* Numbers of units that there are not. */
	g_assert_false(suture_includes_find(tree->includes, "d/both.h", 1, numbers));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/profile/includes/what-a-line-names", test_scan);
	g_test_add("/profile/includes/who-may-include", Tree, NULL, tree_set_up, test_index, tree_tear_down);
	g_test_add("/profile/includes/what-is-absent", Tree, NULL, tree_set_up, test_absent, tree_tear_down);
	g_test_add("/profile/includes/damaged-index", Tree, NULL, tree_set_up, test_damaged, tree_tear_down);
	return g_test_run();
}
