// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/build-matrix.h"

#include "cli/terminal.h"
#include "cli/vendor.h"
#include "common/cancel.h"
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

typedef struct {
	const gchar *kernel;
	gchar *result; /* path of the folder or package */
	gchar *reason; /* why there is none */
	gdouble seconds;
} Row;

typedef struct {
	const SutureContext *context;
	gchar *const *words;
	guint jobs; /* for each build */
	GMutex lock;
	guint done, total;
} Matrix;

static gboolean list_kernels(const SutureBuildOptions *options, GPtrArray *kernels, GError **error)
{
	g_auto(GStrv) names = g_strsplit(options->kernels, ",", -1);
	g_autofree gchar *store = suture_profile_store(options->profiles);
	g_autoptr(GPtrArray) all = NULL;

	if (strcmp(options->kernels, "all") != 0) {
		for (gchar **name = names; *name; name++)
			if (*g_strstrip(*name))
				g_ptr_array_add(kernels, g_strdup(*name));
	} else {
		all = suture_profile_list(store, error);
		for (guint i = 0; all && i < all->len; i++)
			g_ptr_array_add(kernels, g_strdup(((SutureProfile *)all->pdata[i])->id));
		if (!all)
			return FALSE;
	}
	if (kernels->len > 0)
		return TRUE;
	return suture_vendor_usage(error, "--kernels %s: names no profile; suture kernel list shows them",
				   options->kernels);
}

/* The same command line with --kernel instead of --kernels. */
static gchar **command_for(const Matrix *matrix, const gchar *kernel)
{
	g_autoptr(GPtrArray) words = g_ptr_array_new();

	g_ptr_array_add(words, g_strdup("/proc/self/exe"));
	g_ptr_array_add(words, g_strdup("--json"));
	g_ptr_array_add(words, g_strdup("--quiet"));
	g_ptr_array_add(words, g_strdup("build"));
	for (gchar *const *word = matrix->words + 1; *word; word++) {
		if (strcmp(*word, "--kernels") == 0 && word[1]) {
			word++;
			continue;
		}
		if (!g_str_has_prefix(*word, "--kernels=") && strcmp(*word, "--explain") != 0)
			g_ptr_array_add(words, g_strdup(*word));
	}
	g_ptr_array_add(words, g_strconcat("--kernel=", kernel, NULL));
	g_ptr_array_add(words, g_strdup_printf("--jobs=%u", matrix->jobs));
	g_ptr_array_add(words, NULL);
	return (gchar **)g_ptr_array_free(g_steal_pointer(&words), FALSE);
}

/* The error line of the other process, without the words around it. */
static gchar *reason_of(const gchar *message)
{
	const gchar *line = strrchr(message, '\n');
	const gchar *own = strstr(line ? line + 1 : message, "suture-vendor: ");

	return g_strdup(own ? own + strlen("suture-vendor: ") : line ? line + 1 : message);
}

static void build_one(gpointer data, gpointer user_data)
{
	Matrix *matrix = user_data;
	Row *row = data;
	g_auto(GStrv) command = command_for(matrix, row->kernel);
	g_autofree gchar *output = NULL;
	g_autoptr(GError) error = NULL;
	gint64 began = g_get_monotonic_time();

	if (suture_process_run((const gchar *const *)command, NULL, NULL, NULL, &output, &error)) {
		SUTURE_AUTO_JSON *answer = json_loads(output, JSON_REJECT_DUPLICATES, NULL);
		const gchar *package = json_string_value(json_object_get(answer, "package"));

		row->result =
			g_strdup(package ? package : json_string_value(json_object_get(answer, "folder")));
	} else {
		row->reason = reason_of(error->message);
	}
	row->seconds = (gdouble)(g_get_monotonic_time() - began) / G_USEC_PER_SEC;
	g_mutex_lock(&matrix->lock);
	matrix->done++;
	if (!matrix->context->quiet)
		suture_terminal_progress("building", matrix->done, matrix->total, NULL);
	g_mutex_unlock(&matrix->lock);
}

static void row_free(gpointer data)
{
	Row *row = data;

	g_free(row->result);
	g_free(row->reason);
	g_free(row);
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

static void print_json(GPtrArray *rows)
{
	json_t *list = json_array();

	for (guint i = 0; i < rows->len; i++) {
		const Row *row = rows->pdata[i];

		json_array_append_new(list,
				      json_pack("{s:s, s:s?, s:s?, s:f}", "kernel", row->kernel, "result",
						row->result, "error", row->reason, "seconds", row->seconds));
	}
	suture_vendor_print_json(list);
	json_decref(list);
}

static void print_table(GPtrArray *rows)
{
	guint width = 0;

	for (guint i = 0; i < rows->len; i++)
		width = MAX(width, (guint)strlen(((Row *)rows->pdata[i])->kernel));
	for (guint i = 0; i < rows->len; i++) {
		const Row *row = rows->pdata[i];
		g_autofree gchar *reason = suture_terminal_text(row->reason ? row->reason : "");

		g_print("%-*s  %-6s %6.1f s  %s\n", (int)width, row->kernel, row->result ? "built" : "failed",
			row->seconds, row->result ? row->result : reason);
	}
}

static gboolean judge(GPtrArray *rows, GError **error)
{
	guint failed = 0;

	for (guint i = 0; i < rows->len; i++)
		failed += ((Row *)rows->pdata[i])->result == NULL;
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
		g_thread_pool_push(pool, rows->pdata[i], NULL);
	g_thread_pool_free(pool, FALSE, TRUE);
	g_mutex_clear(&matrix->lock);
	suture_terminal_clear();
	return suture_cancel_check(error);
}

gboolean suture_build_matrix(const SutureContext *context, const SutureBuildOptions *options,
			     gchar *const *words, GError **error)
{
	g_autoptr(GPtrArray) kernels = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func(row_free);
	guint jobs = jobs_at_once(options->jobs ? (guint)options->jobs : g_get_num_processors());
	guint at_once = MAX(jobs / JOBS_FOR_EACH, 1);
	Matrix matrix = {.context = context, .words = words, .jobs = MAX(jobs / at_once, 1)};

	if (!list_kernels(options, kernels, error))
		return FALSE;
	for (guint i = 0; i < kernels->len; i++) {
		Row *row = g_new0(Row, 1);

		row->kernel = kernels->pdata[i];
		g_ptr_array_add(rows, row);
	}
	matrix.total = rows->len;
	if (!run_all(&matrix, rows, at_once, error))
		return FALSE;
	if (context->json)
		print_json(rows);
	else
		print_table(rows);
	return judge(rows, error);
}
