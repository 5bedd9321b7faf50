/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "common/process.h"
#include "packager/read/bundle.h"

#include <fcntl.h>
#include <unistd.h>

/* What material.py made for these tests: made on first use, kept in the build folder. */

static inline gchar *material_path(const gchar *name)
{
	const gchar *build = g_getenv("SUTURE_BUILD_DIR");

	/* Without it this would be the current folder, which material.py would then empty. */
	if (!build)
		g_error("SUTURE_BUILD_DIR is not set: run this by ctest");
	return g_build_filename(build, "test-material", name, NULL);
}

static inline void material_ensure(void)
{
	g_autofree gchar *script = g_test_build_filename(G_TEST_DIST, "material.py", NULL);
	g_autofree gchar *folder = material_path("");
	const gchar *const argv[] = {"/usr/bin/python3", "-B", script, folder, NULL};
	g_autoptr(GError) error = NULL;

	if (!suture_process_run(argv, NULL, NULL, NULL, NULL, &error))
		g_error("material.py: %s", error->message);
}

static inline GBytes *material_read(const gchar *name)
{
	g_autofree gchar *path = material_path(name);
	g_autoptr(GError) error = NULL;
	gchar *data;
	gsize size;

	g_file_get_contents(path, &data, &size, &error);
	g_assert_no_error(error);
	return g_bytes_new_take(data, size);
}

static inline SutureTrust *material_trust(void)
{
	g_autofree gchar *folder = g_build_filename(g_getenv("SUTURE_BUILD_DIR"), "test-keys", "trust", NULL);
	g_autoptr(GError) error = NULL;
	SutureTrust *trust = suture_trust_load(folder, &error);

	g_assert_no_error(error);
	return trust;
}

/* Release, build-id, image and vmlinux of the kernel that the material is for. */
static inline GStrv material_kernel(void)
{
	g_autoptr(GBytes) text = material_read("kernel.txt");
	g_autofree gchar *lines = g_strndup(g_bytes_get_data(text, NULL), g_bytes_get_size(text));

	return g_strsplit(lines, "\n", -1);
}

/* One moment after everything in the material was signed. */
static inline gint64 material_now(void)
{
	return g_get_real_time() / G_USEC_PER_SEC;
}
