// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/fix/source-diff.h"

#include "common/cancel.h"
#include "common/file.h"
#include "common/process.h"
#include "packager/fix/aside.h"

#include <string.h>

#define DIFF_BYTES (16 * 1024 * 1024)
#define ADVICE "give a unified diff against the kernel's source"

SutureSourceDiff *suture_source_diff_read(const gchar *path, GError **error)
{
	g_autoptr(GBytes) text = suture_file_read(path, DIFF_BYTES, error);
	SutureSourceDiff *diff;

	if (!text)
		return NULL;
	diff = g_new0(SutureSourceDiff, 1);
	diff->name = g_path_get_basename(path);
	diff->text = g_steal_pointer(&text);
	return diff;
}

void suture_source_diff_free(SutureSourceDiff *diff)
{
	g_free(diff->name);
	g_bytes_unref(diff->text);
	g_free(diff);
}

/* Outside of any repository and without anybody's settings: inside of one, git-apply passes over files that
 * are not below its folder. */
static gboolean run_git(const SutureSourceDiff *diff, const gchar *folder, const gchar *option,
			const gchar *const *more, gchar **ret, GError **error)
{
	const gchar *path = g_getenv("PATH");
	g_autofree gchar *path_is = g_strdup_printf("PATH=%s", path ? path : "/usr/bin:/bin");
	g_autofree gchar *parent = g_path_get_dirname(folder);
	g_autofree gchar *ceiling_is = g_strdup_printf("GIT_CEILING_DIRECTORIES=%s", parent);
	g_autoptr(GPtrArray) argv = g_ptr_array_new();
	const gchar *const words[] = {"env",
				      "-i",
				      path_is,
				      ceiling_is,
				      "GIT_CONFIG_NOSYSTEM=1",
				      "GIT_CONFIG_GLOBAL=/dev/null",
				      "LC_ALL=C",
				      "git",
				      "apply",
				      "-p1",
				      "--whitespace=nowarn",
				      "--summary",
				      option,
				      NULL};

	for (const gchar *const *word = words; *word; word++)
		g_ptr_array_add(argv, (gpointer)*word);
	for (; more && *more; more++)
		g_ptr_array_add(argv, (gpointer)*more);
	g_ptr_array_add(argv, NULL);
	return suture_process_run((const gchar *const *)argv->pdata, NULL, folder, diff->text, ret, error);
}

/* What git said, as one line without its own prefixes. */
static gchar *one_line(const gchar *said)
{
	const gchar *from = strstr(said, "error: ");
	g_autofree gchar *text = g_strdup(from ? from + strlen("error: ") : said);
	g_auto(GStrv) lines = g_strsplit(text, "\nerror: ", -1);

	return g_strdelimit(g_strjoinv("; ", lines), "\n", ' ');
}

static gboolean refuse(const SutureSourceDiff *diff, SutureFixError code, const gchar *advice, GError *cause,
		       GError **error)
{
	g_autofree gchar *words = one_line(cause->message);

	if (!suture_cancel_check(error))
		return FALSE;
	g_set_error(error, SUTURE_FIX_ERROR, code, "%s: %s; %s", diff->name, words, advice);
	return FALSE;
}

static gboolean is_no_diff(const GError *cause)
{
	/* As git-apply says it since version 2.35, and before. */
	return strstr(cause->message, "No valid patches in input") ||
	       strstr(cause->message, "unrecognized input");
}

static gint compare_names(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const gchar *const *)a, *(const gchar *const *)b);
}

static void add_path(GPtrArray *paths, const gchar *path)
{
	for (guint i = 0; i < paths->len; i++)
		if (strcmp(paths->pdata[i], path) == 0)
			return;
	g_ptr_array_add(paths, g_strdup(path));
}

static gboolean check_path(const SutureSourceDiff *diff, const gchar *path, GError **error)
{
	g_autofree gchar *absolute = g_canonicalize_filename(path, "/");

	if (strcmp(absolute + 1, path) == 0 && *path != '"')
		return TRUE;
	g_set_error(error, SUTURE_FIX_ERROR, SUTURE_FIX_ERROR_DIFF,
		    "%s: %s: no path within the source; name files from its top folder on", diff->name, path);
	return FALSE;
}

/* @what: "mode 100644 tools/x", or a name that others follow. */
static gboolean is_aside(const gchar *what)
{
	const gchar *mode = "mode ";
	const gchar *path = g_str_has_prefix(what, mode) ? strchr(what + strlen(mode), ' ') : NULL;

	return suture_aside_is(path ? path + 1 : what);
}

/* " rename x.c => y.c (100%)", " create mode 100644 x.c", " delete mode 100644 x.c" */
static gboolean check_summary(const SutureSourceDiff *diff, const gchar *line, GError **error)
{
	const gchar *const kinds[] = {" rename ", " copy ", " create ", " delete ", " rewrite "};

	for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++)
		if (g_str_has_prefix(line, kinds[i]) && !is_aside(line + strlen(kinds[i]))) {
			g_set_error(
				error, SUTURE_FIX_ERROR, SUTURE_FIX_ERROR_KIND,
				"%s:%s: a live patch replaces functions of files that are there; leave new, "
				"renamed and removed files out of the fix",
				diff->name, line);
			return FALSE;
		}
	return TRUE;
}

/* Lines "added TAB deleted TAB path", then what else happens to files. */
static GPtrArray *parse_listing(const SutureSourceDiff *diff, const gchar *text, GError **error)
{
	g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

	for (gchar **line = lines; *line; line++) {
		const gchar *tab = strrchr(*line, '\t');

		if (tab ? !check_path(diff, tab + 1, error) : !check_summary(diff, *line, error))
			return NULL;
		if (tab)
			add_path(paths, tab + 1);
	}
	g_ptr_array_sort(paths, compare_names);
	return g_steal_pointer(&paths);
}

GPtrArray *suture_source_diff_paths(const SutureSourceDiff *diff, GError **error)
{
	g_autoptr(GError) cause = NULL;
	g_autofree gchar *text = NULL;

	if (run_git(diff, g_get_tmp_dir(), "--numstat", NULL, &text, &cause))
		return parse_listing(diff, text, error);
	if (is_no_diff(cause) && suture_cancel_check(error))
		g_set_error(error, SUTURE_FIX_ERROR, SUTURE_FIX_ERROR_DIFF,
			    "%s: is no diff: no change of a file is in it; " ADVICE, diff->name);
	else if (!is_no_diff(cause))
		refuse(diff, SUTURE_FIX_ERROR_DIFF, ADVICE, cause, error);
	return NULL;
}

gboolean suture_source_diff_apply(const SutureSourceDiff *diff, const gchar *folder, GError **error)
{
	g_autoptr(GError) cause = NULL;

	if (run_git(diff, folder, "--apply", suture_aside_options(), NULL, &cause))
		return TRUE;
	return refuse(diff, SUTURE_FIX_ERROR_REJECTED, "make it against the source of exactly this kernel",
		      cause, error);
}
