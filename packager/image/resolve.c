// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/image/resolve.h"

#include <string.h>

void suture_target_clear(SutureTarget *target)
{
	g_clear_pointer(&target->object, g_free);
	g_clear_pointer(&target->symbol, g_free);
}

static gboolean answer(SutureTarget *ret, const gchar *object, const gchar *symbol, guint64 sympos,
		       gboolean exported)
{
	*ret = (SutureTarget){g_strdup(object), g_strdup(symbol), sympos, exported};
	return TRUE;
}

static gboolean absent(const SutureRunning *running, const gchar *symbol, const gchar *problem,
		       GError **error)
{
	g_set_error(error, SUTURE_IMAGE_ERROR, SUTURE_IMAGE_ERROR_SYMBOL_ABSENT,
		    "symbol %s: %s of %s: the patch cannot refer to it", symbol, problem,
		    suture_running_object(running));
	return FALSE;
}

static gboolean refuse_init(const SutureRunning *running, const gchar *symbol, GError **error)
{
	g_set_error(
		error, SUTURE_IMAGE_ERROR, SUTURE_IMAGE_ERROR_SYMBOL_INIT,
		"symbol %s: it is __init of %s, and gone once that has started: the patch cannot refer to it",
		symbol, suture_running_object(running));
	return FALSE;
}

/* A number that is right while the module is being loaded and wrong afterwards is no number. */
static gboolean answer_running(const SutureRunning *running, const gchar *symbol, guint64 sympos,
			       SutureTarget *ret, GError **error)
{
	if (suture_running_shifts(running, symbol)) {
		g_set_error(error, SUTURE_IMAGE_ERROR, SUTURE_IMAGE_ERROR_SYMBOL_AMBIGUOUS,
			    "symbol %s: %s has %u of that name, some of them only while it is being loaded, "
			    "so that the kernel would count them in two ways: the patch cannot refer to it",
			    symbol, suture_running_object(running), suture_running_count(running, symbol));
		return FALSE;
	}
	return answer(ret, suture_running_object(running), symbol, sympos, FALSE);
}

static gboolean by_name(const SutureRunning *running, const gchar *symbol, SutureTarget *ret, GError **error)
{
	guint count = suture_running_count(running, symbol);
	SutureRunningSymbol found;

	if (!suture_running_symbol(running, symbol, 0, &found))
		return absent(running, symbol, "is not among the symbols", error);
	if (count == 1 && suture_running_is_init(running, found.address))
		return refuse_init(running, symbol, error);
	if (count == 1)
		return answer_running(running, symbol, 0, ret, error);
	g_set_error(
		error, SUTURE_IMAGE_ERROR, SUTURE_IMAGE_ERROR_SYMBOL_AMBIGUOUS,
		"symbol %s: %s has %u of that name, and no function of the unit that runs tells which one is "
		"meant",
		symbol, suture_running_object(running), count);
	return FALSE;
}

gboolean suture_resolve(const SutureRunning *running, const SutureRunPre *run_pre,
			const SutureSymvers *symvers, const gchar *symbol, gboolean local, SutureTarget *ret,
			GError **error)
{
	const SutureExport *export = local ? NULL : suture_symvers_find(symvers, symbol);
	const gchar *object = suture_running_object(running);
	guint64 address, sympos;

	if (export && strcmp(export->object, "vmlinux") == 0)
		return answer(ret, "vmlinux", symbol, 0, TRUE);
	if (export && strcmp(export->object, object) != 0)
		return answer(ret, export->object, symbol, 0, FALSE);
	if (!run_pre || !suture_run_pre_address(run_pre, symbol, &address))
		return by_name(running, symbol, ret, error);
	if (suture_running_is_init(running, address))
		return refuse_init(running, symbol, error);
	if (!suture_running_sympos(running, symbol, address, &sympos))
		return absent(running, symbol, "is not, where the unit has it, among the symbols", error);
	return answer_running(running, symbol, sympos, ret, error);
}
