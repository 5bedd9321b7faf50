// SPDX-License-Identifier: LGPL-2.1-or-later
/* Runs a fuzz target over the files of its corpus folder, so that past findings stay tested without
 * libFuzzer. */
#include <glib.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int main(int argc, char **argv)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GDir) corpus = NULL;
	const gchar *name;
	guint replayed = 0;

	if (argc != 2) {
		g_printerr("usage: %s CORPUS-FOLDER\n", argv[0]);
		return 2;
	}
	corpus = g_dir_open(argv[1], 0, &error);
	while (corpus && (name = g_dir_read_name(corpus))) {
		g_autofree gchar *path = g_build_filename(argv[1], name, NULL);
		g_autofree gchar *data = NULL;
		gsize size;

		if (!g_file_get_contents(path, &data, &size, &error))
			break;
		LLVMFuzzerTestOneInput((const uint8_t *)data, size);
		replayed++;
	}
	if (error || replayed == 0) {
		g_printerr("%s: %s\n", argv[1], error ? error->message : "the corpus is empty");
		return 1;
	}
	g_print("%u inputs replayed\n", replayed);
	return 0;
}
