// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/command.h"
#include "cli/installed.h"
#include "cli/policy-field.h"
#include "cli/row-json.h"
#include "cli/session.h"
#include "common/file.h"
#include "common/lock.h"
#include "fetcher/client/fetch.h"

#include <stdio.h>
#include <string.h>

typedef struct {
	SutureContext *context;
	gboolean dry_run;
	GPtrArray *kernels;   /* SutureKernel*: installed, as far as their images can be read */
	GHashTable *releases; /* gchar*: of all that are installed */
	SutureSession *session;
	GPtrArray *removed; /* gchar*: "<id> for <release>" */
} Prune;

static void prune_clear(Prune *prune)
{
	g_clear_pointer(&prune->kernels, g_ptr_array_unref);
	g_clear_pointer(&prune->releases, g_hash_table_unref);
	g_clear_pointer(&prune->session, suture_session_free);
	g_clear_pointer(&prune->removed, g_ptr_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Prune, prune_clear)

static gboolean drop(Prune *prune, const SutureStored *stored, const gchar *why, GError **error)
{
	const SutureEvent event = {.event = "remove",
				   .bundle = stored->id,
				   .manifest_sha256 = stored->manifest_sha256,
				   .reason = "ok",
				   .detail = why};

	g_ptr_array_add(prune->removed, g_strdup_printf("%s for %s", stored->id, stored->release));
	return prune->dry_run || (suture_session_record(&event, prune->session, error) &&
				  suture_store_remove(prune->context->root, stored, error));
}

/* Of a kernel that is not installed any more, all. */
static gboolean prune_gone(Prune *prune, const gchar *release, GError **error)
{
	g_autoptr(GPtrArray) stored = suture_store_list(prune->context->root, release, NULL, error);

	for (guint i = 0; stored && i < stored->len; i++) {
		const SutureStored *each = stored->pdata[i];

		if (strcmp(each->origin, "fetched") == 0 &&
		    !drop(prune, each, "its kernel is not installed any more", error))
			return FALSE;
	}
	return stored != NULL;
}

static const SutureDecision *decision_of(const SuturePolicyField *field, const gchar *manifest_sha256)
{
	for (guint i = 0; i < field->decisions->len; i++) {
		const SutureDecision *decision = field->decisions->pdata[i];

		if (g_strcmp0(decision->candidate->data, manifest_sha256) == 0)
			return decision;
	}
	return NULL;
}

static gboolean is_wanted(const SutureDecision *decision)
{
	return !decision || decision->verdict == SUTURE_VERDICT_LIVE ||
	       decision->verdict == SUTURE_VERDICT_APPLY;
}

/* To go back to: the one issued last of those that are not wanted any more. A recalled one is none. */
static const SutureStored *previous_of(const SuturePolicyField *field, GPtrArray *stored)
{
	const SutureStored *previous = NULL;

	for (guint i = 0; i < stored->len; i++) {
		const SutureStored *each = stored->pdata[i];
		const SutureDecision *decision = decision_of(field, each->manifest_sha256);

		if (strcmp(each->origin, "fetched") != 0 || is_wanted(decision) ||
		    decision->candidate->withdrawn)
			continue;
		if (!previous || strcmp(each->manifest->patch.issued, previous->manifest->patch.issued) > 0)
			previous = each;
	}
	return previous;
}

/* What is live, or would be at its boot, and one more stay. */
static gboolean prune_kernel(Prune *prune, SuturePolicyField *field, GError **error)
{
	g_autoptr(GPtrArray) stored =
		suture_store_list(prune->context->root, field->kernel.release, NULL, error);
	const SutureStored *previous;

	if (!stored)
		return FALSE;
	suture_policy_field_decide(field);
	previous = previous_of(field, stored);
	for (guint i = 0; i < stored->len; i++) {
		const SutureStored *each = stored->pdata[i];

		if (strcmp(each->origin, "fetched") == 0 && each != previous &&
		    !is_wanted(decision_of(field, each->manifest_sha256)) &&
		    !drop(prune, each, "neither live nor the one before", error))
			return FALSE;
	}
	return TRUE;
}

static const SutureKernel *find_kernel(const Prune *prune, const gchar *release)
{
	for (guint i = 0; i < prune->kernels->len; i++) {
		const SutureKernel *kernel = prune->kernels->pdata[i];

		if (strcmp(kernel->release, release) == 0)
			return kernel;
	}
	return NULL;
}

static gboolean prune_release(Prune *prune, const gchar *release, GError **error)
{
	const SutureKernel *kernel = find_kernel(prune, release);
	gboolean running = strcmp(release, suture_session_kernel(prune->session)->release) == 0;
	g_autoptr(SuturePolicyField) field = NULL;

	/* Which build it is cannot be told: all that is here may be wanted. */
	if (!kernel && g_hash_table_contains(prune->releases, release))
		return TRUE;
	if (!kernel)
		return prune_gone(prune, release, error);
	field = running ? suture_policy_field_of_host(prune->context, error)
			: suture_policy_field_of_kernel(prune->context, kernel, error);
	return field && prune_kernel(prune, field, error);
}

static gboolean prune_all(Prune *prune, GError **error)
{
	g_autofree gchar *path = suture_context_path(prune->context, SUTURE_BUNDLE_FETCHED_STORE);
	g_autoptr(GDir) folder = g_file_test(path, G_FILE_TEST_EXISTS) ? g_dir_open(path, 0, error) : NULL;
	const gchar *release;

	if (!folder)
		return !g_file_test(path, G_FILE_TEST_EXISTS);
	while ((release = g_dir_read_name(folder)))
		if (suture_file_name_is_safe(release) && !prune_release(prune, release, error))
			return FALSE;
	return TRUE;
}

static void print_done(const Prune *prune)
{
	if (prune->context->json) {
		SUTURE_AUTO_JSON *json = json_pack("{s:b, s:o}", "dry_run", prune->dry_run, "removed",
						   suture_strings_json(prune->removed));

		suture_print_json(json);
		return;
	}
	for (guint i = 0; !prune->context->quiet && i < prune->removed->len; i++)
		printf("%s %s\n", prune->dry_run ? "would remove" : "removed",
		       (const gchar *)prune->removed->pdata[i]);
	if (!prune->context->quiet && prune->removed->len == 0)
		printf("nothing to remove\n");
}

gboolean cmd_prune(SutureContext *context, int argc, char **argv, GError **error)
{
	g_auto(Prune) prune = {.context = context, .removed = g_ptr_array_new_with_free_func(g_free)};
	const GOptionEntry entries[] = {
		{"dry-run", 'n', 0, G_OPTION_ARG_NONE, &prune.dry_run, "say what would be removed", NULL},
		{NULL},
	};
	g_autoptr(GOptionContext) options =
		g_option_context_new("- remove fetched bundles that are of no use any more");
	g_autofree gchar *path = suture_context_path(context, SUTURE_FETCH_LOCK);
	SUTURE_AUTO_FD lock = -1;

	g_option_context_set_summary(options, "Keeps, for each installed kernel, what is live or would be at "
					      "its boot, and one bundle before "
					      "that. All of a kernel\nthat is not installed any more goes. "
					      "What came in RPM packages is the "
					      "package manager's.");
	g_option_context_add_main_entries(options, entries, NULL);
	if (!g_option_context_parse(options, &argc, &argv, error) || !suture_no_arguments(argc, argv, error))
		return FALSE;
	lock = suture_lock_take(path, TRUE, error);
	prune.session = lock < 0 ? NULL : suture_session_open(context, "prune", TRUE, error);
	if (!prune.session)
		return FALSE;
	prune.releases = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	suture_installed_releases(context, prune.releases);
	prune.kernels = suture_installed_kernels(context, suture_session_kernel(prune.session));
	if (!prune_all(&prune, error))
		return FALSE;
	print_done(&prune);
	return TRUE;
}
