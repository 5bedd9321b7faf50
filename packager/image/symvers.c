// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/image/symvers.h"

#include "common/file.h"

#include <string.h>

#define FILE_MAX (64 * 1024 * 1024)
#define FIELDS_MIN 4
#define FIELDS_MAX 5

struct _SutureSymvers {
	GStringChunk *text;
	GArray *exports;     /* SutureExport */
	GHashTable *by_name; /* gchar* name -> index + 1 */
};

static SutureSymvers *symvers_new(void)
{
	SutureSymvers *symvers = g_new0(SutureSymvers, 1);

	symvers->text = g_string_chunk_new(64 * 1024);
	symvers->exports = g_array_new(FALSE, FALSE, sizeof(SutureExport));
	symvers->by_name = g_hash_table_new(g_str_hash, g_str_equal);
	return symvers;
}

void suture_symvers_free(SutureSymvers *symvers)
{
	g_hash_table_unref(symvers->by_name);
	g_array_unref(symvers->exports);
	g_string_chunk_free(symvers->text);
	g_free(symvers);
}

static gboolean refuse(const gchar *what, guint line, const gchar *problem, GError **error)
{
	g_set_error(error, SUTURE_IMAGE_ERROR, SUTURE_IMAGE_ERROR_SYMVERS,
		    "%s:%u: %s: give the Module.symvers of the kernel's build", what, line, problem);
	return FALSE;
}

static gboolean is_name(const gchar *text)
{
	for (const gchar *at = text; *at; at++)
		if (!g_ascii_isgraph(*at))
			return FALSE;
	return *text != '\0';
}

/* The module's own name: kbuild turns what no identifier has into '_'. */
static const gchar *object_of(SutureSymvers *symvers, const gchar *path)
{
	const gchar *slash = strrchr(path, '/');
	g_autofree gchar *name = g_strdup(slash ? slash + 1 : path);

	return g_string_chunk_insert_const(symvers->text, g_strdelimit(name, "-,", '_'));
}

/* Field 0 to 3, and 4 when there is one. */
static gboolean parse_fields(SutureSymvers *symvers, gchar **fields, SutureExport *ret)
{
	guint count = g_strv_length(fields);
	guint64 crc;

	if (count < FIELDS_MIN || count > FIELDS_MAX || !g_str_has_prefix(fields[0], "0x") ||
	    !g_ascii_string_to_unsigned(fields[0] + 2, 16, 0, G_MAXUINT32, &crc, NULL) ||
	    !is_name(fields[1]) || !is_name(fields[2]) || g_str_has_suffix(fields[2], "/"))
		return FALSE;
	ret->gpl = strcmp(fields[3], "EXPORT_SYMBOL_GPL") == 0;
	if (!ret->gpl && strcmp(fields[3], "EXPORT_SYMBOL") != 0)
		return FALSE;
	ret->crc = (guint32)crc;
	ret->name = g_string_chunk_insert(symvers->text, fields[1]);
	ret->object = object_of(symvers, fields[2]);
	if (count == FIELDS_MAX && *fields[4])
		ret->name_space = g_string_chunk_insert_const(symvers->text, fields[4]);
	return TRUE;
}

static gboolean add_line(SutureSymvers *symvers, const gchar *line, gsize length, const gchar *what,
			 guint number, GError **error)
{
	g_autofree gchar *copy = g_strndup(line, length);
	g_auto(GStrv) fields = g_strsplit(copy, "\t", FIELDS_MAX + 1);
	SutureExport export = {0};

	if (strlen(copy) != length || !parse_fields(symvers, fields, &export))
		return refuse(what, number, "is no line of an export", error);
	g_array_append_val(symvers->exports, export);
	if (!g_hash_table_insert(symvers->by_name, (gpointer) export.name,
				 GUINT_TO_POINTER(symvers->exports->len)))
		return refuse(what, number, "exports a name for the second time", error);
	return TRUE;
}

SutureSymvers *suture_symvers_parse(GBytes *text, const gchar *what, GError **error)
{
	g_autoptr(SutureSymvers) symvers = symvers_new();
	gsize size, at = 0;
	const gchar *data = g_bytes_get_data(text, &size);

	if (size > FILE_MAX) {
		refuse(what, 1, "is too large", error);
		return NULL;
	}
	for (guint number = 1; at < size; number++) {
		const gchar *end = memchr(data + at, '\n', size - at);
		gsize length = end ? (gsize)(end - data) - at : size - at;

		if (!add_line(symvers, data + at, length, what, number, error))
			return NULL;
		at += length + 1;
	}
	return g_steal_pointer(&symvers);
}

SutureSymvers *suture_symvers_read(const gchar *path, GError **error)
{
	g_autoptr(GBytes) text = suture_file_read(path, FILE_MAX, error);

	return text ? suture_symvers_parse(text, path, error) : NULL;
}

const SutureExport *suture_symvers_find(const SutureSymvers *symvers, const gchar *name)
{
	guint index = GPOINTER_TO_UINT(g_hash_table_lookup(symvers->by_name, name));

	return index ? suture_symvers_at(symvers, index - 1) : NULL;
}

guint suture_symvers_count(const SutureSymvers *symvers)
{
	return symvers->exports->len;
}

const SutureExport *suture_symvers_at(const SutureSymvers *symvers, guint index)
{
	return &g_array_index(symvers->exports, SutureExport, index);
}
