// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/policy-load.h"

#include "common/file.h"

#define CONFIG_PATH "/etc/suture/suture.conf"
#define POLICY_FOLDER "/etc/suture/policy.d"
#define MAX_FILE_BYTES (1024 * 1024)

static gboolean set_syntax_error(GError **error, const gchar *path, const gchar *words)
{
	g_set_error(error, SUTURE_POLICY_ERROR, SUTURE_POLICY_ERROR_SYNTAX, "%s: %s", path, words);
	return FALSE;
}

/* suture.conf has other groups, which are not ours to judge; a policy file has none. */
static gboolean check_groups(GKeyFile *file, const gchar *path, GError **error)
{
	g_auto(GStrv) groups = g_key_file_get_groups(file, NULL);

	for (gchar **group = groups; *group; group++)
		if (!g_str_equal(*group, "policy"))
			return set_syntax_error(error, path, "has another group than [policy]");
	return TRUE;
}

static gboolean merge_file(SuturePolicy *policy, const gchar *path, gboolean policy_only, GError **error)
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
	return (!policy_only || check_groups(file, path, error)) &&
	       suture_policy_merge(policy, file, path, error);
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
		if (!merge_file(policy, paths->pdata[i], TRUE, error))
			return FALSE;
	return TRUE;
}

SuturePolicy *suture_policy_load(const SutureContext *context, GError **error)
{
	g_autoptr(SuturePolicy) policy = suture_policy_new();
	g_autofree gchar *config = suture_context_path(context, CONFIG_PATH);
	g_autofree gchar *folder = suture_context_path(context, POLICY_FOLDER);

	if (g_file_test(config, G_FILE_TEST_EXISTS) && !merge_file(policy, config, FALSE, error))
		return NULL;
	if (g_file_test(folder, G_FILE_TEST_EXISTS) && !merge_folder(policy, folder, error))
		return NULL;
	return g_steal_pointer(&policy);
}
