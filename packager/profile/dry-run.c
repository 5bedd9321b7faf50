// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/profile/dry-run-private.h"

#include "common/cancel.h"
#include "common/error.h"
#include "packager/profile/error.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define LINE_BYTES (16 * 1024 * 1024)
#define UNITS_MAX 500000
#define READ_BYTES (256 * 1024)

static void unit_free(gpointer data)
{
	SutureDryRunUnit *unit = data;

	g_free(unit->source);
	g_free(unit->modfile);
	g_array_unref(unit->compile);
	g_clear_pointer(&unit->objtool, g_array_unref);
	g_free(unit);
}

static GHashTable *new_table(GDestroyNotify value_free)
{
	return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, value_free);
}

SutureDryRun *suture_dry_run_new(void)
{
	SutureDryRun *run = g_new0(SutureDryRun, 1);

	run->units = new_table(unit_free);
	run->words = new_table(NULL);
	run->word_list = g_ptr_array_new();
	run->modules = new_table((GDestroyNotify)g_ptr_array_unref);
	run->archives = new_table((GDestroyNotify)g_ptr_array_unref);
	run->links = new_table((GDestroyNotify)g_array_unref);
	return run;
}

void suture_dry_run_free(SutureDryRun *run)
{
	g_hash_table_unref(run->units);
	g_hash_table_unref(run->words);
	g_ptr_array_unref(run->word_list);
	g_hash_table_unref(run->modules);
	g_hash_table_unref(run->archives);
	g_hash_table_unref(run->links);
	g_free(run);
}

gchar *suture_dry_run_path(const gchar *path)
{
	g_autofree gchar *rooted = NULL;
	g_autofree gchar *full = NULL;

	if (!*path || *path == '/')
		return NULL;
	/* A root of no name: whatever leads out of it does not start with it any more. */
	rooted = g_strconcat("/\001/", path, NULL);
	full = g_canonicalize_filename(rooted, "/");
	return g_str_has_prefix(full, "/\001/") ? g_strdup(full + 3) : NULL;
}

/* End of the shell word at @at that starts with a quote; each "'\''" within it is a quote of its own. */
static const gchar *quoted_end(const gchar *at)
{
	const gchar *end = strchr(at + 1, '\'');

	while (end && g_str_has_prefix(end, "'\\''"))
		end = strchr(end + 4, '\'');
	return end ? end + 1 : NULL;
}

gchar *suture_dry_run_shown(const gchar *line)
{
	const gchar *at = g_str_has_prefix(line, "set -e;") ? line + strlen("set -e;") : NULL;

	while (at && g_str_has_prefix(at += strspn(at, " ;"), "echo '")) {
		const gchar *start = at + strlen("echo "), *end = quoted_end(start);
		g_autofree gchar *word = end ? g_strndup(start, (gsize)(end - start)) : NULL;
		gchar *text = word ? g_shell_unquote(word, NULL) : NULL;

		/* From 6.11 on, a comment goes before it. */
		if (text && *text != '#')
			return text;
		g_free(text);
		at = end;
	}
	return NULL;
}

guint suture_dry_run_command_length(gchar **words, guint from)
{
	guint at = from;

	while (words[at] && !g_str_has_suffix(words[at], ";"))
		at++;
	if (words[at] && strcmp(words[at], ";") != 0)
		at++;
	return at - from;
}

static guint32 word_index(SutureDryRun *run, const gchar *word, gsize length)
{
	g_autofree gchar *copy = g_strndup(word, length);
	guint32 index = GPOINTER_TO_UINT(g_hash_table_lookup(run->words, copy));

	if (index)
		return index - 1;
	g_ptr_array_add(run->word_list, copy);
	g_hash_table_insert(run->words, g_steal_pointer(&copy), GUINT_TO_POINTER(run->word_list->len));
	return run->word_list->len - 1;
}

/* A ";" behind the last word is the shell's. */
static GArray *take_words(SutureDryRun *run, gchar **words, guint from, guint count)
{
	GArray *indexes = g_array_new(FALSE, FALSE, sizeof(guint32));

	for (guint i = from; i < from + count; i++) {
		gsize length = strlen(words[i]);
		guint32 index = word_index(run, words[i], length - (g_str_has_suffix(words[i], ";") ? 1 : 0));

		g_array_append_val(indexes, index);
	}
	return indexes;
}

