// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/repo-internal.h"

#include "common/file.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define SECOND G_USEC_PER_SEC

gboolean suture_repo_options(const GOptionEntry *entries, const gchar *usage, const gchar *description,
			     int min, int max, int *argc, char ***argv, gchar **ret_folder, GError **error)
{
	g_autoptr(GOptionContext) options = g_option_context_new(usage);
	int given;

	g_option_context_set_summary(options, description);
	if (entries)
		g_option_context_add_main_entries(options, entries, NULL);
	if (!g_option_context_parse(options, argc, argv, error))
		return FALSE;
	given = *argc - 2;
	if (given < min || (max >= 0 && given > max)) {
		g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED, "usage: repo %s %s", (*argv)[0],
			    usage);
		return FALSE;
	}
	*ret_folder = g_strdup((*argv)[1]);
	(*argv)++;
	(*argc)--;
	return TRUE;
}

gboolean suture_repo_metadata_time(gint64 now, gint64 *ret, GError **error)
{
	const gchar *epoch = g_getenv("SOURCE_DATE_EPOCH");
	guint64 value;

	if (!epoch) {
		*ret = now;
		return TRUE;
	}
	if (!g_ascii_string_to_unsigned(epoch, 10, 0, G_MAXINT64, &value, NULL)) {
		g_set_error(error, SUTURE_COMMON_ERROR, SUTURE_COMMON_ERROR_CONFIG,
			    "SOURCE_DATE_EPOCH=%s: not seconds since 1970; unset or correct it", epoch);
		return FALSE;
	}
	*ret = (gint64)value;
	return TRUE;
}

void suture_repo_print_json(json_t *json)
{
	gchar *text = json_dumps(json, JSON_INDENT(2));

	g_print("%s\n", text);
	free(text);
}

static gboolean add_one(SutureContext *context, SutureRepo *repo, const gchar *path, json_t *report,
			GError **error)
{
	gboolean added;
	g_autoptr(SutureRepoBundle) bundle =
		suture_repo_add(repo, path, g_get_real_time() / SECOND, &added, error);

	if (!bundle)
		return FALSE;
	if (context->json)
		json_array_append_new(report, json_pack("{s:s, s:s, s:s, s:s, s:b}", "bundle", bundle->id,
							"kernel", bundle->kernel, "file", bundle->file,
							"sha256", bundle->sha256, "added", added));
	else if (!context->quiet)
		g_print("%s %s for %s\n", added ? "added" : "present", bundle->id, bundle->kernel);
	return TRUE;
}

static gboolean repo_add(SutureContext *context, int argc, char **argv, GError **error)
{
	g_autofree gchar *folder = NULL;
	g_autoptr(SutureRepo) repo = NULL;
	json_t *report;
	gboolean ok = TRUE;

	if (!suture_repo_options(
		    NULL, "DIR FILE.rpm...",
		    "Takes bundles in, each checked as a host with the repository's trust checks it. "
		    "Readers see them after the next publish.",
		    1, -1, &argc, &argv, &folder, error))
		return FALSE;
	repo = suture_repo_open(folder, error);
	if (!repo)
		return FALSE;
	report = json_array();
	for (int i = 1; ok && i < argc; i++)
		ok = add_one(context, repo, argv[i], report, error);
	if (ok && context->json)
		suture_repo_print_json(report);
	json_decref(report);
	return ok;
}

/* What is done to a bundle of one kernel. */
typedef gboolean (*Change)(SutureRepo *repo, const gchar *kernel, const gchar *id, gpointer data,
			   GError **error);

static gboolean change_one(SutureContext *context, SutureRepo *repo, const gchar *kernel, const gchar *id,
			   const gchar *done, Change change, gpointer data, GError **error)
{
	if (!change(repo, kernel, id, data, error))
		return FALSE;
	if (!context->quiet)
		g_print("%s %s for %s\n", done, id, kernel);
	return TRUE;
}

