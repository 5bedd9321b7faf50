// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fetcher/mirror/rpm-md-parse.h"

#include "common/file.h"
#include "packager/read/archive-file.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_FILES 64
#define MAX_FILE_BYTES (1024LL * 1024 * 1024)
#define MAX_XML_BYTES (4096LL * 1024 * 1024)
#define MAX_TEXT_BYTES 4096
#define CHUNK (128 * 1024)
#define SHA256_HEX 64

/* The text of the element that is open; what has more is not one that we read. */
typedef struct {
	const gchar *what;
	GString *text;
	GPtrArray *files; /* repomd.xml */
	SutureMirrorPackageVisit visit;
	gpointer visit_data;
	gchar *type, *href, *sha256, *size; /* of the file or package that is open */
	gboolean is_sha256;
} Parse;

static void forget(Parse *parse)
{
	g_clear_pointer(&parse->type, g_free);
	g_clear_pointer(&parse->href, g_free);
	g_clear_pointer(&parse->sha256, g_free);
	g_clear_pointer(&parse->size, g_free);
}

static void parse_clear(Parse *parse)
{
	forget(parse);
	g_string_free(parse->text, TRUE);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Parse, parse_clear)

static void file_free(gpointer data)
{
	SutureMirrorMdFile *file = data;

	g_free(file->type);
	g_free(file->href);
	g_free(file->sha256);
	g_free(file);
}

static gboolean malformed(const Parse *parse, GError **error, const gchar *why)
{
	return suture_mirror_refuse(error, SUTURE_MIRROR_ERROR_RPM_MD, "%s: %s; tell the publisher",
				    parse->what, why);
}

static const gchar *attribute(const gchar *const *names, const gchar *const *values, const gchar *wanted)
{
	for (; *names; names++, values++)
		if (strcmp(*names, wanted) == 0)
			return *values;
	return NULL;
}

/* Stores @value unless the element was there before. */
static gboolean set_once(const Parse *parse, gchar **field, const gchar *value, GError **error)
{
	if (*field || !value)
		return malformed(parse, error, "an element is there twice, or lacks its value");
	*field = g_strdup(value);
	return TRUE;
}

static gboolean is_sha256(const gchar *text)
{
	return text && strlen(text) == SHA256_HEX && strspn(text, "0123456789abcdef") == SHA256_HEX;
}

static gboolean add_file(Parse *parse, GError **error)
{
	static const gchar folder[] = "repodata/";
	SutureMirrorMdFile *file;
	guint64 size;

	if (parse->files->len >= MAX_FILES)
		return malformed(parse, error, "lists too many files");
	if (!parse->type || !parse->href || !g_str_has_prefix(parse->href, folder) ||
	    !suture_file_name_is_safe(parse->href + strlen(folder)) ||
	    g_str_has_prefix(parse->href, "repodata/repomd.xml"))
		return malformed(parse, error, "a file's location is not in repodata/");
	if (!is_sha256(parse->sha256))
		return malformed(parse, error, "a file is listed without a SHA-256");
	if (!parse->size || !g_ascii_string_to_unsigned(parse->size, 10, 0, MAX_FILE_BYTES, &size, NULL))
		return malformed(parse, error, "a file is listed without a size, or larger than it may be");
	file = g_new0(SutureMirrorMdFile, 1);
	file->type = g_steal_pointer(&parse->type);
	file->href = g_steal_pointer(&parse->href);
	file->sha256 = g_steal_pointer(&parse->sha256);
	file->size = size;
	g_ptr_array_add(parse->files, file);
	return TRUE;
}

static gboolean add_package(Parse *parse, GError **error)
{
	if (!parse->href || !is_sha256(parse->sha256))
		return malformed(parse, error, "a package is listed without location or SHA-256");
	return parse->visit(parse->href, parse->sha256, parse->visit_data, error);
}

static void start_element(GMarkupParseContext *context, const gchar *name, const gchar **names,
			  const gchar **values, gpointer data, GError **error)
{
	Parse *parse = data;

	(void)context;
	g_string_truncate(parse->text, 0);
	if (strcmp(name, "data") == 0 || strcmp(name, "package") == 0)
		forget(parse);
	if (strcmp(name, "data") == 0)
		parse->type = g_strdup(attribute(names, values, "type"));
	if (strcmp(name, "checksum") == 0)
		parse->is_sha256 = g_strcmp0(attribute(names, values, "type"), "sha256") == 0;
	if (strcmp(name, "location") != 0)
		return;
	if (attribute(names, values, "xml:base"))
		malformed(parse, error, "a location is at another place");
	else if (!set_once(parse, &parse->href, attribute(names, values, "href"), error))
		return;
}

