// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/fix/compile.h"

#include "common/cancel.h"
#include "common/file.h"
#include "packager/fix/said.h"

#include <string.h>

#define DEPENDENCIES_BYTES (16 * 1024 * 1024)
#define OBJECT_BYTES (256LL * 1024 * 1024)
#define DEPENDENCY_OPTION "-Wp,-MMD,"

/* Debug information changes no code. The differ reads types and what was inlined, and no places of variables,
 * which cost the compiler a quarter of its time; the run-pre check reads none. */
static const gchar *const for_differ[] = {"-ffunction-sections",
					  "-fdata-sections",
					  "-g",
					  "-gno-split-dwarf",
					  "-femit-struct-debug-detailed=any",
					  "-fno-var-tracking",
					  NULL};
static const gchar *const for_run_pre[] = {"-g0", NULL};

SutureCompilation *suture_compilation_new(void)
{
	return g_new0(SutureCompilation, 1);
}

void suture_compilation_free(SutureCompilation *compilation)
{
	g_free(compilation->output);
	g_free(compilation);
}

static gchar *beside(const SutureCompilation *compilation, const gchar *suffix)
{
	return g_strconcat(compilation->output, suffix, NULL);
}

/* The preprocessor's -M expands macros in directives only, which makes it four times as fast as -E; it reads
 * the same files. */
static void add_dependency_words(const SutureCompilation *compilation, gboolean dependencies_only,
				 GPtrArray *words)
{
	if (!dependencies_only) {
		g_ptr_array_add(words, g_strconcat(DEPENDENCY_OPTION, compilation->output, ".d", NULL));
		return;
	}
	g_ptr_array_add(words, g_strdup("-M"));
	g_ptr_array_add(words, g_strdup("-MF"));
	g_ptr_array_add(words, beside(compilation, ".d"));
}

/* The recorded command with other outputs. */
static gchar **compiler_words(const SutureCompilation *compilation, gboolean dependencies_only)
{
	g_autoptr(GPtrArray) words = g_ptr_array_new();

	for (gchar **word = compilation->line->compile; *word; word++) {
		if (g_str_has_prefix(*word, DEPENDENCY_OPTION)) {
			add_dependency_words(compilation, dependencies_only, words);
			continue;
		}
		g_ptr_array_add(words, g_strdup(*word));
		if (strcmp(*word, "-o") == 0 && word[1]) {
			g_ptr_array_add(words,
					g_strdup(dependencies_only ? "/dev/null" : compilation->output));
			word++;
		}
	}
	for (const gchar *const *word = compilation->more; word && *word; word++)
		g_ptr_array_add(words, g_strdup(*word));
	for (const gchar *const *word = compilation->sections ? for_differ : for_run_pre; *word; word++)
		g_ptr_array_add(words, g_strdup(*word));
	g_ptr_array_add(words, NULL);
	return (gchar **)g_ptr_array_free(g_steal_pointer(&words), FALSE);
}

static gboolean run(const SutureCompilation *compilation, gchar **words, const gchar *suffix, GError **error)
{
	g_autofree gchar *said = beside(compilation, suffix);
	g_auto(GStrv) argv = suture_profile_argv(compilation->profile, (const gchar *const *)words,
						 compilation->scratch, compilation->tree);

	return suture_said_run((const gchar *const *)argv, compilation->tree, NULL, said, error);
}

/* One failure is enough to tell; the others stop where they are. */
typedef struct {
	SutureProgress progress; /* NULL: none */
	gpointer progress_data;
	GMutex lock;
	guint done, total;
	const SutureCompilation *failed;
	const gchar *step; /* suffix of the file that has the failed one's words */
	GError *error;
} Outcome;

static void settle(Outcome *outcome, const SutureCompilation *compilation, const gchar *step, GError *cause)
{
	g_mutex_lock(&outcome->lock);
	if (outcome->failed) {
		g_error_free(cause);
	} else {
		outcome->failed = compilation;
		outcome->step = step;
		outcome->error = cause;
	}
	g_mutex_unlock(&outcome->lock);
}

static void count(Outcome *outcome)
{
	g_mutex_lock(&outcome->lock);
	outcome->done++;
	if (outcome->progress)
		outcome->progress("compiling", outcome->done, outcome->total, outcome->progress_data);
	g_mutex_unlock(&outcome->lock);
}

static gboolean is_over(Outcome *outcome)
{
	gboolean over;

	g_mutex_lock(&outcome->lock);
	over = outcome->failed != NULL;
	g_mutex_unlock(&outcome->lock);
	return over || g_cancellable_is_cancelled(suture_cancellable());
}

static gchar **objtool_words(const SutureCompilation *compilation, const gchar *object)
{
	g_autoptr(GPtrArray) words = g_ptr_array_new();

	for (gchar **word = compilation->line->objtool; *word; word++)
		g_ptr_array_add(words, g_strdup(*word));
	g_ptr_array_add(words, g_strdup(object));
	g_ptr_array_add(words, NULL);
	return (gchar **)g_ptr_array_free(g_steal_pointer(&words), FALSE);
}

