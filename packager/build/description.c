// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/build/description.h"

#include "common/file.h"

#include <string.h>

#define GROUP "patch"
#define MAX_BYTES (64 * 1024)

struct _SutureDescription {
	GKeyFile *keys;
	gchar *what; /* names the file in errors */
};

static const gchar *const known_keys[] = {
	"name",      "version",    "release",         "summary",     "severity",
	"advisory",  "issued",     "vulnerabilities", "requires",    "supersedes",
	"conflicts", "cumulative", "provider",        "consistency", NULL,
};

void suture_description_free(SutureDescription *description)
{
	g_key_file_unref(description->keys);
	g_free(description->what);
	g_free(description);
}

static gboolean set_error(const SutureDescription *description, gint code, const gchar *key,
			  const gchar *problem, GError **error)
{
	g_set_error(error, SUTURE_BUILD_ERROR, code, "%s: %s %s; see suture-patch(5)", description->what, key,
		    problem);
	return FALSE;
}

static gboolean only_known(const SutureDescription *description, GError **error)
{
	g_auto(GStrv) groups = g_key_file_get_groups(description->keys, NULL);
	g_auto(GStrv) keys = NULL;

	for (gchar **group = groups; *group; group++)
		if (strcmp(*group, GROUP) != 0)
			return set_error(description, SUTURE_BUILD_ERROR_DESCRIPTION_UNKNOWN, *group,
					 "is not a group", error);
	keys = g_key_file_get_keys(description->keys, GROUP, NULL, NULL);
	for (gchar **key = keys; key && *key; key++)
		if (!g_strv_contains(known_keys, *key))
			return set_error(description, SUTURE_BUILD_ERROR_DESCRIPTION_UNKNOWN, *key,
					 "is not a key", error);
	return TRUE;
}

SutureDescription *suture_description_parse(GBytes *bytes, const gchar *what, GError **error)
{
	g_autoptr(SutureDescription) description = g_new0(SutureDescription, 1);
	g_autoptr(GError) cause = NULL;
	gsize size;
	const gchar *data = g_bytes_get_data(bytes, &size);

	description->keys = g_key_file_new();
	description->what = g_strdup(what);
	if (size > 0 && !g_key_file_load_from_data(description->keys, data, size, G_KEY_FILE_NONE, &cause)) {
		set_error(description, SUTURE_BUILD_ERROR_DESCRIPTION_SYNTAX,
			  "is not a key file:", cause->message, error);
		return NULL;
	}
	return only_known(description, error) ? g_steal_pointer(&description) : NULL;
}

SutureDescription *suture_description_load(const gchar *path, GError **error)
{
	g_autoptr(GBytes) bytes = path ? suture_file_read(path, MAX_BYTES, error) : g_bytes_new(NULL, 0);

	return bytes ? suture_description_parse(bytes, path ? path : "the command line", error) : NULL;
}

void suture_description_set(SutureDescription *description, const gchar *key, const gchar *value)
{
	g_key_file_set_string(description->keys, GROUP, key, value);
}

void suture_description_set_list(SutureDescription *description, const gchar *key, const gchar *const *values)
{
	g_key_file_set_string_list(description->keys, GROUP, key, values, g_strv_length((gchar **)values));
}

static gboolean has(const SutureDescription *description, const gchar *key)
{
	return g_key_file_has_key(description->keys, GROUP, key, NULL);
}

static gchar *get(const SutureDescription *description, const gchar *key, GError **error)
{
	g_autoptr(GError) cause = NULL;
	g_autofree gchar *value = NULL;

	if (!has(description, key)) {
		set_error(description, SUTURE_BUILD_ERROR_DESCRIPTION_MISSING, key, "is missing", error);
		return NULL;
	}
	value = g_key_file_get_string(description->keys, GROUP, key, &cause);
	if (!value)
		set_error(description, SUTURE_BUILD_ERROR_DESCRIPTION_VALUE, key, "is not text", error);
	return g_steal_pointer(&value);
}

