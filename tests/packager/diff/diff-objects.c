// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * diff-objects BEFORE.o AFTER.o [OUT.o [OBJECT [SYMVERS]]]: what the diff says of two object files. For
 * trying it on the kernel's own; not installed. OBJECT: whose the unit is; "vmlinux" if not given. SYMVERS:
 * the kernel's Module.symvers, which says what vmlinux exports; everything else counts as the object's own.
 */
#include "packager/diff/diff.h"

#include <string.h>

typedef struct {
	const gchar *object;
	GHashTable *exported; /* gchar*: by vmlinux */
} Kernel;

static gboolean resolve(gpointer data, const gchar *symbol, gboolean local, SutureDiffTarget *ret,
			GError **error)
{
	const Kernel *kernel = data;

	(void)error;
	ret->exported = !local && g_hash_table_contains(kernel->exported, symbol);
	ret->object = g_strdup(ret->exported ? "vmlinux" : kernel->object);
	ret->symbol = g_strdup(symbol);
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

static void read_exports(GHashTable *exported, const gchar *path)
{
	g_autoptr(GBytes) bytes = read_file(path);
	g_autofree gchar *text = g_strndup(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

	for (guint i = 0; lines[i]; i++) {
		g_auto(GStrv) fields = g_strsplit(lines[i], "\t", -1);

		if (g_strv_length(fields) > 2 && strcmp(fields[2], "vmlinux") == 0)
			g_hash_table_add(exported, g_strdup(fields[1]));
	}
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
	g_autoptr(GHashTable) exported = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	Kernel kernel = {argc > 4 ? argv[4] : "vmlinux", exported};
	SutureDiffRequest request = {.unit = "unit", .object = argc > 4 ? argv[4] : "vmlinux"};
	g_autoptr(GBytes) before = NULL, after = NULL;
	g_autoptr(GError) error = NULL;
	g_autoptr(SutureDiff) diff = NULL;
	gsize size;

	if (argc < 3) {
		g_printerr("usage: %s BEFORE.o AFTER.o [OUT.o [OBJECT [SYMVERS]]]\n", argv[0]);
		return 2;
	}
	if (argc > 5)
		read_exports(exported, argv[5]);
	before = read_file(argv[1]);
	after = read_file(argv[2]);
	request.before = before;
	request.after = after;
	request.resolve = resolve;
	request.data = &kernel;
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