/* Without @kernel it is done for every kernel that has the bundle. */
static gboolean change_bundle(SutureContext *context, SutureRepo *repo, const gchar *kernel, const gchar *id,
			      const gchar *done, Change change, gpointer data, GError **error)
{
	g_autoptr(GPtrArray) kernels = NULL;
	guint changed = 0;

	if (kernel)
		return change_one(context, repo, kernel, id, done, change, data, error);
	kernels = suture_repo_kernel_list(repo, error);
	for (guint i = 0; kernels && i < kernels->len; i++) {
		if (!suture_repo_has(repo, kernels->pdata[i], id))
			continue;
		if (!change_one(context, repo, kernels->pdata[i], id, done, change, data, error))
			return FALSE;
		changed++;
	}
	if (kernels && changed == 0)
		g_set_error(error, SUTURE_REPO_ERROR, SUTURE_REPO_ERROR_UNKNOWN,
			    "%s: not in the repository; 'suture repo list' shows what is", id);
	return changed > 0;
}

static gboolean take_out(SutureRepo *repo, const gchar *kernel, const gchar *id, gpointer data,
			 GError **error)
{
	(void)data;
	return suture_repo_remove(repo, kernel, id, error);
}

static gboolean repo_remove(SutureContext *context, int argc, char **argv, GError **error)
{
	g_autofree gchar *folder = NULL, *kernel = NULL;
	const GOptionEntry entries[] = {
		{"kernel", 0, 0, G_OPTION_ARG_STRING, &kernel, "for this kernel release alone", "RELEASE"},
		{NULL},
	};
	g_autoptr(SutureRepo) repo = NULL;

	if (!suture_repo_options(
		    entries, "DIR NAME-VERSION-RELEASE",
		    "Takes a bundle out. Readers stop seeing it after the next publish; its file stays "
		    "until prune. Hosts that have it keep it: to recall it, see 'suture repo withdraw'.",
		    1, 1, &argc, &argv, &folder, error))
		return FALSE;
	repo = suture_repo_open(folder, error);
	return repo && change_bundle(context, repo, kernel, argv[1], "removed", take_out, NULL, error);
}

static gboolean recall(SutureRepo *repo, const gchar *kernel, const gchar *id, gpointer reason,
		       GError **error)
{
	return suture_repo_withdraw(repo, kernel, id, reason, g_get_real_time() / SECOND, error);
}

static gboolean repo_withdraw(SutureContext *context, int argc, char **argv, GError **error)
{
	g_autofree gchar *folder = NULL, *kernel = NULL, *reason = NULL;
	const GOptionEntry entries[] = {
		{"kernel", 0, 0, G_OPTION_ARG_STRING, &kernel, "for this kernel release alone", "RELEASE"},
		{"reason", 0, 0, G_OPTION_ARG_STRING, &reason, "why, for the people of the hosts", "TEXT"},
		{NULL},
	};
	g_autoptr(SutureRepo) repo = NULL;

	if (!suture_repo_options(entries, "DIR NAME-VERSION-RELEASE --reason TEXT",
				 "Takes a bundle out and recalls it: from the next publish on hosts show the "
				 "reason, do not "
				 "apply the patch\nagain, and their policy says whether it is reverted. It "
				 "cannot be added "
				 "again.",
				 1, 1, &argc, &argv, &folder, error))
		return FALSE;
	if (!reason || !*reason || strlen(reason) > SUTURE_REPO_REASON_MAX) {
		g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
			    "--reason: give one of 1 to %d bytes", SUTURE_REPO_REASON_MAX);
		return FALSE;
	}
	repo = suture_repo_open(folder, error);
	return repo && change_bundle(context, repo, kernel, argv[1], "withdrew", recall, reason, error);
}

