// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/fix/compile.h"

#include "packager/profile/profile-private.h"
#include "tests/packager/fix/folder.h"

#include <string.h>

/* One unit, d/a.o of d/a.c, of a tree with nothing else. */
typedef struct {
	SutureProfilePrivate priv;
	SutureProfile profile;
	SutureCommandLine line;
	SutureCompilation compilation;
	gchar *words[12];
} Unit;

static void unit_set_up(Unit *unit, const Folder *folder)
{
	const gchar *const words[] = {"gcc", "-I./include", "-D__KERNEL__", "-Wp,-MMD,d/.a.o.d",
				      "-c",  "-o",          "d/a.o",        "d/a.c"};

	*unit = (Unit){.priv.path = (gchar *)g_getenv("PATH")};
	for (gsize i = 0; i < G_N_ELEMENTS(words); i++)
		unit->words[i] = (gchar *)words[i];
	unit->profile = (SutureProfile){.folder = folder->path, .tree = folder->path, .priv = &unit->priv};
	unit->line = (SutureCommandLine){
		.unit = (gchar *)"d/a.o", .source = (gchar *)"d/a.c", .compile = unit->words};
	unit->compilation = (SutureCompilation){.profile = &unit->profile,
						.line = &unit->line,
						.tree = folder->path,
						.scratch = folder->path,
						.output = folder_file(folder, "out.o")};
}

static void unit_tear_down(Unit *unit)
{
	g_free(unit->compilation.output);
}

static gboolean has(const GPtrArray *files, const gchar *file)
{
	return g_ptr_array_find_with_equal_func((GPtrArray *)files, file, g_str_equal, NULL);
}

static void test_dependencies(Folder *folder, gconstpointer data)
{
	g_autoptr(GPtrArray) files = NULL;
	g_autofree gchar *object = folder_file(folder, "out.o");
	Unit unit;

	(void)data;
	folder_put(folder, "d/a.c",
		   "#include <one.h>\n#if 0\n#include \"never.h\"\n#endif\n#include NAMED\nint x = HERE;\n");
	folder_put(folder, "include/one.h",
		   "#define NAMED \"two.h\"\n#ifdef __KERNEL__\n#include \"deep.h\"\n#endif\n");
	folder_put(folder, "include/deep.h", "#define HERE 1\n");
	folder_put(folder, "d/two.h", "");
	folder_put(folder, "d/never.h", "");
	unit_set_up(&unit, folder);
	files = suture_compile_dependencies(&unit.compilation, NULL);
	g_assert_nonnull(files);
	g_assert_true(has(files, "d/a.c") && has(files, "d/two.h"));
	g_assert_true(has(files, "include/one.h") && has(files, "include/deep.h"));
	g_assert_false(has(files, "d/never.h"));
	g_assert_false(g_file_test(object, G_FILE_TEST_EXISTS));
	unit_tear_down(&unit);
}

/* The source is named, and so is what the compiler says. */
static void test_a_header_that_is_not_there(Folder *folder, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	Unit unit;

	(void)data;
	folder_put(folder, "d/a.c", "#include \"absent.h\"\n");
	unit_set_up(&unit, folder);
	g_assert_null(suture_compile_dependencies(&unit.compilation, &error));
	g_assert_error(error, SUTURE_FIX_ERROR, SUTURE_FIX_ERROR_BEFORE);
	g_assert_true(g_str_has_prefix(error->message, "d/a.c, as it is"));
	g_assert_nonnull(strstr(error->message, "d/a.c:1:10: fatal error: absent.h: No such file"));
	unit_tear_down(&unit);
}

static void compile_fails(Unit *unit, gint code, const gchar *said)
{
	g_autoptr(GPtrArray) compilations = g_ptr_array_new();
	g_autoptr(GError) error = NULL;
	g_autofree gchar *words = NULL;

	g_ptr_array_add(compilations, &unit->compilation);
	g_assert_false(suture_compile(compilations, 2, NULL, NULL, &words, &error));
	g_assert_error(error, SUTURE_FIX_ERROR, code);
	g_assert_nonnull(strstr(error->message, "d/a.c"));
	g_assert_nonnull(strstr(error->message, said));
	g_assert_nonnull(strstr(words, said));
}

static void test_a_source_that_is_broken(Folder *folder, gconstpointer data)
{
	g_autofree gchar *elsewhere = folder_file(folder, "shadow");
	Unit unit;

	(void)data;
	folder_put(folder, "d/a.c", "int f(void) { return nobody; }\n");
	folder_put(folder, "shadow/d/a.c", "int f(void) { return nowhere; }\n");
	unit_set_up(&unit, folder);
	compile_fails(&unit, SUTURE_FIX_ERROR_BEFORE, "'nobody' undeclared");
	unit.compilation.tree = elsewhere;
	compile_fails(&unit, SUTURE_FIX_ERROR_COMPILE, "'nowhere' undeclared");
	unit_tear_down(&unit);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	FOLDER_TEST("/fix/compile/dependencies", test_dependencies);
	FOLDER_TEST("/fix/compile/header-that-is-not-there", test_a_header_that_is_not_there);
	FOLDER_TEST("/fix/compile/source-that-is-broken", test_a_source_that_is_broken);
	return g_test_run();
}
