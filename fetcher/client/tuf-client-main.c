// SPDX-License-Identifier: LGPL-2.1-or-later
/* suture-tuf-client: the TUF client behind `suture fetch`, for TUF test harnesses to drive. */
#include "common/cancel.h"
#include "common/file.h"
#include "fetcher/client/tuf-client.h"
#include "fetcher/client/tuf-target.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

typedef struct {
	gchar *metadata_dir, *metadata_url, *target_dir, *target_base_url;
	gchar **target_names;
	gint stall_seconds, max_stale;
} Arguments;

static void arguments_clear(Arguments *arguments)
{
	g_free(arguments->metadata_dir);
	g_free(arguments->metadata_url);
	g_free(arguments->target_dir);
	g_free(arguments->target_base_url);
	g_strfreev(arguments->target_names);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Arguments, arguments_clear)

static gboolean usage(GError **error, const gchar *what)
{
	g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED, "%s; see --help", what);
	return FALSE;
}

static gboolean run_init(const Arguments *arguments, const gchar *root_path, GError **error)
{
	g_autoptr(GBytes) root = suture_file_read(root_path, SUTURE_TUF_MAX_ROOT_BYTES, error);

	return root && suture_tuf_init(arguments->metadata_dir, root, error);
}

/* A target's name as one file name: percent-encoded, and never hidden nor "..". */
static gchar *file_name_of(const gchar *target)
{
	g_autofree gchar *escaped = g_uri_escape_string(target, NULL, FALSE);

	if (strlen(escaped) > 200)
		return g_compute_checksum_for_string(G_CHECKSUM_SHA256, target, -1);
	return escaped[0] == '.' ? g_strconcat("%2E", escaped + 1, NULL) : g_steal_pointer(&escaped);
}

static gboolean is_there(const SutureTufTarget *target, int folder, const gchar *name)
{
	SUTURE_AUTO_FD fd = suture_file_open_beneath(folder, name, O_RDONLY, 0, NULL);

	return fd >= 0 && suture_tuf_target_check(target, fd, NULL);
}

static gboolean download_to(SutureTufClient *client, const SutureTufTarget *target,
			    const Arguments *arguments, int folder, const gchar *temporary, GError **error)
{
	SUTURE_AUTO_FD fd =
		suture_file_open_beneath(folder, temporary, O_RDWR | O_CREAT | O_EXCL, 0644, error);

	if (fd < 0 || !suture_tuf_client_download(client, target, arguments->target_base_url, fd, error))
		return FALSE;
	return fsync(fd) == 0 || suture_error_set_errno(error, errno, "%s", target->name);
}

static gboolean download_one(SutureTufClient *client, const gchar *name, const Arguments *arguments,
			     int folder, GError **error)
{
	const SutureTufTarget *target = suture_tuf_client_find(client, name, error);
	g_autofree gchar *file = file_name_of(name);
	g_autofree gchar *temporary = g_strdup_printf(".%.200s.%08x", file, g_random_int());

	if (!target)
		return FALSE;
	if (is_there(target, folder, file))
		return TRUE;
	if (!download_to(client, target, arguments, folder, temporary, error)) {
		unlinkat(folder, temporary, 0);
		return FALSE;
	}
	if (renameat(folder, temporary, folder, file) < 0)
		return suture_error_set_errno(error, errno, "%s", file);
	return TRUE;
}

static SutureTufClient *refreshed(const Arguments *arguments, SutureHttp *http, GError **error)
{
	g_autoptr(SutureTufClient) client = suture_tuf_client_new(
		arguments->metadata_dir, arguments->metadata_url, http, (gint64)time(NULL), error);

	if (client)
		suture_tuf_client_set_max_stale(client, (guint)MAX(arguments->max_stale, 0));
	return client && suture_tuf_client_refresh(client, error) ? g_steal_pointer(&client) : NULL;
}

static gboolean run_refresh(const Arguments *arguments, SutureHttp *http, GError **error)
{
	g_autoptr(SutureTufClient) client = refreshed(arguments, http, error);

	return client != NULL;
}

static gboolean run_download(const Arguments *arguments, SutureHttp *http, GError **error)
{
	g_autoptr(SutureTufClient) client = NULL;
	SUTURE_AUTO_FD folder = -1;

	if (!arguments->target_names || !arguments->target_dir || !arguments->target_base_url)
		return usage(error, "download needs --target-name, --target-dir and --target-base-url");
	client = refreshed(arguments, http, error);
	if (!client)
		return FALSE;
	folder = suture_file_open_folder(arguments->target_dir, TRUE, error);
	if (folder < 0)
		return FALSE;
	for (gchar **name = arguments->target_names; *name; name++)
		if (!download_one(client, *name, arguments, folder, error))
			return FALSE;
	return TRUE;
}

