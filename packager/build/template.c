// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/build/template.h"

#include "common/file.h"
#include "packager/read/bundle.h"
#include "packager/read/naming.h"

#include <string.h>

#define SUFFIX ".spec.in"
#define MAX_BYTES (256 * 1024)

/*
 * The formats of names, versions and ids leave nothing that rpm could read as syntax, but a summary is free
 * text and a template may put it anywhere: no macro, no line of its own, no continuation.
 */
static gboolean is_inert(const gchar *value)
{
	if (!g_utf8_validate(value, -1, NULL) || *value == '\0' || g_ascii_isspace(*value))
		return FALSE;
	for (const gchar *at = value; *at; at = g_utf8_next_char(at)) {
		gunichar character = g_utf8_get_char(at);

		if (g_unichar_iscntrl(character) || character == '%' || character == '\\')
			return FALSE;
	}
	return TRUE;
}

static gchar *inert(const gchar *what, const gchar *value, GError **error)
{
	if (is_inert(value))
		return g_strdup(value);
	g_set_error(error, SUTURE_BUILD_ERROR, SUTURE_BUILD_ERROR_VALUE,
		    "%s: \"%s\" cannot stand in a spec file; use no '%%', '\\' or control character", what,
		    value);
	return NULL;
}

/* "5.14.21-150400.24.46-default": the package kernel-default, 5.14.21-150400.24.46. */
static gchar *kernel_part(const gchar *release, const gchar *part, GError **error)
{
	g_autoptr(GRegex) form = g_regex_new(
		"^(?<VERSION>[A-Za-z0-9._+~]+-[A-Za-z0-9._+~]+)-(?<FLAVOR>[A-Za-z0-9_]+)$", 0, 0, NULL);
	g_autoptr(GMatchInfo) match = NULL;

	if (g_regex_match(form, release, 0, &match))
		return g_match_info_fetch_named(match, part);
	g_set_error(error, SUTURE_BUILD_ERROR, SUTURE_BUILD_ERROR_KERNEL_FORM,
		    "kernel %s: not <version>-<release>-<flavor> as this distribution's kernels are; choose "
		    "another "
		    "--distribution",
		    release);
	return NULL;
}

static gchar *provides_lines(const SuturePatch *patch)
{
	g_auto(GStrv) provides = suture_bundle_provides(patch);
	GString *lines = g_string_new(NULL);

	for (gchar **name = provides; *name; name++)
		g_string_append_printf(lines, "%sProvides: %s", name == provides ? "" : "\n", *name);
	return g_string_free(lines, FALSE);
}

static gchar *installed_folder(const SuturePatch *patch)
{
	g_autofree gchar *folder = suture_bundle_folder(patch);

	return g_build_filename(SUTURE_BUNDLE_PACKAGE_STORE, folder, NULL);
}

static gchar *files_lines(const SutureManifest *manifest)
{
	g_autofree gchar *folder = installed_folder(&manifest->patch);
	GString *lines = g_string_new(NULL);

	g_string_append_printf(lines, "%%dir %s\n", folder);
	g_string_append_printf(lines, "%s/" SUTURE_MANIFEST_FILE "\n", folder);
	g_string_append_printf(lines, "%s/" SUTURE_MANIFEST_SIGNATURE_FILE, folder);
	for (guint i = 0; i < manifest->modules->len; i++) {
		const SutureModule *module = manifest->modules->pdata[i];

		g_string_append_printf(lines, "\n%s/%s", folder, module->file);
	}
	return g_string_free(lines, FALSE);
}

