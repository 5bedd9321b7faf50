// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/fetch-config.h"

#include "cli/terminal.h"

#include <pwd.h>
#include <unistd.h>

#define CONFIG_PATH "/etc/suture/suture.conf"
#define MAX_SECONDS 3600
#define DEFAULT_USER "suture"
#define DOWNLOAD_FOLDER "/var/lib/suture/download"

void suture_fetch_config_clear(SutureFetchConfig *config)
{
	g_strfreev(config->urls);
	g_free(config->ca_file);
	g_free(config->ca_folder);
	g_free(config->client_certificate);
	g_free(config->client_key);
	g_free(config->proxy);
	g_free(config->no_proxy);
	g_free(config->proxy_ca_file);
	g_free(config->user);
	g_free(config->folder);
}

static gboolean only_known_keys(GKeyFile *file, const gchar *path, const gchar *group,
				const gchar *const *known, GError **error)
{
	g_auto(GStrv) keys = g_key_file_get_keys(file, group, NULL, NULL);

	for (gchar **key = keys; key && *key; key++)
		if (!g_strv_contains(known, *key)) {
			g_set_error(error, SUTURE_COMMON_ERROR, SUTURE_COMMON_ERROR_CONFIG,
				    "%s: [%s] has no key '%s'; suture.conf(5) lists them", path, group, *key);
			return FALSE;
		}
	return TRUE;
}

/* Leaves *@ret at 0 where the file does not say. */
static gboolean get_seconds(GKeyFile *file, const gchar *path, const gchar *key, guint *ret, GError **error)
{
	g_autofree gchar *text = g_key_file_get_string(file, "fetch", key, NULL);
	guint64 value;

	if (!text)
		return TRUE;
	if (!g_ascii_string_to_unsigned(text, 10, 1, MAX_SECONDS, &value, NULL)) {
		g_set_error(error, SUTURE_COMMON_ERROR, SUTURE_COMMON_ERROR_CONFIG,
			    "%s: [fetch] %s=%s: give seconds from 1 to %d", path, key, text, MAX_SECONDS);
		return FALSE;
	}
	*ret = (guint)value;
	return TRUE;
}

/* A file of this host, below its root; NULL when the key is not there. */
static gchar *get_path(const SutureContext *context, GKeyFile *file, const gchar *group, const gchar *key)
{
	g_autofree gchar *path = g_key_file_get_string(file, group, key, NULL);

	return path ? suture_context_path(context, path) : NULL;
}

/* NULL for a list without an entry. */
static GStrv get_urls(GKeyFile *file)
{
	g_auto(GStrv) given = g_key_file_get_string_list(file, "repository", "url", NULL, NULL);
	g_autoptr(GPtrArray) urls = g_ptr_array_new();

	for (gchar **url = given; url && *url; url++)
		if (*g_strstrip(*url))
			g_ptr_array_add(urls, g_strdup(*url));
	if (urls->len == 0)
		return NULL;
	g_ptr_array_add(urls, NULL);
	return (GStrv)g_ptr_array_free(g_steal_pointer(&urls), FALSE);
}

static gboolean read_file(const SutureContext *context, GKeyFile *file, const gchar *path,
			  SutureFetchConfig *config, GError **error)
{
	static const gchar *const repository_keys[] = {
		"url", "ca-file", "ca-folder", "client-certificate", "client-key", "entitlement-warn-days",
		NULL};
	static const gchar *const fetch_keys[] = {
		"stall-seconds", "connect-seconds", "proxy", "no-proxy", "proxy-ca-file", "user", NULL};

	if (!only_known_keys(file, path, "repository", repository_keys, error) ||
	    !only_known_keys(file, path, "fetch", fetch_keys, error) ||
	    !get_seconds(file, path, "stall-seconds", &config->stall_seconds, error) ||
	    !get_seconds(file, path, "connect-seconds", &config->connect_seconds, error))
		return FALSE;
	config->urls = get_urls(file);
	config->ca_file = get_path(context, file, "repository", "ca-file");
	config->ca_folder = get_path(context, file, "repository", "ca-folder");
	config->client_certificate = get_path(context, file, "repository", "client-certificate");
	config->client_key = get_path(context, file, "repository", "client-key");
	config->proxy = g_key_file_get_string(file, "fetch", "proxy", NULL);
	config->no_proxy = g_key_file_get_string(file, "fetch", "no-proxy", NULL);
	config->proxy_ca_file = get_path(context, file, "fetch", "proxy-ca-file");
	config->user = g_key_file_get_string(file, "fetch", "user", NULL);
	return TRUE;
}

/* Root downloads as somebody else, where there is somebody; below another root only where suture.conf there
 * says so. */
static void choose_user(const SutureContext *context, SutureFetchConfig *config)
{
	gboolean by_itself = geteuid() == 0 && !context->root && getpwnam(DEFAULT_USER);

	if (!config->user && by_itself)
		config->user = g_strdup(DEFAULT_USER);
	if (config->user && !*config->user)
		g_clear_pointer(&config->user, g_free);
	config->folder = suture_context_path(context, DOWNLOAD_FOLDER);
}

gboolean suture_fetch_config_load(const SutureContext *context, SutureFetchConfig *ret, GError **error)
{
	g_autofree gchar *path = suture_context_path(context, CONFIG_PATH);
	g_autoptr(GKeyFile) file = g_key_file_new();

	if (g_file_test(path, G_FILE_TEST_EXISTS)) {
		if (!g_key_file_load_from_file(file, path, G_KEY_FILE_NONE, error)) {
			g_prefix_error(error, "%s: ", path);
			return FALSE;
		}
		if (!read_file(context, file, path, ret, error))
			return FALSE;
	}
	choose_user(context, ret);
	return TRUE;
}

SutureHttpOptions suture_fetch_config_http(const SutureFetchConfig *config)
{
	return (SutureHttpOptions){
		.ca_file = config->ca_file,
		.ca_folder = config->ca_folder,
		.proxy = config->proxy,
		.no_proxy = config->no_proxy,
		.proxy_ca_file = config->proxy_ca_file,
		.client_key = config->client_certificate ? config->client_key : NULL,
		.stall_seconds = config->stall_seconds,
		.connect_seconds = config->connect_seconds,
		.user = config->user,
		.folder = config->folder,
		.progress = suture_terminal_progress,
	};
}
