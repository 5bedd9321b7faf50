// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/build/kbuild.h"

#include "common/cancel.h"
#include "common/file.h"
#include "common/staging.h"
#include "packager/fix/said.h"
#include "spec/manifest.h"

#include <string.h>
#include <unistd.h>

#define MODULE_NAME_BYTES 55 /* MODULE_NAME_LEN without its NUL */
#define TREE "m"
#define SOURCE "source"
#define FRAMEWORK "framework"
#define SAID "said"

void suture_kbuild_free(SutureKbuild *built)
{
	g_ptr_array_unref(built->names);
	g_ptr_array_unref(built->modules);
	g_free(built->toolchain);
	g_free(built);
}

gchar *suture_kbuild_generate(const SutureSourceSet *sources, const gchar *name, GError **error)
{
	g_autoptr(GString) text = NULL;
	g_autofree gchar *module = g_strdelimit(g_strdup(name), "-.", '_');

	if (strlen(name) > MODULE_NAME_BYTES) {
		g_set_error(
			error, SUTURE_BUILD_ERROR, SUTURE_BUILD_ERROR_NAME,
			"%s: longer than the %d bytes that the kernel allows a module; choose a shorter name",
			name, MODULE_NAME_BYTES);
		return NULL;
	}
	text = g_string_new(NULL);
	g_string_printf(text, "obj-m := %s.o\n%s-y :=", module, module);
	for (guint i = 0; i < sources->names->len; i++) {
		const gchar *file = sources->names->pdata[i];

		if (g_str_has_suffix(file, ".c"))
			g_string_append_printf(text, " " SOURCE "/%.*s.o", (int)strlen(file) - 2, file);
	}
	g_string_append_c(text, '\n');
	return g_string_free(g_steal_pointer(&text), FALSE);
}

static gboolean make_folder(const gchar *path, GError **error)
{
	return g_mkdir_with_parents(path, 0755) == 0 || suture_error_set_errno(error, errno, "%s", path);
}

static gboolean write_text(const gchar *folder, const gchar *name, const gchar *text, GError **error)
{
	g_autoptr(GBytes) bytes = g_bytes_new(text, strlen(text));
	g_autofree gchar *path = g_build_filename(folder, name, NULL);

	return suture_file_write_atomic_path(path, bytes, 0644, error);
}

/* Lays the sources out below @scratch: as they are beside the author's Kbuild, else below ours. */
static gboolean lay_out(const SutureSourceSet *sources, const gchar *scratch, const gchar *name,
			GError **error)
{
	g_autofree gchar *tree = g_build_filename(scratch, TREE, NULL);
	g_autofree gchar *folder = g_build_filename(tree, sources->has_kbuild ? "." : SOURCE, NULL);
	g_autofree gchar *kbuild = NULL;

	if (!make_folder(folder, error) || !suture_source_set_write(sources, folder, error))
		return FALSE;
	if (sources->has_kbuild)
		return TRUE;
	kbuild = suture_kbuild_generate(sources, name, error);
	return kbuild && write_text(tree, "Kbuild", kbuild, error);
}

static gboolean link_to(const gchar *target, const gchar *folder, const gchar *name, GError **error)
{
	g_autofree gchar *path = g_build_filename(folder, name, NULL);

	return symlink(target, path) == 0 || suture_error_set_errno(error, errno, "%s", path);
}

/* By links, so that no path of the host is in what make and the compiler are told. */
static gboolean lay_out_framework(const SutureFramework *framework, const gchar *scratch, GError **error)
{
	g_autofree gchar *folder = g_build_filename(scratch, FRAMEWORK, NULL);

	return !framework ||
	       (make_folder(folder, error) && link_to(framework->include, folder, "include", error) &&
		(!framework->symvers || link_to(framework->symvers, folder, "Module.symvers", error)));
}

/* For the framework <linux/livepatch.h> is its own, and its Module.symvers has the symbols. "-nostdinc" is
 * what kbuild itself gives the variable. */
