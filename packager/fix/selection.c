// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/fix/selection.h"

#include "common/cancel.h"
#include "packager/fix/aside.h"
#include "packager/fix/compile.h"

#include <string.h>

/* The index names more units than there are; so many are looked at. */
#define CANDIDATES_FOR_EACH 8

SutureNote *suture_note_new(const gchar *subject, const gchar *text)
{
	SutureNote *note = g_new0(SutureNote, 1);

	*note = (SutureNote){g_strdup(subject), g_strdup(text)};
	return note;
}

void suture_note_free(SutureNote *note)
{
	g_free(note->subject);
	g_free(note->text);
	g_free(note);
}

void suture_selection_free(SutureSelection *selection)
{
	g_ptr_array_unref(selection->lines);
	g_ptr_array_unref(selection->apart);
	g_ptr_array_unref(selection->notes);
	g_free(selection);
}

typedef struct {
	const SutureProfile *profile;
	GPtrArray *paths;
	const gchar *scratch;
	guint limit, jobs;
	SutureSelection *selection;
	GHashTable *units; /* gchar* */
} Work;

static gboolean is_source(const gchar *path)
{
	return g_str_has_suffix(path, ".c") || g_str_has_suffix(path, ".h");
}

static void note(const Work *work, const gchar *subject, const gchar *text)
{
	g_ptr_array_add(work->selection->notes, suture_note_new(subject, text));
}

static void add_unit(Work *work, const gchar *unit)
{
	SutureCommandLine *line;

	if (g_hash_table_contains(work->units, unit))
		return;
	g_hash_table_add(work->units, g_strdup(unit));
	line = suture_profile_command(work->profile, unit);
	if (line)
		g_ptr_array_add(line->object ? work->selection->lines : work->selection->apart, line);
}

/* What the build makes headers of, which everything includes. */
static gboolean is_generator(const gchar *path)
{
	return g_pattern_match_simple("*/asm-offsets*.c", path) || strcmp(path, "kernel/bounds.c") == 0 ||
	       g_str_has_prefix(path, "scripts/");
}

static gboolean check_kind(const Work *work, const gchar *path, GError **error)
{
	if (suture_aside_is(path)) {
		note(work, path, "is no part of the kernel");
		return TRUE;
	}
	if (is_source(path) && !is_generator(path))
		return TRUE;
	g_set_error(error, SUTURE_FIX_ERROR, SUTURE_FIX_ERROR_KIND,
		    "%s: a live patch replaces functions of C files, and cannot carry a change of this file; "
		    "make "
		    "the fix without it, or reboot",
		    path);
	return FALSE;
}

/* @candidate reads one of the paths: *@ret. */
static gboolean reads_path(const Work *work, const SutureCommandLine *line, guint number, gboolean *ret,
			   GError **error)
{
	SutureCompilation compilation = {
		.profile = work->profile,
		.line = line,
		.tree = work->profile->tree,
		.scratch = work->scratch,
		.output = g_strdup_printf("%s/reads-%u", work->scratch, number),
	};
	g_autofree gchar *output = compilation.output;
	g_autoptr(GPtrArray) read = suture_compile_dependencies(&compilation, error);

	*ret = FALSE;
	for (guint i = 0; read && i < read->len && !*ret; i++) {
		g_autofree gchar *absolute = g_canonicalize_filename(read->pdata[i], "/");

		for (guint j = 0; j < work->paths->len; j++)
			*ret |= strcmp(absolute + 1, work->paths->pdata[j]) == 0;
	}
	return read != NULL;
}

typedef struct {
	const Work *work;
	GMutex lock;
	GPtrArray *candidates;
	gboolean *reads;
	GError *error;
} Sieve;

static void sieve_one(gpointer data, gpointer user_data)
{
	Sieve *sieve = user_data;
	guint index = GPOINTER_TO_UINT(data) - 1;
	SutureCommandLine *line =
		suture_profile_command(sieve->work->profile, sieve->candidates->pdata[index]);
	GError *cause = NULL;

	if (line && !g_cancellable_is_cancelled(suture_cancellable()) &&
	    !reads_path(sieve->work, line, index, &sieve->reads[index], &cause)) {
		g_mutex_lock(&sieve->lock);
		if (sieve->error)
			g_error_free(cause);
		else
			sieve->error = cause;
		g_mutex_unlock(&sieve->lock);
	}
	g_clear_pointer(&line, suture_command_line_free);
}

