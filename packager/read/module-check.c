// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/read/module-check.h"

#include "common/mutation.h"
#include "signer/verify/digest.h"

#include <string.h>

gboolean suture_module_check_digest(const SutureModule *module, GBytes *bytes, GError **error)
{
	g_autofree gchar *digest = NULL;

	if (suture_check_skipped("file-digest"))
		return TRUE;
	if (g_bytes_get_size(bytes) == module->size) {
		digest = suture_digest_bytes(bytes);
		if (strcmp(digest, module->sha256) == 0)
			return TRUE;
	}
	g_set_error(
		error, SUTURE_BUNDLE_ERROR, SUTURE_BUNDLE_ERROR_FILE_DIGEST,
		"%s: is not the file that the manifest lists (size or SHA-256 differ): get the bundle again",
		module->file);
	return FALSE;
}

static gboolean check_member(const SutureModule *module, const gchar *member, const gchar *have,
			     const gchar *wanted, GError **error)
{
	if (g_strcmp0(have, wanted) == 0)
		return TRUE;
	g_set_error(error, SUTURE_BUNDLE_ERROR, SUTURE_BUNDLE_ERROR_DISAGREE,
		    "%s: %s is \"%s\" in the module and \"%s\" in the manifest", module->file, member, have,
		    wanted);
	return FALSE;
}

/* What a host is told of how a patch comes about must be what its module asks the framework for. */
static gboolean check_consistency(const SutureModule *module, SutureConsistency have,
				  SutureConsistency wanted, GError **error)
{
	if (have == wanted)
		return TRUE;
	g_set_error(error, SUTURE_BUNDLE_ERROR, SUTURE_BUNDLE_ERROR_CONSISTENCY,
		    "%s: sets the consistency model %s, and the manifest says %s", module->file,
		    suture_consistency_name(have), suture_consistency_name(wanted));
	return FALSE;
}

static gint compare_strings(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const gchar *const *)a, *(const gchar *const *)b);
}

/* One text for a set of functions, whatever their order. */
static gchar *functions_text(const GPtrArray *functions)
{
	g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);

	for (guint i = 0; i < functions->len; i++) {
		const SutureFunction *function = g_ptr_array_index(functions, i);

		g_ptr_array_add(lines, g_strdup_printf("%s:%s,%" G_GUINT64_FORMAT, function->object,
						       function->name, function->sympos));
	}
	g_ptr_array_sort(lines, compare_strings);
	g_ptr_array_add(lines, NULL);
	return g_strjoinv(" ", (GStrv)lines->pdata);
}

/* A build that is named of what is not patched would be checked for nothing. */
static gboolean check_patches(const SutureModule *module, const SutureModuleInfo *info, GError **error)
{
	for (guint i = 0; i < module->patches->len; i++) {
		const SuturePatchedBuild *build = module->patches->pdata[i];

		if (g_ptr_array_find_with_equal_func(info->objects, build->object, g_str_equal, NULL))
			continue;
		g_set_error(error, SUTURE_BUNDLE_ERROR, SUTURE_BUNDLE_ERROR_DISAGREE,
			    "%s: patches names a build of %s, which is no object of the module", module->file,
			    build->object);
		return FALSE;
	}
	return TRUE;
}

static gboolean check_info(const SutureManifest *manifest, guint index, const SutureModuleInfo *info,
			   GError **error)
{
	const SutureModule *module = g_ptr_array_index(manifest->modules, index);
	const SuturePatch *patch = &manifest->patch;
	g_autofree gchar *have = functions_text(info->functions);
	g_autofree gchar *wanted = functions_text(module->functions);
	gboolean cumulative = patch->stack.cumulative && index == 0;

	return suture_module_info_check_name(info, module->file, error) &&
	       suture_module_info_check_release(info, patch->kernel.release, error) &&
	       check_member(module, "vermagic", info->vermagic, patch->kernel.vermagic, error) &&
	       check_member(module, "provider", suture_provider_name(info->provider),
			    suture_provider_name(patch->provider), error) &&
	       check_consistency(module, info->consistency, patch->consistency, error) &&
	       check_member(module, "build-id", info->build_id, module->build_id, error) &&
	       check_member(module, "srcversion", info->srcversion, module->srcversion, error) &&
	       check_member(module, "functions", have, wanted, error) && check_patches(module, info, error) &&
	       check_member(module, "replace", info->cumulative ? "true" : "false",
			    cumulative ? "true" : "false", error);
}

gboolean suture_module_check_content(const SutureManifest *manifest, guint index, GBytes *bytes,
				     const SutureModuleTrust *trust, SutureModuleSigner **ret_signer,
				     GError **error)
{
	const SutureModule *module = g_ptr_array_index(manifest->modules, index);
	g_autoptr(SutureModuleInfo) info = NULL;

	if (!suture_module_signature_verify(trust, bytes, ret_signer, error)) {
		g_prefix_error(error, "%s: ", module->file);
		return FALSE;
	}
	info = suture_module_info_read(bytes, module->file, error);
	return info && (suture_check_skipped("module-disagree") || check_info(manifest, index, info, error));
}
