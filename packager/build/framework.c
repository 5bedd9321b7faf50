// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/build/framework.h"

#include "common/file.h"
#include "packager/read/module-info.h"
#include "spec/manifest.h"

#include <string.h>

#define HEADER "compat/linux/livepatch.h"
#define SYMVERS "Module.symvers"
#define SYMVERS_BYTES (1024 * 1024)
#define MODULE "suture.ko"
#define ENTRY "suture_klp_enable_patch"

void suture_framework_free(SutureFramework *framework)
{
	g_free(framework->include);
	g_free(framework->symvers);
	g_free(framework);
}

static gboolean refuse(const gchar *folder, const gchar *problem, GError **error)
{
	g_set_error(error, SUTURE_BUILD_ERROR, SUTURE_BUILD_ERROR_FRAMEWORK,
		    "%s: %s; name the folder in which the framework was built for this kernel "
		    "(make -C framework KDIR=HEADERS) by --framework DIR",
		    folder, problem);
	return FALSE;
}

static gchar *find_symvers(const gchar *folder, const gchar *release)
{
	g_autofree gchar *own = g_build_filename(folder, release, SYMVERS, NULL);

	if (g_file_test(own, G_FILE_TEST_IS_REGULAR))
		return g_steal_pointer(&own);
	return g_build_filename(folder, SYMVERS, NULL);
}

/* "<crc>\t<symbol>\t<module>\t<export>\t<namespace>" lines */
static gboolean check_symvers(const gchar *folder, const gchar *path, GError **error)
{
	g_autoptr(GBytes) bytes = suture_file_read(path, SYMVERS_BYTES, NULL);
	g_autofree gchar *text = NULL;

	if (!bytes)
		return refuse(folder, "has no " SYMVERS " for it", error);
	text = g_strndup(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
	return strstr(text, "\t" ENTRY "\t") != NULL ||
	       refuse(folder, "its " SYMVERS " is not that of the framework", error);
}

static gboolean check_module(const gchar *symvers, const gchar *release, GError **error)
{
	g_autofree gchar *folder = g_path_get_dirname(symvers);
	g_autofree gchar *path = g_build_filename(folder, MODULE, NULL);
	g_autoptr(GBytes) module = NULL;
	g_autofree gchar *built_for = NULL;

	if (!g_file_test(path, G_FILE_TEST_EXISTS))
		return TRUE;
	module = suture_file_read(path, SUTURE_MANIFEST_MAX_MODULE_BYTES, error);
	built_for = module ? suture_module_release(module, path, error) : NULL;
	if (!built_for)
		return FALSE;
	if (strcmp(built_for, release) == 0)
		return TRUE;
	g_set_error(
		error, SUTURE_BUILD_ERROR, SUTURE_BUILD_ERROR_FRAMEWORK_KERNEL,
		"%s: the framework was built for kernel %s, and the patch is for %s; build it for that one "
		"(make -C framework KDIR=HEADERS)",
		path, built_for, release);
	return FALSE;
}

SutureFramework *suture_framework_find(const gchar *folder, const gchar *release, GError **error)
{
	g_autoptr(SutureFramework) framework = g_new0(SutureFramework, 1);
	g_autofree gchar *place = g_canonicalize_filename(folder ? folder : SUTURE_FRAMEWORK_FOLDER, NULL);
	g_autofree gchar *header = NULL;

	framework->include = g_build_filename(place, "include", NULL);
	framework->symvers = release ? find_symvers(place, release) : NULL;
	header = g_build_filename(framework->include, HEADER, NULL);
	if (!g_file_test(header, G_FILE_TEST_IS_REGULAR)) {
		refuse(place, "has no include/" HEADER, error);
		return NULL;
	}
	if (release && (!check_symvers(place, framework->symvers, error) ||
			!check_module(framework->symvers, release, error)))
		return NULL;
	return g_steal_pointer(&framework);
}
