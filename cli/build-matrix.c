// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/build-matrix.h"

#include "cli/build-explain.h"
#include "cli/terminal.h"
#include "cli/vendor.h"
#include "common/cancel.h"
#include "common/file.h"
#include "common/process.h"
#include "packager/build/error.h"
#include "packager/profile/profile.h"
#include "spec/json.h"

#include <string.h>
#include <unistd.h>

/* What a build of a fix may need for each of its jobs: the compiler takes 320 MB for the largest unit of
 * a 6.1 kernel, and a build of two jobs was seen with 460 MB, all of its processes together. */
#define JOB_BYTES (400LL * 1024 * 1024)
#define JOBS_FOR_EACH 2 /* a unit is compiled before and after at the same time */

#define FORMAT 1 /* spec/matrix.md */
#define ID_SHOWN 12

typedef struct {
	gchar *name;   /* release of the kernel; where there is no such profile, as it was asked for */
	gchar *id;     /* of the profile; NULL: there is none */
	gboolean twin; /* another row has the same release */
	gboolean built;
	json_t *answer;  /* of the build; NULL: none */
	gchar *reason;   /* code of why it is not built, */
	gchar *sentence; /* and the words */
	gdouble seconds;
} Row;

typedef struct {
	const SutureContext *context;
	const SutureBuildOptions *options;
	guint jobs; /* for each build */
	GMutex lock;
	guint done, total;
} Matrix;

static void row_free(gpointer data)
{
	Row *row = data;

	g_free(row->name);
	g_free(row->id);
	json_decref(row->answer);
	g_free(row->reason);
	g_free(row->sentence);
	g_free(row);
}

/* Each profile once, however often it is named. */
static void add_profile(GPtrArray *rows, const SutureProfile *profile)
{
	Row *row;

	for (guint i = 0; i < rows->len; i++)
		if (g_strcmp0(((Row *)rows->pdata[i])->id, profile->id) == 0)
			return;
	row = g_new0(Row, 1);
	row->name = g_strdup(profile->release);
	row->id = g_strdup(profile->id);
	for (guint i = 0; i < rows->len; i++) {
		Row *other = rows->pdata[i];

		if (other->id && strcmp(other->name, row->name) == 0)
			other->twin = row->twin = TRUE;
	}
	g_ptr_array_add(rows, row);
}

static void add_named(GPtrArray *rows, const gchar *store, const gchar *name)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(SutureProfile) profile = suture_profile_open(store, name, &error);
	Row *row;

	if (profile) {
		add_profile(rows, profile);
		return;
	}
	row = g_new0(Row, 1);
	row->name = g_strdup(name);
	row->reason = g_strdup(suture_error_reason(error));
	row->sentence = g_strdup(error->message);
	g_ptr_array_add(rows, row);
}

static gboolean add_all(GPtrArray *rows, const gchar *store, GError **error)
{
	g_autoptr(GPtrArray) all = suture_profile_list(store, error);

	for (guint i = 0; all && i < all->len; i++)
		add_profile(rows, all->pdata[i]);
	return all != NULL;
}

static gboolean list_kernels(const SutureBuildOptions *options, GPtrArray *rows, GError **error)
{
	g_auto(GStrv) names = g_strsplit(options->kernels, ",", -1);
	g_autofree gchar *store = suture_profile_store(options->profiles);

	if (strcmp(options->kernels, "all") != 0) {
		for (gchar **name = names; *name; name++)
			if (*g_strstrip(*name))
				add_named(rows, store, *name);
	} else if (!add_all(rows, store, error)) {
		return FALSE;
	}
	if (rows->len > 0)
		return TRUE;
	return suture_vendor_usage(error, "--kernels %s: names no profile; suture kernel list shows them",
				   options->kernels);
}

/* A folder's name for each kernel: bundles of one patch have the same name for all of them. */
static gchar *folder_of(const Row *row)
{
	if (!suture_file_name_is_safe(row->name))
		return g_strdup(row->id);
	return row->twin ? g_strdup_printf("%s-%.*s", row->name, ID_SHOWN, row->id) : g_strdup(row->name);
}

