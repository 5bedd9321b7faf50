// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/profile/includes.h"

#include "common/cancel.h"
#include "packager/profile/dry-run.h"

#include <string.h>
#include <unistd.h>

#define NONE G_MAXUINT32

/* A file of the tree, read at most once. */
typedef struct {
	gchar *path;
	GArray *names;     /* SutureIncludeName; NULL: not read yet */
	GByteArray *units; /* numbers of units that reach it, as differences */
	guint32 last;      /* the last of them */
	guint32 seen_by;   /* the unit being looked at, + 1 */
} File;

/* Units with the same folders to look in see the same file behind a name. */
typedef struct {
	gchar **quoted;    /* of -iquote: for names in quotes only, before the others */
	gchar **folders;   /* of -I and -isystem, in their order */
	GHashTable *edges; /* number of a file + 1 -> GArray* of guint32: what it includes */
} Class;

typedef struct {
	const gchar *tree;
	GPtrArray *files;    /* File* */
	GHashTable *by_path; /* path -> number + 1, or 0 in place of a number: not there */
	GHashTable *classes; /* folders, joined -> Class* */
} Index;

static void file_free(gpointer data)
{
	File *file = data;

	g_free(file->path);
	g_clear_pointer(&file->names, g_array_unref);
	g_byte_array_unref(file->units);
	g_free(file);
}

static void class_free(gpointer data)
{
	Class *class = data;

	g_strfreev(class->quoted);
	g_strfreev(class->folders);
	g_hash_table_unref(class->edges);
	g_free(class);
}

static void index_clear(Index *index)
{
	g_ptr_array_unref(index->files);
	g_hash_table_unref(index->by_path);
	g_hash_table_unref(index->classes);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Index, index_clear)

/* Number of the file at @path in the tree, or NONE. */
static guint32 file_number(Index *index, const gchar *path)
{
	gpointer found = NULL;
	g_autofree gchar *full = NULL;
	File *file;

	if (g_hash_table_lookup_extended(index->by_path, path, NULL, &found))
		return GPOINTER_TO_UINT(found) - 1;
	full = g_build_filename(index->tree, path, NULL);
	if (!g_file_test(full, G_FILE_TEST_IS_REGULAR)) {
		g_hash_table_insert(index->by_path, g_strdup(path), NULL);
		return NONE;
	}
	file = g_new0(File, 1);
	file->path = g_strdup(path);
	file->units = g_byte_array_new();
	g_ptr_array_add(index->files, file);
	g_hash_table_insert(index->by_path, g_strdup(path), GUINT_TO_POINTER(index->files->len));
	return index->files->len - 1;
}

static guint32 find_in(Index *index, const gchar *folder, const gchar *name)
{
	g_autofree gchar *joined = g_build_filename(folder, name, NULL);
	g_autofree gchar *path = suture_dry_run_path(joined);

	return path ? file_number(index, path) : NONE;
}

static guint32 resolve(Index *index, const Class *class, const gchar *folder, const SutureIncludeName *name)
{
	guint32 number = NONE;

	if (name->from_top)
		return find_in(index, ".", name->name);
	if (name->quoted)
		number = find_in(index, folder, name->name);
	for (gchar **at = class->quoted; name->quoted && number == NONE && *at; at++)
		number = find_in(index, *at, name->name);
	for (gchar **at = class->folders; number == NONE && *at; at++)
		number = find_in(index, *at, name->name);
	return number;
}

static GArray *names_of(Index *index, File *file)
{
	g_autofree gchar *full = NULL;
	g_autofree gchar *text = NULL;
	gsize length = 0;

	if (file->names)
		return file->names;
	full = g_build_filename(index->tree, file->path, NULL);
	/* What cannot be read cannot be compiled either; that is not for us to say. */
	if (!g_file_get_contents(full, &text, &length, NULL))
		length = 0;
	file->names = suture_includes_scan(text ? text : "", length);
	if (g_str_has_suffix(file->path, ".c"))
		suture_includes_scan_binaries(text ? text : "", length, file->names);
	return file->names;
}

static const GArray *edges_of(Index *index, Class *class, guint32 number)
{
	GArray *edges = g_hash_table_lookup(class->edges, GUINT_TO_POINTER(number + 1));
	File *file = index->files->pdata[number];
	g_autofree gchar *folder = NULL;
	GArray *names;

	if (edges)
		return edges;
	edges = g_array_new(FALSE, FALSE, sizeof(guint32));
	folder = g_path_get_dirname(file->path);
	names = names_of(index, file);
	for (guint i = 0; i < names->len; i++) {
		guint32 target = resolve(index, class, folder, &g_array_index(names, SutureIncludeName, i));

		if (target != NONE)
			g_array_append_val(edges, target);
	}
	g_hash_table_insert(class->edges, GUINT_TO_POINTER(number + 1), edges);
	return edges;
}

/* Seven bits a byte, the lowest first; the highest bit: more follows. */
static void add_number(GByteArray *bytes, guint32 number)
{
	do {
		guint8 byte = (guint8)((number & 0x7f) | (number > 0x7f ? 0x80 : 0));

		g_byte_array_append(bytes, &byte, 1);
		number >>= 7;
	} while (number);
}

static void note_unit(File *file, guint32 unit)
{
	add_number(file->units, unit - file->last);
	file->last = unit;
	file->seen_by = unit + 1;
}

