// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/profile/inputs.h"

#include "common/file.h"
#include "packager/profile/digest.h"
#include "packager/profile/folder.h"
#include "packager/profile/package.h"
#include "packager/profile/unpack.h"

#include <string.h>

static const gchar *const files[SUTURE_INPUTS] = {
	[SUTURE_INPUT_SOURCE] = "tree",
	[SUTURE_INPUT_CONFIG] = "in/config",
	[SUTURE_INPUT_SYMVERS] = "in/symvers",
	[SUTURE_INPUT_IMAGE] = "in/image",
	[SUTURE_INPUT_VMLINUX] = "in/vmlinux",
	[SUTURE_INPUT_MODULES] = "modules",
	[SUTURE_INPUT_HEADERS_CONFIG] = "in/headers-config",
	[SUTURE_INPUT_HEADERS_RELEASE] = "in/utsrelease.h",
	[SUTURE_INPUT_HEADERS_VERSION] = "in/version.h",
};

/* What must be there, in the words of who has to bring it. */
static const struct {
	SutureInput input;
	const gchar *what;
} needed[] = {
	{SUTURE_INPUT_SOURCE, "the kernel's source (--source, or the package linux-source or src.rpm)"},
	{SUTURE_INPUT_CONFIG,
	 "its configuration (--config, or the package linux-image, linux-headers or kernel-core)"},
	{SUTURE_INPUT_SYMVERS,
	 "its Module.symvers (--symvers, --headers, or the package linux-headers or kernel-devel)"},
	{SUTURE_INPUT_IMAGE, "its image (--image, or the package linux-image or kernel-core)"},
	{SUTURE_INPUT_MODULES, "its modules (--modules, or the package linux-image or kernel-modules)"},
};

static void claim_free(gpointer data)
{
	SutureInputClaim *claim = data;

	g_free(claim->origin);
	g_free(claim->said);
	g_free(claim);
}

void suture_inputs_free(SutureInputs *inputs)
{
	for (guint i = 0; i < SUTURE_INPUTS; i++)
		g_free(inputs->origins[i]);
	g_ptr_array_unref(inputs->releases);
	g_ptr_array_unref(inputs->versions);
	g_free(inputs->folder);
	g_free(inputs->source_name);
	g_free(inputs);
}

const gchar *suture_inputs_file(SutureInput input)
{
	return files[input];
}

gchar *suture_inputs_path(const SutureInputs *inputs, SutureInput input)
{
	return inputs->origins[input] ? g_build_filename(inputs->folder, files[input], NULL) : NULL;
}

gboolean suture_inputs_claim(SutureInputs *inputs, SutureInput input, const gchar *origin, GError **error)
{
	if (inputs->origins[input]) {
		g_set_error(error, SUTURE_PROFILE_ERROR, SUTURE_PROFILE_ERROR_INPUT,
			    "%s and %s both bring %s; give one of them", inputs->origins[input], origin,
			    strrchr(files[input], '/') ? strrchr(files[input], '/') + 1 : "the source");
		return FALSE;
	}
	inputs->origins[input] = g_strdup(origin);
	return TRUE;
}

static gboolean refuse(GError **error, const gchar *words)
{
	g_set_error_literal(error, SUTURE_PROFILE_ERROR, SUTURE_PROFILE_ERROR_INPUT, words);
	return FALSE;
}

gboolean suture_inputs_check(const SutureImport *request, GError **error)
{
	gboolean packages = request->packages && *request->packages;

	if (packages && (request->source || request->config || request->symvers || request->headers ||
			 request->image || request->vmlinux || request->modules))
		return refuse(error, "give either packages or single files, not both");
	if (packages)
		return TRUE;
	if (!request->source || !request->config || !request->image || !request->modules ||
	    (!request->symvers && !request->headers))
		return refuse(error, "give packages, or all of --source, --config, --image, --modules and "
				     "--symvers (or --headers)");
	if (request->symvers && request->headers)
		return refuse(error, "give --symvers or --headers, not both");
	return TRUE;
}

