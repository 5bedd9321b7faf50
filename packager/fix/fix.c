// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/fix/fix.h"

#include "common/cancel.h"
#include "common/file.h"
#include "common/staging.h"
#include "packager/fix/apart.h"
#include "packager/fix/aside.h"
#include "packager/fix/author.h"
#include "packager/fix/headers.h"
#include "packager/fix/limits.h"
#include "packager/fix/lines.h"
#include "packager/fix/module.h"
#include "packager/fix/namespaces.h"
#include "packager/fix/references.h"
#include "packager/fix/report.h"
#include "packager/fix/selection.h"
#include "packager/fix/shadow.h"
#include "packager/fix/unit.h"

#include <string.h>

#define SYMVERS_BYTES (1024 * 1024)

void suture_fix_free(SutureFix *fix)
{
	g_clear_pointer(&fix->module, g_bytes_unref);
	json_decref(fix->report);
	g_free(fix->words);
	g_free(fix);
}

typedef struct {
	const SutureFixRequest *request;
	SutureFix *fix;
	SutureScratch *scratch;
	guint jobs;
	GPtrArray *diffs;   /* SutureSourceDiff* */
	GPtrArray *paths;   /* gchar*: all that the diffs name */
	GPtrArray *sources; /* gchar*, part of @paths: what a kernel may be made of; borrowed */
	SutureShadow *shadow;
	gchar *include;       /* of the framework, within the scratch folder; NULL: none */
	gchar *more_symvers;  /* likewise */
	gchar **author_words; /* by which the compiler finds <suture/fix.h> */
	SutureSelection *selection;
	SutureKernelView *view;
	GPtrArray *compilations; /* SutureCompilation* */
	GPtrArray *units;        /* SutureFixUnit* */
	json_t *steps;
	const gchar *step;
	gint64 step_began; /* microseconds, monotonic */
} Work;

