// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/fix/module.h"

#include "common/cancel.h"
#include "common/file.h"
#include "packager/fix/references.h"
#include "packager/fix/said.h"

#include <string.h>

#define MODULE_BYTES (64LL * 1024 * 1024)
#define LINKED_OBJECT "--link"

/* Folders of a module in the making: parts (generated source, extracted objects), and the whole. */
typedef struct {
	const SutureModuleParts *parts;
	gchar *pieces, *whole;
	gchar **ret_words;
} Work;

static void work_clear(Work *work)
{
	g_free(work->pieces);
	g_free(work->whole);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Work, work_clear)

static gchar *path_of(const gchar *folder, const gchar *name, const gchar *suffix)
{
	g_autofree gchar *file = g_strconcat(name, suffix, NULL);

	return g_build_filename(folder, file, NULL);
}

static gboolean write_text(const gchar *path, const gchar *text, GError **error)
{
	g_autoptr(GBytes) bytes = g_bytes_new(text, strlen(text));

	return suture_file_write_atomic_path(path, bytes, 0644, error);
}

/* Runs one step; what it says is a failure for @strict ones, since the kernel's own objects are quiet. */
static gboolean run_step(const Work *work, const gchar *what, SutureFixError code, gboolean strict,
			 gchar *const *words, GBytes *input, GError **error)
{
	const SutureModuleParts *parts = work->parts;
	g_autofree gchar *said = g_strdup_printf("%s/%s.said", parts->scratch, what);
	g_auto(GStrv) argv = suture_profile_argv(parts->profile, (const gchar *const *)words, parts->scratch,
						 parts->profile->tree);
	g_autoptr(GError) cause = NULL;
	gboolean ok = suture_said_run((const gchar *const *)argv, parts->profile->tree, input, said, &cause);
	g_autofree gchar *heard = suture_said_read(said);
	g_autofree gchar *reason = NULL;

	if (!suture_cancel_check(error))
		return FALSE;
	if (ok && !(strict && *heard))
		return TRUE;
	reason = suture_said_first_error(*heard ? heard : cause ? cause->message : "");
	g_set_error(error, SUTURE_FIX_ERROR, code, "%s: %s: %s", parts->name, what, reason);
	g_free(*work->ret_words);
	*work->ret_words = g_steal_pointer(&heard);
	return FALSE;
}

static gchar **filled(const Work *work, gchar *const *recipe, const gchar *folder)
{
	return suture_recipe_fill(recipe, folder, work->parts->name);
}

/* @words with @more (ends with NULL) put behind word number @at. */
static gchar **with_words(gchar *const *words, guint at, const gchar *const *more)
{
	g_autoptr(GPtrArray) all = g_ptr_array_new();

	for (guint i = 0; words[i]; i++) {
		g_ptr_array_add(all, g_strdup(words[i]));
		for (guint j = 0; i == at && more[j]; j++)
			g_ptr_array_add(all, g_strdup(more[j]));
	}
	g_ptr_array_add(all, NULL);
	return (gchar **)g_ptr_array_free(g_steal_pointer(&all), FALSE);
}

/* <linux/livepatch.h> is the framework's where that comes first. */
static gboolean compile_source(const Work *work, GError **error)
{
	const SutureModuleParts *parts = work->parts;
	g_autofree gchar *path = path_of(work->pieces, parts->name, ".c");
	g_autofree gchar *text = suture_patch_source_generate(&parts->source);
	g_autofree gchar *compat = g_strdup_printf("-I%s/compat", parts->include);
	g_autofree gchar *include = g_strdup_printf("-I%s", parts->include);
	g_autofree gchar *map = g_strdup_printf("-ffile-prefix-map=%s/=", work->pieces);
	const gchar *const first[] = {parts->include ? compat : NULL, include, NULL};
	const gchar *const last[] = {"-g0", map, NULL};
	g_auto(GStrv) recipe = filled(work, suture_profile_recipe(parts->profile)->compile, work->pieces);
	g_auto(GStrv) found = with_words(recipe, 0, first);
	g_auto(GStrv) words = with_words(found, g_strv_length(found) - 1, last);

	return write_text(path, text, error) &&
	       run_step(work, "compiler", SUTURE_FIX_ERROR_LINK, FALSE, words, NULL, error);
}

static gboolean write_objects(const Work *work, GPtrArray *paths, GError **error)
{
	for (guint i = 0; i < work->parts->objects->len; i++) {
		g_autofree gchar *name = g_strdup_printf("unit-%u.o", i);
		gchar *path = g_build_filename(work->pieces, name, NULL);

		g_ptr_array_add(paths, path);
		if (!suture_file_write_atomic_path(path, work->parts->objects->pdata[i], 0644, error))
			return FALSE;
	}
	return TRUE;
}

static gchar **appended(gchar *const *words, GPtrArray *more)
{
	g_autoptr(GPtrArray) all = g_ptr_array_new();

	for (; *words; words++)
		g_ptr_array_add(all, g_strdup(*words));
	for (guint i = 0; i < more->len; i++)
		g_ptr_array_add(all, g_strdup(more->pdata[i]));
	g_ptr_array_add(all, NULL);
	return (gchar **)g_ptr_array_free(g_steal_pointer(&all), FALSE);
}