static gboolean get_list(const SutureDescription *description, const gchar *key, GPtrArray *list,
			 GError **error)
{
	g_auto(GStrv) values = NULL;

	if (!has(description, key))
		return TRUE;
	values = g_key_file_get_string_list(description->keys, GROUP, key, NULL, NULL);
	if (!values)
		return set_error(description, SUTURE_BUILD_ERROR_DESCRIPTION_VALUE, key,
				 "is not a list of texts", error);
	for (gchar **value = values; *value; value++)
		g_ptr_array_add(list, g_strdup(g_strstrip(*value)));
	return TRUE;
}

/* "CVE-2024-1086:fixed"; without a status it is fixed. */
static gboolean get_vulnerabilities(const SutureDescription *description, GPtrArray *list, GError **error)
{
	g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);

	if (!get_list(description, "vulnerabilities", words, error))
		return FALSE;
	for (guint i = 0; i < words->len; i++) {
		g_auto(GStrv) parts = g_strsplit(words->pdata[i], ":", 2);
		const gchar *status = parts[0] && parts[1] ? parts[1] : "fixed";

		g_ptr_array_add(list, suture_vulnerability_new(parts[0] ? parts[0] : "", status));
	}
	return TRUE;
}

static gboolean get_text(const SutureDescription *description, SutureManifest *manifest, GError **error)
{
	SuturePatch *patch = &manifest->patch;
	const struct {
		const gchar *key;
		gchar **to;
	} texts[] = {
		{"name", &patch->name},         {"version", &patch->version},    {"release", &patch->release},
		{"advisory", &patch->advisory}, {"summary", &manifest->summary},
	};

	for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
		g_free(*texts[i].to);
		*texts[i].to = get(description, texts[i].key, error);
		if (!*texts[i].to)
			return FALSE;
	}
	return TRUE;
}

static gboolean get_words(const SutureDescription *description, SuturePatch *patch, GError **error)
{
	g_autofree gchar *severity = get(description, "severity", error);
	g_autofree gchar *consistency = NULL;

	if (!severity)
		return FALSE;
	if (!suture_severity_parse(severity, &patch->severity))
		return set_error(description, SUTURE_BUILD_ERROR_DESCRIPTION_VALUE, "severity",
				 "is none of none, low, moderate, important, critical", error);
	if (!has(description, "consistency"))
		return TRUE;
	consistency = get(description, "consistency", error);
	if (!consistency || !suture_consistency_parse(consistency, &patch->consistency))
		return set_error(description, SUTURE_BUILD_ERROR_DESCRIPTION_VALUE, "consistency",
				 "is none of per-task, stop-machine, immediate", error);
	return TRUE;
}

static gboolean get_issued(const SutureDescription *description, gint64 issued, SuturePatch *patch,
			   GError **error)
{
	g_autoptr(GDateTime) time = NULL;

	g_clear_pointer(&patch->issued, g_free);
	if (has(description, "issued")) {
		patch->issued = get(description, "issued", error);
		return patch->issued != NULL;
	}
	time = g_date_time_new_from_unix_utc(issued);
	if (!time)
		return set_error(description, SUTURE_BUILD_ERROR_DATE, "issued", "is out of range", error);
	patch->issued = g_date_time_format(time, "%Y-%m-%dT%H:%M:%SZ");
	return TRUE;
}

static void set_text(gchar **to, const gchar *text)
{
	g_free(*to);
	*to = g_strdup(text);
}

/* Whether the format takes what was said, before anything is compiled: what is still to come is made up. */
static gboolean check_values(SutureManifest *manifest, GError **error)
{
	SutureModule *module = suture_module_new();
	SutureKernel *kernel = &manifest->patch.kernel;
	g_autofree gchar *digest = g_strnfill(64, '0');
	g_autoptr(GBytes) trial = NULL;

	set_text(&kernel->release, "0");
	set_text(&kernel->arch, "x86_64");
	set_text(&kernel->build_id, digest);
	set_text(&kernel->vermagic, "0");
	set_text(&manifest->toolchain, "");
	set_text(&module->file, "trial.ko");
	set_text(&module->sha256, digest);
	set_text(&module->build_id, "");
	set_text(&module->srcversion, "");
	module->size = 1;
	/* The module says whose it is; only the framework's knows other consistencies. */
	if (manifest->patch.consistency != SUTURE_CONSISTENCY_PER_TASK)
		manifest->patch.provider = SUTURE_PROVIDER_FRAMEWORK;
	g_ptr_array_add(module->functions, suture_function_new("vmlinux", "trial", 0));
	g_ptr_array_add(manifest->modules, module);
	trial = suture_manifest_write(manifest, error);
	g_ptr_array_set_size(manifest->modules, 0);
	return trial != NULL;
}

