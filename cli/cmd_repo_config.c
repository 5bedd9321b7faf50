// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/command.h"
#include "cli/entitlement.h"
#include "cli/installed.h"

#include "common/file.h"
#include "packager/read/bundle.h"

#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#define CONF_PATH "/etc/suture/suture.conf"
#define CONF_MAX_BYTES (64 * 1024)
#define REPO_FILE "suture.repo"
#define REPO_MAX_BYTES (1024 * 1024)

/* suture.conf's TLS keys, and what dnf and zypper call them. */
static const struct {
	const gchar *ours, *theirs;
} tls_keys[] = {
	{"ca-file", "sslcacert"},
	{"client-certificate", "sslclientcert"},
	{"client-key", "sslclientkey"},
};

typedef struct {
	gchar *url, *output;
	gchar **releases;
} Options;

static void options_clear(Options *options)
{
	g_free(options->url);
	g_free(options->output);
	g_strfreev(options->releases);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Options, options_clear)

static gboolean refuse(GError **error, const gchar *where, const gchar *problem)
{
	g_set_error(error, SUTURE_COMMON_ERROR, SUTURE_COMMON_ERROR_CONFIG, "%s: %s", where, problem);
	return FALSE;
}

/* suture.conf below the root; an absent one is empty, since --url may say all that is needed. */
static GKeyFile *load_conf(const SutureContext *context, GError **error)
{
	g_autofree gchar *path = suture_context_path(context, CONF_PATH);
	g_autoptr(GKeyFile) conf = g_key_file_new();
	g_autoptr(GBytes) bytes = NULL;

	if (!g_file_test(path, G_FILE_TEST_EXISTS))
		return g_steal_pointer(&conf);
	bytes = suture_file_read(path, CONF_MAX_BYTES, error);
	if (!bytes)
		return NULL;
	if (!g_key_file_load_from_bytes(conf, bytes, G_KEY_FILE_NONE, error)) {
		g_prefix_error(error, "%s: ", path);
		return NULL;
	}
	return g_steal_pointer(&conf);
}

/* GUri forgives white space and control characters within a URL; a .repo file would take them for lines of
 * its own. */
static gboolean is_plain(const gchar *url)
{
	for (; *url; url++)
		if (!g_ascii_isgraph(*url))
			return FALSE;
	return TRUE;
}

/* Without a slash at its end. */
static gchar *url_of(const Options *options, GKeyFile *conf, GError **error)
{
	g_autofree gchar *url = options->url ? g_strdup(options->url)
					     : g_key_file_get_string(conf, "repository", "url", NULL);
	g_autofree gchar *scheme = NULL;

	if (!url) {
		refuse(error, CONF_PATH, "[repository] url is missing; set it or give --url");
		return NULL;
	}
	/* Mirrors follow, which dnf would be told of in other words. */
	url[strcspn(url, ";")] = '\0';
	g_strstrip(url);
	if (is_plain(url) && g_uri_is_valid(url, G_URI_FLAGS_NONE, NULL))
		scheme = g_uri_parse_scheme(url);
	if (!scheme || !g_strv_contains((const gchar *const[]){"https", "http", "file", NULL}, scheme)) {
		refuse(error, url, "not an https, http or file URL; correct [repository] url or --url");
		return NULL;
	}
	while (g_str_has_suffix(url, "/"))
		url[strlen(url) - 1] = '\0';
	return g_steal_pointer(&url);
}

static gint compare_names(gconstpointer a, gconstpointer b)
{
	return strcmp(a, b);
}

/* Sorted. The running kernel belongs to this machine, not to another root. */
static GList *releases_of(const SutureContext *context, const Options *options, GHashTable *releases)
{
	struct utsname names;

	for (gchar **name = options->releases; name && *name; name++)
		g_hash_table_add(releases, g_strdup(*name));
	suture_installed_releases(context, releases);
	if (!context->root && uname(&names) == 0)
		g_hash_table_add(releases, g_strdup(names.release));
	return g_list_sort(g_hash_table_get_keys(releases), compare_names);
}

/* dnf takes letters, digits and "-_.:" in a repository's id; ':' and two hex digits stand for any other byte.
 */
static gchar *section_of(const gchar *release)
{
	GString *section = g_string_new("suture-");

	for (; *release; release++)
		if (g_ascii_isalnum(*release) || strchr("-_.", *release))
			g_string_append_c(section, *release);
		else
			g_string_append_printf(section, ":%02x", (guint)(guchar)*release);
	return g_string_free(section, FALSE);
}

/* The keyring that the repository gave, once there is one; as the host's own programs name it. */
static const gchar *keyring_of(const SutureContext *context)
{
	g_autofree gchar *adopted = suture_context_path(context, SUTURE_TRUST_ADOPTED);

	return g_file_test(adopted, G_FILE_TEST_IS_DIR) ? SUTURE_TRUST_ADOPTED : SUTURE_TRUST_PROVISIONED;
}

/* What `suture fetch` shows to an https server where suture.conf names nothing. */
static gboolean shows_entitlement(const SutureContext *context, const gchar *url, GKeyFile *conf)
{
	g_autofree gchar *path = suture_context_path(context, SUTURE_ENTITLEMENT_PATH);

	return g_str_has_prefix(url, "https:") && g_file_test(path, G_FILE_TEST_EXISTS) &&
	       !g_key_file_has_key(conf, "repository", "client-certificate", NULL);
}

