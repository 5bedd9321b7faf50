// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fetcher/repo/settings.h"

#define EXPIRY_DAYS_MAX 3650
#define KERNELS "kernels"

static const gchar *const role_names[SUTURE_REPO_N_ROLES] = {"root", "targets", "snapshot", "timestamp"};

/*
 * Timestamp is what limits a freeze, so it is short; a repository that stops being refreshed for a week is
 * one whose hosts should hear of it.
 */
static const guint default_days[SUTURE_REPO_N_ROLES] = {365, 90, 14, 7};

const gchar *suture_repo_role_name(SutureRepoRole role)
{
	return role_names[role];
}

SutureRepoSettings *suture_repo_settings_new(void)
{
	SutureRepoSettings *settings = g_new0(SutureRepoSettings, 1);

	for (guint i = 0; i < SUTURE_REPO_N_ROLES; i++) {
		settings->roles[i].threshold = 1;
		settings->roles[i].expiry_days = default_days[i];
	}
	settings->kernels =
		(SutureRoleSettings){.threshold = 1, .expiry_days = default_days[SUTURE_REPO_TARGETS]};
	return settings;
}

void suture_repo_settings_free(SutureRepoSettings *settings)
{
	if (!settings)
		return;
	for (guint i = 0; i < SUTURE_REPO_N_ROLES; i++)
		g_strfreev(settings->roles[i].keys);
	g_strfreev(settings->kernels.keys);
	g_free(settings->trust);
	g_free(settings->rpm_key);
	g_free(settings);
}

static gboolean refuse(GError **error, const gchar *group, const gchar *key, const gchar *problem)
{
	g_set_error(error, SUTURE_COMMON_ERROR, SUTURE_COMMON_ERROR_CONFIG,
		    "repository.conf: [%s] %s: %s; see suture-repo(1)", group, key, problem);
	return FALSE;
}

static gboolean read_days(GKeyFile *file, const gchar *group, guint *ret, GError **error)
{
	gint days;

	if (!g_key_file_has_key(file, group, "expiry-days", NULL))
		return TRUE;
	days = g_key_file_get_integer(file, group, "expiry-days", NULL);
	if (days < 1 || days > EXPIRY_DAYS_MAX)
		return refuse(error, group, "expiry-days", "not a number of days from 1 to 3650");
	*ret = (guint)days;
	return TRUE;
}

static gboolean read_role(GKeyFile *file, SutureRepoRole role, SutureRoleSettings *settings, GError **error)
{
	const gchar *group = role_names[role];

	if (!read_days(file, group, &settings->expiry_days, error))
		return FALSE;
	if (role != SUTURE_REPO_ROOT)
		settings->keys = g_key_file_get_string_list(file, group, "keys", NULL, NULL);
	return TRUE;
}

static gboolean read_repository(GKeyFile *file, SutureRepoSettings *settings, GError **error)
{
	settings->trust = g_key_file_get_string(file, "repository", "trust", NULL);
	settings->rpm_key = g_key_file_get_string(file, "repository", "rpm-key", NULL);
	if (!settings->trust || !*settings->trust)
		return refuse(error, "repository", "trust",
			      "missing: the folder of what hosts trust belongs there");
	if (!settings->rpm_key || !*settings->rpm_key)
		return refuse(error, "repository", "rpm-key",
			      "missing: the URI of the RPM key belongs there");
	return TRUE;
}

/* A misspelt key would silently give the default: an expiry that nobody asked for. */
static gboolean only_known(GKeyFile *file, GError **error)
{
	static const gchar *const repository[] = {"trust", "rpm-key", NULL};
	static const gchar *const role[] = {"keys", "expiry-days", NULL};
	g_auto(GStrv) groups = g_key_file_get_groups(file, NULL);

	for (GStrv group = groups; *group; group++) {
		g_auto(GStrv) keys = g_key_file_get_keys(file, *group, NULL, NULL);
		gboolean is_role = FALSE;

		for (guint i = 0; i < SUTURE_REPO_N_ROLES; i++)
			is_role |= g_str_equal(*group, role_names[i]);
		is_role |= g_str_equal(*group, KERNELS);
		if (!is_role && !g_str_equal(*group, "repository"))
			return refuse(error, *group, "", "unknown group");
		for (GStrv key = keys; key && *key; key++)
			if (!g_strv_contains(is_role ? role : repository, *key))
				return refuse(error, *group, *key, "unknown key");
	}
	return TRUE;
}

SutureRepoSettings *suture_repo_settings_parse(GBytes *bytes, GError **error)
{
	g_autoptr(SutureRepoSettings) settings = suture_repo_settings_new();
	g_autoptr(GKeyFile) file = g_key_file_new();

	if (!g_key_file_load_from_bytes(file, bytes, G_KEY_FILE_NONE, error)) {
		g_prefix_error(error, "repository.conf: ");
		return NULL;
	}
	if (!only_known(file, error) || !read_repository(file, settings, error))
		return NULL;
	for (guint i = 0; i < SUTURE_REPO_N_ROLES; i++)
		if (!read_role(file, i, &settings->roles[i], error))
			return NULL;
	if (!read_days(file, KERNELS, &settings->kernels.expiry_days, error))
		return NULL;
	settings->kernels.keys = g_key_file_get_string_list(file, KERNELS, "keys", NULL, NULL);
	return g_steal_pointer(&settings);
}

static void write_role(GKeyFile *file, const gchar *group, const SutureRoleSettings *role, gboolean keys)
{
	if (keys)
		g_key_file_set_string_list(file, group, "keys", (const gchar *const *)role->keys,
					   role->keys ? g_strv_length(role->keys) : 0);
	g_key_file_set_integer(file, group, "expiry-days", (gint)role->expiry_days);
}

GBytes *suture_repo_settings_write(const SutureRepoSettings *settings)
{
	g_autoptr(GKeyFile) file = g_key_file_new();
	gsize size;
	gchar *text;

	g_key_file_set_string(file, "repository", "trust", settings->trust);
	g_key_file_set_string(file, "repository", "rpm-key", settings->rpm_key);
	for (guint i = 0; i < SUTURE_REPO_N_ROLES; i++)
		write_role(file, role_names[i], &settings->roles[i], i != SUTURE_REPO_ROOT);
	write_role(file, KERNELS, &settings->kernels, settings->kernels.keys != NULL);
	g_key_file_set_comment(file, NULL, NULL, " How this repository is published; see suture-repo(1).",
			       NULL);
	text = g_key_file_to_data(file, &size, NULL);
	return g_bytes_new_take(text, size);
}