/* What objtool is told behind position @from, without the object's name at the end; NULL: it is not run. */
static GArray *take_objtool(SutureDryRun *run, gchar **words, guint from)
{
	for (guint i = from; words[i]; i++) {
		guint count = suture_dry_run_command_length(words, i);

		if (g_str_has_suffix(words[i], "objtool/objtool") && count >= 2)
			return take_words(run, words, i, count - 1);
	}
	return NULL;
}

static gint find_word(gchar **words, guint count, const gchar *wanted)
{
	for (guint i = 0; i < count; i++)
		if (strcmp(words[i], wanted) == 0)
			return (gint)i;
	return -1;
}

static gchar *modfile_of(gchar **words, guint count)
{
	static const gchar mark[] = "-DKBUILD_MODFILE=\"";

	if (find_word(words, count, "-DMODULE") < 0)
		return NULL;
	for (guint i = 0; i < count; i++)
		if (g_str_has_prefix(words[i], mark))
			return g_strndup(words[i] + strlen(mark), strcspn(words[i] + strlen(mark), "\""));
	return NULL;
}

static gboolean not_understood(GError **error, const gchar *what, const gchar *text)
{
	g_set_error(error, SUTURE_PROFILE_ERROR, SUTURE_PROFILE_ERROR_COMMANDS,
		    "kbuild would run a command that is not understood (%s): %.200s", what, text);
	return FALSE;
}

/* Programs for the host are compiled without -D__KERNEL__. */
static gboolean take_unit(SutureDryRun *run, gchar **words, const gchar *text, GError **error)
{
	guint count = suture_dry_run_command_length(words, 0);
	gint o = find_word(words, count, "-o");
	g_autofree gchar *unit = NULL;
	g_autofree gchar *source = NULL;
	SutureDryRunUnit *new_unit;

	if (find_word(words, count, "-D__KERNEL__") < 0 || find_word(words, count, "-c") < 0 || o < 0 ||
	    (guint)o + 2 >= count || !g_str_has_suffix(words[o + 1], ".o"))
		return TRUE;
	unit = suture_dry_run_path(words[o + 1]);
	source = suture_dry_run_path(words[count - 1]);
	if (!unit || !source)
		return not_understood(error, "its files are not in the tree", text);
	if (g_hash_table_contains(run->units, unit))
		return TRUE;
	if (g_hash_table_size(run->units) >= UNITS_MAX)
		return not_understood(error, "there are too many", text);
	new_unit = g_new0(SutureDryRunUnit, 1);
	new_unit->source = g_steal_pointer(&source);
	g_strdelimit(new_unit->source, ";", '\0');
	new_unit->modfile = modfile_of(words, count);
	new_unit->compile = take_words(run, words, 0, count);
	new_unit->objtool = take_objtool(run, words, count);
	g_hash_table_insert(run->units, g_steal_pointer(&unit), new_unit);
	return TRUE;
}

static GPtrArray *list_of(GHashTable *table, const gchar *key)
{
	GPtrArray *list = g_hash_table_lookup(table, key);

	if (list)
		return list;
	list = g_ptr_array_new_with_free_func(g_free);
	g_hash_table_insert(table, g_strdup(key), list);
	return list;
}

/* Makefiles may list a part twice. */
static void add_once(GPtrArray *list, const gchar *text)
{
	if (!g_ptr_array_find_with_equal_func(list, text, g_str_equal, NULL))
		g_ptr_array_add(list, g_strdup(text));
}

/* printf '%s\n' a.o b.o | awk '... { print("net/x/"$0) }' > net/x/x.mod */
static void take_parts(SutureDryRun *run, gchar **words)
{
	guint count = g_strv_length(words);
	g_autofree gchar *mod = NULL;
	g_autofree gchar *folder = NULL;

	if (count < 4 || strcmp(words[count - 2], ">") != 0 || !g_str_has_suffix(words[count - 1], ".mod"))
		return;
	mod = g_strndup(words[count - 1], strlen(words[count - 1]) - strlen(".mod"));
	folder = g_path_get_dirname(mod);
	for (guint i = 2; i < count && strcmp(words[i], "|") != 0; i++) {
		g_autofree gchar *joined = g_build_filename(folder, words[i], NULL);
		g_autofree gchar *unit = suture_dry_run_path(joined);

		if (unit && g_str_has_suffix(unit, ".o"))
			add_once(list_of(run->modules, unit), mod);
	}
}

