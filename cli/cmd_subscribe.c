// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/command.h"
#include "cli/entitlement.h"
#include "cli/row-json.h"
#include "cli/terminal.h"
#include "common/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define CONFIG_PATH "/etc/suture/suture.conf"
#define MAX_CA_BYTES (1024 * 1024)
#define MAX_CONFIG_BYTES (1024 * 1024)

typedef struct {
	gchar *key, *ca, *url, *channel;
} Options;

static void options_clear(Options *options)
{
	g_free(options->key);
	g_free(options->ca);
	g_free(options->url);
	g_free(options->channel);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Options, options_clear)

static gboolean usage(GError **error, const gchar *words)
{
	g_set_error_literal(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED, words);
	return FALSE;
}

static gboolean is_https(const gchar *url)
{
	g_autoptr(GUri) uri = g_uri_parse(url, G_URI_FLAGS_NONE, NULL);

	return uri && strcmp(g_uri_get_scheme(uri), "https") == 0 && g_uri_get_host(uri) &&
	       *g_uri_get_host(uri) && !g_uri_get_query(uri) && !g_uri_get_fragment(uri) &&
	       !g_uri_get_userinfo(uri);
}

static gboolean parse(Options *options, int *argc, char ***argv, GError **error)
{
	const GOptionEntry entries[] = {
		{"key", 'k', 0, G_OPTION_ARG_FILENAME, &options->key,
		 "the private key, where it is not in FILE", "FILE"},
		{"ca", 0, 0, G_OPTION_ARG_FILENAME, &options->ca,
		 "take FILE only if this entitlement root issued it", "FILE"},
		{"url", 'u', 0, G_OPTION_ARG_STRING, &options->url,
		 "fetch from BASE/CHANNEL from now on (suture.conf: [repository] url)", "BASE"},
		{"channel", 'n', 0, G_OPTION_ARG_STRING, &options->channel,
		 "which channel, where FILE opens several", "NAME"},
		{NULL},
	};
	g_autoptr(GOptionContext) parser = g_option_context_new("FILE - install an entitlement");

	g_option_context_set_summary(
		parser, "Checks the certificate that the vendor issued (dates, purpose, private key) and "
			"installs it as\n" SUTURE_ENTITLEMENT_PATH
			", where 'suture fetch' takes it from. The one before is replaced.");
	g_option_context_add_main_entries(parser, entries, NULL);
	if (!g_option_context_parse(parser, argc, argv, error))
		return FALSE;
	if (*argc != 2)
		return usage(error, "give one file: the entitlement that the vendor issued");
	if (options->url && !is_https(options->url))
		return usage(error, "--url: give an https URL: entitlements are shown to no other server");
	return (options->url || !options->channel) || usage(error, "--channel goes with --url");
}

/* Certificate and key in one file. */
static GBytes *read_all(const Options *options, const gchar *path, GError **error)
{
	g_autoptr(GBytes) pem = suture_file_read(path, SUTURE_ENTITLEMENT_MAX_BYTES, error);
	g_autoptr(GBytes) key = NULL;
	g_autoptr(GByteArray) both = NULL;

	if (!pem || !options->key)
		return g_steal_pointer(&pem);
	key = suture_file_read(options->key, SUTURE_ENTITLEMENT_MAX_BYTES, error);
	if (!key)
		return NULL;
	both = g_byte_array_new();
	g_byte_array_append(both, g_bytes_get_data(pem, NULL), (guint)g_bytes_get_size(pem));
	g_byte_array_append(both, (const guint8 *)"\n", 1);
	g_byte_array_append(both, g_bytes_get_data(key, NULL), (guint)g_bytes_get_size(key));
	return g_byte_array_free_to_bytes(g_steal_pointer(&both));
}

static SutureEntitlement *check(const Options *options, GBytes *pem, gint64 now, GError **error)
{
	g_autoptr(SutureEntitlement) entitlement = suture_entitlement_parse(pem, error);
	g_autoptr(GBytes) ca = NULL;

	if (!entitlement || !suture_entitlement_check_key(pem, error) ||
	    !suture_entitlement_check_time(entitlement, now, error))
		return NULL;
	if (options->ca) {
		ca = suture_file_read(options->ca, MAX_CA_BYTES, error);
		if (!ca || !suture_entitlement_check_issuer(pem, ca, error))
			return NULL;
	}
	return g_steal_pointer(&entitlement);
}

/* The URL of the channel; *@ret NULL when none is asked for. */
static gboolean choose_url(const Options *options, const SutureEntitlement *entitlement, gchar **ret,
			   GError **error)
{
	const gchar *channel = options->channel ? options->channel : entitlement->channels[0];
	g_autofree gchar *channels = g_strjoinv(", ", entitlement->channels);
	g_autofree gchar *base = g_strdup(options->url);

	if (!base)
		return TRUE;
	if ((!options->channel && entitlement->channels[1]) ||
	    !g_strv_contains((const gchar *const *)entitlement->channels, channel)) {
		g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
			    "this entitlement opens %s: name one of them with --channel", channels);
		return FALSE;
	}
	while (g_str_has_suffix(base, "/"))
		base[strlen(base) - 1] = '\0';
	*ret = g_strdup_printf("%s/%s", base, channel);
	return TRUE;
}

