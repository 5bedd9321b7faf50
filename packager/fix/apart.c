// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/fix/apart.h"

#include "common/file.h"
#include "packager/fix/compile.h"
#include "packager/fix/selection.h"

#include <string.h>

#define OBJECT_BYTES (256LL * 1024 * 1024)

static gboolean is_boot(const gchar *unit)
{
	return g_str_has_prefix(unit, "arch/x86/boot/") ||
	       g_str_has_prefix(unit, "drivers/firmware/efi/libstub/");
}

static void note(const SutureApart *apart, const gchar *unit, const gchar *text)
{
	g_ptr_array_add(apart->notes, suture_note_new(unit, text));
}

/* NULL: it does not compile. */
static GBytes *compile(const SutureApart *apart, guint number, gboolean patched, gchar **ret_words,
		       GError **error)
{
	g_autoptr(GPtrArray) one = g_ptr_array_new();
	g_autofree gchar *output =
		g_strdup_printf("%s/apart-%u.%s.o", apart->scratch, number, patched ? "after" : "before");
	SutureCompilation compilation = {
		.profile = apart->profile,
		.line = apart->lines->pdata[number],
		.tree = patched ? suture_shadow_folder(apart->shadow) : apart->profile->tree,
		.scratch = apart->scratch,
		.output = output,
	};

	g_autoptr(GPtrArray) read = NULL;

	g_ptr_array_add(one, &compilation);
	if (!suture_compile(one, apart->jobs, NULL, NULL, ret_words, error))
		return NULL;
	read = patched ? suture_compilation_read(&compilation, error) : NULL;
	if (patched && (!read || !suture_shadow_check(apart->shadow, read, error)))
		return NULL;
	return suture_file_read(output, OBJECT_BYTES, error);
}

static gboolean refuse(const SutureApart *apart, const gchar *unit, GError **error)
{
	if (is_boot(unit)) {
		note(apart, unit, "changed, and runs at boot alone: it stays as it was until the next boot");
		return TRUE;
	}
	g_set_error(
		error, SUTURE_FIX_ERROR, SUTURE_FIX_ERROR_APART,
		"%s: the fix changes it, and it is part of an image that the kernel holds (vDSO, real mode, "
		"purgatory), in which no function can be redirected: leave that out of the fix, or reboot",
		unit);
	return FALSE;
}

static gboolean check_one(const SutureApart *apart, guint number, gchar **ret_words, GError **error)
{
	const SutureCommandLine *line = apart->lines->pdata[number];
	g_autoptr(GError) cause = NULL;
	g_autofree gchar *unused = NULL;
	g_autoptr(GBytes) before = compile(apart, number, FALSE, &unused, &cause);
	g_autoptr(GBytes) after = NULL;

	if (!before && g_error_matches(cause, SUTURE_FIX_ERROR, SUTURE_FIX_ERROR_BEFORE)) {
		note(apart, line->unit,
		     "is no part of the kernel or of a module as such, and cannot be "
		     "compiled here: it stays as it was");
		return TRUE;
	}
	if (!before) {
		g_propagate_error(error, g_steal_pointer(&cause));
		return FALSE;
	}
	after = compile(apart, number, TRUE, ret_words, error);
	if (!after)
		return FALSE;
	return g_bytes_equal(before, after) || refuse(apart, line->unit, error);
}

gboolean suture_apart_check(const SutureApart *apart, gchar **ret_words, GError **error)
{
	for (guint i = 0; i < apart->lines->len; i++)
		if (!check_one(apart, i, ret_words, error))
			return FALSE;
	return TRUE;
}
