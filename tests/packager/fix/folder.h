/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/file.h"

#include <fcntl.h>
#include <glib.h>

/* A folder that is gone with its test. */
typedef struct {
	gchar *path;
} Folder;

static inline gchar *folder_file(const Folder *folder, const gchar *name)
{
	return g_build_filename(folder->path, name, NULL);
}

static inline void folder_put(const Folder *folder, const gchar *name, const gchar *text)
{
	g_autofree gchar *path = folder_file(folder, name);
	g_autofree gchar *parent = g_path_get_dirname(path);

	g_assert_cmpint(g_mkdir_with_parents(parent, 0755), ==, 0);
	g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

static inline gchar *folder_get(const Folder *folder, const gchar *name)
{
	g_autofree gchar *path = folder_file(folder, name);
	gchar *text = NULL;

	g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
	return text;
}

static inline void folder_set_up(Folder *folder, gconstpointer data)
{
	(void)data;
	folder->path = g_dir_make_tmp("suture-test-XXXXXX", NULL);
	g_assert_nonnull(folder->path);
}

static inline void folder_tear_down(Folder *folder, gconstpointer data)
{
	(void)data;
	g_assert_true(suture_file_remove_tree(AT_FDCWD, folder->path, NULL));
	g_free(folder->path);
}

#define FOLDER_TEST(name, function) g_test_add(name, Folder, NULL, folder_set_up, function, folder_tear_down)