/* Whether the file holds these bytes, for its owner alone. */
static gboolean is_there(const gchar *path, GBytes *pem)
{
	SUTURE_AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	g_autoptr(GBytes) old = NULL;
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0 || (status.st_mode & 07777) != 0600)
		return FALSE;
	old = suture_file_read_fd(fd, SUTURE_ENTITLEMENT_MAX_BYTES * 2, path, NULL);
	return old && g_bytes_equal(old, pem);
}

static gboolean install(const gchar *path, GBytes *pem, gboolean *ret_changed, GError **error)
{
	g_autofree gchar *folder = g_path_get_dirname(path);
	g_autofree gchar *name = g_path_get_basename(path);
	SUTURE_AUTO_FD fd = suture_file_open_folder(folder, TRUE, error);

	if (fd < 0)
		return FALSE;
	*ret_changed = !is_there(path, pem);
	return !*ret_changed || suture_file_write_atomic(fd, name, pem, 0600, error);
}

/* Comments and all else in suture.conf stay. */
static gboolean set_url(const SutureContext *context, const gchar *url, gboolean *ret_changed, GError **error)
{
	g_autofree gchar *path = suture_context_path(context, CONFIG_PATH);
	g_autoptr(GKeyFile) file = g_key_file_new();
	g_autoptr(GBytes) bytes = NULL;
	g_autofree gchar *old = NULL;
	struct stat status = {.st_mode = 0644};
	gchar *text;
	gsize size;

	if (stat(path, &status) < 0 && errno != ENOENT)
		return suture_error_set_errno(error, errno, "%s", path);
	if (g_file_test(path, G_FILE_TEST_EXISTS)) {
		g_autoptr(GBytes) config = suture_file_read(path, MAX_CONFIG_BYTES, error);

		if (!config)
			return FALSE;
		if (g_bytes_get_size(config) > 0 &&
		    !g_key_file_load_from_bytes(file, config, G_KEY_FILE_KEEP_COMMENTS, error)) {
			g_prefix_error(error, "%s: ", path);
			return FALSE;
		}
	}
	old = g_key_file_get_string(file, "repository", "url", NULL);
	*ret_changed = g_strcmp0(old, url) != 0;
	if (!*ret_changed)
		return TRUE;
	g_key_file_set_string(file, "repository", "url", url);
	text = g_key_file_to_data(file, &size, NULL);
	bytes = g_bytes_new_take(text, size);
	return suture_file_write_atomic_path(path, bytes, status.st_mode & 0777, error);
}

static void print(const SutureContext *context, const SutureEntitlement *entitlement, const gchar *path,
		  const gchar *url, gboolean changed, gint64 days_left)
{
	g_autofree gchar *channels = g_strjoinv(", ", entitlement->channels);
	g_autofree gchar *customer = suture_terminal_text(entitlement->customer);
	SUTURE_AUTO_JSON *json = suture_host_entitlement_json(entitlement, days_left);

	json_object_set_new(json, "file", json_string(path));
	json_object_set_new(json, "url", url ? json_string(url) : json_null());
	json_object_set_new(json, "changed", json_boolean(changed));
	if (context->json) {
		suture_print_json(json);
		return;
	}
	if (context->quiet)
		return;
	g_print("%s: entitlement of %s to %s, for %" G_GINT64_FORMAT " days\n",
		changed ? "installed" : "there already", customer, channels, days_left);
	if (url)
		g_print("suture fetch asks %s\n", url);
}

gboolean cmd_subscribe(SutureContext *context, int argc, char **argv, GError **error)
{
	g_auto(Options) options = {NULL};
	gint64 now = suture_host_entitlement_now(context);
	g_autofree gchar *path = suture_context_path(context, SUTURE_ENTITLEMENT_PATH);
	g_autofree gchar *url = NULL;
	g_autoptr(GBytes) pem = NULL;
	g_autoptr(SutureEntitlement) entitlement = NULL;
	gboolean changed = FALSE, moved = FALSE;

	if (!parse(&options, &argc, &argv, error))
		return FALSE;
	pem = read_all(&options, argv[1], error);
	entitlement = pem ? check(&options, pem, now, error) : NULL;
	if (!entitlement || !choose_url(&options, entitlement, &url, error) ||
	    !install(path, pem, &changed, error) || (url && !set_url(context, url, &moved, error)))
		return FALSE;
	print(context, entitlement, path, url, changed || moved,
	      suture_entitlement_days_left(entitlement, now));
	return TRUE;
}
