// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/profile/profile-private.h"

#include "common/file.h"
#include "common/staging.h"
#include "packager/profile/config-file.h"
#include "packager/profile/dry-run.h"
#include "packager/profile/folder.h"
#include "packager/profile/import.h"
#include "packager/profile/store.h"
#include "packager/profile/toolchain.h"
#include "packager/read/module-file.h"
#include "spec/json.h"

#include <string.h>

#define JSON_BYTES (4 * 1024 * 1024)
#define PREFIX_DIGITS 6

gchar *suture_profile_store(const gchar *option)
{
	const gchar *variable = g_getenv("SUTURE_PROFILES");

	if (option)
		return g_canonicalize_filename(option, NULL);
	return variable && *variable ? g_canonicalize_filename(variable, NULL)
				     : g_build_filename(g_get_user_data_dir(), "suture", "kernels", NULL);
}

void suture_profile_free(SutureProfile *profile)
{
	SutureProfilePrivate *priv = profile->priv;

	g_clear_pointer(&priv->commands, suture_commands_free);
	g_clear_pointer(&priv->includes, suture_includes_free);
	g_clear_pointer(&priv->config, g_hash_table_unref);
	g_clear_pointer(&priv->modules, g_hash_table_unref);
	g_clear_pointer(&priv->recipe, suture_recipe_free);
	g_free(priv->path);
	suture_fd_clear(&priv->lock);
	g_free(priv);
	g_clear_pointer(&profile->json, json_decref);
	g_free(profile->id);
	g_free(profile->name);
	g_free(profile->folder);
	g_free(profile->tree);
	g_free(profile->vmlinux);
	g_free(profile->symvers);
	g_free(profile->config);
	g_free(profile->release);
	g_free(profile->build_id);
	g_free(profile->arch);
	g_free(profile->compiler);
	g_free(profile->kernel_compiler);
	g_free(profile->toolchain_root);
	g_free(profile);
}

static gboolean damaged(const SutureProfile *profile, const gchar *what, GError **error)
{
	g_set_error(error, SUTURE_PROFILE_ERROR, SUTURE_PROFILE_ERROR_DAMAGED,
		    "%s: %s is damaged; remove the profile %.12s and import it again", profile->folder, what,
		    profile->id);
	return FALSE;
}

/* Members that a profile cannot be without. */
static gboolean take_texts(SutureProfile *profile, GError **error)
{
	const struct {
		const gchar *key;
		gchar **place;
		gboolean needed;
	} texts[] = {
		{"release", &profile->release, TRUE},
		{"build_id", &profile->build_id, TRUE},
		{"arch", &profile->arch, TRUE},
		{"compiler", &profile->compiler, TRUE},
		{"kernel_compiler", &profile->kernel_compiler, TRUE},
		{"path", &profile->priv->path, TRUE},
		{"name", &profile->name, FALSE},
		{"toolchain_root", &profile->toolchain_root, FALSE},
	};

	for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
		const gchar *text = json_string_value(json_object_get(profile->json, texts[i].key));

		if (!text && texts[i].needed)
			return damaged(profile, "profile.json", error);
		*texts[i].place = g_strdup(text);
	}
	return TRUE;
}

static guint64 number_of(const SutureProfile *profile, const gchar *key)
{
	json_int_t number = json_integer_value(json_object_get(profile->json, key));

	return number > 0 ? (guint64)number : 0;
}

static gboolean is_current(const json_t *json)
{
	return json_integer_value(json_object_get(json, "format")) == SUTURE_PROFILE_FORMAT;
}

