// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/row-json.h"
#include "cli/session.h"
#include "cli/terminal.h"
#include "common/cancel.h"
#include "common/file.h"
#include "packager/read/bundle.h"

#include <fcntl.h>
#include <stdio.h>

#define BATCH 16 /* files in memory at once */

typedef struct {
	gchar *trust;
	SutureKernel kernel; /* NULL members: the running kernel's */
	gchar **files;
} Options;

static void options_clear(Options *options)
{
	g_free(options->trust);
	suture_kernel_clear(&options->kernel);
	g_strfreev(options->files);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Options, options_clear)

/* What one file came to. */
typedef struct {
	SutureBundle *bundle; /* NULL when refused */
	GPtrArray *checks;    /* SutureCheck*; empty when the file could not be opened */
	GError *error;
} Result;

static void result_clear(Result *result)
{
	g_clear_pointer(&result->bundle, suture_bundle_free);
	g_clear_pointer(&result->checks, g_ptr_array_unref);
	g_clear_error(&result->error);
}

static gboolean parse(Options *options, int *argc, char ***argv, GError **error)
{
	const GOptionEntry entries[] = {
		{"trust", 't', 0, G_OPTION_ARG_FILENAME, &options->trust,
		 "the keys and certificates to judge by (the repository's, else " SUTURE_TRUST_PROVISIONED
		 ")",
		 "DIR"},
		{"kernel-release", 0, 0, G_OPTION_ARG_STRING, &options->kernel.release,
		 "for this uname -r instead of the running kernel's", "RELEASE"},
		{"kernel-build-id", 0, 0, G_OPTION_ARG_STRING, &options->kernel.build_id,
		 "for this build-id instead of the running kernel's", "HEX"},
		{"kernel-arch", 0, 0, G_OPTION_ARG_STRING, &options->kernel.arch,
		 "for this machine instead of the running kernel's", "ARCH"},
		{G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options->files, NULL, NULL},
		{NULL},
	};
	g_autoptr(GOptionContext) parser = g_option_context_new("FILE.rpm... - check bundle files");

	g_option_context_set_summary(
		parser, "Checks each file as a host would before it takes it, and prints every check's "
			"result: package signature,\nmanifest signature, files, module signatures, their "
			"agreement, and the match with the kernel.\nNothing is unpacked or changed. "
			"suture-verify(8) describes checks and --json.");
	g_option_context_add_main_entries(parser, entries, NULL);
	if (!g_option_context_parse(parser, argc, argv, error))
		return FALSE;
	if (!options->files)
		g_set_error_literal(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
				    "verify: name the bundle files (.rpm) to check");
	else if (options->kernel.release && !options->kernel.build_id)
		g_set_error_literal(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
				    "--kernel-release needs --kernel-build-id: a release alone is no kernel");
	else
		return TRUE;
	return FALSE;
}

/* Members that no option gave are the running kernel's. */
static void complete_kernel(SutureKernel *kernel, const SutureKernel *running)
{
	if (!kernel->release)
		kernel->release = g_strdup(running->release);
	if (!kernel->build_id)
		kernel->build_id = g_strdup(running->build_id);
	if (!kernel->arch)
		kernel->arch = g_strdup(running->arch);
}

static gboolean record(SutureSession *session, const gchar *path, const Result *result, GError **error)
{
	g_autofree gchar *name = g_path_get_basename(path);
	const SutureEvent event = {
		.event = result->bundle ? "verify" : "refuse",
		.bundle = name,
		.manifest_sha256 = result->bundle ? result->bundle->manifest_sha256 : NULL,
		.package_sha256 = result->bundle ? result->bundle->receipt->package_sha256 : NULL,
		.reason = result->error ? suture_error_reason(result->error) : "ok",
		.detail = result->error ? result->error->message : NULL,
	};

	return suture_session_record(&event, session, error);
}

static void verify(const gchar *path, const SutureTrust *trust, const SutureKernel *kernel, Result *result)
{
	SUTURE_AUTO_FD fd = suture_file_open(path, O_RDONLY, &result->error);

	if (fd >= 0)
		result->bundle = suture_bundle_verify(fd, path, trust, NULL, kernel,
						      g_get_real_time() / G_USEC_PER_SEC, &result->checks,
						      &result->error);
	if (!result->checks)
		result->checks = g_ptr_array_new();
}

static json_t *checks_json(const GPtrArray *checks)
{
	json_t *list = json_array();

	for (guint i = 0; i < checks->len; i++) {
		const SutureCheck *check = checks->pdata[i];
		g_autofree gchar *detail = g_utf8_make_valid(check->detail, -1);

		json_array_append_new(list, json_pack("{s:s, s:b, s:s}", "check", check->check, "passed",
						      (int)check->passed, "detail", detail));
	}
	return list;
}