static void reach(Index *index, Class *class, GArray *waiting, guint32 unit)
{
	while (waiting->len > 0) {
		guint32 number = g_array_index(waiting, guint32, waiting->len - 1);
		const GArray *edges;

		g_array_set_size(waiting, waiting->len - 1);
		if (((File *)index->files->pdata[number])->seen_by == unit + 1)
			continue;
		note_unit(index->files->pdata[number], unit);
		edges = edges_of(index, class, number);
		for (guint i = 0; i < edges->len; i++) {
			guint32 next = g_array_index(edges, guint32, i);

			if (((File *)index->files->pdata[next])->seen_by != unit + 1)
				g_array_append_val(waiting, next);
		}
	}
}

/* The value of an option that may stand in the same word or the next. */
static const gchar *option_value(gchar **words, guint *at, const gchar *option)
{
	if (!g_str_has_prefix(words[*at], option))
		return NULL;
	if (words[*at][strlen(option)])
		return words[*at] + strlen(option);
	return words[*at + 1] ? words[++*at] : NULL;
}

/* Adds the value of the option at @words, if it is one that names a place, to the list that is its own. */
static void take_option(gchar **words, guint *at, GPtrArray *const *lists)
{
	static const gchar *const options[] = {"-include", "-iquote", "-isystem", "-I"};

	for (gsize i = 0; i < G_N_ELEMENTS(options); i++) {
		const gchar *value = option_value(words, at, options[i]);
		gchar *clean = value ? suture_dry_run_path(value) : NULL;

		if (clean)
			g_ptr_array_add(lists[i], clean);
		if (value)
			return;
	}
}

static Class *class_of(Index *index, const SutureCommandLine *line, GPtrArray *forced)
{
	g_autoptr(GPtrArray) quoted = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GPtrArray) folders = g_ptr_array_new_with_free_func(g_free);
	GPtrArray *const lists[] = {forced, quoted, folders, folders};
	g_autofree gchar *first = NULL;
	g_autofree gchar *second = NULL;
	g_autofree gchar *key = NULL;
	Class *class;

	for (guint i = 0; line->compile[i]; i++)
		take_option(line->compile, &i, lists);
	g_ptr_array_add(quoted, NULL);
	g_ptr_array_add(folders, NULL);
	first = g_strjoinv("\n", (gchar **)quoted->pdata);
	second = g_strjoinv("\n", (gchar **)folders->pdata);
	key = g_strjoin("\n\n", first, second, NULL);
	class = g_hash_table_lookup(index->classes, key);
	if (class)
		return class;
	class = g_new0(Class, 1);
	class->quoted = g_strdupv((gchar **)quoted->pdata);
	class->folders = g_strdupv((gchar **)folders->pdata);
	class->edges = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)g_array_unref);
	g_hash_table_insert(index->classes, g_steal_pointer(&key), class);
	return class;
}

static void add_unit(Index *index, const SutureCommandLine *line, guint32 unit, GArray *waiting)
{
	g_autoptr(GPtrArray) starts = g_ptr_array_new_with_free_func(g_free);
	Class *class = class_of(index, line, starts);

	g_ptr_array_add(starts, g_strdup(line->source));
	g_array_set_size(waiting, 0);
	for (guint i = 0; i < starts->len; i++) {
		guint32 number = file_number(index, starts->pdata[i]);

		if (number != NONE)
			g_array_append_val(waiting, number);
	}
	reach(index, class, waiting, unit);
}

static gint compare_files(gconstpointer left, gconstpointer right)
{
	const File *a = *(File *const *)left, *b = *(File *const *)right;

	return strcmp(a->path, b->path);
}

/* In place: numbers of files mean nothing from here on. */
static GVariant *index_variant(Index *index)
{
	GVariantBuilder builder;

	g_ptr_array_sort(index->files, compare_files);
	g_variant_builder_init(&builder, G_VARIANT_TYPE(SUTURE_INCLUDES_TYPE));
	for (guint i = 0; i < index->files->len; i++) {
		const File *file = index->files->pdata[i];

		if (file->units->len > 0 && g_utf8_validate(file->path, -1, NULL))
			g_variant_builder_add(&builder, "(s@ay)", file->path,
					      g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE,
									file->units->data, file->units->len,
									1));
	}
	return g_variant_ref_sink(g_variant_builder_end(&builder));
}

static gboolean is_there(gpointer path, gpointer number, gpointer data)
{
	(void)path;
	(void)data;
	return number != NULL;
}

GVariant *suture_includes_make(const SutureCommands *commands, const gchar *tree, SutureProgress progress,
			       gpointer data, GHashTable **ret_absent, GError **error)
{
	g_auto(Index) index = {.tree = tree};
	g_autoptr(GArray) waiting = g_array_new(FALSE, FALSE, sizeof(guint32));
	guint count = suture_commands_count(commands);

	index.files = g_ptr_array_new_with_free_func(file_free);
	index.by_path = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	index.classes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, class_free);
	for (guint i = 0; i < count; i++) {
		g_autoptr(SutureCommandLine) line = suture_commands_line(commands, i);

		if (i % 64 == 0 && progress)
			progress("reading include lines", i, count, data);
		if (!suture_cancel_check(error))
			return NULL;
		add_unit(&index, line, i, waiting);
	}
	if (ret_absent) {
		g_hash_table_foreach_remove(index.by_path, is_there, NULL);
		*ret_absent = g_hash_table_ref(index.by_path);
	}
	return index_variant(&index);
}