static gchar **framework_variables(const gchar *scratch, const SutureFramework *framework)
{
	g_autoptr(GPtrArray) variables = g_ptr_array_new();
	g_autofree gchar *compat = g_strdup_printf(" -I%s/" FRAMEWORK "/include/compat", scratch);

	if (framework)
		g_ptr_array_add(variables,
				g_strdup_printf("NOSTDINC_FLAGS=-nostdinc "
						"-ffile-prefix-map=%s/" FRAMEWORK "/=" FRAMEWORK
						"/%s -I%s/" FRAMEWORK "/include",
						scratch, framework->symvers ? compat : "", scratch));
	if (framework && framework->symvers)
		g_ptr_array_add(
			variables,
			g_strdup_printf("KBUILD_EXTRA_SYMBOLS=%s/" FRAMEWORK "/Module.symvers", scratch));
	g_ptr_array_add(variables, NULL);
	return (gchar **)g_ptr_array_free(g_steal_pointer(&variables), FALSE);
}

/*
 * The environment is emptied, since kbuild takes dozens of variables from it, and what make and the compiler
 * say goes to the file "said", so that there is one record of it in the order in which it was said.
 */
static gboolean run_make(const gchar *scratch, const gchar *headers, const gchar *tree, const gchar *target,
			 const SutureFramework *framework, guint jobs, GError **error)
{
	const gchar *path = g_getenv("PATH");
	g_autofree gchar *path_is = g_strdup_printf("PATH=%s", path ? path : "/usr/bin:/bin");
	g_autofree gchar *tmp_is = g_strdup_printf("TMPDIR=%s", scratch);
	g_autofree gchar *module_is = g_strdup_printf("M=%s/%s", scratch, tree);
	g_autofree gchar *jobs_are = g_strdup_printf("-j%u", MAX(jobs, 1));
	/* Debug information and __FILE__ would name the scratch folder; a later -g of the author's is mapped
	 * too. */
	g_autofree gchar *flags_are = g_strdup_printf("KCFLAGS=-g0 -ffile-prefix-map=%s/%s/=", scratch, tree);
	g_autofree gchar *assembler_flags_are =
		g_strdup_printf("KAFLAGS=-g0 -ffile-prefix-map=%s/%s/=", scratch, tree);
	g_auto(GStrv) more = framework_variables(scratch, framework);
	g_autofree gchar *said = g_build_filename(scratch, SAID, NULL);
	const gchar *const argv[] = {"env",
				     "-i",
				     path_is,
				     tmp_is,
				     "LC_ALL=C",
				     "make",
				     jobs_are,
				     "-s",
				     "-C",
				     headers,
				     module_is,
				     flags_are,
				     assembler_flags_are,
				     "CONFIG_DEBUG_INFO_BTF_MODULES=",
				     target,
				     more[0],
				     more[0] ? more[1] : NULL,
				     NULL};

	return suture_said_run(argv, scratch, NULL, said, error);
}

/* What was said, with the author's file names instead of the scratch folder's. */
static gchar *read_words(const gchar *scratch)
{
	g_autofree gchar *said = g_build_filename(scratch, SAID, NULL);
	g_autofree gchar *source = g_strdup_printf("%s/" TREE "/" SOURCE "/", scratch);
	g_autofree gchar *tree = g_strdup_printf("%s/" TREE "/", scratch);
	g_autofree gchar *prefix = g_strconcat(scratch, "/", NULL);
	g_autofree gchar *text = suture_said_read(said);
	g_autofree gchar *without_source = suture_said_without(text, source);
	g_autofree gchar *without_tree = suture_said_without(without_source, tree);

	return suture_said_without(without_tree, prefix);
}

static gboolean compile(const gchar *scratch, const gchar *headers, const SutureFramework *framework,
			guint jobs, gchar **ret_words, GError **error)
{
	g_autoptr(GError) cause = NULL;
	gboolean ok = run_make(scratch, headers, TREE, "modules", framework, jobs, &cause);
	g_autofree gchar *words = read_words(scratch);
	g_autofree gchar *reason = NULL;

	if (!suture_cancel_check(error))
		return FALSE;
	if (!ok) {
		reason = suture_said_first_error(words);
		g_set_error(error, SUTURE_BUILD_ERROR, SUTURE_BUILD_ERROR_COMPILE, "%s: %s",
			    "the sources do not build with these headers", reason);
	}
	*ret_words = g_steal_pointer(&words);
	return ok;
}