static void append_section(GString *text, const SutureContext *context, const gchar *release,
			   const gchar *url, GKeyFile *conf)
{
	g_autofree gchar *section = section_of(release);
	g_autofree gchar *escaped = g_uri_escape_string(release, NULL, FALSE);

	g_string_append_printf(text,
			       "\n[%s]\nname=Live patches for kernel %s\nbaseurl=%s/targets/%s/\nenabled=1\n"
			       "gpgcheck=1\nrepo_gpgcheck=1\ngpgkey=file://%s/rpm-keyring.asc\n",
			       section, release, url, escaped, keyring_of(context));
	if (shows_entitlement(context, url, conf))
		g_string_append(text, "sslclientcert=" SUTURE_ENTITLEMENT_PATH
				      "\nsslclientkey=" SUTURE_ENTITLEMENT_PATH "\n");
	for (guint i = 0; i < G_N_ELEMENTS(tls_keys); i++) {
		g_autofree gchar *value = g_key_file_get_string(conf, "repository", tls_keys[i].ours, NULL);

		if (value && *value)
			g_string_append_printf(text, "%s=%s\n", tls_keys[i].theirs, value);
	}
}

static GBytes *render(const SutureContext *context, const Options *options, GError **error)
{
	g_autoptr(GKeyFile) conf = load_conf(context, error);
	g_autofree gchar *url = conf ? url_of(options, conf, error) : NULL;
	g_autoptr(GHashTable) releases = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_autoptr(GList) sorted = NULL;
	GString *text;
	gsize size;

	if (!url)
		return NULL;
	sorted = releases_of(context, options, releases);
	if (!sorted) {
		refuse(error, "/lib/modules", "no installed kernel; name one with --kernel-release");
		return NULL;
	}
	text = g_string_new("# Written by 'suture repo-config'; change suture.conf and run it again.\n");
	for (GList *at = sorted; at; at = at->next)
		append_section(text, context, at->data, url, conf);
	size = text->len;
	return g_bytes_new_take(g_string_free(text, FALSE), size);
}

/* dnf's folder, or zypper's where there is no dnf. */
static gchar *default_folder(const SutureContext *context, GError **error)
{
	static const gchar *const folders[] = {"/etc/yum.repos.d", "/etc/zypp/repos.d"};

	for (guint i = 0; i < G_N_ELEMENTS(folders); i++) {
		g_autofree gchar *path = suture_context_path(context, folders[i]);

		if (g_file_test(path, G_FILE_TEST_IS_DIR))
			return g_steal_pointer(&path);
	}
	refuse(error, folders[0], "neither this nor /etc/zypp/repos.d is there; name a folder with --output");
	return NULL;
}

static gboolean write_file(const SutureContext *context, const Options *options, GBytes *text, GError **error)
{
	g_autofree gchar *folder =
		options->output ? g_strdup(options->output) : default_folder(context, error);
	g_autofree gchar *path = folder ? g_build_filename(folder, REPO_FILE, NULL) : NULL;
	g_autoptr(GBytes) present = NULL;

	if (!path)
		return FALSE;
	present = suture_file_read(path, REPO_MAX_BYTES, NULL);
	if (present && g_bytes_equal(present, text)) {
		if (!context->quiet)
			g_print("unchanged %s\n", path);
		return TRUE;
	}
	if (!suture_file_write_atomic_path(path, text, 0644, error))
		return FALSE;
	if (!context->quiet)
		g_print("wrote %s\n", path);
	return TRUE;
}

gboolean cmd_repo_config(SutureContext *context, int argc, char **argv, GError **error)
{
	g_auto(Options) given = {0};
	const GOptionEntry entries[] = {
		{"url", 0, 0, G_OPTION_ARG_STRING, &given.url,
		 "the repository ([repository] url of suture.conf)", "URL"},
		{"output", 'o', 0, G_OPTION_ARG_FILENAME, &given.output,
		 "folder to write " REPO_FILE " in; - for standard output", "DIR"},
		{"kernel-release", 0, 0, G_OPTION_ARG_STRING_ARRAY, &given.releases,
		 "a kernel beside the installed ones (repeat for several)", "RELEASE"},
		{NULL},
	};
	g_autoptr(GOptionContext) options = g_option_context_new(NULL);
	g_autoptr(GBytes) text = NULL;
	gsize size;
	gconstpointer data;

	g_option_context_set_summary(
		options, "Writes a .repo file for dnf and zypper with a section for each installed kernel.");
	g_option_context_add_main_entries(options, entries, NULL);
	if (!g_option_context_parse(options, &argc, &argv, error))
		return FALSE;
	if (argc > 1) {
		g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
			    "%s: repo-config takes options alone", argv[1]);
		return FALSE;
	}
	text = render(context, &given, error);
	if (!text)
		return FALSE;
	if (g_strcmp0(given.output, "-") != 0)
		return write_file(context, &given, text, error);
	data = g_bytes_get_data(text, &size);
	return suture_file_write_fd(STDOUT_FILENO, data, size, error);
}