static gboolean take_json(SutureProfile *profile, GError **error)
{
	g_autofree gchar *path = g_build_filename(profile->folder, "profile.json", NULL);
	g_autoptr(GBytes) bytes = suture_file_read(path, JSON_BYTES, error);

	profile->json = bytes ? suture_json_parse(bytes, JSON_BYTES, path, error) : NULL;
	if (!profile->json) {
		/* Whatever it was, the profile cannot be used. */
		g_clear_error(error);
		return damaged(profile, "profile.json", error);
	}
	if (!is_current(profile->json)) {
		g_set_error(error, SUTURE_PROFILE_ERROR, SUTURE_PROFILE_ERROR_OUTDATED,
			    "%s: another version of this program made the profile %.12s; remove it and "
			    "import the kernel again",
			    profile->folder, profile->id);
		return FALSE;
	}
	profile->toolchain_mismatch = json_is_true(json_object_get(profile->json, "toolchain_mismatch"));
	profile->vmlinux_symbols = json_is_true(json_object_get(profile->json, "vmlinux_symbols"));
	profile->n_units = (guint)number_of(profile, "units");
	profile->n_modules = (guint)number_of(profile, "modules");
	profile->size = number_of(profile, "size");
	profile->priv->recipe = suture_recipe_from_json(json_object_get(profile->json, "recipe"), error);
	return profile->priv->recipe && take_texts(profile, error);
}

static GBytes *map(const SutureProfile *profile, const gchar *name)
{
	g_autofree gchar *path = g_build_filename(profile->folder, name, NULL);
	g_autoptr(GMappedFile) file = g_mapped_file_new(path, FALSE, NULL);

	return file ? g_mapped_file_get_bytes(file) : NULL;
}

static gboolean take_indexes(SutureProfile *profile, GError **error)
{
	g_autoptr(GBytes) commands = map(profile, "commands");
	g_autoptr(GBytes) includes = map(profile, "includes");

	profile->priv->commands = commands ? suture_commands_new_from_bytes(commands) : NULL;
	profile->priv->includes = includes ? suture_includes_new_from_bytes(includes) : NULL;
	if (!profile->priv->commands)
		return damaged(profile, "the index of commands", error);
	return profile->priv->includes || damaged(profile, "the index of includes", error);
}

static gboolean take_module(const SutureFolderEntry *entry, gpointer data, GError **error)
{
	(void)error;
	g_hash_table_insert(data, suture_module_file_name(entry->path), g_strdup(entry->full));
	return TRUE;
}

static gboolean take_files(SutureProfile *profile, GError **error)
{
	g_autofree gchar *modules = g_build_filename(profile->folder, "modules", NULL);

	profile->priv->modules = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	profile->priv->config = suture_config_read(profile->config, NULL);
	if (!profile->priv->config)
		return damaged(profile, ".config", error);
	return suture_folder_walk(modules, take_module, profile->priv->modules, error);
}

SutureProfile *suture_profile_open_id(const gchar *store, const gchar *id, GError **error)
{
	g_autoptr(SutureProfile) profile = g_new0(SutureProfile, 1);

	profile->priv = g_new0(SutureProfilePrivate, 1);
	profile->priv->lock = suture_store_lock_profile(store, id, FALSE, error);
	if (profile->priv->lock < 0)
		return NULL;
	profile->id = g_strdup(id);
	profile->folder = g_canonicalize_filename(id, store);
	profile->tree = g_build_filename(profile->folder, "tree", NULL);
	profile->vmlinux = g_build_filename(profile->folder, "vmlinux", NULL);
	profile->symvers = g_build_filename(profile->tree, "Module.symvers", NULL);
	profile->config = g_build_filename(profile->tree, ".config", NULL);
	if (!take_json(profile, error) || !take_indexes(profile, error) || !take_files(profile, error))
		return NULL;
	return g_steal_pointer(&profile);
}

static gint compare_profiles(gconstpointer left, gconstpointer right)
{
	const SutureProfile *a = *(SutureProfile *const *)left, *b = *(SutureProfile *const *)right;
	gint order = strcmp(a->release, b->release);

	return order ? order : strcmp(a->id, b->id);
}