static gboolean add_digest(json_t *list, const gchar *role, const gchar *path, GError **error)
{
	g_autofree gchar *digest = path ? suture_digest_path(path, error) : NULL;
	g_autofree gchar *name = path ? g_path_get_basename(path) : NULL;
	g_autofree gchar *shown = name ? g_utf8_make_valid(name, -1) : NULL;

	if (!path)
		return TRUE;
	return digest && json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "role", role, "name", shown,
							       "sha256", digest)) == 0;
}

static gint compare_paths(gconstpointer left, gconstpointer right)
{
	g_autofree gchar *a = g_path_get_basename(*(const gchar *const *)left);
	g_autofree gchar *b = g_path_get_basename(*(const gchar *const *)right);

	return strcmp(a, b);
}

/* Of the headers only what is taken: the folder has links to everywhere. */
static gboolean add_headers(json_t *list, const gchar *headers, GError **error)
{
	static const gchar *const parts[] = {"Module.symvers", ".config", "include/generated/utsrelease.h",
					     "include/generated/uapi/linux/version.h"};

	for (gsize i = 0; headers && i < G_N_ELEMENTS(parts); i++) {
		g_autofree gchar *path = g_build_filename(headers, parts[i], NULL);

		if ((i == 0 || g_file_test(path, G_FILE_TEST_EXISTS)) &&
		    !add_digest(list, "headers", path, error))
			return FALSE;
	}
	return TRUE;
}

json_t *suture_inputs_digest(const SutureImport *request, GError **error)
{
	json_t *list = json_array();
	g_autoptr(GPtrArray) packages = g_ptr_array_new();
	gboolean ok = TRUE;

	for (guint i = 0; request->packages && request->packages[i]; i++)
		g_ptr_array_add(packages, (gpointer)request->packages[i]);
	g_ptr_array_sort(packages, compare_paths);
	for (guint i = 0; ok && i < packages->len; i++)
		ok = add_digest(list, "package", packages->pdata[i], error);
	ok = ok && add_digest(list, "source", request->source, error) &&
	     add_digest(list, "config", request->config, error) &&
	     add_digest(list, "symvers", request->symvers, error) &&
	     add_headers(list, request->headers, error) && add_digest(list, "image", request->image, error) &&
	     add_digest(list, "vmlinux", request->vmlinux, error) &&
	     add_digest(list, "modules", request->modules, error);
	if (!ok)
		g_clear_pointer(&list, json_decref);
	return list;
}

static gboolean copy_file(SutureInputs *inputs, SutureInput input, const gchar *path, GError **error)
{
	/* The user may name a symlink; what it leads to is meant. */
	g_autofree gchar *real = path ? realpath(path, NULL) : NULL;
	const SutureFolderEntry entry = {.full = real ? real : path};

	if (!path)
		return TRUE;
	if (g_file_test(path, G_FILE_TEST_IS_DIR)) {
		g_set_error(error, SUTURE_PROFILE_ERROR, SUTURE_PROFILE_ERROR_INPUT,
			    "%s: is a folder; a file is needed", path);
		return FALSE;
	}
	return suture_inputs_claim(inputs, input, path, error) &&
	       suture_folder_copy(&entry, inputs->dirfd, files[input], error);
}

static gboolean copy_headers(SutureInputs *inputs, const gchar *headers, GError **error)
{
	static const struct {
		SutureInput input;
		const gchar *name;
	} parts[] = {
		{SUTURE_INPUT_SYMVERS, "Module.symvers"},
		{SUTURE_INPUT_HEADERS_CONFIG, ".config"},
		{SUTURE_INPUT_HEADERS_RELEASE, "include/generated/utsrelease.h"},
		{SUTURE_INPUT_HEADERS_VERSION, "include/generated/uapi/linux/version.h"},
	};

	for (gsize i = 0; headers && i < G_N_ELEMENTS(parts); i++) {
		g_autofree gchar *path = g_build_filename(headers, parts[i].name, NULL);

		if ((i == 0 || g_file_test(path, G_FILE_TEST_EXISTS)) &&
		    !copy_file(inputs, parts[i].input, path, error))
			return FALSE;
	}
	return TRUE;
}

static gboolean copy_source_entry(const SutureFolderEntry *entry, gpointer data, GError **error)
{
	SutureInputs *inputs = data;
	g_autofree gchar *name = g_build_filename("tree", entry->path, NULL);

	if (g_str_has_prefix(entry->path, ".git/"))
		return TRUE;
	return suture_folder_copy(entry, inputs->dirfd, name, error);
}

