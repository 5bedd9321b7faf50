// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spec/patch-json.h"

#include "spec/form.h"
#include "spec/manifest.h"

gboolean suture_format_read(json_t *object, gint64 newest, gint64 *ret, GError **error)
{
	gint64 format;

	if (!suture_json_integer(object, "", "format", G_MININT64, G_MAXINT64, &format, error))
		return FALSE;
	if (format < 1 || format > newest) {
		g_set_error(error, SUTURE_MANIFEST_ERROR, SUTURE_MANIFEST_ERROR_FORMAT,
			    "format: %" G_GINT64_FORMAT " is not known here, only up to %" G_GINT64_FORMAT
			    "; a newer Suture may read it",
			    format, newest);
		return FALSE;
	}
	if (ret)
		*ret = format;
	return TRUE;
}

gboolean suture_json_copy_string(json_t *object, const gchar *path, const gchar *key, gchar **ret,
				 GError **error)
{
	const gchar *value = suture_json_string(object, path, key, error);

	if (!value)
		return FALSE;
	*ret = g_strdup(value);
	return TRUE;
}

gboolean suture_json_is_object(json_t *entry, const gchar *path, GError **error)
{
	if (json_is_object(entry))
		return TRUE;
	g_set_error(error, SUTURE_JSON_ERROR, SUTURE_JSON_ERROR_TYPE, "%s: must be an object", path);
	return FALSE;
}

gboolean suture_limit_check(guint64 count, guint64 max, const gchar *path, const gchar *key, GError **error)
{
	if (count <= max)
		return TRUE;
	g_set_error(error, SUTURE_MANIFEST_ERROR, SUTURE_MANIFEST_ERROR_LIMIT,
		    "%s%s%s: %" G_GUINT64_FORMAT " is over the limit of %" G_GUINT64_FORMAT, path,
		    *path ? "." : "", key, count, max);
	return FALSE;
}

static gboolean set_word_error(GError **error, const gchar *key, const gchar *word)
{
	g_autofree gchar *start = g_strndup(word, 64);
	g_autofree gchar *shown = g_strescape(start, NULL);

	g_set_error(error, SUTURE_MANIFEST_ERROR, SUTURE_MANIFEST_ERROR_VALUE,
		    "%s: \"%s\" is not a known word", key, shown);
	return FALSE;
}

static gboolean read_words(json_t *object, SuturePatch *patch, GError **error)
{
	const gchar *severity, *provider, *consistency;

	severity = suture_json_string(object, "", "severity", error);
	if (!severity)
		return FALSE;
	if (!suture_severity_parse(severity, &patch->severity))
		return set_word_error(error, "severity", severity);
	provider = suture_json_string(object, "", "provider", error);
	if (!provider)
		return FALSE;
	if (!suture_provider_parse(provider, &patch->provider))
		return set_word_error(error, "provider", provider);
	consistency = suture_json_string(object, "", "consistency", error);
	if (!consistency)
		return FALSE;
	return suture_consistency_parse(consistency, &patch->consistency) ||
	       set_word_error(error, "consistency", consistency);
}

static gboolean read_vulnerability(json_t *entry, const gchar *path, GPtrArray *list, GError **error)
{
	static const gchar *const known[] = {"id", "status", NULL};
	const gchar *id, *status;

	if (!suture_json_only(entry, path, known, error))
		return FALSE;
	id = suture_json_string(entry, path, "id", error);
	status = id ? suture_json_string(entry, path, "status", error) : NULL;
	if (!status)
		return FALSE;
	g_ptr_array_add(list, suture_vulnerability_new(id, status));
	return TRUE;
}

static gboolean read_vulnerabilities(json_t *object, GPtrArray *list, GError **error)
{
	json_t *array = suture_json_array(object, "", "vulnerabilities", G_MAXSIZE, error), *entry;
	gsize i;

	if (!array || !suture_limit_check(json_array_size(array), SUTURE_MANIFEST_MAX_VULNERABILITIES, "",
					  "vulnerabilities", error))
		return FALSE;
	json_array_foreach (array, i, entry) {
		g_autofree gchar *path = g_strdup_printf("vulnerabilities[%" G_GSIZE_FORMAT "]", i);

		if (!suture_json_is_object(entry, path, error) ||
		    !read_vulnerability(entry, path, list, error))
			return FALSE;
	}
	return TRUE;
}

