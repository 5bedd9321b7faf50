// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spec/target.h"

#include "spec/form.h"
#include "spec/patch-json.h"

#define TARGET_FORMAT 1

void suture_target_free(SutureTarget *target)
{
	if (!target)
		return;
	suture_patch_clear(&target->patch);
	g_free(target->manifest_sha256);
	g_free(target);
}

static gboolean read_target(json_t *data, SutureTarget *target, GError **error)
{
	static const gchar *const known[] = {"format", "manifest_sha256", SUTURE_PATCH_MEMBERS, NULL};

	return suture_format_read(data, TARGET_FORMAT, NULL, error) &&
	       suture_json_only(data, "", known, error) &&
	       suture_json_copy_string(data, "", "manifest_sha256", &target->manifest_sha256, error) &&
	       suture_form_check(SUTURE_FORM_SHA256, target->manifest_sha256, "", "manifest_sha256", error) &&
	       suture_patch_read(data, FALSE, &target->patch, error);
}

gboolean suture_target_parse(json_t *custom, SutureTarget **ret, GError **error)
{
	g_autoptr(SutureTarget) target = NULL;
	json_t *data;

	if (!json_object_get(custom, "suture")) {
		*ret = NULL;
		return TRUE;
	}
	data = suture_json_object(custom, "custom", "suture", error);
	if (!data)
		return FALSE;
	target = g_new0(SutureTarget, 1);
	suture_patch_init(&target->patch);
	if (!read_target(data, target, error)) {
		g_prefix_error(error, "target data: ");
		return FALSE;
	}
	*ret = g_steal_pointer(&target);
	return TRUE;
}

json_t *suture_target_custom(const SuturePatch *patch, const gchar *manifest_sha256)
{
	json_t *data, *kernel;

	g_return_val_if_fail(suture_patch_validate(patch, FALSE, NULL), NULL);
	g_return_val_if_fail(suture_form_is(SUTURE_FORM_SHA256, manifest_sha256), NULL);
	data = json_pack("{s:i, s:s}", "format", TARGET_FORMAT, "manifest_sha256", manifest_sha256);
	suture_patch_write_name(patch, data);
	suture_patch_write_facts(patch, data);
	kernel = json_object_get(data, "kernel");
	json_object_del(kernel, "vermagic");
	return json_pack("{s:o}", "suture", data);
}