static gboolean print_published(SutureContext *context, SutureRepo *repo, gboolean changed, GError **error)
{
	SutureRepoStatus status;
	json_t *json;

	if (!suture_repo_status(repo, &status, error))
		return FALSE;
	if (context->json) {
		json = json_pack("{s:b, s:i}", "changed", changed, "bundles", (int)status.bundles);
		for (guint i = 0; i < SUTURE_REPO_N_ROLES; i++)
			json_object_set_new(json, suture_repo_role_name(i),
					    json_integer(status.roles[i].version));
		suture_repo_print_json(json);
		json_decref(json);
	} else if (!context->quiet) {
		g_print("%s:", changed ? "published" : "nothing new");
		for (guint i = 0; i < SUTURE_REPO_N_ROLES; i++)
			g_print(" %s %" G_GINT64_FORMAT, suture_repo_role_name(i), status.roles[i].version);
		g_print(", %u bundle%s\n", status.bundles, status.bundles == 1 ? "" : "s");
	}
	return TRUE;
}

static gboolean repo_publish(SutureContext *context, int argc, char **argv, GError **error)
{
	SutureRepoPublish publish = {.now = g_get_real_time() / SECOND};
	g_auto(GStrv) kernels = NULL;
	const GOptionEntry entries[] = {
		{"kernel", 0, 0, G_OPTION_ARG_STRING_ARRAY, &kernels,
		 "of the kernels look at this one alone; what the others wait for goes on waiting",
		 "RELEASE"},
		{"refresh", 0, 0, G_OPTION_ARG_NONE, &publish.refresh,
		 "sign snapshot and timestamp anew, even when nothing changed", NULL},
		{"all", 0, 0, G_OPTION_ARG_NONE, &publish.all,
		 "look at every kernel and public file, not only at what changed", NULL},
		{NULL},
	};
	g_autofree gchar *folder = NULL;
	g_autoptr(SutureRepo) repo = NULL;
	gboolean changed;

	if (!suture_repo_options(
		    entries, "DIR",
		    "Makes DIR/public offer what was added and removed. Completes a publish that was cut "
		    "short; signs metadata anew once half of its life is over.\nRefuses while a role that "
		    "changed "
		    "lacks signatures: 'suture repo stage' and 'sign' get them.",
		    0, 0, &argc, &argv, &folder, error) ||
	    !suture_repo_metadata_time(publish.now, &publish.metadata_time, error))
		return FALSE;
	publish.kernels = (const gchar *const *)kernels;
	repo = suture_repo_open(folder, error);
	return repo && suture_repo_publish(repo, &publish, &changed, error) &&
	       print_published(context, repo, changed, error);
}

static gboolean repo_refresh(SutureContext *context, int argc, char **argv, GError **error)
{
	g_autofree gchar *folder = NULL;
	g_autoptr(SutureRepo) repo = NULL;
	g_autoptr(GError) cause = NULL;

	if (!suture_repo_options(NULL, "DIR",
				 "Signs timestamp anew over what is published, and snapshot once half of its "
				 "life is over. "
				 "For a daily job that has these keys alone: what waits for other signatures "
				 "goes on waiting.",
				 0, 0, &argc, &argv, &folder, error))
		return FALSE;
	repo = suture_repo_open(folder, error);
	if (!repo || (!suture_repo_refresh(repo, g_get_real_time() / SECOND, &cause) &&
		      !g_error_matches(cause, SUTURE_REPO_ERROR, SUTURE_REPO_ERROR_EXPIRING))) {
		if (cause)
			g_propagate_error(error, g_steal_pointer(&cause));
		return FALSE;
	}
	if (!print_published(context, repo, TRUE, error))
		return FALSE;
	/* It is done; but somebody has to hear of what ends soon. */
	if (!cause)
		return TRUE;
	g_propagate_error(error, g_steal_pointer(&cause));
	return FALSE;
}