static gboolean link_parts(const Work *work, GError **error)
{
	const SutureModuleParts *parts = work->parts;
	g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
	g_auto(GStrv) recipe = filled(work, suture_profile_recipe(parts->profile)->partial_link, work->whole);
	g_auto(GStrv) words = NULL;

	g_ptr_array_add(paths, path_of(work->pieces, parts->name, ".o"));
	if (!write_objects(work, paths, error))
		return FALSE;
	words = appended(recipe, paths);
	return run_step(work, "link of the parts", SUTURE_FIX_ERROR_LINK, FALSE, words, NULL, error);
}

static gboolean run_objtool(const Work *work, GError **error)
{
	const SutureRecipe *recipe = suture_profile_recipe(work->parts->profile);
	g_autoptr(GPtrArray) object = g_ptr_array_new_with_free_func(g_free);
	g_auto(GStrv) flags = filled(work, recipe->objtool, work->whole);
	g_auto(GStrv) words = NULL;

	if (!flags)
		return TRUE;
	/* The recipe is that of one file; this is several, which objtool finds out, and remarks upon. */
	if (!g_strv_contains((const gchar *const *)flags, LINKED_OBJECT))
		g_ptr_array_add(object, g_strdup(LINKED_OBJECT));
	g_ptr_array_add(object, path_of(work->whole, work->parts->name, ".o"));
	words = appended(flags, object);
	return run_step(work, "objtool", SUTURE_FIX_ERROR_OBJTOOL, TRUE, words, NULL, error);
}

static gboolean tabulate(const Work *work, GError **error)
{
	g_autofree gchar *path = path_of(work->whole, work->parts->name, ".o");
	g_autoptr(GBytes) linked = suture_file_read(path, MODULE_BYTES, error);
	g_autoptr(GBytes) done =
		linked ? suture_references_tabulate(linked, work->parts->source.references,
						    !suture_profile_livepatch(work->parts->profile), error)
		       : NULL;

	return done && suture_file_write_atomic_path(path, done, 0644, error);
}

/* What kbuild leaves beside an object: modpost's srcversion is a digest of the source that it names. */
static gboolean write_command(const Work *work, const gchar *object, GError **error)
{
	g_autofree gchar *hidden = g_strdup_printf("%s/.%s.o.cmd", work->whole, work->parts->name);
	g_autofree gchar *source = path_of(work->pieces, work->parts->name, ".c");
	g_autofree gchar *text =
		g_strdup_printf("source_%s := %s\n\ndeps_%s := \\\n", object, source, object);

	return write_text(hidden, text, error);
}

static gboolean run_modpost(const Work *work, GError **error)
{
	const SutureModuleParts *parts = work->parts;
	g_autofree gchar *object = path_of(work->whole, parts->name, ".o");
	g_autofree gchar *list = path_of(work->whole, parts->name, ".mod");
	g_autofree gchar *line = g_strconcat(object, "\n", NULL);
	g_autoptr(GBytes) input = g_bytes_new(line, strlen(line));
	const gchar *const more[] = {parts->more_symvers ? "-i" : NULL, parts->more_symvers, NULL};
	g_auto(GStrv) recipe = filled(work, suture_profile_recipe(parts->profile)->modpost, work->whole);
	g_auto(GStrv) words = with_words(recipe, 0, more);

	return write_text(list, line, error) && write_command(work, object, error) &&
	       run_step(work, "modpost", SUTURE_FIX_ERROR_MODPOST, TRUE, words, input, error);
}

static gboolean run_recipe(const Work *work, const gchar *what, gchar *const *recipe, GError **error)
{
	g_autofree gchar *map = g_strdup_printf("-ffile-prefix-map=%s/=", work->whole);
	const gchar *const more[] = {"-g0", map, NULL};
	g_auto(GStrv) flags = filled(work, recipe, work->whole);
	g_auto(GStrv) words = flags ? with_words(flags, g_strv_length(flags) - 1, more) : NULL;

	return !words || run_step(work, what, SUTURE_FIX_ERROR_LINK, FALSE, words, NULL, error);
}

static gboolean link_module(const Work *work, GError **error)
{
	g_auto(GStrv) words = filled(work, suture_profile_recipe(work->parts->profile)->link, work->whole);

	return run_step(work, "link", SUTURE_FIX_ERROR_LINK, FALSE, words, NULL, error);
}

GBytes *suture_module_parts_link(const SutureModuleParts *parts, gchar **ret_words, GError **error)
{
	const SutureRecipe *recipe = suture_profile_recipe(parts->profile);
	g_auto(Work) work = {.parts = parts, .ret_words = ret_words};
	g_autofree gchar *module = NULL;

	work.pieces = g_build_filename(parts->scratch, "pieces", NULL);
	work.whole = g_build_filename(parts->scratch, "whole", NULL);
	if (g_mkdir_with_parents(work.pieces, 0755) < 0 || g_mkdir_with_parents(work.whole, 0755) < 0) {
		suture_error_set_errno(error, errno, "%s", parts->scratch);
		return NULL;
	}
	if (!compile_source(&work, error) || !link_parts(&work, error) || !run_objtool(&work, error) ||
	    !tabulate(&work, error) || !run_modpost(&work, error) ||
	    !run_recipe(&work, "compiler of module data", recipe->compile_mod, error) ||
	    !run_recipe(&work, "compiler of common data", recipe->compile_common, error) ||
	    !link_module(&work, error))
		return NULL;
	module = path_of(work.whole, parts->name, ".ko");
	return suture_file_read(module, MODULE_BYTES, error);
}
