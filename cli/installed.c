// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/installed.h"

#include "common/file.h"
#include "packager/read/bundle.h"
#include "packager/read/kernel.h"

#include <string.h>

static const gchar *const module_folders[] = {"/lib/modules", "/usr/lib/modules"};

/* NULL where there is none: a modules folder alone is no kernel; packages of modules and removed kernels
 * leave such behind. */
static gchar *image_of(const SutureContext *context, const gchar *modules, const gchar *release)
{
	g_autofree gchar *boot = suture_context_path(context, "/boot");
	g_autofree gchar *name = g_strconcat("vmlinuz-", release, NULL);
	g_autofree gchar *in_boot = g_build_filename(boot, name, NULL);
	g_autofree gchar *in_modules = g_build_filename(modules, release, "vmlinuz", NULL);

	if (g_file_test(in_boot, G_FILE_TEST_EXISTS))
		return g_steal_pointer(&in_boot);
	return g_file_test(in_modules, G_FILE_TEST_EXISTS) ? g_steal_pointer(&in_modules) : NULL;
}

/* Release to path of its image; both owned by the table. */
static GHashTable *images(const SutureContext *context)
{
	GHashTable *found = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);

	for (guint i = 0; i < G_N_ELEMENTS(module_folders); i++) {
		g_autofree gchar *modules = suture_context_path(context, module_folders[i]);
		g_autoptr(GDir) folder = g_dir_open(modules, 0, NULL);
		const gchar *name;

		while (folder && (name = g_dir_read_name(folder))) {
			gchar *image =
				suture_file_name_is_safe(name) ? image_of(context, modules, name) : NULL;

			if (image)
				g_hash_table_insert(found, g_strdup(name), image);
		}
	}
	return found;
}

void suture_installed_releases(const SutureContext *context, GHashTable *releases)
{
	g_autoptr(GHashTable) found = images(context);
	GHashTableIter at;
	gpointer release;

	g_hash_table_iter_init(&at, found);
	while (g_hash_table_iter_next(&at, &release, NULL))
		g_hash_table_add(releases, g_strdup(release));
}

void suture_installed_free(gpointer kernel)
{
	suture_kernel_clear(kernel);
	g_free(kernel);
}

static void add(GPtrArray *kernels, const gchar *release, const gchar *arch, const gchar *build_id)
{
	SutureKernel *kernel = g_new0(SutureKernel, 1);

	kernel->release = g_strdup(release);
	kernel->arch = g_strdup(arch);
	kernel->build_id = g_strdup(build_id);
	g_ptr_array_add(kernels, kernel);
}

static gint compare_releases(gconstpointer a, gconstpointer b)
{
	const SutureKernel *left = *(SutureKernel *const *)a, *right = *(SutureKernel *const *)b;

	return suture_version_compare(left->release, "0", right->release, "0");
}

GPtrArray *suture_installed_kernels(const SutureContext *context, const SutureKernel *running)
{
	GPtrArray *kernels = g_ptr_array_new_with_free_func(suture_installed_free);
	g_autoptr(GHashTable) found = images(context);
	GHashTableIter at;
	gpointer release, image;

	add(kernels, running->release, running->arch, running->build_id);
	g_hash_table_iter_init(&at, found);
	while (g_hash_table_iter_next(&at, &release, &image)) {
		g_autoptr(GError) cause = NULL;
		g_autofree gchar *build_id = NULL;

		if (strcmp(release, running->release) == 0)
			continue;
		build_id = suture_kernel_image_build_id(image, &cause);
		if (build_id)
			add(kernels, release, running->arch, build_id);
		else
			g_message("kernel %s is left out: %s", (const gchar *)release, cause->message);
	}
	g_ptr_array_sort(kernels, compare_releases);
	return kernels;
}

const SutureKernel *suture_installed_next(GPtrArray *kernels)
{
	return kernels->pdata[kernels->len - 1];
}