static void work_clear(Work *work)
{
	g_clear_pointer(&work->units, g_ptr_array_unref);
	g_clear_pointer(&work->compilations, g_ptr_array_unref);
	g_clear_pointer(&work->view, suture_kernel_view_free);
	g_clear_pointer(&work->selection, suture_selection_free);
	g_clear_pointer(&work->author_words, g_strfreev);
	g_free(work->include);
	g_free(work->more_symvers);
	g_clear_pointer(&work->shadow, suture_shadow_free);
	g_clear_pointer(&work->sources, g_ptr_array_unref);
	g_clear_pointer(&work->paths, g_ptr_array_unref);
	g_clear_pointer(&work->diffs, g_ptr_array_unref);
	g_clear_pointer(&work->scratch, suture_scratch_free);
	g_clear_pointer(&work->steps, json_decref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Work, work_clear)

static void end_step(Work *work)
{
	if (work->step)
		json_array_append_new(
			work->steps,
			json_pack("{s:s, s:f}", "step", work->step, "seconds",
				  (double)(g_get_monotonic_time() - work->step_began) / G_USEC_PER_SEC));
	work->step = NULL;
}

static void begin_step(Work *work, const gchar *step)
{
	end_step(work);
	work->step = step;
	work->step_began = g_get_monotonic_time();
	if (work->request->progress)
		work->request->progress(step, 0, 0, work->request->progress_data);
}

static gchar *scratch_path(const Work *work, const gchar *name)
{
	return g_build_filename(suture_scratch_path(work->scratch), name, NULL);
}

static gboolean read_diffs(Work *work, GError **error)
{
	g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

	for (const gchar *const *path = work->request->diffs; *path; path++) {
		SutureSourceDiff *diff = suture_source_diff_read(*path, error);
		g_autoptr(GPtrArray) touched = NULL;

		if (!diff)
			return FALSE;
		g_ptr_array_add(work->diffs, diff);
		touched = suture_source_diff_paths(diff, error);
		if (!touched)
			return FALSE;
		for (guint i = 0; i < touched->len; i++)
			if (!g_hash_table_contains(seen, touched->pdata[i])) {
				gchar *copy = g_strdup(touched->pdata[i]);

				g_ptr_array_add(work->paths, copy);
				if (!suture_aside_is(copy))
					g_ptr_array_add(work->sources, copy);
				g_hash_table_add(seen, copy);
			}
	}
	return TRUE;
}

static gboolean keep_lines(const Work *work, const gchar *path, GError **error)
{
	g_autofree gchar *before = g_build_filename(work->request->profile->tree, path, NULL);
	g_autofree gchar *after = g_build_filename(suture_shadow_folder(work->shadow), path, NULL);

	return suture_lines_keep(before, after, error);
}

/* Units that include a changed file by "../" must meet the changed one. */
static gboolean reach_units(const Work *work, const GPtrArray *lines, GError **error)
{
	for (guint i = 0; i < lines->len; i++) {
		const SutureCommandLine *line = lines->pdata[i];

		if (!suture_shadow_reach(work->shadow, line->source, error))
			return FALSE;
	}
	return TRUE;
}

static gboolean apply_diffs(Work *work, GError **error)
{
	g_autofree gchar *folder = scratch_path(work, "source");

	work->shadow = suture_shadow_new(work->request->profile->tree, folder, work->sources, error);
	if (!work->shadow || !reach_units(work, work->selection->lines, error) ||
	    !reach_units(work, work->selection->apart, error))
		return FALSE;
	for (guint i = 0; i < work->diffs->len; i++)
		if (!suture_source_diff_apply(work->diffs->pdata[i], folder, error))
			return FALSE;
	for (guint i = 0; i < work->sources->len; i++)
		if (!keep_lines(work, work->sources->pdata[i], error))
			return FALSE;
	return TRUE;
}

static SutureCompilation *plan(Work *work, const SutureCommandLine *line, guint number, const gchar *kind,
			       gboolean patched)
{
	SutureCompilation *compilation = suture_compilation_new();
	g_autofree gchar *name = g_strdup_printf("%u.%s.o", number, kind);

	compilation->profile = work->request->profile;
	compilation->line = line;
	compilation->tree = patched ? suture_shadow_folder(work->shadow) : work->request->profile->tree;
	compilation->more = patched ? (const gchar *const *)work->author_words : NULL;
	compilation->scratch = suture_scratch_path(work->scratch);
	compilation->output = scratch_path(work, name);
	g_ptr_array_add(work->compilations, compilation);
	return compilation;
}

static void add_unit(Work *work, const SutureCommandLine *line, const gchar *object,
		     SutureCompilation *const compilations[2])
{
	SutureFixUnit *unit = g_new0(SutureFixUnit, 1);

	unit->line = line;
	unit->number = work->units->len;
	unit->object = g_strdup(object);
	unit->before = compilations[0];
	unit->after = compilations[1];
	g_ptr_array_add(work->units, unit);
}

static void plan_units(Work *work)
{
	for (guint i = 0; i < work->selection->lines->len; i++) {
		const SutureCommandLine *line = work->selection->lines->pdata[i];
		SutureCompilation *const compilations[] = {
			plan(work, line, i, "before", FALSE),
			plan(work, line, i, "after", TRUE),
		};

		compilations[0]->as_built = TRUE;
		compilations[0]->sections = TRUE;
		compilations[1]->sections = TRUE;
		add_unit(work, line, line->object, compilations);
		for (gchar **path = line->module_path ? line->module_paths + 1 : NULL; path && *path;
		     path++) {
			g_autofree gchar *base = g_path_get_basename(*path);

			add_unit(work, line, g_strdelimit(base, "-", '_'), compilations);
		}
	}
}

static gboolean check_read(const Work *work, const SutureFixUnit *unit, GHashTable *all, GError **error)
{
	g_autoptr(GPtrArray) read = suture_compilation_read(unit->after, error);

	for (guint i = 0; read && i < read->len; i++)
		g_hash_table_add(all, g_canonicalize_filename(read->pdata[i], "/"));
	return read && suture_shadow_check(work->shadow, read, error);
}

/* Those that the vDSO and the like read are not known. */
static void note_unread(const Work *work, GHashTable *read)
{
	for (guint i = 0; i < work->sources->len && work->selection->apart->len == 0; i++) {
		const gchar *path = work->sources->pdata[i];
		g_autofree gchar *absolute = g_strconcat("/", path, NULL);

		if (!g_hash_table_contains(read, absolute))
			g_ptr_array_add(
				work->selection->notes,
				suture_note_new(path, "changed, and nothing of this kernel is made of it"));
	}
}

static gboolean check_all_read(const Work *work, GError **error)
{
	g_autoptr(GHashTable) read = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

	for (guint i = 0; i < work->units->len; i++)
		if (!check_read(work, work->units->pdata[i], read, error))
			return FALSE;
	note_unread(work, read);
	return TRUE;
}

/* Warnings are the author's when the unpatched source does not have them. */
static void keep_words(Work *work)
{
	GString *all = g_string_new(work->fix->words);

	for (guint i = 0; i < work->units->len; i++) {
		const SutureFixUnit *unit = work->units->pdata[i];
		g_autofree gchar *before = suture_compilation_words(unit->before);
		g_autofree gchar *after = suture_compilation_words(unit->after);

		if (*after && strcmp(before, after) != 0)
			g_string_append_printf(all, "%s%s", all->len ? "\n" : "", after);
	}
	g_free(work->fix->words);
	work->fix->words = g_string_free(all, FALSE);
}

static gboolean bring_framework(Work *work, GError **error)
{
	const SutureFixRequest *request = work->request;
	g_autoptr(GBytes) symvers = NULL;

	if (!request->include)
		return TRUE;
	work->include = scratch_path(work, "framework");
	work->more_symvers = scratch_path(work, "framework.symvers");
	symvers = suture_file_read(request->more_symvers, SYMVERS_BYTES, error);
	return symvers && suture_file_write_atomic_path(work->more_symvers, symvers, 0644, error) &&
	       suture_headers_copy(request->include, work->include, error);
}

static gboolean compile_units(Work *work, GError **error)
{
	g_autofree gchar *words = NULL;
	gboolean ok;

	if (!bring_framework(work, error))
		return FALSE;
	work->author_words = suture_author_words(suture_scratch_path(work->scratch), work->include, error);
	if (!work->author_words)
		return FALSE;
	plan_units(work);
	ok = suture_compile(work->compilations, work->jobs, work->request->progress,
			    work->request->progress_data, &words, error);
	if (words) {
		g_free(work->fix->words);
		work->fix->words = g_steal_pointer(&words);
	}
	if (!ok || !check_all_read(work, error))
		return FALSE;
	keep_words(work);
	return TRUE;
}

static gboolean check_apart(Work *work, GError **error)
{
	const SutureApart apart = {
		.profile = work->request->profile,
		.shadow = work->shadow,
		.scratch = suture_scratch_path(work->scratch),
		.lines = work->selection->apart,
		.notes = work->selection->notes,
		.jobs = work->jobs,
	};
	g_autofree gchar *words = NULL;

	if (suture_apart_check(&apart, &words, error))
		return TRUE;
	if (words) {
		g_free(work->fix->words);
		work->fix->words = g_steal_pointer(&words);
	}
	return FALSE;
}

static gboolean compare_units(Work *work, GError **error)
{
	g_autoptr(SutureTouched) touched = suture_touched_new(
		work->request->profile->tree, suture_shadow_folder(work->shadow), work->sources);

	work->view = suture_kernel_view_open(work->request->profile, work->more_symvers, error);
	if (!work->view)
		return FALSE;
	/* A unit may use what another adds, whichever is compared first. */
	for (guint i = 0; i < work->units->len; i++)
		if (!suture_fix_unit_look(work->units->pdata[i], work->view, error))
			return FALSE;
	for (guint i = 0; i < work->units->len; i++) {
		SutureFixUnit *unit = work->units->pdata[i];
		SutureRunning *running;

		if (unit->same)
			continue;
		running = suture_kernel_view_object(work->view, unit->object, error);
		if (!running || !suture_cancel_check(error))
			return FALSE;
		unit->running = suture_running_ref(running);
		if (!suture_fix_unit_compare(unit, work->view, touched, error))
			return FALSE;
	}
	return TRUE;
}

/* The first refusal stands for all; the report has the others. */
static gboolean check_refusals(const Work *work, GError **error)
{
	const SutureDiffRefusal *first = NULL;
	const SutureFixUnit *where = NULL;
	guint count = 0;

	for (guint i = 0; i < work->units->len; i++) {
		const SutureFixUnit *unit = work->units->pdata[i];

		if (!unit->diff || unit->diff->refusals->len == 0)
			continue;
		count += unit->diff->refusals->len;
		if (!first) {
			first = unit->diff->refusals->pdata[0];
			where = unit;
		}
	}
	if (!first)
		return TRUE;
	g_set_error(error, SUTURE_DIFF_ERROR, (gint)first->code, "%s: %s", where->line->source,
		    first->sentence);
	if (count > 1)
		g_prefix_error(error, "%u refusals, see --explain; the first: ", count);
	return FALSE;
}

static gboolean has_changed_function(const SutureFixUnit *unit)
{
	for (guint i = 0; unit->diff && unit->diff->extracted && i < unit->diff->functions->len; i++)
		if (((SutureDiffFunction *)unit->diff->functions->pdata[i])->kind == SUTURE_DIFF_CHANGED)
			return TRUE;
	return FALSE;
}

/* New functions alone are called by nothing that runs; and the kernel knows a patch by what it replaces. */
static gboolean check_something(const Work *work, GError **error)
{
	const SutureNote *note = work->selection->notes->len ? work->selection->notes->pdata[0] : NULL;

	for (guint i = 0; i < work->units->len; i++)
		if (has_changed_function(work->units->pdata[i]))
			return TRUE;
	g_set_error(error, SUTURE_FIX_ERROR, SUTURE_FIX_ERROR_NOTHING,
		    "%s: the fix changes nothing of kernel %s: %s%s%s", work->request->name,
		    work->request->profile->release,
		    work->units->len ? "no function that runs comes out different"
				     : "no object of it is made of the changed files",
		    note ? "; " : "", note ? note->subject : "");
	return FALSE;
}

static gboolean collect_unit(const SutureFixUnit *unit, const SutureKernelView *view,
			     SutureModuleParts *parts, GError **error)
{
	g_ptr_array_add(parts->objects, g_bytes_ref(unit->diff->extracted));
	for (guint i = 0; i < unit->diff->functions->len; i++) {
		const SutureDiffFunction *function = unit->diff->functions->pdata[i];

		if (function->kind == SUTURE_DIFF_CHANGED)
			g_ptr_array_add(parts->source.functions,
					suture_patched_function_new(unit->object, function->target.symbol,
								    function->target.sympos,
								    function->alias));
	}
	for (guint i = 0; i < unit->diff->references->len; i++) {
		const SutureDiffReference *reference = unit->diff->references->pdata[i];

		g_ptr_array_add(parts->source.references,
				suture_reference_new(reference->name, reference->target.object,
						     reference->target.symbol, reference->target.sympos));
	}
	return suture_namespaces_collect(unit, view, parts->source.namespaces, error) &&
	       suture_author_collect(unit, &parts->source, error);
}

static gboolean link_module(Work *work, GError **error)
{
	const SutureFixRequest *request = work->request;
	g_autoptr(GPtrArray) objects = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
	g_autoptr(GPtrArray) functions =
		g_ptr_array_new_with_free_func((GDestroyNotify)suture_patched_function_free);
	g_autoptr(GPtrArray) references =
		g_ptr_array_new_with_free_func((GDestroyNotify)suture_reference_free);
	g_autoptr(GPtrArray) callbacks =
		g_ptr_array_new_with_free_func((GDestroyNotify)suture_patch_callback_free);
	g_autoptr(GArray) states = g_array_new(FALSE, FALSE, sizeof(SutureDiffState));
	g_autoptr(GPtrArray) namespaces = g_ptr_array_new_with_free_func(g_free);
	g_autofree gchar *words = NULL;
	SutureModuleParts parts = {
		.profile = request->profile,
		.scratch = suture_scratch_path(work->scratch),
		.name = request->name,
		.source = {functions, references, callbacks, states, namespaces, request->description,
			   request->replace, suture_profile_ibt(request->profile),
			   request->provider == SUTURE_PROVIDER_FRAMEWORK, request->consistency},
		.objects = objects,
		.include = work->include,
		.more_symvers = work->more_symvers,
	};

	for (guint i = 0; i < work->units->len; i++) {
		const SutureFixUnit *unit = work->units->pdata[i];

		if (unit->diff && unit->diff->extracted && !collect_unit(unit, work->view, &parts, error))
			return FALSE;
	}
	work->fix->module = suture_module_parts_link(&parts, &words, error);
	if (words) {
		g_free(work->fix->words);
		work->fix->words = g_steal_pointer(&words);
	}
	return work->fix->module != NULL;
}

static gboolean make(Work *work, GError **error)
{
	const SutureFixRequest *request = work->request;

	begin_step(work, "selecting objects");
	if (!read_diffs(work, error))
		return FALSE;
	work->selection = suture_selection_make(
		request->profile, work->paths, suture_scratch_path(work->scratch),
		request->max_units ? request->max_units : SUTURE_SELECTION_UNITS, work->jobs, error);
	if (!work->selection)
		return FALSE;
	begin_step(work, "applying the diff");
	if (!apply_diffs(work, error))
		return FALSE;
	begin_step(work, "compiling");
	if (!compile_units(work, error) || !check_apart(work, error))
		return FALSE;
	begin_step(work, "comparing");
	if (!compare_units(work, error) || !check_refusals(work, error) || !check_something(work, error))
		return FALSE;
	suture_limits_note(request, work->units, work->view, work->selection->notes);
	begin_step(work, "linking");
	return link_module(work, error);
}

static void write_report(Work *work)
{
	g_autoptr(GPtrArray) none = g_ptr_array_new();

	end_step(work);
	work->fix->report = suture_report_new(work->request->profile,
					      work->selection ? work->selection->notes : none, work->units);
	json_object_set(work->fix->report, "steps", work->steps);
}

SutureFix *suture_fix_make(const SutureFixRequest *request, GError **error)
{
	SutureFix *fix = g_new0(SutureFix, 1);
	g_auto(Work) work = {.request = request, .fix = fix};

	fix->words = g_strdup("");
	work.jobs = request->jobs ? request->jobs : g_get_num_processors();
	work.diffs = g_ptr_array_new_with_free_func((GDestroyNotify)suture_source_diff_free);
	work.paths = g_ptr_array_new_with_free_func(g_free);
	work.sources = g_ptr_array_new();
	work.compilations = g_ptr_array_new_with_free_func((GDestroyNotify)suture_compilation_free);
	work.units = g_ptr_array_new_with_free_func((GDestroyNotify)suture_fix_unit_free);
	work.steps = json_array();
	work.scratch = suture_scratch_new(error);
	if (work.scratch && !make(&work, error))
		g_clear_pointer(&fix->module, g_bytes_unref);
	write_report(&work);
	return fix;
}