/* rm -f x.a; printf "net/%s " a.o b/built-in.a | xargs ar cDPrST x.a, or all names behind ar itself. */
static void take_archive(SutureDryRun *run, gchar **words)
{
	guint count = g_strv_length(words);
	gint print = find_word(words, count, "printf"), ar = find_word(words, count, "ar");
	g_autofree gchar *path = ar >= 0 && (guint)ar + 2 < count ? suture_dry_run_path(words[ar + 2]) : NULL;
	const gchar *format = print >= 0 && (guint)print + 1 < count ? words[print + 1] : "%s ";
	g_autofree gchar *prefix = g_strndup(format, strcspn(format, "%"));
	guint from = print >= 0 ? (guint)print + 2 : (guint)ar + 3;
	GPtrArray *members;

	if (!path || !g_str_has_prefix(words[ar + 1], "c"))
		return;
	members = list_of(run->archives, path);
	for (guint i = from; i < count && strcmp(words[i], "|") != 0; i++) {
		gsize length = strcspn(words[i], ";");
		g_autofree gchar *member = g_strdup_printf("%s%.*s", prefix, (int)length, words[i]);
		gchar *clean = suture_dry_run_path(member);

		if (clean)
			g_ptr_array_add(members, clean);
		if (words[i][length])
			break;
	}
}

/* ld -r -o x.o @x.mod ; objtool ... --link --module x.o, and the same of vmlinux.o */
static void take_link(SutureDryRun *run, gchar **words)
{
	guint count = suture_dry_run_command_length(words, 0);
	gint o = find_word(words, count, "-o");
	GArray *objtool = o >= 0 && (guint)o + 1 < count ? take_objtool(run, words, count) : NULL;
	g_autofree gchar *object = objtool ? suture_dry_run_path(words[o + 1]) : NULL;

	if (object && g_str_has_suffix(object, ".o")) {
		object[strlen(object) - 2] = '\0';
		run->delayed |= strcmp(object, "vmlinux") != 0;
		g_hash_table_insert(run->links, g_steal_pointer(&object), g_steal_pointer(&objtool));
	}
	g_clear_pointer(&objtool, g_array_unref);
}

gboolean suture_dry_run_line(SutureDryRun *run, const gchar *line, GError **error)
{
	g_autofree gchar *text = suture_dry_run_shown(line);
	g_auto(GStrv) words = NULL;
	gboolean unit, link, archive, parts;

	if (!text)
		return TRUE;
	unit = strstr(text, " -c -o ") && !strstr(text, "__GENKSYMS__") && !strstr(text, "asm-prototypes.h");
	link = strstr(text, " -r ") && strstr(text, "objtool/objtool");
	archive = strstr(text, "ar c") != NULL;
	parts = g_str_has_suffix(g_strchomp(text), ".mod") && strstr(text, "printf ");
	if (!unit && !link && !archive && !parts)
		return TRUE;
	if (!g_utf8_validate(text, -1, NULL) || !g_shell_parse_argv(text, NULL, &words, NULL))
		return !unit || not_understood(error, "its quotes or characters", text);
	if (unit)
		return take_unit(run, words, text, error);
	if (parts)
		take_parts(run, words);
	else if (archive)
		take_archive(run, words);
	else
		take_link(run, words);
	return TRUE;
}

static gboolean take_lines(SutureDryRun *run, GString *pending, GError **error)
{
	gchar *start = pending->str, *end;

	while ((end = memchr(start, '\n', (gsize)(pending->str + pending->len - start)))) {
		*end = '\0';
		if (!suture_dry_run_line(run, start, error))
			return FALSE;
		start = end + 1;
	}
	g_string_erase(pending, 0, start - pending->str);
	return TRUE;
}

gboolean suture_dry_run_read(SutureDryRun *run, int fd, const gchar *what, GError **error)
{
	g_autoptr(GString) pending = g_string_new(NULL);
	g_autofree gchar *block = g_malloc(READ_BYTES);
	gssize got;

	while ((got = TEMP_FAILURE_RETRY(read(fd, block, READ_BYTES))) > 0) {
		g_string_append_len(pending, block, got);
		if (!suture_cancel_check(error) || !take_lines(run, pending, error))
			return FALSE;
		if (pending->len > LINE_BYTES)
			return not_understood(error, "a line without end", what);
	}
	if (got < 0)
		return suture_error_set_errno(error, errno, "%s", what);
	return pending->len == 0 || suture_dry_run_line(run, pending->str, error);
}
