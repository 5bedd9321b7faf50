// SPDX-License-Identifier: LGPL-2.1-or-later
#include "applier/patched.h"

#include "applier/kmod-private.h"
#include "common/mutation.h"
#include "packager/read/module-file.h"
#include "packager/read/module-info.h"

static const gchar *or_none(const gchar *text)
{
	return text && *text ? text : "none";
}

/* By what the two could be compared; @where the other one is. */
static gboolean judge(const SuturePatchedBuild *wanted, const SutureModuleIdentity *have, const gchar *what,
		      const gchar *where, GError **error)
{
	gboolean by_id = *wanted->build_id && (!*wanted->srcversion || (have->build_id && *have->build_id));

	if (suture_module_is_build(wanted, have->build_id, have->srcversion) ||
	    suture_check_skipped("module-build"))
		return TRUE;
	g_set_error(error, SUTURE_APPLY_ERROR, SUTURE_APPLY_ERROR_MODULE_BUILD,
		    "%s: is for the module %s with %s %s, and %s has %s: put the module back that came with "
		    "this kernel, or get a bundle made for this one",
		    what, wanted->object, by_id ? "build-id" : "srcversion",
		    by_id ? wanted->build_id : wanted->srcversion, where,
		    or_none(by_id ? have->build_id : have->srcversion));
	return FALSE;
}

gboolean suture_patched_check_loaded(const SutureLivepatch *livepatch, const SuturePatchedBuild *wanted,
				     const gchar *what, GError **error)
{
	g_autoptr(SutureModuleIdentity) have = g_new0(SutureModuleIdentity, 1);

	if (!suture_livepatch_module_loaded(livepatch, wanted->object))
		return TRUE;
	have->build_id = suture_livepatch_module_build_id(livepatch, wanted->object);
	have->srcversion = suture_livepatch_module_srcversion(livepatch, wanted->object);
	return judge(wanted, have, what, "the one that is loaded", error);
}

/* By depmod's list, as modprobe finds it; no aliases. *@ret NULL: there is none. */
static gboolean find_file(const gchar *root, const gchar *release, const gchar *object, gchar **ret,
			  GError **error)
{
	g_autofree gchar *folder = g_build_filename(root ? root : "/", "lib/modules", release, NULL);
	g_autoptr(KmodContext) context = suture_kmod_context_new(folder, error);
	g_autoptr(KmodModule) module = NULL;
	const gchar *path;

	*ret = NULL;
	if (!context)
		return FALSE;
	if (kmod_module_new_from_name(context, object, &module) < 0)
		return TRUE;
	path = kmod_module_get_path(module);
	if (path && g_file_test(path, G_FILE_TEST_EXISTS))
		*ret = g_strdup(path);
	return TRUE;
}

static gboolean check_file(const gchar *path, const SuturePatchedBuild *wanted, const gchar *what,
			   GError **error)
{
	g_autoptr(GBytes) bytes = suture_module_file_read(path, error);
	g_autoptr(SutureModuleIdentity) have = bytes ? suture_module_identity_read(bytes, path, error) : NULL;

	if (!have) {
		g_prefix_error(error, "%s: ", what);
		return FALSE;
	}
	return judge(wanted, have, what, path, error);
}

static gboolean check_build(const SutureLivepatch *livepatch, const gchar *root, const gchar *release,
			    const SuturePatchedBuild *wanted, const gchar *what, GError **error)
{
	g_autofree gchar *path = NULL;

	if (suture_livepatch_module_loaded(livepatch, wanted->object))
		return suture_patched_check_loaded(livepatch, wanted, what, error);
	return find_file(root, release, wanted->object, &path, error) &&
	       (!path || check_file(path, wanted, what, error));
}

gboolean suture_patched_check(const SutureLivepatch *livepatch, const gchar *root, const gchar *release,
			      const SutureManifest *manifest, const gchar *what, GError **error)
{
	for (guint i = 0; i < manifest->modules->len; i++) {
		const SutureModule *module = manifest->modules->pdata[i];

		for (guint j = 0; j < module->patches->len; j++)
			if (!check_build(livepatch, root, release, module->patches->pdata[j], what, error))
				return FALSE;
	}
	return TRUE;
}