GPtrArray *suture_profile_list(const gchar *store, GError **error)
{
	g_autoptr(GPtrArray) ids = suture_store_ids(store, error);
	g_autoptr(GPtrArray) profiles = NULL;

	if (!ids)
		return NULL;
	profiles = g_ptr_array_new_with_free_func((GDestroyNotify)suture_profile_free);
	for (guint i = 0; i < ids->len; i++) {
		g_autoptr(GError) cause = NULL;
		SutureProfile *profile = suture_profile_open_id(store, ids->pdata[i], &cause);

		if (profile)
			g_ptr_array_add(profiles, profile);
		else
			g_message("%s", cause->message);
	}
	g_ptr_array_sort(profiles, compare_profiles);
	return g_steal_pointer(&profiles);
}

static gboolean is_prefix(const gchar *name, const gchar *id)
{
	return strlen(name) >= PREFIX_DIGITS && g_str_has_prefix(id, name);
}

/* By release or name of the profile, read without opening it: others may be damaged. An outdated one goes by
 * its id alone. */
static gboolean is_called(const gchar *store, const gchar *id, const gchar *name)
{
	g_autofree gchar *path = g_build_filename(store, id, "profile.json", NULL);
	g_autoptr(GBytes) bytes = suture_file_read(path, JSON_BYTES, NULL);
	SUTURE_AUTO_JSON *json = bytes ? suture_json_parse(bytes, JSON_BYTES, path, NULL) : NULL;

	return json && is_current(json) &&
	       (!g_strcmp0(name, json_string_value(json_object_get(json, "release"))) ||
		!g_strcmp0(name, json_string_value(json_object_get(json, "name"))));
}

/* The one id that @name says. New. */
static gchar *find_id(const gchar *store, const gchar *name, GError **error)
{
	g_autoptr(GPtrArray) ids = suture_store_ids(store, error);
	g_autoptr(GPtrArray) found = g_ptr_array_new();

	if (!ids)
		return NULL;
	for (guint i = 0; i < ids->len; i++)
		if (is_prefix(name, ids->pdata[i]) || is_called(store, ids->pdata[i], name))
			g_ptr_array_add(found, ids->pdata[i]);
	if (found->len == 1)
		return g_strdup(found->pdata[0]);
	if (found->len == 0)
		g_set_error(error, SUTURE_PROFILE_ERROR, SUTURE_PROFILE_ERROR_UNKNOWN,
			    "%s: no profile %s; suture kernel list shows what there is, suture kernel import "
			    "makes one",
			    store, name);
	else
		g_set_error(
			error, SUTURE_PROFILE_ERROR, SUTURE_PROFILE_ERROR_AMBIGUOUS,
			"%s: %u profiles are called %s (%.12s, %.12s%s); say which by the start of its id",
			store, found->len, name, (gchar *)found->pdata[0], (gchar *)found->pdata[1],
			found->len > 2 ? ", ..." : "");
	return NULL;
}

SutureProfile *suture_profile_open(const gchar *store, const gchar *name, GError **error)
{
	g_autofree gchar *id = find_id(store, name, error);

	return id ? suture_profile_open_id(store, id, error) : NULL;
}

gboolean suture_profile_remove(const gchar *store, const gchar *name, gchar **ret_id, GError **error)
{
	g_autofree gchar *id = find_id(store, name, error);
	SUTURE_AUTO_FD dirfd = -1;
	SUTURE_AUTO_FD lock = id ? suture_store_lock(store, &dirfd, error) : -1;
	SUTURE_AUTO_FD profile = lock < 0 ? -1 : suture_store_lock_profile(store, id, TRUE, error);

	if (profile < 0 || !suture_staging_remove(dirfd, id, error))
		return FALSE;
	if (ret_id)
		*ret_id = g_steal_pointer(&id);
	return TRUE;
}

const gchar *suture_profile_config(const SutureProfile *profile, const gchar *symbol)
{
	const gchar *value = g_hash_table_lookup(profile->priv->config, symbol);

	return value && strcmp(value, "n") != 0 ? value : NULL;
}