static gboolean repo_root(SutureContext *context, int argc, char **argv, GError **error)
{
	g_autofree gchar *folder = NULL, *output = NULL;
	const GOptionEntry entries[] = {
		{"output", 'o', 0, G_OPTION_ARG_FILENAME, &output, "write it there", "FILE"},
		{NULL},
	};
	g_autoptr(SutureRepo) repo = NULL;
	GBytes *root;

	(void)context;
	if (!suture_repo_options(
		    entries, "DIR",
		    "Prints the newest root.json, which hosts get as /etc/suture/trust/root.json.", 0, 0,
		    &argc, &argv, &folder, error))
		return FALSE;
	repo = suture_repo_open(folder, error);
	root = repo ? suture_repo_root(repo, error) : NULL;
	if (!root)
		return FALSE;
	if (output)
		return suture_file_write_atomic_path(output, root, 0644, error);
	return suture_file_write_fd(STDOUT_FILENO, g_bytes_get_data(root, NULL), g_bytes_get_size(root),
				    error);
}

static gboolean repo_prune(SutureContext *context, int argc, char **argv, GError **error)
{
	g_autofree gchar *folder = NULL;
	g_autoptr(SutureRepo) repo = NULL;
	guint removed;

	if (!suture_repo_options(
		    NULL, "DIR",
		    "Deletes public files that metadata no longer leads to. Wait some hours after a publish: "
		    "readers that started before it still ask for them.",
		    0, 0, &argc, &argv, &folder, error))
		return FALSE;
	repo = suture_repo_open(folder, error);
	if (!repo || !suture_repo_prune(repo, &removed, error))
		return FALSE;
	if (!context->quiet)
		g_print("removed %u file%s\n", removed, removed == 1 ? "" : "s");
	return TRUE;
}

static const SutureCommand subcommands[] = {
	{"init", cmd_repo_init, "make a repository and its first root metadata"},
	{"add", repo_add, "take in bundles that a host would accept"},
	{"remove", repo_remove, "take a bundle out"},
	{"withdraw", repo_withdraw, "take a bundle out and recall it from hosts"},
	{"stage", cmd_repo_stage, "prepare what changed for keys that are not here"},
	{"sign", cmd_repo_sign, "add signatures to what is staged, on any machine"},
	{"collect", cmd_repo_collect, "take signatures over that were made elsewhere"},
	{"publish", repo_publish, "make the public folder offer what the repository holds"},
	{"refresh", repo_refresh, "sign timestamp anew, and nothing else"},
	{"list", cmd_repo_list, "the bundles in the repository"},
	{"status", cmd_repo_status, "versions, expiry, and what waits to be published"},
	{"root", repo_root, "print the newest root.json for hosts"},
	{"rotate", cmd_repo_rotate, "make the next root metadata: new keys or a later expiry"},
	{"delegate", cmd_repo_delegate, "give kernels' roles keys of their own"},
	{"prune", repo_prune, "delete public files that nothing leads to any more"},
	{NULL},
};

static void print_help(void)
{
	g_print("Usage: %s COMMAND DIR [ARGUMENTS]\n\n", g_get_prgname());
	for (const SutureCommand *command = subcommands; command->name; command++)
		g_print("  %-8s %s\n", command->name, command->help);
	g_print("\n'%s COMMAND --help' says more; so does suture-repo(1).\n", g_get_prgname());
}

gboolean cmd_repo(SutureContext *context, int argc, char **argv, GError **error)
{
	if (argc >= 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
		print_help();
		return TRUE;
	}
	for (const SutureCommand *command = subcommands; argc >= 2 && command->name; command++)
		if (strcmp(argv[1], command->name) == 0) {
			g_autofree gchar *program = g_strdup_printf("%s %s", g_get_prgname(), command->name);

			g_set_prgname(program);
			return command->run(context, argc - 1, argv + 1, error);
		}
	g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED, "no such command; '%s --help' lists them",
		    g_get_prgname());
	return FALSE;
}