static gboolean finish_as_built(const SutureCompilation *compilation, GError **error)
{
	g_autofree gchar *copy = beside(compilation, SUTURE_AS_BUILT);
	g_autoptr(GBytes) object = suture_file_read(compilation->output, OBJECT_BYTES, error);
	g_auto(GStrv) words = NULL;

	if (!object || !suture_file_write_atomic_path(copy, object, 0644, error))
		return FALSE;
	if (!compilation->line->objtool)
		return TRUE;
	words = objtool_words(compilation, copy);
	return run(compilation, words, ".objtool", error);
}

static void compile_one(gpointer data, gpointer user_data)
{
	const SutureCompilation *compilation = data;
	Outcome *outcome = user_data;
	GError *cause = NULL;
	g_auto(GStrv) words = compiler_words(compilation, FALSE);

	if (is_over(outcome))
		return;
	if (!run(compilation, words, ".said", &cause))
		settle(outcome, compilation, ".said", cause);
	else if (compilation->as_built && !finish_as_built(compilation, &cause))
		settle(outcome, compilation, ".objtool", cause);
	else
		count(outcome);
}

static void refuse_before(const SutureCompilation *compilation, const gchar *reason, GError **error)
{
	g_set_error(error, SUTURE_FIX_ERROR, SUTURE_FIX_ERROR_BEFORE,
		    "%s, as it is in the kernel's source, does not compile; import the kernel again: %s",
		    compilation->line->source, reason);
}

static gboolean judge(Outcome *outcome, gchar **ret_words, GError **error)
{
	g_autofree gchar *said = NULL;
	g_autofree gchar *words = NULL;
	g_autofree gchar *reason = NULL;

	g_mutex_clear(&outcome->lock);
	if (!suture_cancel_check(error)) {
		g_clear_error(&outcome->error);
		return FALSE;
	}
	if (!outcome->failed)
		return TRUE;
	said = beside(outcome->failed, outcome->step);
	words = suture_said_read(said);
	reason = suture_said_first_error(*words ? words : outcome->error->message);
	g_clear_error(&outcome->error);
	if (strcmp(outcome->failed->tree, outcome->failed->profile->tree) == 0)
		refuse_before(outcome->failed, reason, error);
	else
		g_set_error(error, SUTURE_FIX_ERROR, SUTURE_FIX_ERROR_COMPILE, "%s does not compile: %s",
			    outcome->failed->line->source, reason);
	*ret_words = g_steal_pointer(&words);
	return FALSE;
}

gboolean suture_compile(GPtrArray *compilations, guint jobs, SutureProgress progress, gpointer progress_data,
			gchar **ret_words, GError **error)
{
	Outcome outcome = {.progress = progress, .progress_data = progress_data, .total = compilations->len};
	GThreadPool *pool = g_thread_pool_new(compile_one, &outcome, (gint)MAX(jobs, 1), FALSE, error);

	if (!pool)
		return FALSE;
	g_mutex_init(&outcome.lock);
	for (guint i = 0; i < compilations->len; i++)
		g_thread_pool_push(pool, compilations->pdata[i], NULL);
	g_thread_pool_free(pool, FALSE, TRUE);
	return judge(&outcome, ret_words, error);
}

gchar *suture_compilation_words(const SutureCompilation *compilation)
{
	g_autofree gchar *said = beside(compilation, ".said");

	return suture_said_read(said);
}

/* A make rule: "<target>: <file> \", a file or several a line. */
GPtrArray *suture_compilation_read(const SutureCompilation *compilation, GError **error)
{
	g_autofree gchar *path = beside(compilation, ".d");
	g_autoptr(GBytes) bytes = suture_file_read(path, DEPENDENCIES_BYTES, error);
	g_autofree gchar *text = NULL;
	g_auto(GStrv) words = NULL;
	GPtrArray *files;

	if (!bytes)
		return NULL;
	text = g_strndup(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
	words = g_strsplit_set(text, " \n\\", -1);
	files = g_ptr_array_new_with_free_func(g_free);
	for (gchar **word = words; *word; word++)
		if (**word && !g_str_has_suffix(*word, ":"))
			g_ptr_array_add(files, g_strdup(*word));
	return files;
}

GPtrArray *suture_compile_dependencies(const SutureCompilation *compilation, GError **error)
{
	g_auto(GStrv) words = compiler_words(compilation, TRUE);
	g_autoptr(GError) cause = NULL;
	g_autofree gchar *said = NULL;
	g_autofree gchar *reason = NULL;

	if (run(compilation, words, ".said", &cause))
		return suture_compilation_read(compilation, error);
	if (!suture_cancel_check(error))
		return NULL;
	said = suture_compilation_words(compilation);
	reason = suture_said_first_error(*said ? said : cause->message);
	refuse_before(compilation, reason, error);
	return NULL;
}