static void end_element(GMarkupParseContext *context, const gchar *name, gpointer data, GError **error)
{
	Parse *parse = data;

	(void)context;
	if (strcmp(name, "checksum") == 0 && parse->is_sha256)
		set_once(parse, &parse->sha256, parse->text->str, error);
	else if (parse->files && strcmp(name, "size") == 0)
		set_once(parse, &parse->size, parse->text->str, error);
	else if (parse->files && strcmp(name, "data") == 0)
		add_file(parse, error);
	else if (parse->visit && strcmp(name, "package") == 0)
		add_package(parse, error);
	g_string_truncate(parse->text, 0);
}

static void add_text(GMarkupParseContext *context, const gchar *text, gsize size, gpointer data,
		     GError **error)
{
	Parse *parse = data;

	(void)context, (void)error;
	if (parse->text->len + size <= MAX_TEXT_BYTES)
		g_string_append_len(parse->text, text, (gssize)size);
}

static const GMarkupParser parser = {start_element, end_element, add_text, NULL, NULL};

/* GMarkup's own words become ours. */
static gboolean feed(const Parse *parse, GMarkupParseContext *context, const gchar *text, gssize size,
		     GError **error)
{
	g_autoptr(GError) cause = NULL;

	/* GMarkup takes no text, but not nothing. */
	if (size == 0)
		return TRUE;
	if (size >= 0 ? g_markup_parse_context_parse(context, text, size, &cause)
		      : g_markup_parse_context_end_parse(context, &cause))
		return TRUE;
	if (cause->domain != G_MARKUP_ERROR) {
		g_propagate_error(error, g_steal_pointer(&cause));
		return FALSE;
	}
	return malformed(parse, error, cause->message);
}

static gboolean has_one_primary(const GPtrArray *files)
{
	guint found = 0;

	for (guint i = 0; i < files->len; i++)
		found += strcmp(((const SutureMirrorMdFile *)files->pdata[i])->type, "primary") == 0;
	return found == 1;
}

GPtrArray *suture_mirror_repomd_parse(GBytes *repomd, const gchar *what, GError **error)
{
	g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func(file_free);
	g_auto(Parse) parse = {.what = what, .text = g_string_new(NULL), .files = files};
	g_autoptr(GMarkupParseContext) context = g_markup_parse_context_new(&parser, 0, &parse, NULL);
	gsize size;
	const gchar *text = g_bytes_get_data(repomd, &size);

	if (!feed(&parse, context, text, (gssize)size, error) || !feed(&parse, context, NULL, -1, error))
		return NULL;
	if (!has_one_primary(files)) {
		malformed(&parse, error, "lists no primary metadata, or more than one");
		return NULL;
	}
	return g_steal_pointer(&files);
}

/* Bytes of the file as they stand, where libarchive knows no compression. */
static gssize read_plain(int fd, guint64 offset, gchar *chunk, GError **error)
{
	gssize got = TEMP_FAILURE_RETRY(pread(fd, chunk, CHUNK, (off_t)offset));

	if (got < 0)
		suture_error_set_errno(error, errno, "primary metadata");
	return got;
}

static gssize read_some(const Parse *parse, struct archive *archive, int fd, guint64 offset, gchar *chunk,
			GError **error)
{
	la_ssize_t got;

	if (!archive)
		return read_plain(fd, offset, chunk, error);
	got = archive_read_data(archive, chunk, CHUNK);
	if (got < 0)
		malformed(parse, error, "cannot be unpacked");
	return got;
}

gboolean suture_mirror_primary_parse(int fd, const gchar *what, SutureMirrorPackageVisit visit, gpointer data,
				     GError **error)
{
	g_auto(Parse) parse = {.what = what, .text = g_string_new(NULL), .visit = visit, .visit_data = data};
	g_autoptr(GMarkupParseContext) context = g_markup_parse_context_new(&parser, 0, &parse, NULL);
	g_autofree gchar *chunk = g_malloc(CHUNK);
	SUTURE_AUTO_ARCHIVE *archive = NULL;
	guint64 total = 0;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return suture_error_set_errno(error, errno, "%s", what);
	archive = suture_archive_open_raw(fd, 0, (guint64)st.st_size);
	for (;;) {
		gssize got = read_some(&parse, archive, fd, total, chunk, error);

		if (got < 0)
			return FALSE;
		if (got == 0)
			return feed(&parse, context, NULL, -1, error);
		total += (guint64)got;
		if (total > MAX_XML_BYTES)
			return malformed(&parse, error, "is larger than it may be");
		if (!feed(&parse, context, chunk, got, error))
			return FALSE;
	}
}