/* The same command line with --kernel instead of --kernels. */
static gchar **command_for(const Matrix *matrix, const Row *row)
{
	const gchar *const first[] = {"/proc/self/exe", "--json", "--quiet", "build"};
	SutureBuildOptions options = *matrix->options;
	g_autofree gchar *folder = folder_of(row);
	g_autofree gchar *output = options.output ? g_build_filename(options.output, folder, NULL) : NULL;
	g_autofree gchar **words = NULL;
	g_autoptr(GPtrArray) all = g_ptr_array_new();

	options.kernels = NULL;
	options.kernel = row->id;
	options.output = output;
	options.jobs = (gint)matrix->jobs;
	words = suture_build_options_words(&options);
	for (gsize i = 0; i < G_N_ELEMENTS(first); i++)
		g_ptr_array_add(all, g_strdup(first[i]));
	for (gchar **word = words; *word; word++)
		g_ptr_array_add(all, *word);
	g_ptr_array_add(all, NULL);
	return (gchar **)g_ptr_array_free(g_steal_pointer(&all), FALSE);
}

/* Takes the error line of the other process, its last, apart: "<program> build: <sentence> [<reason>]". */
static void take_failure(const Matrix *matrix, Row *row, const GError *error)
{
	g_autofree gchar *prefix = g_strconcat(matrix->context->program, " build: ", NULL);
	const gchar *line = strrchr(error->message, '\n');
	const gchar *own = strstr(line ? line + 1 : error->message, prefix);
	const gchar *code = own ? strrchr(own, '[') : NULL;

	if (!code || !g_str_has_suffix(code, "]")) {
		row->reason = g_strdup(suture_error_reason(error));
		row->sentence = g_strdup(error->message);
		return;
	}
	own += strlen(prefix);
	row->reason = g_strndup(code + 1, strlen(code) - 2);
	row->sentence = g_strchomp(g_strndup(own, (gsize)(code - own)));
}

static void build_one(gpointer data, gpointer user_data)
{
	Matrix *matrix = user_data;
	Row *row = data;
	g_auto(GStrv) command = command_for(matrix, row);
	g_autofree gchar *output = NULL;
	g_autoptr(GError) error = NULL;
	gint64 began = g_get_monotonic_time();

	row->built = suture_process_run((const gchar *const *)command, NULL, NULL, NULL, &output, &error);
	row->answer = output ? json_loads(output, JSON_REJECT_DUPLICATES, NULL) : NULL;
	if (!row->built)
		take_failure(matrix, row, error);
	row->seconds = (gdouble)(g_get_monotonic_time() - began) / G_USEC_PER_SEC;
	g_mutex_lock(&matrix->lock);
	matrix->done++;
	if (!matrix->context->quiet)
		suture_terminal_progress("building", matrix->done, matrix->total, NULL);
	g_mutex_unlock(&matrix->lock);
}

/* Bytes that can be had without taking them from anyone; what caches hold is unused, too. */
static gint64 available_memory(void)
{
	static const gchar mark[] = "MemAvailable:";
	g_autofree gchar *text = NULL;
	const gchar *line =
		g_file_get_contents("/proc/meminfo", &text, NULL, NULL) ? strstr(text, mark) : NULL;

	if (line)
		return g_ascii_strtoll(line + strlen(mark), NULL, 10) * 1024;
	return (gint64)sysconf(_SC_AVPHYS_PAGES) * sysconf(_SC_PAGESIZE);
}

static guint jobs_at_once(guint wanted)
{
	return MIN(wanted, (guint)CLAMP(available_memory() / JOB_BYTES, 1, 1024));
}

/* Where the bundle is; NULL: none was written. */
static const gchar *result_of(const Row *row)
{
	const gchar *package = json_string_value(json_object_get(row->answer, "package"));

	return package ? package : json_string_value(json_object_get(row->answer, "folder"));
}

