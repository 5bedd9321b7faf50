// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spec/recall.h"

#include "spec/form.h"
#include "spec/patch-json.h"

#include <string.h>

#define PATH "x-suture-withdrawn"
#define MAX_RECALLS 65536
#define MAX_ID 512

void suture_recall_free(SutureRecall *recall)
{
	if (!recall)
		return;
	g_free(recall->id);
	g_free(recall->manifest_sha256);
	g_free(recall->reason);
	g_free(recall->withdrawn);
	g_free(recall);
}

static SutureRecall *read_one(json_t *object, GError **error)
{
	static const gchar *const known[] = {"id", "manifest_sha256", "reason", "withdrawn", NULL};
	g_autoptr(SutureRecall) recall = g_new0(SutureRecall, 1);

	if (suture_json_only(object, PATH, known, error) &&
	    suture_json_copy_string(object, PATH, "id", &recall->id, error) &&
	    suture_json_copy_string(object, PATH, "manifest_sha256", &recall->manifest_sha256, error) &&
	    suture_json_copy_string(object, PATH, "reason", &recall->reason, error) &&
	    suture_json_copy_string(object, PATH, "withdrawn", &recall->withdrawn, error) &&
	    suture_form_check_text(recall->id, 1, MAX_ID, PATH, "id", error) &&
	    suture_form_check(SUTURE_FORM_SHA256, recall->manifest_sha256, PATH, "manifest_sha256", error) &&
	    suture_form_check_text(recall->reason, 1, SUTURE_RECALL_REASON_MAX, PATH, "reason", error) &&
	    suture_form_check(SUTURE_FORM_TIME, recall->withdrawn, PATH, "withdrawn", error))
		return g_steal_pointer(&recall);
	return NULL;
}

GPtrArray *suture_recalls_read(json_t *recalls, GError **error)
{
	g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func((GDestroyNotify)suture_recall_free);
	json_t *entry;
	gsize i;

	if (recalls && (!json_is_array(recalls) || json_array_size(recalls) > MAX_RECALLS)) {
		g_set_error(error, SUTURE_JSON_ERROR, SUTURE_JSON_ERROR_TYPE,
			    PATH ": not a list of at most %d recalls", MAX_RECALLS);
		return NULL;
	}
	json_array_foreach (recalls, i, entry) {
		SutureRecall *recall = NULL;

		if (json_is_object(entry))
			recall = read_one(entry, error);
		else
			g_set_error(error, SUTURE_JSON_ERROR, SUTURE_JSON_ERROR_TYPE,
				    PATH ": an entry is not an object");
		if (!recall)
			return NULL;
		g_ptr_array_add(list, recall);
	}
	return g_steal_pointer(&list);
}

json_t *suture_recalls_write(GPtrArray *recalls)
{
	json_t *list = json_array();

	for (guint i = 0; i < recalls->len; i++) {
		const SutureRecall *recall = recalls->pdata[i];

		json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s}", "id", recall->id,
						      "manifest_sha256", recall->manifest_sha256, "reason",
						      recall->reason, "withdrawn", recall->withdrawn));
	}
	return list;
}

const SutureRecall *suture_recalls_find(GPtrArray *recalls, const gchar *manifest_sha256)
{
	for (guint i = 0; i < recalls->len; i++) {
		const SutureRecall *recall = recalls->pdata[i];

		if (strcmp(recall->manifest_sha256, manifest_sha256) == 0)
			return recall;
	}
	return NULL;
}