static gboolean run_sieve(Sieve *sieve, GError **error)
{
	GThreadPool *pool =
		g_thread_pool_new(sieve_one, sieve, (gint)MAX(sieve->work->jobs, 1), FALSE, error);

	if (!pool)
		return FALSE;
	g_mutex_init(&sieve->lock);
	for (guint i = 0; i < sieve->candidates->len; i++)
		g_thread_pool_push(pool, GUINT_TO_POINTER(i + 1), NULL);
	g_thread_pool_free(pool, FALSE, TRUE);
	g_mutex_clear(&sieve->lock);
	if (!suture_cancel_check(error)) {
		g_clear_error(&sieve->error);
		return FALSE;
	}
	if (sieve->error)
		g_propagate_error(error, sieve->error);
	return sieve->error == NULL;
}

static gboolean too_many(const Work *work, guint count, const gchar *words, GError **error)
{
	g_set_error(
		error, SUTURE_FIX_ERROR, SUTURE_FIX_ERROR_TOO_MANY,
		"the changed files are %s %u objects of the kernel, and the limit is %u; change a .c file "
		"instead of the header, or raise --max-units",
		words, count, work->limit);
	return FALSE;
}

/* Units that read a changed file without being compiled from it. */
static gboolean add_readers(Work *work, GError **error)
{
	g_autoptr(GPtrArray) paths = g_ptr_array_new();
	g_autoptr(GPtrArray) found = NULL;
	g_autoptr(GPtrArray) candidates = g_ptr_array_new();
	g_autofree gboolean *reads = NULL;
	Sieve sieve = {.work = work};

	for (guint i = 0; i < work->paths->len; i++)
		g_ptr_array_add(paths, work->paths->pdata[i]);
	g_ptr_array_add(paths, NULL);
	found = suture_profile_dependents(work->profile, (const gchar *const *)paths->pdata, error);
	if (!found)
		return FALSE;
	for (guint i = 0; i < found->len; i++)
		if (!g_hash_table_contains(work->units, found->pdata[i]))
			g_ptr_array_add(candidates, found->pdata[i]);
	if (candidates->len > work->limit * CANDIDATES_FOR_EACH)
		return too_many(work, candidates->len, "perhaps included by", error);
	sieve.candidates = candidates;
	sieve.reads = reads = g_new0(gboolean, candidates->len + 1);
	if (!run_sieve(&sieve, error))
		return FALSE;
	for (guint i = 0; i < candidates->len; i++)
		if (reads[i])
			add_unit(work, candidates->pdata[i]);
	return TRUE;
}

static gint compare_lines(gconstpointer a, gconstpointer b)
{
	const SutureCommandLine *left = *(SutureCommandLine *const *)a,
				*right = *(SutureCommandLine *const *)b;

	return strcmp(left->unit, right->unit);
}

static gboolean select_units(Work *work, GError **error)
{
	for (guint i = 0; i < work->paths->len; i++) {
		g_autoptr(GPtrArray) units = NULL;

		if (!check_kind(work, work->paths->pdata[i], error))
			return FALSE;
		units = suture_profile_units_of_source(work->profile, work->paths->pdata[i]);
		for (guint j = 0; j < units->len; j++)
			add_unit(work, units->pdata[j]);
	}
	if (!add_readers(work, error))
		return FALSE;
	if (work->selection->lines->len > work->limit)
		return too_many(work, work->selection->lines->len, "part of", error);
	g_ptr_array_sort(work->selection->lines, compare_lines);
	g_ptr_array_sort(work->selection->apart, compare_lines);
	return TRUE;
}

SutureSelection *suture_selection_make(const SutureProfile *profile, GPtrArray *paths, const gchar *scratch,
				       guint limit, guint jobs, GError **error)
{
	g_autoptr(SutureSelection) selection = g_new0(SutureSelection, 1);
	g_autoptr(GHashTable) units = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	Work work = {profile, paths, scratch, limit, jobs, selection, units};

	selection->lines = g_ptr_array_new_with_free_func((GDestroyNotify)suture_command_line_free);
	selection->apart = g_ptr_array_new_with_free_func((GDestroyNotify)suture_command_line_free);
	selection->notes = g_ptr_array_new_with_free_func((GDestroyNotify)suture_note_free);
	return select_units(&work, error) ? g_steal_pointer(&selection) : NULL;
}