static gboolean run_list(const Arguments *arguments, const gchar *folder, SutureHttp *http, GError **error)
{
	g_autoptr(SutureTufClient) client = refreshed(arguments, http, error);
	g_autoptr(GPtrArray) targets = client ? suture_tuf_client_list(client, folder, error) : NULL;

	for (guint i = 0; targets && i < targets->len; i++)
		g_print("%s\n", ((const SutureTufTarget *)targets->pdata[i])->name);
	return targets != NULL;
}

/* One line a role: its file as served, how many targets its delegations allow it, or why it is refused. */
static gboolean print_role(const SutureTufWalked *role, gpointer data, GError **error)
{
	guint allowed = 0;

	(void)data, (void)error;
	for (guint i = 0; role->metadata && i < role->metadata->targets->len; i++) {
		const SutureTufTarget *target = role->metadata->targets->pdata[i];

		allowed += suture_tuf_walked_allows(role, target->name);
	}
	if (role->metadata)
		g_print("%s %u\n", role->served, allowed);
	else
		g_print("%s %s\n", role->served, suture_error_reason(role->refusal));
	return TRUE;
}

static gboolean has_prefix(const gchar *role, gpointer prefix)
{
	return g_str_has_prefix(role, prefix);
}

static gboolean run_roles(const Arguments *arguments, const gchar *prefix, SutureHttp *http, GError **error)
{
	g_autoptr(SutureTufClient) client = refreshed(arguments, http, error);

	return client && suture_tuf_client_walk(client, has_prefix, print_role, (gpointer)prefix, error);
}

static gboolean run(const Arguments *arguments, int argc, char **argv, GError **error)
{
	const SutureHttpOptions options = {.stall_seconds = (guint)MAX(arguments->stall_seconds, 0)};
	g_autoptr(SutureHttp) http = NULL;

	if (!arguments->metadata_dir || argc < 2)
		return usage(error, "--metadata-dir and a command are needed");
	if (strcmp(argv[1], "init") == 0)
		return argc == 3 ? run_init(arguments, argv[2], error) : usage(error, "init needs ROOT.json");
	if (!arguments->metadata_url || argc > 3)
		return usage(error, "--metadata-url and one command are needed");
	http = suture_http_new(&options, error);
	if (!http)
		return FALSE;
	if (strcmp(argv[1], "list") == 0 && argc == 3)
		return run_list(arguments, argv[2], http, error);
	if (strcmp(argv[1], "roles") == 0 && argc == 3)
		return run_roles(arguments, argv[2], http, error);
	if (argc != 2)
		return usage(error, "one command is needed");
	if (strcmp(argv[1], "refresh") == 0)
		return run_refresh(arguments, http, error);
	if (strcmp(argv[1], "download") == 0)
		return run_download(arguments, http, error);
	return usage(error, "the commands are init, refresh, download, list and roles");
}

int main(int argc, char **argv)
{
	g_auto(Arguments) arguments = {0};
	const GOptionEntry entries[] = {
		{"metadata-dir", 0, 0, G_OPTION_ARG_FILENAME, &arguments.metadata_dir,
		 "Where trusted metadata is kept", "DIR"},
		{"metadata-url", 0, 0, G_OPTION_ARG_STRING, &arguments.metadata_url,
		 "Where the repository's metadata is", "URL"},
		{"target-name", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &arguments.target_names,
		 "A target to download; may be repeated", "NAME"},
		{"target-dir", 0, 0, G_OPTION_ARG_FILENAME, &arguments.target_dir,
		 "Where downloaded targets go", "DIR"},
		{"target-base-url", 0, 0, G_OPTION_ARG_STRING, &arguments.target_base_url,
		 "Where the repository's targets are", "URL"},
		{"stall-seconds", 0, 0, G_OPTION_ARG_INT, &arguments.stall_seconds,
		 "Give up on a server that is slow for so long", "N"},
		{"max-stale", 0, 0, G_OPTION_ARG_INT, &arguments.max_stale,
		 "Use timestamp and snapshot for so many days after their end", "DAYS"},
		{NULL},
	};
	g_autoptr(GOptionContext) context =
		g_option_context_new("init ROOT.json | refresh | download | list FOLDER | roles PREFIX");
	g_autoptr(GError) error = NULL;

	suture_cancel_install();
	g_option_context_set_summary(context, "A TUF client for test harnesses; exits with 0 or 1.");
	g_option_context_add_main_entries(context, entries, NULL);
	if (g_option_context_parse(context, &argc, &argv, &error) && run(&arguments, argc, argv, &error))
		return 0;
	g_printerr("suture-tuf-client: %s [%s]\n", error->message, suture_error_reason(error));
	return 1;
}