/* The tree chooses the compiler: a folder with no objects in it makes kbuild say which. */
static gchar *find_toolchain(const gchar *scratch, const gchar *headers, GError **error)
{
	const gchar *mark = "suture-compiler: ";
	g_autofree gchar *probe = g_build_filename(scratch, "probe", NULL);
	g_autofree gchar *said = g_build_filename(scratch, SAID, NULL);
	g_autofree gchar *text = NULL;
	g_auto(GStrv) lines = NULL;

	if (!make_folder(probe, error) ||
	    !write_text(probe, "Kbuild", "$(info suture-compiler: $(shell $(CC) --version | head -n 1))\n",
			error) ||
	    !run_make(scratch, headers, "probe", "clean", NULL, 1, error) ||
	    !g_file_get_contents(said, &text, NULL, error))
		return NULL;
	lines = g_strsplit(text, "\n", -1);
	for (gchar **line = lines; *line; line++)
		if (g_str_has_prefix(*line, mark))
			return g_strdup(*line + strlen(mark));
	g_set_error(error, SUTURE_BUILD_ERROR, SUTURE_BUILD_ERROR_HEADERS,
		    "%s: kbuild does not say which compiler it runs; install the kernel's headers whole",
		    headers);
	return NULL;
}

/* modules.order has a line for each module: its path, with .ko or (from 6.3 on) .o. */
static gboolean collect(const gchar *scratch, SutureKbuild *built, GError **error)
{
	g_autofree gchar *tree = g_build_filename(scratch, TREE, NULL);
	g_autofree gchar *order = g_build_filename(tree, "modules.order", NULL);
	g_autofree gchar *text = NULL;
	g_auto(GStrv) lines = NULL;
	SUTURE_AUTO_FD dirfd = suture_file_open_folder(tree, FALSE, error);

	if (dirfd < 0 || !g_file_get_contents(order, &text, NULL, error))
		return FALSE;
	lines = g_strsplit(g_strchomp(text), "\n", -1);
	for (gchar **line = lines; *line && **line; line++) {
		g_autofree gchar *base = g_path_get_basename(*line);
		g_autofree gchar *stem = g_strndup(base, strcspn(base, "."));
		g_autofree gchar *name = g_strconcat(stem, ".ko", NULL);
		GBytes *module = suture_file_read_at(dirfd, name, SUTURE_MANIFEST_MAX_MODULE_BYTES, error);

		if (!module)
			return FALSE;
		g_ptr_array_add(built->names, g_steal_pointer(&name));
		g_ptr_array_add(built->modules, module);
	}
	if (built->names->len > 0)
		return TRUE;
	g_set_error(error, SUTURE_BUILD_ERROR, SUTURE_BUILD_ERROR_EMPTY,
		    "the Kbuild makes no module; name one in obj-m");
	return FALSE;
}

SutureKbuild *suture_kbuild_run(const SutureSourceSet *sources, const gchar *headers,
				const SutureFramework *framework, const gchar *name, guint jobs,
				gchar **ret_words, GError **error)
{
	g_autoptr(SutureScratch) folder = suture_scratch_new(error);
	g_autoptr(SutureKbuild) built = g_new0(SutureKbuild, 1);
	const gchar *scratch;

	built->names = g_ptr_array_new_with_free_func(g_free);
	built->modules = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
	if (!folder)
		return NULL;
	scratch = suture_scratch_path(folder);
	if (!lay_out(sources, scratch, name, error) || !lay_out_framework(framework, scratch, error) ||
	    !compile(scratch, headers, framework, jobs, ret_words, error) || !collect(scratch, built, error))
		return NULL;
	built->toolchain = find_toolchain(scratch, headers, error);
	return built->toolchain ? g_steal_pointer(&built) : NULL;
}
