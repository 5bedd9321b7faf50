// SPDX-License-Identifier: LGPL-2.1-or-later
#include "applier/provider.h"

#include "applier/kernel-log.h"
#include "applier/kmod-private.h"
#include "applier/load.h"

#include <errno.h>

#define MODULE "suture"

static gchar *modules_folder(const gchar *root, const gchar *release)
{
	return g_build_filename(root ? root : "/", "lib/modules", release, NULL);
}

/* NULL without an error when there is no such module. */
static KmodModule *look_up(KmodContext *context)
{
	struct kmod_list *list = NULL;
	KmodModule *module = NULL;

	if (kmod_module_new_from_lookup(context, MODULE, &list) == 0 && list)
		module = kmod_module_get_module(list);
	kmod_module_unref_list(list);
	if (module && !kmod_module_get_path(module))
		g_clear_pointer(&module, kmod_module_unref);
	return module;
}

static gboolean set_missing(const gchar *folder, const gchar *what, GError **error)
{
	g_set_error(error, SUTURE_APPLY_ERROR, SUTURE_APPLY_ERROR_FRAMEWORK,
		    "%s: needs Suture's framework, and there is no " MODULE ".ko in %s; install the package "
		    "kmod-suture for this kernel, or suture-dkms",
		    what, folder);
	return FALSE;
}

gboolean suture_framework_installed(const gchar *root, const gchar *release, const gchar *what,
				    GError **error)
{
	g_autofree gchar *folder = modules_folder(root, release);
	g_autoptr(KmodContext) context = suture_kmod_context_new(folder, error);
	g_autoptr(KmodModule) module = NULL;

	if (!context)
		return FALSE;
	module = look_up(context);
	return module != NULL || set_missing(folder, what, error);
}

static gboolean insert(const SutureLivepatch *livepatch, const gchar *folder, GError **error)
{
	g_autoptr(KmodContext) context = suture_kmod_context_new(folder, error);
	g_autoptr(SutureKernelLog) log = suture_kernel_log_mark(suture_livepatch_root(livepatch));
	g_autoptr(KmodModule) module = NULL;
	g_autofree gchar *said = NULL;
	int status;

	if (!context)
		return FALSE;
	module = look_up(context);
	if (!module)
		return set_missing(folder, MODULE, error);
	status = kmod_module_insert_module(module, 0, NULL);
	if (status == 0 || status == -EEXIST)
		return TRUE;
	said = suture_kernel_log_said(log, MODULE);
	suture_module_set_answer(error, -status, SUTURE_CONSISTENCY_PER_TASK, kmod_module_get_path(module),
				 said);
	return FALSE;
}

gboolean suture_framework_load(SutureLivepatch *livepatch, const gchar *root, const gchar *release,
			       GError **error)
{
	g_autofree gchar *folder = modules_folder(root, release);

	if (suture_livepatch_has(livepatch, SUTURE_PROVIDER_FRAMEWORK))
		return TRUE;
	if (!insert(livepatch, folder, error))
		return FALSE;
	suture_livepatch_look_again(livepatch);
	if (suture_livepatch_has(livepatch, SUTURE_PROVIDER_FRAMEWORK))
		return TRUE;
	g_set_error(error, SUTURE_APPLY_ERROR, SUTURE_APPLY_ERROR_FRAMEWORK,
		    MODULE
		    ": a module of this name is loaded, and there is no /sys/kernel/suture; see what it is");
	return FALSE;
}
