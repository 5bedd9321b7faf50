// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/row-json.h"

#include <stdio.h>

static json_t *vulnerabilities_json(const SutureManifest *manifest)
{
	json_t *list = json_array();

	for (guint i = 0; manifest && i < manifest->patch.vulnerabilities->len; i++) {
		const SutureVulnerability *vulnerability = manifest->patch.vulnerabilities->pdata[i];

		json_array_append_new(list, json_pack("{s:s, s:s}", "id", vulnerability->id, "status",
						      vulnerability->status));
	}
	return list;
}

static json_t *modules_json(const SutureStatusRow *row)
{
	json_t *list = json_array();

	for (guint i = 0; row->manifest && i < row->manifest->modules->len; i++) {
		g_autofree gchar *name = suture_module_kernel_name(row->manifest->modules->pdata[i]);

		json_array_append_new(list, json_string(name));
	}
	if (!row->manifest)
		json_array_append_new(list, json_string(row->id));
	return list;
}

/* Of one that somebody else applied, sysfs tells. */
static const gchar *provider_of(const SutureStatusRow *row)
{
	if (row->manifest)
		return suture_provider_name(row->manifest->patch.provider);
	return row->entry ? suture_provider_name(suture_stack_entry_provider(row->entry)) : NULL;
}

static json_t *row_json(const SutureStatusRow *row)
{
	const SuturePatch *patch = row->manifest ? &row->manifest->patch : NULL;

	return json_pack("{s:s, s:i, s:s, s:s, s:s, s:s?, s:s?, s:s?, s:s?, s:s?, s:o, s:s?, s:s?, s:s, s:s, "
			 "s:o, s:b, s:s?}",
			 "id", row->id, "order", (int)row->order, "state", suture_row_state_name(row->state),
			 "rule", row->rule ? row->rule : "", "origin", row->origin, "name",
			 patch ? patch->name : NULL, "version", patch ? patch->version : NULL, "release",
			 patch ? patch->release : NULL, "severity",
			 patch ? suture_severity_name(patch->severity) : NULL, "advisory",
			 patch ? patch->advisory : NULL, "vulnerabilities",
			 vulnerabilities_json(row->manifest), "provider", provider_of(row), "consistency",
			 patch ? suture_consistency_name(patch->consistency) : NULL, "signer", row->signer,
			 "manifest_sha256", row->manifest_sha256, "modules", modules_json(row), "installed",
			 row->stored != NULL, "withdrawn", row->withdrawn);
}

json_t *suture_rows_json(GPtrArray *rows)
{
	json_t *list = json_array();

	for (guint i = 0; i < rows->len; i++)
		json_array_append_new(list, row_json(rows->pdata[i]));
	return list;
}

json_t *suture_strings_json(GPtrArray *strings)
{
	json_t *list = json_array();

	for (guint i = 0; i < strings->len; i++)
		json_array_append_new(list, json_string(strings->pdata[i]));
	return list;
}

json_t *suture_applied_json(GPtrArray *done)
{
	json_t *list = json_array();

	for (guint i = 0; i < done->len; i++) {
		const SutureApplied *applied = done->pdata[i];

		json_array_append_new(list, json_pack("{s:s, s:f, s:f, s:b}", "id", applied->id, "seconds",
						      (double)applied->total_us / G_USEC_PER_SEC,
						      "transition_seconds",
						      (double)applied->transition_us / G_USEC_PER_SEC,
						      "pinned", applied->pinned));
	}
	return list;
}

void suture_print_json(json_t *json)
{
	g_autoptr(GBytes) text = suture_json_pretty(json);
	gsize size;
	gconstpointer data = g_bytes_get_data(text, &size);

	fwrite(data, 1, size, stdout);
}

gboolean suture_no_arguments(int argc, char **argv, GError **error)
{
	if (argc < 2)
		return TRUE;
	g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED, "%s: takes no argument '%s'; see --help",
		    argv[0], argv[1]);
	return FALSE;
}