static gchar *scalar(const gchar *name, const SutureManifest *manifest, GError **error)
{
	const SuturePatch *patch = &manifest->patch;
	g_autofree gchar *rpm_name = suture_bundle_rpm_name(patch);
	g_autofree gchar *folder = installed_folder(patch);
	const struct {
		const gchar *name;
		const gchar *value;
	} values[] = {
		{"RPM_NAME", rpm_name},
		{"VERSION", patch->version},
		{"RELEASE", patch->release},
		{"SUMMARY", manifest->summary},
		{"ADVISORY", patch->advisory},
		{"SEVERITY", suture_severity_name(patch->severity)},
		{"KERNEL_RELEASE", patch->kernel.release},
		{"FOLDER", folder},
	};

	for (gsize i = 0; i < G_N_ELEMENTS(values); i++)
		if (strcmp(name, values[i].name) == 0)
			return inert(name, values[i].value, error);
	g_set_error(error, SUTURE_BUILD_ERROR, SUTURE_BUILD_ERROR_TEMPLATE,
		    "@%s@: no such placeholder; correct the spec template", name);
	return NULL;
}

static gchar *value_of(const gchar *name, const SutureManifest *manifest, GError **error)
{
	if (strcmp(name, "PROVIDES") == 0)
		return provides_lines(&manifest->patch);
	if (strcmp(name, "FILES") == 0)
		return files_lines(manifest);
	if (strcmp(name, "KERNEL_FLAVOR") == 0)
		return kernel_part(manifest->patch.kernel.release, "FLAVOR", error);
	if (strcmp(name, "KERNEL_PACKAGE_VERSION") == 0)
		return kernel_part(manifest->patch.kernel.release, "VERSION", error);
	return scalar(name, manifest, error);
}

typedef struct {
	const SutureManifest *manifest;
	GError *error;
} Filling;

static gboolean fill_one(const GMatchInfo *match, GString *result, gpointer data)
{
	Filling *filling = data;
	g_autofree gchar *name = g_match_info_fetch(match, 1);
	g_autofree gchar *value = value_of(name, filling->manifest, &filling->error);

	if (value)
		g_string_append(result, value);
	return value == NULL;
}

gchar *suture_template_fill(const gchar *template, const SutureManifest *manifest, GError **error)
{
	g_autoptr(GRegex) placeholder = g_regex_new("@([A-Z_]+)@", 0, 0, NULL);
	Filling filling = {.manifest = manifest};
	g_autofree gchar *text =
		g_regex_replace_eval(placeholder, template, -1, 0, 0, fill_one, &filling, NULL);

	if (filling.error) {
		g_propagate_error(error, filling.error);
		return NULL;
	}
	return g_steal_pointer(&text);
}

gboolean suture_template_check(const SutureManifest *manifest, GError **error)
{
	g_autofree gchar *text = suture_template_fill(
		"@RPM_NAME@ @VERSION@ @RELEASE@ @SUMMARY@ @ADVISORY@ @SEVERITY@ @KERNEL_RELEASE@ @FOLDER@",
		manifest, error);

	return text != NULL;
}

/* The same from the build folder and once installed: ../share/suture/rpm beside bin. */
static gchar *default_folder(GError **error)
{
	g_autoptr(GError) cause = NULL;
	g_autofree gchar *program = g_file_read_link("/proc/self/exe", &cause);
	g_autofree gchar *bin = program ? g_path_get_dirname(program) : NULL;

	if (bin)
		return g_build_filename(bin, SUTURE_TEMPLATES_FROM_BIN, NULL);
	g_set_error(error, SUTURE_COMMON_ERROR, SUTURE_COMMON_ERROR_IO, "%s", cause->message);
	return NULL;
}

gchar *suture_template_load(const gchar *folder, const gchar *distribution, GError **error)
{
	g_autofree gchar *place = folder ? g_strdup(folder) : default_folder(error);
	g_autofree gchar *file = g_strconcat(distribution, SUFFIX, NULL);
	g_autofree gchar *path = place ? g_build_filename(place, file, NULL) : NULL;
	g_autoptr(GError) cause = NULL;
	g_autoptr(GBytes) bytes = NULL;

	if (!path)
		return NULL;
	if (suture_file_name_is_safe(file))
		bytes = suture_file_read(path, MAX_BYTES, &cause);
	if (bytes)
		return g_strndup(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
	g_set_error(error, SUTURE_BUILD_ERROR, SUTURE_BUILD_ERROR_TEMPLATE,
		    "distribution \"%s\": no spec template %s; generic, rhel and suse come with Suture",
		    distribution, path);
	return NULL;
}