static gboolean read_kernel(json_t *object, gboolean vermagic, SutureKernel *kernel, GError **error)
{
	static const gchar *const with_vermagic[] = {"release", "arch", "build_id", "vermagic", NULL};
	static const gchar *const without[] = {"release", "arch", "build_id", NULL};
	json_t *member = suture_json_object(object, "", "kernel", error);

	return member && suture_json_only(member, "kernel", vermagic ? with_vermagic : without, error) &&
	       suture_json_copy_string(member, "kernel", "release", &kernel->release, error) &&
	       suture_json_copy_string(member, "kernel", "arch", &kernel->arch, error) &&
	       suture_json_copy_string(member, "kernel", "build_id", &kernel->build_id, error) &&
	       (!vermagic || suture_json_copy_string(member, "kernel", "vermagic", &kernel->vermagic, error));
}

static gboolean read_entries(json_t *stack, const gchar *key, GPtrArray *list, GError **error)
{
	json_t *array = suture_json_array(stack, "stack", key, G_MAXSIZE, error), *entry;
	gsize i;

	if (!array ||
	    !suture_limit_check(json_array_size(array), SUTURE_MANIFEST_MAX_STACK, "stack", key, error))
		return FALSE;
	json_array_foreach (array, i, entry) {
		if (!json_is_string(entry)) {
			g_set_error(error, SUTURE_JSON_ERROR, SUTURE_JSON_ERROR_TYPE,
				    "stack.%s[%" G_GSIZE_FORMAT "]: must be a string", key, i);
			return FALSE;
		}
		g_ptr_array_add(list, g_strdup(json_string_value(entry)));
	}
	return TRUE;
}

static gboolean read_stack(json_t *object, SutureStack *stack, GError **error)
{
	static const gchar *const known[] = {"requires", "supersedes", "conflicts", "cumulative", NULL};
	json_t *member = suture_json_object(object, "", "stack", error);

	return member && suture_json_only(member, "stack", known, error) &&
	       read_entries(member, "requires", stack->requires, error) &&
	       read_entries(member, "supersedes", stack->supersedes, error) &&
	       read_entries(member, "conflicts", stack->conflicts, error) &&
	       suture_json_boolean(member, "stack", "cumulative", &stack->cumulative, error);
}

gboolean suture_patch_read(json_t *object, gboolean vermagic, SuturePatch *patch, GError **error)
{
	return suture_json_copy_string(object, "", "name", &patch->name, error) &&
	       suture_json_copy_string(object, "", "version", &patch->version, error) &&
	       suture_json_copy_string(object, "", "release", &patch->release, error) &&
	       suture_json_copy_string(object, "", "advisory", &patch->advisory, error) &&
	       suture_json_copy_string(object, "", "issued", &patch->issued, error) &&
	       read_words(object, patch, error) &&
	       read_vulnerabilities(object, patch->vulnerabilities, error) &&
	       read_kernel(object, vermagic, &patch->kernel, error) &&
	       read_stack(object, &patch->stack, error) && suture_patch_validate(patch, vermagic, error);
}

static gboolean set_repeated(GError **error, const gchar *where, const gchar *what)
{
	g_set_error(error, SUTURE_MANIFEST_ERROR, SUTURE_MANIFEST_ERROR_VALUE,
		    "%s: \"%s\" stands there twice", where, what);
	return FALSE;
}

static gboolean validate_vulnerabilities(const GPtrArray *list, GError **error)
{
	g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

	if (!suture_limit_check(list->len, SUTURE_MANIFEST_MAX_VULNERABILITIES, "", "vulnerabilities", error))
		return FALSE;
	for (guint i = 0; i < list->len; i++) {
		const SutureVulnerability *each = list->pdata[i];
		g_autofree gchar *path = g_strdup_printf("vulnerabilities[%u]", i);

		if (!suture_form_check(SUTURE_FORM_VULNERABILITY, each->id, path, "id", error) ||
		    !suture_form_check(SUTURE_FORM_VULNERABILITY_STATUS, each->status, path, "status", error))
			return FALSE;
		if (!g_hash_table_add(seen, each->id))
			return set_repeated(error, "vulnerabilities", each->id);
	}
	return TRUE;
}

static gboolean validate_entries(const SuturePatch *patch, const GPtrArray *list, const gchar *key,
				 GError **error)
{
	g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

	if (!suture_limit_check(list->len, SUTURE_MANIFEST_MAX_STACK, "stack", key, error))
		return FALSE;
	for (guint i = 0; i < list->len; i++) {
		if (!suture_form_check(SUTURE_FORM_ENTRY, list->pdata[i], "stack", key, error))
			return FALSE;
		if (suture_patch_matches(patch, list->pdata[i])) {
			g_set_error(error, SUTURE_MANIFEST_ERROR, SUTURE_MANIFEST_ERROR_VALUE,
				    "stack.%s: \"%s\" is the patch itself", key, (gchar *)list->pdata[i]);
			return FALSE;
		}
		if (!g_hash_table_add(seen, list->pdata[i]))
			return set_repeated(error, "stack", list->pdata[i]);
	}
	return TRUE;
}

