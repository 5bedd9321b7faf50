// SPDX-License-Identifier: LGPL-2.1-or-later
#include "applier/load.h"

#include <errno.h>
#include <libkmod.h>

#define UNLOAD_TRIES 50
#define UNLOAD_PAUSE_US 100000

typedef struct kmod_ctx KmodContext;
typedef struct kmod_module KmodModule;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KmodContext, kmod_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KmodModule, kmod_module_unref)

static void drop_log(void *data, int priority, const char *file, int line, const char *function,
		     const char *format, va_list args)
{
	(void)data, (void)priority, (void)file, (void)line, (void)function, (void)format, (void)args;
}

/* Without any configuration: what is loaded was decided elsewhere. */
static KmodContext *context_new(GError **error)
{
	static const char *const no_configuration[] = {NULL};
	KmodContext *context = kmod_new(NULL, no_configuration);

	if (context)
		kmod_set_log_fn(context, drop_log, NULL);
	else
		suture_error_set_errno(error, ENOMEM, "libkmod");
	return context;
}

static const struct {
	int code;
	SutureApplyError error;
	const gchar *words;
} answers[] = {
	{EKEYREJECTED, SUTURE_APPLY_ERROR_MODULE_KEY,
	 "no key that this kernel trusts has signed it; enrol the vendor's certificate (mokutil --import)"},
	{ENOKEY, SUTURE_APPLY_ERROR_MODULE_KEY,
	 "no key that this kernel trusts has signed it; enrol the vendor's certificate (mokutil --import)"},
	{EBADMSG, SUTURE_APPLY_ERROR_MODULE_SIGNATURE,
	 "its appended signature is malformed; get the bundle again"},
	{ENOEXEC, SUTURE_APPLY_ERROR_MODULE_FORMAT,
	 "it was built for another kernel or is no module; see the kernel log"},
	{EEXIST, SUTURE_APPLY_ERROR_MODULE_EXISTS,
	 "a module of this name is loaded already; see 'suture status'"},
	{ENODEV, SUTURE_APPLY_ERROR_MODULE_DEVICE,
	 "this kernel's livepatch does not work; see the kernel log"},
	{EINVAL, SUTURE_APPLY_ERROR_MODULE_PATCH,
	 "the kernel does not accept its patch (a function that it names is ambiguous or absent); see the "
	 "kernel log"},
	{ENOENT, SUTURE_APPLY_ERROR_MODULE_SYMBOL,
	 "a symbol that it needs is not in this kernel; see the kernel log"},
	{EBUSY, SUTURE_APPLY_ERROR_MODULE_BUSY, "another livepatch is in transition; try again"},
	{EPERM, SUTURE_APPLY_ERROR_MODULE_FORBIDDEN,
	 "loading modules is forbidden (not root, kernel.modules_disabled, or lockdown)"},
};

void suture_module_set_answer(GError **error, int code, const gchar *name)
{
	for (gsize i = 0; i < G_N_ELEMENTS(answers); i++)
		if (answers[i].code == code) {
			g_set_error(error, SUTURE_APPLY_ERROR, (gint)answers[i].error,
				    "%s: the kernel refused the module (%s): %s", name, g_strerror(code),
				    answers[i].words);
			return;
		}
	g_set_error(error, SUTURE_APPLY_ERROR, SUTURE_APPLY_ERROR_MODULE_REJECTED,
		    "%s: the kernel refused the module: %s; see the kernel log", name, g_strerror(code));
}

gboolean suture_module_load(int fd, const gchar *name, GError **error)
{
	g_autofree gchar *path = g_strdup_printf("/proc/self/fd/%d", fd);
	g_autoptr(KmodContext) context = context_new(error);
	g_autoptr(KmodModule) module = NULL;
	int status;

	if (!context)
		return FALSE;
	/* libkmod takes "<fd>" for the module's name, but uses it for nothing that is called here. */
	status = kmod_module_new_from_path(context, path, &module);
	if (status < 0)
		return suture_error_set_errno(error, -status, "%s: %s", name, path);
	status = kmod_module_insert_module(module, 0, NULL);
	if (status == 0)
		return TRUE;
	suture_module_set_answer(error, -status, name);
	return FALSE;
}

gboolean suture_module_unload(const gchar *name, GError **error)
{
	g_autoptr(KmodContext) context = context_new(error);
	g_autoptr(KmodModule) module = NULL;
	int status;

	if (!context)
		return FALSE;
	status = kmod_module_new_from_name(context, name, &module);
	if (status < 0)
		return suture_error_set_errno(error, -status, "%s", name);
	for (guint i = 0; i < UNLOAD_TRIES; i++) {
		status = kmod_module_remove_module(module, 0);
		if (status == 0 || status == -ENOENT)
			return TRUE;
		if (status != -EAGAIN && status != -EBUSY)
			break;
		g_usleep(UNLOAD_PAUSE_US);
	}
	g_set_error(
		error, SUTURE_APPLY_ERROR, SUTURE_APPLY_ERROR_MODULE_IN_USE,
		"%s: the module could not be unloaded: %s; it patches nothing any more, 'suture apply' tries "
		"again",
		name, g_strerror(-status));
	return FALSE;
}
