// SPDX-License-Identifier: LGPL-2.1-or-later
/* tuf-flip METADATA SCRATCH FOLDER FILE...: is every byte of the files METADATA/FILE needed? A client, in
 * SCRATCH, that has METADATA/1.root.json gets the repository from memory with one byte changed, each byte in
 * turn and in several ways, and must refuse to list FOLDER's targets. Prints how often for which reason. */
#include "common/file.h"
#include "fetcher/client/tuf-client.h"

#include <fcntl.h>
#include <string.h>

#define MAX_BYTES (1024 * 1024)

static const guint8 masks[] = {0x01, 0x80, 0xff};

/* A repository in memory: file name -> GBytes*. */
typedef struct {
	GHashTable *files;
	const gchar *scratch, *folder;
	GHashTable *reasons; /* reason code -> how often */
} Flip;

static GBytes *serve(const gchar *url, guint64 limit, gpointer data, GError **error)
{
	const Flip *flip = data;
	const gchar *name = strrchr(url, '/') + 1;
	GBytes *bytes = g_hash_table_lookup(flip->files, name);

	if (bytes && g_bytes_get_size(bytes) <= limit)
		return g_bytes_ref(bytes);
	g_set_error(error, SUTURE_FETCH_ERROR,
		    bytes ? SUTURE_FETCH_ERROR_TOO_LARGE : SUTURE_FETCH_ERROR_NOT_FOUND, "%s", url);
	return NULL;
}

static gboolean load(Flip *flip, const gchar *metadata, GError **error)
{
	g_autoptr(GDir) listing = g_dir_open(metadata, 0, error);
	const gchar *name;

	while (listing && (name = g_dir_read_name(listing))) {
		g_autofree gchar *path = g_build_filename(metadata, name, NULL);
		GBytes *bytes = suture_file_read(path, MAX_BYTES, error);

		if (!bytes)
			return FALSE;
		g_hash_table_insert(flip->files, g_strdup(name), bytes);
	}
	return listing != NULL;
}

/* A client that has its root and nothing else lists the folder. */
static gboolean list(Flip *flip, GError **error)
{
	GBytes *root = g_hash_table_lookup(flip->files, "1.root.json");
	g_autofree gchar *name = g_path_get_basename(flip->scratch);
	g_autofree gchar *above = g_path_get_dirname(flip->scratch);
	SUTURE_AUTO_FD folder = suture_file_open(above, O_RDONLY | O_DIRECTORY, error);
	g_autoptr(SutureHttp) http = suture_http_new_source(serve, flip);
	g_autoptr(SutureTufClient) client = NULL;
	g_autoptr(GPtrArray) targets = NULL;

	if (folder < 0 || !suture_file_remove_tree(folder, name, error) ||
	    !suture_tuf_init(flip->scratch, root, error))
		return FALSE;
	client = suture_tuf_client_new(flip->scratch, "memory:", http, g_get_real_time() / G_USEC_PER_SEC,
				       error);
	if (!client || !suture_tuf_client_refresh(client, error))
		return FALSE;
	targets = suture_tuf_client_list(client, flip->folder, error);
	return targets && targets->len > 0;
}

static gboolean is_refused(Flip *flip, const gchar *what)
{
	g_autoptr(GError) error = NULL;
	const gchar *reason;

	if (list(flip, &error)) {
		g_printerr("%s: accepted\n", what);
		return FALSE;
	}
	reason = error ? suture_error_reason(error) : "empty";
	g_hash_table_insert(
		flip->reasons, (gpointer)reason,
		GUINT_TO_POINTER(GPOINTER_TO_UINT(g_hash_table_lookup(flip->reasons, reason)) + 1));
	return TRUE;
}

static gboolean flip_file(Flip *flip, const gchar *name)
{
	g_autoptr(GBytes) good = g_bytes_ref(g_hash_table_lookup(flip->files, name));
	gsize size = g_bytes_get_size(good);
	gboolean all = TRUE;

	for (gsize i = 0; i < size; i++)
		for (gsize mask = 0; mask < G_N_ELEMENTS(masks); mask++) {
			guint8 *data = g_memdup2(g_bytes_get_data(good, NULL), size);
			g_autofree gchar *what =
				g_strdup_printf("%s byte %" G_GSIZE_FORMAT " ^ 0x%02x", name, i, masks[mask]);

			data[i] ^= masks[mask];
			g_hash_table_insert(flip->files, g_strdup(name), g_bytes_new_take(data, size));
			all &= is_refused(flip, what);
		}
	g_hash_table_insert(flip->files, g_strdup(name), g_bytes_ref(good));
	return all;
}

static void print_reasons(const Flip *flip)
{
	GHashTableIter iter;
	gpointer reason, count;

	g_hash_table_iter_init(&iter, flip->reasons);
	while (g_hash_table_iter_next(&iter, &reason, &count))
		g_print("%s %u\n", (const gchar *)reason, GPOINTER_TO_UINT(count));
}

int main(int argc, char **argv)
{
	g_autoptr(GHashTable) files =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_bytes_unref);
	g_autoptr(GHashTable) reasons = g_hash_table_new(g_str_hash, g_str_equal);
	Flip flip = {files, argc > 2 ? argv[2] : "", argc > 3 ? argv[3] : "", reasons};
	g_autoptr(GError) error = NULL;
	gboolean all = TRUE;

	if (argc < 5 || !load(&flip, argv[1], &error) || !list(&flip, &error)) {
		g_printerr("tuf-flip: %s\n", error ? error->message : "METADATA SCRATCH FOLDER FILE...");
		return 2;
	}
	for (int i = 4; i < argc; i++)
		all &= flip_file(&flip, argv[i]);
	print_reasons(&flip);
	return all ? 0 : 1;
}