gboolean suture_profile_livepatch(const SutureProfile *profile)
{
	return g_strcmp0(suture_profile_config(profile, "CONFIG_LIVEPATCH"), "y") == 0;
}

gboolean suture_profile_ibt(const SutureProfile *profile)
{
	return g_strcmp0(suture_profile_config(profile, "CONFIG_X86_KERNEL_IBT"), "y") == 0;
}

SutureCommandLine *suture_profile_command(const SutureProfile *profile, const gchar *unit)
{
	gint number = suture_commands_find(profile->priv->commands, unit);

	return number < 0 ? NULL : suture_commands_line(profile->priv->commands, (guint)number);
}

GPtrArray *suture_profile_units_of_source(const SutureProfile *profile, const gchar *source)
{
	g_autoptr(GArray) numbers = suture_commands_of_source(profile->priv->commands, source);
	GPtrArray *units = g_ptr_array_new_with_free_func(g_free);

	for (guint i = 0; i < numbers->len; i++)
		g_ptr_array_add(units, suture_commands_unit(profile->priv->commands,
							    g_array_index(numbers, guint32, i)));
	return units;
}

static gint compare_text(gconstpointer left, gconstpointer right)
{
	return strcmp(*(const gchar *const *)left, *(const gchar *const *)right);
}

GPtrArray *suture_profile_dependents(const SutureProfile *profile, const gchar *const *files, GError **error)
{
	g_autoptr(GHashTable) numbers = g_hash_table_new(NULL, NULL);
	guint n_units = suture_commands_count(profile->priv->commands);
	GPtrArray *units;
	GHashTableIter iter;
	gpointer number;

	for (; *files; files++) {
		g_autofree gchar *path = suture_dry_run_path(*files);

		if (path && !suture_includes_find(profile->priv->includes, path, n_units, numbers)) {
			damaged(profile, "the index of includes", error);
			return NULL;
		}
	}
	units = g_ptr_array_new_with_free_func(g_free);
	g_hash_table_iter_init(&iter, numbers);
	while (g_hash_table_iter_next(&iter, &number, NULL))
		g_ptr_array_add(units,
				suture_commands_unit(profile->priv->commands, GPOINTER_TO_UINT(number)));
	g_ptr_array_sort(units, compare_text);
	return units;
}

gchar *suture_profile_module(const SutureProfile *profile, const gchar *object)
{
	return g_strdup(g_hash_table_lookup(profile->priv->modules, object));
}

const SutureRecipe *suture_profile_recipe(const SutureProfile *profile)
{
	return profile->priv->recipe;
}

gchar **suture_profile_argv(const SutureProfile *profile, const gchar *const *argv, const gchar *folder,
			    const gchar *cwd)
{
	return suture_toolchain_argv(profile->toolchain_root, profile->priv->path, argv, folder,
				     profile->folder, cwd);
}

gboolean suture_profile_check_tools(const SutureProfile *profile, GError **error)
{
	const gchar *cc = json_string_value(json_object_get(profile->json, "cc"));
	const gchar *inputs = json_string_value(json_object_get(profile->json, "inputs_digest"));
	g_autoptr(SutureToolchain) toolchain = NULL;
	g_autofree gchar *id = NULL;

	if (!cc || !inputs)
		return damaged(profile, "profile.json", error);
	toolchain = suture_toolchain_open(profile->toolchain_root, cc, error);
	if (!toolchain)
		return FALSE;
	id = suture_import_id(inputs, toolchain);
	if (strcmp(id, profile->id) == 0)
		return TRUE;
	g_set_error(error, SUTURE_PROFILE_ERROR, SUTURE_PROFILE_ERROR_TOOLCHAIN,
		    "the profile %.12s was made with %s, here is now %s; import the kernel again",
		    profile->id, profile->compiler, toolchain->cc_version);
	return FALSE;
}