static gboolean copy_source(SutureInputs *inputs, const gchar *source, GError **error)
{
	if (!source)
		return TRUE;
	if (!g_file_test(source, G_FILE_TEST_IS_DIR))
		return suture_package_unpack_source(inputs, source, error);
	return suture_inputs_claim(inputs, SUTURE_INPUT_SOURCE, source, error) &&
	       suture_folder_walk(source, copy_source_entry, inputs, error);
}

static gboolean copy_module(const SutureFolderEntry *entry, gpointer data, GError **error)
{
	SutureInputs *inputs = data;
	g_autofree gchar *name = g_build_filename("modules", entry->path, NULL);
	static const gchar *const suffixes[] = {".ko", ".ko.xz", ".ko.zst", ".ko.gz"};

	for (gsize i = 0; !entry->target && i < G_N_ELEMENTS(suffixes); i++)
		if (g_str_has_suffix(entry->path, suffixes[i])) {
			inputs->n_modules++;
			return suture_folder_copy(entry, inputs->dirfd, name, error);
		}
	return TRUE;
}

static gboolean copy_modules(SutureInputs *inputs, const gchar *modules, GError **error)
{
	if (!modules || !suture_folder_walk(modules, copy_module, inputs, error))
		return !modules;
	return inputs->n_modules == 0 || suture_inputs_claim(inputs, SUTURE_INPUT_MODULES, modules, error);
}

static gboolean gather_packages(SutureInputs *inputs, const SutureImport *request, GError **error)
{
	for (guint i = 0; request->packages && request->packages[i]; i++) {
		g_autofree gchar *name = g_path_get_basename(request->packages[i]);
		g_autofree gchar *step = g_strdup_printf("unpacking %s", name);

		if (request->progress)
			request->progress(step, i, g_strv_length((gchar **)request->packages),
					  request->progress_data);
		if (!suture_package_gather(inputs, request->packages[i], error))
			return FALSE;
	}
	return TRUE;
}

/* Headers have the configuration as well, with more in it. */
static gboolean complete(SutureInputs *inputs, GError **error)
{
	if (!inputs->origins[SUTURE_INPUT_CONFIG] && inputs->origins[SUTURE_INPUT_HEADERS_CONFIG]) {
		g_autofree gchar *path = suture_inputs_path(inputs, SUTURE_INPUT_HEADERS_CONFIG);

		if (!copy_file(inputs, SUTURE_INPUT_CONFIG, path, error))
			return FALSE;
	}
	for (gsize i = 0; i < G_N_ELEMENTS(needed); i++)
		if (!inputs->origins[needed[i].input]) {
			g_set_error(error, SUTURE_PROFILE_ERROR, SUTURE_PROFILE_ERROR_INPUT,
				    "nothing that was given has %s", needed[i].what);
			return FALSE;
		}
	return TRUE;
}

SutureInputs *suture_inputs_gather(const SutureImport *request, int dirfd, const gchar *folder,
				   GError **error)
{
	g_autoptr(SutureInputs) inputs = g_new0(SutureInputs, 1);

	inputs->dirfd = dirfd;
	inputs->folder = g_strdup(folder);
	inputs->releases = g_ptr_array_new_with_free_func(claim_free);
	inputs->versions = g_ptr_array_new_with_free_func(claim_free);
	/* The source last: it is what takes long, and the rest says soonest that something is wrong. */
	if (!gather_packages(inputs, request, error) ||
	    !copy_file(inputs, SUTURE_INPUT_CONFIG, request->config, error) ||
	    !copy_file(inputs, SUTURE_INPUT_SYMVERS, request->symvers, error) ||
	    !copy_headers(inputs, request->headers, error) ||
	    !copy_file(inputs, SUTURE_INPUT_IMAGE, request->image, error) ||
	    !copy_file(inputs, SUTURE_INPUT_VMLINUX, request->vmlinux, error) ||
	    !copy_modules(inputs, request->modules, error) || !copy_source(inputs, request->source, error) ||
	    !complete(inputs, error))
		return NULL;
	return g_steal_pointer(&inputs);
}
