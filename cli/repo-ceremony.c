// SPDX-License-Identifier: LGPL-2.1-or-later
/* suture repo stage, sign and collect: signatures by keys that are not where the repository is. */
#include "cli/repo-internal.h"
#include "cli/terminal.h"
#include "fetcher/repo/staged.h"

#define SECOND G_USEC_PER_SEC

static json_t *staged_json(const SutureRepoStaged *staged)
{
	g_autoptr(GDateTime) end = g_date_time_new_from_unix_utc(staged->expires);
	g_autofree gchar *expires = g_date_time_format(end, "%Y-%m-%dT%H:%M:%SZ");
	json_t *signatures = json_array(), *changes = json_array();

	for (guint i = 0; i < staged->n; i++)
		json_array_append_new(signatures, json_pack("{s:i, s:i}", "have", (int)staged->have[i],
							    "need", (int)staged->need[i]));
	for (guint i = 0; i < staged->changes->len; i++)
		json_array_append_new(changes, json_string(staged->changes->pdata[i]));
	return json_pack("{s:s, s:I, s:s, s:o, s:o}", "role", staged->role, "version",
			 (json_int_t)staged->version, "expires", expires, "signatures", signatures, "changes",
			 changes);
}

static void print_staged(const SutureRepoStaged *staged)
{
	g_autofree gchar *role = suture_terminal_text(staged->role);
	g_autoptr(GDateTime) end = g_date_time_new_from_unix_utc(staged->expires);
	g_autofree gchar *expires = g_date_time_format(end, "%Y-%m-%dT%H:%M:%SZ");

	g_print("%s version %" G_GINT64_FORMAT ": %u of %u signatures", role, staged->version,
		staged->have[0], staged->need[0]);
	if (staged->n == 2)
		g_print(" of the present keys, %u of %u of the new", staged->have[1], staged->need[1]);
	g_print("\n");
	for (guint i = 0; i < staged->changes->len; i++) {
		g_autofree gchar *line = suture_terminal_text(staged->changes->pdata[i]);

		g_print("  %s\n", line);
	}
}

/* What is in @path, a folder or a file; @known may be NULL. */
static gboolean report(SutureContext *context, const gchar *path, const gchar *known, GError **error)
{
	g_autoptr(GPtrArray) list = suture_repo_staged_list(path, known, error);
	json_t *json;

	if (!list)
		return FALSE;
	if (!context->json) {
		for (guint i = 0; !context->quiet && i < list->len; i++)
			print_staged(list->pdata[i]);
		if (!context->quiet && list->len == 0)
			g_print("nothing waits for signatures\n");
		return TRUE;
	}
	json = json_array();
	for (guint i = 0; i < list->len; i++)
		json_array_append_new(json, staged_json(list->pdata[i]));
	suture_repo_print_json(json);
	json_decref(json);
	return TRUE;
}

gboolean cmd_repo_stage(SutureContext *context, int argc, char **argv, GError **error)
{
	SutureRepoPublish options = {.now = g_get_real_time() / SECOND};
	g_autofree gchar *folder = NULL, *staged = NULL;
	g_autoptr(SutureRepo) repo = NULL;

	if (!suture_repo_options(NULL, "DIR",
				 "Prepares the next version of each role that changed or whose life is half "
				 "over, signs what "
				 "keys at hand can, and leaves the rest in DIR/staged, one plain file a "
				 "role. Carry these to "
				 "the signers.",
				 0, 0, &argc, &argv, &folder, error))
		return FALSE;
	repo = suture_repo_open(folder, error);
	if (!repo || !suture_repo_stage(repo, &options, error))
		return FALSE;
	staged = suture_repo_staged_path(repo);
	return report(context, staged, NULL, error);
}

gboolean cmd_repo_sign(SutureContext *context, int argc, char **argv, GError **error)
{
	g_auto(GStrv) given = NULL, uris = NULL;
	g_autofree gchar *path = NULL, *known = NULL;
	gboolean dry_run = FALSE;
	const GOptionEntry entries[] = {
		{"key", 'k', 0, G_OPTION_ARG_STRING_ARRAY, &given,
		 "private key to sign with (repeat for several)", "URI"},
		{"dry-run", 'n', 0, G_OPTION_ARG_NONE, &dry_run, "only show what there is to sign", NULL},
		{"against", 'a', 0, G_OPTION_ARG_FILENAME, &known,
		 "show what changes against metadata of your own in this folder", "DIR"},
		{NULL},
	};
	g_autoptr(SutureRepoKeys) keys = NULL;
	guint signed_now;

	if (!suture_repo_options(
		    entries, "PATH --key URI...",
		    "Adds signatures to staged documents in PATH, a folder or a file, each that the key may "
		    "sign, and shows what\\nthey change. Needs no repository: copy DIR/staged to the machine "
		    "that "
		    "has the key, and back.",
		    0, 0, &argc, &argv, &path, error))
		return FALSE;
	if (dry_run)
		return report(context, path, known, error);
	if (!given) {
		g_set_error_literal(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
				    "--key is missing; name the private key to sign with");
		return FALSE;
	}
	uris = suture_repo_absolute_uris(given);
	keys = suture_repo_keys_open((const gchar *const *)uris, error);
	return keys && suture_repo_staged_sign(path, keys, &signed_now, error) &&
	       report(context, path, known, error);
}

gboolean cmd_repo_collect(SutureContext *context, int argc, char **argv, GError **error)
{
	g_autofree gchar *folder = NULL, *staged = NULL;
	g_autoptr(SutureRepo) repo = NULL;
	guint taken, all = 0;

	if (!suture_repo_options(
		    NULL, "DIR PATH...",
		    "Takes over the signatures that signers added to their copies of DIR/staged, those that "
		    "verify alone.",
		    1, -1, &argc, &argv, &folder, error))
		return FALSE;
	repo = suture_repo_open(folder, error);
	if (!repo)
		return FALSE;
	for (int i = 1; i < argc; i++) {
		if (!suture_repo_collect(repo, argv[i], &taken, error))
			return FALSE;
		all += taken;
	}
	if (!context->quiet && !context->json)
		g_print("%u new signature%s\n", all, all == 1 ? "" : "s");
	staged = suture_repo_staged_path(repo);
	return report(context, staged, NULL, error);
}
