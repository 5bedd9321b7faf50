// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fetcher/mirror/contents.h"

#include "fetcher/mirror/folder.h"

#include <string.h>

#define FIRST_LINE "suture-media 1"
#define KERNEL "kernel "
#define METADATA "metadata/"
#define TARGETS "targets/"
#define REPODATA "/repodata/"
#define MAX_ENTRIES 250000
#define MAX_KERNELS 1000
#define MAX_FILE_BYTES (4LL * 1024 * 1024 * 1024)
#define SHA256_HEX 64

static void entry_free(gpointer data)
{
	SutureMirrorEntry *entry = data;

	g_free(entry->path);
	g_free(entry->sha256);
	g_free(entry);
}

SutureMirrorContents *suture_mirror_contents_new(const gchar *const *kernels)
{
	SutureMirrorContents *contents = g_new0(SutureMirrorContents, 1);

	contents->kernels = g_strdupv((gchar **)kernels);
	contents->entries = g_ptr_array_new_with_free_func(entry_free);
	contents->by_path = g_hash_table_new(g_str_hash, g_str_equal);
	return contents;
}

void suture_mirror_contents_free(SutureMirrorContents *contents)
{
	g_strfreev(contents->kernels);
	g_hash_table_unref(contents->by_path);
	g_ptr_array_unref(contents->entries);
	g_free(contents);
}

static gboolean malformed(GError **error, const gchar *why)
{
	return suture_mirror_refuse(error, SUTURE_MIRROR_ERROR_MEDIA_LIST,
				    "the list of contents %s; make the media anew", why);
}

/* Its kind, when @path can be a file that a mirror serves and that a media carries. */
static gboolean classify(const gchar *path, SutureMirrorKind *ret)
{
	if (!suture_mirror_path_is_safe(path))
		return FALSE;
	if (g_str_has_prefix(path, METADATA)) {
		*ret = SUTURE_MIRROR_METADATA;
		return strchr(path + strlen(METADATA), '/') == NULL && g_str_has_suffix(path, ".json");
	}
	*ret = strstr(path, REPODATA) ? SUTURE_MIRROR_REPODATA : SUTURE_MIRROR_TARGET;
	return g_str_has_prefix(path, TARGETS);
}

gboolean suture_mirror_contents_add(SutureMirrorContents *contents, const gchar *path, const gchar *sha256,
				    guint64 size, GError **error)
{
	const GPtrArray *entries = contents->entries;
	const SutureMirrorEntry *last = entries->len ? entries->pdata[entries->len - 1] : NULL;
	SutureMirrorEntry *entry;
	SutureMirrorKind kind;

	if (!classify(path, &kind))
		return suture_mirror_refuse(error, SUTURE_MIRROR_ERROR_MEDIA_PATH,
					    "the list of contents has \"%.200s\", which no mirror serves",
					    path);
	if (entries->len >= MAX_ENTRIES || size > MAX_FILE_BYTES)
		return malformed(error, "is longer, or has a larger file, than may be");
	if (last && last->kind > kind)
		return malformed(error, "is not in the order of metadata, targets, rpm-md");
	if (g_hash_table_contains(contents->by_path, path))
		return malformed(error, "has a name twice");
	entry = g_new(SutureMirrorEntry, 1);
	*entry = (SutureMirrorEntry){kind, g_strdup(path), g_strdup(sha256), size};
	g_ptr_array_add(contents->entries, entry);
	g_hash_table_insert(contents->by_path, entry->path, entry);
	contents->bytes += size;
	return TRUE;
}

GBytes *suture_mirror_contents_write(const SutureMirrorContents *contents)
{
	GString *text = g_string_new(FIRST_LINE "\n");

	for (gchar **kernel = contents->kernels; kernel && *kernel; kernel++)
		g_string_append_printf(text, KERNEL "%s\n", *kernel);
	for (guint i = 0; i < contents->entries->len; i++) {
		const SutureMirrorEntry *entry = contents->entries->pdata[i];

		g_string_append_printf(text, "%s %" G_GUINT64_FORMAT " %s\n", entry->sha256, entry->size,
				       entry->path);
	}
	return g_string_free_to_bytes(text);
}

static gboolean read_kernel(GPtrArray *kernels, const gchar *pattern, GError **error)
{
	if (!*pattern || kernels->len >= MAX_KERNELS)
		return malformed(error, "names no kernel, or too many");
	g_ptr_array_add(kernels, g_strdup(pattern));
	return TRUE;
}

/* "<sha256> <size> <path>" */
static gboolean read_entry(SutureMirrorContents *contents, const gchar *line, GError **error)
{
	g_auto(GStrv) words = g_strsplit(line, " ", 3);
	guint64 size;

	if (g_strv_length(words) != 3 || strlen(words[0]) != SHA256_HEX ||
	    strspn(words[0], "0123456789abcdef") != SHA256_HEX ||
	    !g_ascii_string_to_unsigned(words[1], 10, 0, MAX_FILE_BYTES, &size, NULL))
		return malformed(error, "has a line that is not digest, size and name");
	return suture_mirror_contents_add(contents, words[2], words[0], size, error);
}

/* The next line of @text, which gets a NUL for its line break; NULL when nothing is left. */
static const gchar *take_line(gchar **text)
{
	gchar *line = *text, *end = line ? strchr(line, '\n') : NULL;

	if (!end)
		return NULL;
	*end = '\0';
	*text = end + 1;
	return line;
}

static gboolean read_lines(SutureMirrorContents *contents, gchar *text, GError **error)
{
	g_autoptr(GPtrArray) kernels = g_ptr_array_new_with_free_func(g_free);
	const gchar *line = take_line(&text);

	if (g_strcmp0(line, FIRST_LINE) != 0)
		return malformed(error, "is not of format 1");
	while ((line = take_line(&text))) {
		gboolean kernel = g_str_has_prefix(line, KERNEL) && contents->entries->len == 0;

		if (!(kernel ? read_kernel(kernels, line + strlen(KERNEL), error)
			     : read_entry(contents, line, error)))
			return FALSE;
	}
	if (*text)
		return malformed(error, "ends within a line");
	if (kernels->len == 0)
		return TRUE;
	g_ptr_array_add(kernels, NULL);
	contents->kernels = (gchar **)g_ptr_array_free(g_steal_pointer(&kernels), FALSE);
	return TRUE;
}

SutureMirrorContents *suture_mirror_contents_read(GBytes *bytes, GError **error)
{
	g_autoptr(SutureMirrorContents) contents = suture_mirror_contents_new(NULL);
	gsize size;
	const gchar *data = g_bytes_get_data(bytes, &size);
	g_autofree gchar *text = size ? g_strndup(data, size) : g_strdup("");

	if (strlen(text) != size) {
		malformed(error, "is not text");
		return NULL;
	}
	return read_lines(contents, text, error) ? g_steal_pointer(&contents) : NULL;
}
