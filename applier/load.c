// SPDX-License-Identifier: LGPL-2.1-or-later
#include "applier/load.h"

#include "applier/kernel-log.h"
#include "applier/kmod-private.h"

#include <errno.h>

#define UNLOAD_TRIES 50
#define UNLOAD_PAUSE_US 100000

static void drop_log(void *data, int priority, const char *file, int line, const char *function,
		     const char *format, va_list args)
{
	(void)data, (void)priority, (void)file, (void)line, (void)function, (void)format, (void)args;
}

KmodContext *suture_kmod_context_new(const gchar *folder, GError **error)
{
	static const char *const no_configuration[] = {NULL};
	KmodContext *context = kmod_new(folder, no_configuration);

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
	{EBUSY, SUTURE_APPLY_ERROR_MODULE_BUSY,
	 "another livepatch is in transition, or something else redirects a function that it replaces; try "
	 "again"},
	{EPERM, SUTURE_APPLY_ERROR_MODULE_FORBIDDEN,
	 "loading modules is forbidden (not root, kernel.modules_disabled, or lockdown)"},
};

void suture_module_set_answer(GError **error, int code, SutureConsistency consistency, const gchar *name,
			      const gchar *said)
{
	/* It has no transition that could be followed: all of it happens while the module is loaded. */
	if (code == EBUSY && consistency == SUTURE_CONSISTENCY_STOP_MACHINE) {
		g_set_error(
			error, SUTURE_APPLY_ERROR, SUTURE_APPLY_ERROR_BLOCKED,
			"%s: the kernel could not be stopped with no task in the functions that it replaces, "
			"or something else redirects one of them (%s): end or wake what is in them and try "
			"again%s",
			name, g_strerror(code), said);
		return;
	}
	for (gsize i = 0; i < G_N_ELEMENTS(answers); i++)
		if (answers[i].code == code) {
			g_set_error(error, SUTURE_APPLY_ERROR, (gint)answers[i].error,
				    "%s: the kernel refused the module (%s): %s%s", name, g_strerror(code),
				    answers[i].words, said);
			return;
		}
	g_set_error(error, SUTURE_APPLY_ERROR, SUTURE_APPLY_ERROR_MODULE_REJECTED,
		    "%s: the kernel refused the module: %s; see the kernel log%s", name, g_strerror(code),
		    said);
}

gboolean suture_module_load(int root, int fd, const gchar *name, SutureConsistency consistency,
			    GError **error)
{
	g_autofree gchar *path = g_strdup_printf("/proc/self/fd/%d", fd);
	g_autoptr(KmodContext) context = suture_kmod_context_new(NULL, error);
	g_autoptr(SutureKernelLog) log = suture_kernel_log_mark(root);
	g_autoptr(KmodModule) module = NULL;
	g_autofree gchar *said = NULL;
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
	said = suture_kernel_log_said(log, name);
	suture_module_set_answer(error, -status, consistency, name, said);
	return FALSE;
}

SutureStay suture_stay(SutureProvider provider, SutureConsistency consistency)
{
	if (provider != SUTURE_PROVIDER_FRAMEWORK)
		return SUTURE_STAY_NO;
	return consistency == SUTURE_CONSISTENCY_IMMEDIATE ? SUTURE_STAY_PINNED : SUTURE_STAY_MAYBE;
}

/* The kernel's last answer, 0 when it is gone. */
static int unload(const gchar *name, guint tries, GError **error)
{
	g_autoptr(KmodContext) context = suture_kmod_context_new(NULL, error);
	g_autoptr(KmodModule) module = NULL;
	int status;

	if (!context)
		return -ENOMEM;
	status = kmod_module_new_from_name(context, name, &module);
	for (guint i = 0; status == 0 && i < tries; i++) {
		if (i > 0)
			g_usleep(UNLOAD_PAUSE_US);
		status = kmod_module_remove_module(module, 0);
		if (status != -EAGAIN && status != -EBUSY)
			return status == -ENOENT ? 0 : status;
		status = i + 1 < tries ? 0 : status;
	}
	return status;
}

gboolean suture_module_unload(const gchar *name, SutureStay stay, gboolean *ret_pinned, GError **error)
{
	int status = unload(name, stay == SUTURE_STAY_PINNED ? 1 : UNLOAD_TRIES, error);

	*ret_pinned = FALSE;
	if (status == 0)
		return TRUE;
	*ret_pinned = stay != SUTURE_STAY_NO && (status == -EAGAIN || status == -EBUSY);
	if (*ret_pinned || (error && *error))
		return *ret_pinned;
	g_set_error(
		error, SUTURE_APPLY_ERROR, SUTURE_APPLY_ERROR_MODULE_IN_USE,
		"%s: the module could not be unloaded: %s; it patches nothing any more, 'suture apply' tries "
		"again",
		name, g_strerror(-status));
	return FALSE;
}
