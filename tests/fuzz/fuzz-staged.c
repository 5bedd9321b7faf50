// SPDX-License-Identifier: LGPL-2.1-or-later
/* A document that came back from a signer, on a medium that anybody may have had in hand. */
#include "common/file.h"
#include "fetcher/repo/staged.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static gchar *folder;

static void remove_folder(void)
{
	suture_file_remove_tree(AT_FDCWD, folder, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(GBytes) bytes = g_bytes_new_static(data, size);
	g_autofree gchar *path = NULL;
	g_autoptr(GPtrArray) list = NULL;
	g_autoptr(GError) error = NULL;

	if (!folder) {
		folder = g_dir_make_tmp("fuzz-staged-XXXXXX", NULL);
		atexit(remove_folder);
	}
	path = g_build_filename(folder, "role.json", NULL);
	g_assert_true(g_file_set_contents(path, (const gchar *)data, (gssize)size, NULL));
	list = suture_repo_staged_list(folder, NULL, &error);
	g_assert_true((list != NULL) == (error == NULL));
	for (guint i = 0; list && i < list->len; i++) {
		const SutureRepoStaged *staged = list->pdata[i];

		g_assert_cmpuint(staged->n, <=, 2);
		g_assert_cmpuint(staged->changes->len, >, 0);
	}
	return 0;
}