static json_t *result_json(const gchar *path, const Result *result)
{
	g_autofree gchar *file = g_filename_display_name(path);
	json_t *object =
		json_pack("{s:s, s:b, s:s, s:o}", "file", file, "trusted", (int)(result->bundle != NULL),
			  "reason", result->error ? suture_error_reason(result->error) : "ok", "checks",
			  checks_json(result->checks));

	if (result->bundle) {
		const SutureReceipt *receipt = result->bundle->receipt;
		g_autofree gchar *id = suture_patch_id(&result->bundle->manifest->patch);

		json_object_set_new(object, "id", json_string(id));
		json_object_set_new(object, "manifest_sha256", json_string(receipt->manifest_sha256));
		json_object_set_new(object, "package_sha256", json_string(receipt->package_sha256));
	}
	return object;
}

static void print_result(const gchar *path, const Result *result)
{
	g_autofree gchar *file = g_filename_display_name(path);

	printf("%s: %s\n", file, result->bundle ? "trusted" : "REFUSED");
	for (guint i = 0; i < result->checks->len; i++) {
		const SutureCheck *check = result->checks->pdata[i];
		g_autofree gchar *detail = suture_terminal_text(check->detail);

		if (check->passed)
			printf("  %-10s ok       %s\n", check->check, detail);
		else
			printf("  %-10s REFUSED  %s\n", check->check, suture_error_reason(result->error));
	}
}

/* One file of a batch that is verified side by side. */
typedef struct {
	const gchar *path;
	Result result;
} Job;

typedef struct {
	const SutureTrust *trust;
	const SutureKernel *kernel;
} Judge;

static void run_job(gpointer data, gpointer user_data)
{
	Job *job = data;
	const Judge *judge = user_data;

	verify(job->path, judge->trust, judge->kernel, &job->result);
}

/* @jobs gets @n files of @paths, verified by all processors. */
static gboolean run_batch(Job *jobs, gchar **paths, guint n, Judge *judge, GError **error)
{
	GThreadPool *pool =
		g_thread_pool_new(run_job, judge, (gint)MIN(g_get_num_processors(), BATCH), FALSE, error);

	if (!pool)
		return FALSE;
	for (guint i = 0; i < n; i++) {
		jobs[i] = (Job){.path = paths[i]};
		g_thread_pool_push(pool, &jobs[i], NULL);
	}
	g_thread_pool_free(pool, FALSE, TRUE);
	return TRUE;
}

/* On record first, then in print; *@first gets the first refusal. */
static gboolean report(const SutureContext *context, SutureSession *session, Job *job, json_t *list,
		       GError **first, GError **error)
{
	if (!record(session, job->path, &job->result, error))
		return FALSE;
	if (context->json)
		json_array_append_new(list, result_json(job->path, &job->result));
	else if (!context->quiet)
		print_result(job->path, &job->result);
	if (job->result.error && !*first)
		*first = g_steal_pointer(&job->result.error);
	return TRUE;
}

/* Verifies all files, reported in the order given; the first refusal is the command's error, the others show
 * in what is printed. In batches, so that memory does not grow with the number of files. */
static gboolean verify_all(const SutureContext *context, SutureSession *session, const Options *options,
			   const SutureTrust *trust, json_t *list, GError **error)
{
	Judge judge = {trust, &options->kernel};
	guint left = g_strv_length(options->files);
	g_autoptr(GError) first = NULL;
	gboolean fine = TRUE;

	for (gchar **path = options->files; fine && left > 0;) {
		Job jobs[BATCH];
		guint n = MIN(left, BATCH);

		if (!suture_cancel_check(error) || !run_batch(jobs, path, n, &judge, error))
			return FALSE;
		for (guint i = 0; i < n; i++) {
			fine = fine && report(context, session, &jobs[i], list, &first, error);
			result_clear(&jobs[i].result);
		}
		path += n;
		left -= n;
	}
	if (!fine || !first)
		return fine;
	g_propagate_error(error, g_steal_pointer(&first));
	return FALSE;
}

gboolean cmd_verify(SutureContext *context, int argc, char **argv, GError **error)
{
	g_auto(Options) options = {NULL, {NULL, NULL, NULL, NULL}, NULL};
	g_autoptr(SutureSession) session = NULL;
	g_autoptr(SutureTrust) trust = NULL;
	SUTURE_AUTO_JSON *list = json_array();
	SUTURE_AUTO_JSON *object = json_pack("{s:O}", "files", list);
	gboolean passed;

	if (!parse(&options, &argc, &argv, error))
		return FALSE;
	session = suture_session_open(context, "verify", FALSE, error);
	if (!session)
		return FALSE;
	complete_kernel(&options.kernel, suture_session_kernel(session));
	if (!options.trust)
		options.trust = suture_trust_folder(context->root);
	trust = suture_trust_load(options.trust, error);
	if (!trust)
		return FALSE;
	passed = verify_all(context, session, &options, trust, list, error);
	if (context->json)
		suture_print_json(object);
	return passed;
}