static gboolean validate_kernel(const SutureKernel *kernel, gboolean vermagic, GError **error)
{
	return suture_form_check(SUTURE_FORM_KERNEL_RELEASE, kernel->release, "kernel", "release", error) &&
	       suture_form_check(SUTURE_FORM_ARCH, kernel->arch, "kernel", "arch", error) &&
	       suture_form_check(SUTURE_FORM_BUILD_ID, kernel->build_id, "kernel", "build_id", error) &&
	       (!vermagic ||
		suture_form_check(SUTURE_FORM_VERMAGIC, kernel->vermagic, "kernel", "vermagic", error));
}

static gboolean validate_words(const SuturePatch *patch, GError **error)
{
	if (suture_severity_name(patch->severity) && suture_provider_name(patch->provider) &&
	    suture_consistency_name(patch->consistency)) {
		if (patch->provider != SUTURE_PROVIDER_KERNEL ||
		    patch->consistency == SUTURE_CONSISTENCY_PER_TASK)
			return TRUE;
		g_set_error(error, SUTURE_MANIFEST_ERROR, SUTURE_MANIFEST_ERROR_VALUE,
			    "consistency: the provider \"kernel\" has \"per-task\" only");
		return FALSE;
	}
	g_set_error(error, SUTURE_MANIFEST_ERROR, SUTURE_MANIFEST_ERROR_VALUE,
		    "severity, provider or consistency has no name");
	return FALSE;
}

gboolean suture_patch_validate(const SuturePatch *patch, gboolean vermagic, GError **error)
{
	return suture_form_check(SUTURE_FORM_NAME, patch->name, "", "name", error) &&
	       suture_form_check(SUTURE_FORM_VERSION, patch->version, "", "version", error) &&
	       suture_form_check(SUTURE_FORM_VERSION, patch->release, "", "release", error) &&
	       suture_form_check(SUTURE_FORM_ADVISORY, patch->advisory, "", "advisory", error) &&
	       suture_form_check(SUTURE_FORM_TIME, patch->issued, "", "issued", error) &&
	       validate_words(patch, error) && validate_vulnerabilities(patch->vulnerabilities, error) &&
	       validate_kernel(&patch->kernel, vermagic, error) &&
	       validate_entries(patch, patch->stack.requires, "requires", error) &&
	       validate_entries(patch, patch->stack.supersedes, "supersedes", error) &&
	       validate_entries(patch, patch->stack.conflicts, "conflicts", error);
}

static json_t *entries_json(const GPtrArray *list)
{
	json_t *array = json_array();

	for (guint i = 0; i < list->len; i++)
		json_array_append_new(array, json_string(list->pdata[i]));
	return array;
}

static json_t *vulnerabilities_json(const GPtrArray *list)
{
	json_t *array = json_array();

	for (guint i = 0; i < list->len; i++) {
		const SutureVulnerability *each = list->pdata[i];

		json_array_append_new(array, json_pack("{s:s, s:s}", "id", each->id, "status", each->status));
	}
	return array;
}

void suture_patch_write_name(const SuturePatch *patch, json_t *object)
{
	json_object_set_new(object, "name", json_string(patch->name));
	json_object_set_new(object, "version", json_string(patch->version));
	json_object_set_new(object, "release", json_string(patch->release));
}

void suture_patch_write_facts(const SuturePatch *patch, json_t *object)
{
	json_t *kernel = json_pack("{s:s, s:s, s:s}", "release", patch->kernel.release, "arch",
				   patch->kernel.arch, "build_id", patch->kernel.build_id);

	if (patch->kernel.vermagic)
		json_object_set_new(kernel, "vermagic", json_string(patch->kernel.vermagic));
	json_object_set_new(object, "severity", json_string(suture_severity_name(patch->severity)));
	json_object_set_new(object, "advisory", json_string(patch->advisory));
	json_object_set_new(object, "issued", json_string(patch->issued));
	json_object_set_new(object, "vulnerabilities", vulnerabilities_json(patch->vulnerabilities));
	json_object_set_new(object, "kernel", kernel);
	json_object_set_new(object, "provider", json_string(suture_provider_name(patch->provider)));
	json_object_set_new(object, "consistency", json_string(suture_consistency_name(patch->consistency)));
	json_object_set_new(object, "stack",
			    json_pack("{s:o, s:o, s:o, s:b}", "requires", entries_json(patch->stack.requires),
				      "supersedes", entries_json(patch->stack.supersedes), "conflicts",
				      entries_json(patch->stack.conflicts), "cumulative",
				      patch->stack.cumulative ? 1 : 0));
}
