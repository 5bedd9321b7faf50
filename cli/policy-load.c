// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/policy-load.h"

#include "common/file.h"

#include <errno.h>
#include <sys/stat.h>

#define CONFIG_PATH "/etc/suture/suture.conf"
#define POLICY_FOLDER "/etc/suture/policy.d"
#define MAX_FILE_BYTES (1024 * 1024)

/* Of suture.conf, and of a policy file. */
static const gchar *const config_groups[] = {"repository", "fetch", "policy", "apply", NULL};
static const gchar *const policy_groups[] = {"policy", NULL};

static gboolean set_syntax_error(GError **error, const gchar *path, const gchar *words)
{
	g_set_error(error, SUTURE_POLICY_ERROR, SUTURE_POLICY_ERROR_SYNTAX, "%s: %s", path, words);
	return FALSE;
}

/* What a misspelt group says would be lost without a word, and with it a policy. */
static gboolean check_groups(GKeyFile *file, const gchar *path, const gchar *const *known, GError **error)
{
	g_auto(GStrv) groups = g_key_file_get_groups(file, NULL);

	for (gchar **group = groups; *group; group++)
		if (!g_strv_contains(known, *group)) {
			g_autofree gchar *names = g_strjoinv("], [", (gchar **)known);
			g_autofree gchar *words = g_strdup_printf(
				"[%s] is no group of this file; known are [%s]", *group, names);

			return set_syntax_error(error, path, words);
		}
	return TRUE;
}

static gboolean merge_file(SuturePolicy *policy, const gchar *path, const gchar *const *groups,
			   GError **error)
{
	g_autoptr(GKeyFile) file = g_key_file_new();
	g_autoptr(GBytes) bytes = suture_file_read(path, MAX_FILE_BYTES, error);
	g_autoptr(GError) problem = NULL;

	if (!bytes)
		return FALSE;
	/* an empty file says nothing; GKeyFile would not take it */
	if (g_bytes_get_size(bytes) == 0)
		return TRUE;
	if (!g_key_file_load_from_bytes(file, bytes, G_KEY_FILE_NONE, &problem))
		return set_syntax_error(error, path, problem->message);
	return check_groups(file, path, groups, error) && suture_policy_merge(policy, file, path, error);
}

static gint compare_names(gconstpointer a, gconstpointer b)
{
	return g_strcmp0(*(const gchar *const *)a, *(const gchar *const *)b);
}

static gboolean merge_folder(SuturePolicy *policy, const gchar *folder, GError **error)
{
	g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GDir) open = g_dir_open(folder, 0, error);
	const gchar *name;

	if (!open)
		return FALSE;
	while ((name = g_dir_read_name(open)))
		if (g_str_has_suffix(name, ".conf") && name[0] != '.')
			g_ptr_array_add(paths, g_build_filename(folder, name, NULL));
	g_ptr_array_sort(paths, compare_names);
	for (guint i = 0; i < paths->len; i++)
		if (!merge_file(policy, paths->pdata[i], policy_groups, error))
			return FALSE;
	return TRUE;
}

/* A link that leads nowhere, or a folder that may not be searched, is a fault, not an absent policy. */
static gboolean is_there(const gchar *path)
{
	struct stat status;

	return lstat(path, &status) == 0 || errno != ENOENT;
}

SuturePolicy *suture_policy_load(const SutureContext *context, GError **error)
{
	g_autoptr(SuturePolicy) policy = suture_policy_new();
	g_autofree gchar *config = suture_context_path(context, CONFIG_PATH);
	g_autofree gchar *folder = suture_context_path(context, POLICY_FOLDER);

	if (is_there(config) && !merge_file(policy, config, config_groups, error))
		return NULL;
	if (is_there(folder) && !merge_folder(policy, folder, error))
		return NULL;
	return g_steal_pointer(&policy);
}