SutureManifest *suture_description_manifest(const SutureDescription *description, gint64 issued,
					    GError **error)
{
	g_autoptr(SutureManifest) manifest = suture_manifest_new();
	SuturePatch *patch = &manifest->patch;

	if (!get_text(description, manifest, error) || !get_words(description, patch, error) ||
	    !get_issued(description, issued, patch, error) ||
	    !get_vulnerabilities(description, patch->vulnerabilities, error) ||
	    !get_list(description, "requires", patch->stack.requires, error) ||
	    !get_list(description, "supersedes", patch->stack.supersedes, error) ||
	    !get_list(description, "conflicts", patch->stack.conflicts, error))
		return NULL;
	if (!check_values(manifest, error)) {
		g_prefix_error(error, "%s: ", description->what);
		return NULL;
	}
	return g_steal_pointer(&manifest);
}

gboolean suture_description_provider(const SutureDescription *description, SutureProvider *ret,
				     GError **error)
{
	g_autofree gchar *word = NULL;

	*ret = SUTURE_PROVIDER_KERNEL;
	if (!has(description, "provider"))
		return TRUE;
	word = get(description, "provider", error);
	return (word && suture_provider_parse(word, ret)) ||
	       set_error(description, SUTURE_BUILD_ERROR_DESCRIPTION_VALUE, "provider",
			 "is none of kernel, framework", error);
}

static gboolean settle_provider(const SutureDescription *description, SutureProvider provider, GError **error)
{
	SutureProvider said;

	if (!suture_description_provider(description, &said, error))
		return FALSE;
	return !has(description, "provider") || said == provider ||
	       set_error(description, SUTURE_BUILD_ERROR_DISAGREE, "provider",
			 "is not the one whose mark the module carries", error);
}

/* @said was read with the other words of the description. */
static gboolean settle_consistency(const SutureDescription *description, const SutureModuleInfo *module,
				   SutureConsistency said, GError **error)
{
	g_autofree gchar *problem = NULL;

	if (!has(description, "consistency") || said == module->consistency)
		return TRUE;
	problem = g_strdup_printf("is %s, but module %s is %s%s", suture_consistency_name(said), module->name,
				  suture_consistency_name(module->consistency),
				  module->provider == SUTURE_PROVIDER_KERNEL
					  ? " as is all of the kernel's own livepatch"
					  : " (KLP_SET_CONSISTENCY)");
	return set_error(description, SUTURE_BUILD_ERROR_CONSISTENCY, "consistency", problem, error);
}

gboolean suture_description_cumulative(const SutureDescription *description, gboolean *ret, GError **error)
{
	g_autoptr(GError) cause = NULL;

	*ret = FALSE;
	if (!has(description, "cumulative"))
		return TRUE;
	*ret = g_key_file_get_boolean(description->keys, GROUP, "cumulative", &cause);
	return !cause || set_error(description, SUTURE_BUILD_ERROR_DESCRIPTION_VALUE, "cumulative",
				   "is neither true nor false", error);
}

static gboolean settle_cumulative(const SutureDescription *description, gboolean cumulative, GError **error)
{
	gboolean said;

	if (!suture_description_cumulative(description, &said, error))
		return FALSE;
	return !has(description, "cumulative") || said == cumulative ||
	       set_error(description, SUTURE_BUILD_ERROR_DISAGREE, "cumulative",
			 "is not what the module's klp_patch.replace says", error);
}

gboolean suture_description_settle(const SutureDescription *description, const SutureModuleInfo *module,
				   SuturePatch *patch, GError **error)
{
	if (!settle_provider(description, module->provider, error) ||
	    !settle_consistency(description, module, patch->consistency, error) ||
	    !settle_cumulative(description, module->cumulative, error))
		return FALSE;
	patch->provider = module->provider;
	patch->consistency = module->consistency;
	patch->stack.cumulative = module->cumulative;
	return TRUE;
}