static json_t *row_json(const Row *row, gboolean explain)
{
	json_t *json = json_pack("{s:s, s:s?, s:b, s:s?, s:s?, s:s?, s:f}", "kernel", row->name, "profile",
				 row->id, "built", row->built, "result", result_of(row), "reason",
				 row->reason, "sentence", row->sentence, "seconds", row->seconds);

	if (json && explain && row->answer)
		json_object_set(json, "explanation", row->answer);
	return json;
}

static void print_json(GPtrArray *rows, gboolean explain)
{
	json_t *list = json_array();
	json_t *json = json_pack("{s:i, s:o}", "format", FORMAT, "kernels", list);

	for (guint i = 0; i < rows->len; i++)
		json_array_append_new(list, row_json(rows->pdata[i], explain));
	suture_vendor_print_json(json);
	json_decref(json);
}

static gchar *label_of(const Row *row)
{
	g_autofree gchar *label =
		row->twin ? g_strdup_printf("%s (%.*s)", row->name, ID_SHOWN, row->id) : g_strdup(row->name);

	return suture_terminal_text(label);
}

static void print_row(const Row *row, guint width)
{
	g_autofree gchar *label = label_of(row);
	g_autofree gchar *why =
		row->built ? g_strdup("") : g_strdup_printf("%s [%s]", row->sentence, row->reason);
	g_autofree gchar *safe = suture_terminal_text(why);
	const gchar *result = result_of(row);

	g_print("%-*s  %-6s %6.1f s%s%s\n", (int)width, label,
		!row->built ? "failed"
		: result    ? "built"
			    : "builds",
		row->seconds, row->built && !result ? "" : "  ", row->built ? result ? result : "" : safe);
}

static void print_table(const SutureContext *context, GPtrArray *rows, gboolean explain)
{
	guint width = 0;

	for (guint i = 0; i < rows->len; i++) {
		const Row *row = rows->pdata[i];
		g_autofree gchar *label = label_of(row);

		width = MAX(width, (guint)strlen(label));
		if (!explain || !row->answer)
			continue;
		suture_build_explain(context, row->answer);
		g_print("\n");
	}
	for (guint i = 0; i < rows->len; i++)
		print_row(rows->pdata[i], width);
}

static gboolean judge(GPtrArray *rows, GError **error)
{
	guint failed = 0;

	for (guint i = 0; i < rows->len; i++)
		failed += !((Row *)rows->pdata[i])->built;
	if (failed == 0)
		return TRUE;
	g_set_error(error, SUTURE_BUILD_ERROR, SUTURE_BUILD_ERROR_MATRIX,
		    "%u of %u kernels have no bundle; the table says why for each", failed, rows->len);
	return FALSE;
}

static gboolean run_all(Matrix *matrix, GPtrArray *rows, guint at_once, GError **error)
{
	GThreadPool *pool = g_thread_pool_new(build_one, matrix, (gint)at_once, FALSE, error);

	if (!pool)
		return FALSE;
	g_mutex_init(&matrix->lock);
	for (guint i = 0; i < rows->len; i++)
		if (((Row *)rows->pdata[i])->id)
			g_thread_pool_push(pool, rows->pdata[i], NULL);
	g_thread_pool_free(pool, FALSE, TRUE);
	g_mutex_clear(&matrix->lock);
	suture_terminal_clear();
	return suture_cancel_check(error);
}

gboolean suture_build_matrix(const SutureContext *context, const SutureBuildOptions *options, GError **error)
{
	g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func(row_free);
	guint jobs = jobs_at_once(options->jobs ? (guint)options->jobs : g_get_num_processors());
	guint at_once = MAX(jobs / JOBS_FOR_EACH, 1);
	Matrix matrix = {.context = context, .options = options, .jobs = MAX(jobs / at_once, 1)};

	if (!list_kernels(options, rows, error))
		return FALSE;
	for (guint i = 0; i < rows->len; i++)
		matrix.total += ((Row *)rows->pdata[i])->id != NULL;
	if (!run_all(&matrix, rows, at_once, error))
		return FALSE;
	if (context->json)
		print_json(rows, options->explain);
	else
		print_table(context, rows, options->explain);
	return judge(rows, error);
}
