// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * diff-objects BEFORE.o AFTER.o [OUT.o [OBJECT]]: what the diff says of two object files. For trying it on
 * the kernel's own; not installed. OBJECT: whose the unit is; "vmlinux" if not given. Every undefined symbol
 * counts as exported, every other as the object's own.
 */
#include "packager/diff/diff.h"

#include <string.h>

static gboolean resolve(gpointer data, const gchar *symbol, gboolean local, SutureDiffTarget *ret,
			GError **error)
{
	const SutureDiffRequest *request = data;

	(void)error;
	ret->object = g_strdup(request->object);
	ret->symbol = g_strdup(symbol);
	ret->exported =
		!local && strcmp(request->object, "vmlinux") == 0 && g_str_has_prefix(symbol, "__x86");
	return TRUE;
}

static GBytes *read_file(const gchar *path)
{
	g_autoptr(GError) error = NULL;
	gchar *data;
	gsize size;

	if (!g_file_get_contents(path, &data, &size, &error)) {
		g_printerr("%s\n", error->message);
		exit(2);
	}
	return g_bytes_new_take(data, size);
}

static void print(const SutureDiff *diff)
{
	static const gchar *const words[] = {"INCLUDED", "HARMLESS", "REFUSED"};

	for (guint i = 0; i < diff->functions->len; i++) {
		const SutureDiffFunction *function = diff->functions->pdata[i];
		g_autofree gchar *reasons = g_strjoinv("; ", function->reasons);
		g_autofree gchar *inlined = g_strjoinv(" ", function->inlined);

		g_print("%s %s %s %" G_GUINT64_FORMAT "->%" G_GUINT64_FORMAT ": %s; inlines: %.60s\n",
			function->kind == SUTURE_DIFF_NEW ? "new" : "changed", function->name,
			function->alias ? function->alias : "-", function->size_before, function->size_after,
			reasons, inlined);
	}
	for (guint i = 0; i < diff->sections->len; i++) {
		const SutureDiffSection *section = diff->sections->pdata[i];

		g_print("section %s %s: %s\n", section->name, words[section->disposition], section->sentence);
	}
	for (guint i = 0; i < diff->references->len; i++)
		g_print("reference %s\n", ((SutureDiffReference *)diff->references->pdata[i])->name);
	for (guint i = 0; i < diff->notes->len; i++)
		g_print("note %s\n", (const gchar *)diff->notes->pdata[i]);
	for (guint i = 0; i < diff->refusals->len; i++) {
		const SutureDiffRefusal *refusal = diff->refusals->pdata[i];
		g_autoptr(GError) error = g_error_new_literal(SUTURE_DIFF_ERROR, refusal->code, "");

		g_print("refused %s: %s\n", suture_error_reason(error), refusal->sentence);
	}
}

int main(int argc, char **argv)
{
	SutureDiffRequest request = {.unit = "unit", .object = argc > 4 ? argv[4] : "vmlinux"};
	g_autoptr(GBytes) before = NULL, after = NULL;
	g_autoptr(GError) error = NULL;
	g_autoptr(SutureDiff) diff = NULL;
	gsize size;

	if (argc < 3) {
		g_printerr("usage: %s BEFORE.o AFTER.o [OUT.o [OBJECT]]\n", argv[0]);
		return 2;
	}
	before = read_file(argv[1]);
	after = read_file(argv[2]);
	request.before = before;
	request.after = after;
	request.resolve = resolve;
	request.data = &request;
	diff = suture_diff_run(&request, &error);
	if (!diff) {
		g_printerr("%s\n", error->message);
		return 1;
	}
	print(diff);
	g_print("%s, %u relocations, %u references, %u refusals\n",
		diff->extracted ? "extracted" : "no change", diff->n_relocations, diff->references->len,
		diff->refusals->len);
	if (diff->extracted && argc > 3 &&
	    !g_file_set_contents(argv[3], g_bytes_get_data(diff->extracted, &size),
				 (gssize)g_bytes_get_size(diff->extracted), &error))
		return 2;
	return diff->refusals->len ? 1 : 0;
}
