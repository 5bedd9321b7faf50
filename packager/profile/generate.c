// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/profile/generate.h"

#include "common/file.h"
#include "packager/profile/dry-run.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#define MAKEFILE ".suture/generate.mk" /* in the tree */
#define GOAL "suture-generate"

/* Of characters that mean nothing to make or a shell; a path of others is none that kbuild makes. */
static gboolean is_path_byte(gchar c)
{
	return g_ascii_isalnum(c) || (c != '\0' && strchr("_./+-@", c));
}

static gint compare_paths(gconstpointer left, gconstpointer right)
{
	return strcmp(*(const gchar *const *)left, *(const gchar *const *)right);
}

/* What compilers are told a module is called: -DKBUILD_MODFILE='"fs/ext4/ext4"'. */
static gboolean is_name(gchar before, const gchar *word, gsize length)
{
	const gchar *base = memrchr(word, '/', length);

	return before == '"' && base && !memchr(base, '.', (gsize)(word + length - base));
}

typedef struct {
	const SutureKernelTree *tree;
	GHashTable *absent, *asked;
	GPtrArray *files;
} Search;

static void take_word(const Search *search, const gchar *start, gsize length)
{
	gchar word[PATH_MAX];
	g_autofree gchar *path = NULL;
	g_autofree gchar *full = NULL;

	if (length >= sizeof word || !memchr(start, '/', length))
		return;
	memcpy(word, start, length);
	word[length] = '\0';
	path = *word == '.' ? suture_dry_run_path(word) : g_strdup(word);
	if (!path || !g_hash_table_contains(search->absent, path) ||
	    !g_hash_table_add(search->asked, g_strdup(path)))
		return;
	full = g_build_filename(search->tree->tree, path, NULL);
	/* A name in quotes that happens to be one of a folder. */
	if (!g_file_test(full, G_FILE_TEST_EXISTS))
		g_ptr_array_add(search->files, g_steal_pointer(&path));
}

GPtrArray *suture_generate_find(const SutureKernelTree *tree, const gchar *output, GHashTable *absent,
				GHashTable *asked, GError **error)
{
	g_autofree gchar *dry_run = g_build_filename(tree->folder, output, NULL);
	g_autoptr(GMappedFile) map = g_mapped_file_new(dry_run, FALSE, error);
	g_autoptr(GPtrArray) files = NULL;
	Search search = {tree, absent, asked, NULL};
	const gchar *begin, *at, *end;

	if (!map)
		return NULL;
	search.files = files = g_ptr_array_new_with_free_func(g_free);
	at = begin = g_mapped_file_get_contents(map);
	end = at + g_mapped_file_get_length(map);
	while (at < end) {
		const gchar *start = at;

		while (at < end && is_path_byte(*at))
			at++;
		if (start == begin || !is_name(start[-1], start, (gsize)(at - start)))
			take_word(&search, start, (gsize)(at - start));
		while (at < end && !is_path_byte(*at))
			at++;
	}
	g_ptr_array_sort(files, compare_paths);
	return g_steal_pointer(&files);
}

static gboolean has_rules(const gchar *tree, const gchar *folder)
{
	static const gchar *const names[] = {"Kbuild", "Makefile"};

	for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autofree gchar *path = g_build_filename(tree, folder, names[i], NULL);

		if (g_file_test(path, G_FILE_TEST_IS_REGULAR))
			return TRUE;
	}
	return FALSE;
}

/* The folder whose Makefile makes @file: its own, or one above. New; NULL: only the whole kernel's. */
static gchar *folder_of(const gchar *tree, const gchar *file)
{
	g_autofree gchar *folder = g_path_get_dirname(file);

	while (strcmp(folder, ".") != 0) {
		gchar *above;

		if (has_rules(tree, folder))
			return g_steal_pointer(&folder);
		above = g_path_get_dirname(folder);
		g_free(folder);
		folder = above;
	}
	return NULL;
}

/* @files are sorted, but what is of one folder need not stand together. */
static GHashTable *by_folder(const gchar *tree, GPtrArray *files)
{
	GHashTable *folders = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

	for (guint i = 0; i < files->len; i++) {
		gchar *folder = folder_of(tree, files->pdata[i]);
		GString *words = folder ? g_hash_table_lookup(folders, folder) : NULL;

		if (!folder)
			continue;
		if (!words) {
			words = g_string_new(NULL);
			g_hash_table_insert(folders, g_strdup(folder), words);
		}
		g_string_append_printf(words, " %s", (const gchar *)files->pdata[i]);
		g_free(folder);
	}
	return folders;
}

/* Read behind the kernel's own Makefile, which says how kbuild is run for a folder: $(build). */
static gchar *makefile(const gchar *tree, GPtrArray *files)
{
	g_autoptr(GHashTable) folders = by_folder(tree, files);
	g_autoptr(GString) goals = g_string_new(".PHONY: " GOAL "\n" GOAL ":\n");
	GHashTableIter iter;
	gpointer folder, words;
	guint number = 0;

	g_hash_table_iter_init(&iter, folders);
	while (g_hash_table_iter_next(&iter, &folder, &words)) {
		g_string_append_printf(goals,
				       ".PHONY: " GOAL "-%u\n" GOAL ": " GOAL "-%u\n" GOAL
				       "-%u:\n\t$(MAKE) -k $(build)=%s%s\n",
				       number, number, number, (const gchar *)folder,
				       ((GString *)words)->str);
		g_string_free(words, TRUE);
		number++;
	}
	return g_string_free(g_steal_pointer(&goals), FALSE);
}

gboolean suture_generate_make(const SutureKernelTree *tree, GPtrArray *files, GError **error)
{
	g_autofree gchar *jobs = g_strdup_printf("-j%u", MAX(tree->jobs, 1));
	/* Were directories printed, the kernel's Makefile would start make again, with itself alone. */
	const gchar *const arguments[] = {
		jobs, "-k", "--no-print-directory", "-f", "Makefile", "-f", MAKEFILE, GOAL, NULL};
	g_autofree gchar *text = makefile(tree->tree, files);
	g_autofree gchar *path = g_build_filename(tree->tree, MAKEFILE, NULL);
	g_autoptr(GBytes) bytes = g_bytes_new(text, strlen(text));

	return suture_file_write_atomic_path(path, bytes, 0644, error) &&
	       suture_prepare_make(tree, arguments, NULL, TRUE, error);
}

GPtrArray *suture_generate_lacking(const SutureKernelTree *tree, GHashTable *asked)
{
	GPtrArray *lacking = g_ptr_array_new_with_free_func(g_free);
	GHashTableIter iter;
	gpointer file;

	g_hash_table_iter_init(&iter, asked);
	while (g_hash_table_iter_next(&iter, &file, NULL)) {
		g_autofree gchar *path = g_build_filename(tree->tree, file, NULL);

		if (!g_file_test(path, G_FILE_TEST_EXISTS))
			g_ptr_array_add(lacking, g_strdup(file));
	}
	g_ptr_array_sort(lacking, compare_paths);
	return lacking;
}

gboolean suture_generate_tidy(const SutureKernelTree *tree, const SutureCommands *commands, GError **error)
{
	for (guint i = 0; i < suture_commands_count(commands); i++) {
		g_autofree gchar *unit = suture_commands_unit(commands, i);
		g_autofree gchar *path = g_build_filename(tree->tree, unit, NULL);

		if (unlink(path) < 0 && errno != ENOENT)
			return suture_error_set_errno(error, errno, "%s", path);
	}
	return TRUE;
}
