// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/profile/agree.h"

#include "common/file.h"
#include "packager/profile/config-file.h"
#include "packager/profile/folder.h"
#include "packager/read/kernel.h"
#include "packager/read/module-file.h"
#include "packager/read/module-info.h"

#include <string.h>

#define BANNER "Linux version "
#define BANNER_BYTES 1024
#define HEADER_BYTES (1024 * 1024)

static gboolean disagree(GError **error, const gchar *one, const gchar *of_one, const gchar *other,
			 const gchar *of_other)
{
	g_set_error(error, SUTURE_PROFILE_ERROR, SUTURE_PROFILE_ERROR_DISAGREE,
		    "%s is of kernel %s, %s of %s; give inputs of one kernel build", one, of_one, other,
		    of_other);
	return FALSE;
}

void suture_image_identity_free(SutureImageIdentity *identity)
{
	g_free(identity->release);
	g_free(identity->build_id);
	g_free(identity->banner);
	g_free(identity->tools);
	g_free(identity);
}

SutureImageIdentity *suture_image_identity_parse(const gchar *banner)
{
	/* The tools' own names hold parentheses, one level deep; the number behind them starts with '#'. */
	g_autoptr(GRegex) regex =
		g_regex_new("^Linux version ([0-9]\\S*) \\(\\S+\\) \\(((?:[^()]|\\([^()]*\\))+)\\) #",
			    G_REGEX_RAW, 0, NULL);
	g_autoptr(GMatchInfo) match = NULL;
	SutureImageIdentity *identity;

	if (!g_regex_match(regex, banner, 0, &match))
		return NULL;
	identity = g_new0(SutureImageIdentity, 1);
	identity->release = g_match_info_fetch(match, 1);
	identity->tools = g_match_info_fetch(match, 2);
	identity->banner = g_strchomp(g_strdup(banner));
	return identity;
}

/* Other texts of the kernel start as the banner does. */
static SutureImageIdentity *find_banner(const gchar *bytes, gsize size)
{
	const gchar *end = bytes + size;

	while ((bytes = memmem(bytes, (gsize)(end - bytes), BANNER, strlen(BANNER)))) {
		g_autofree gchar *banner = g_strndup(bytes, MIN(BANNER_BYTES, (gsize)(end - bytes)));
		SutureImageIdentity *identity = suture_image_identity_parse(banner);

		if (identity)
			return identity;
		bytes += strlen(BANNER);
	}
	return NULL;
}

SutureImageIdentity *suture_image_identity_read(const gchar *vmlinux, const gchar *what, GError **error)
{
	g_autoptr(GMappedFile) file = g_mapped_file_new(vmlinux, FALSE, error);
	g_autoptr(SutureImageIdentity) identity = NULL;

	if (!file)
		return NULL;
	if (g_mapped_file_get_length(file) > 0)
		identity = find_banner(g_mapped_file_get_contents(file), g_mapped_file_get_length(file));
	if (!identity) {
		g_set_error(error, SUTURE_PROFILE_ERROR, SUTURE_PROFILE_ERROR_INPUT,
			    "%s: does not say which kernel it is (no \"" BANNER "\" text)", what);
		return NULL;
	}
	identity->build_id = suture_kernel_image_build_id(vmlinux, error);
	return identity->build_id ? g_steal_pointer(&identity) : NULL;
}

static gchar *read_text(const gchar *path, GError **error)
{
	g_autoptr(GBytes) bytes = suture_file_read(path, HEADER_BYTES, error);

	return bytes ? g_strndup(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes)) : NULL;
}

/* The first group of @pattern in the file, or NULL. */
static gchar *find_in_file(const gchar *path, const gchar *pattern)
{
	g_autofree gchar *text = path ? read_text(path, NULL) : NULL;
	g_autoptr(GRegex) regex = g_regex_new(pattern, G_REGEX_MULTILINE | G_REGEX_RAW, 0, NULL);
	g_autoptr(GMatchInfo) match = NULL;

	return text && g_regex_match(regex, text, 0, &match) ? g_match_info_fetch(match, 1) : NULL;
}

static gboolean check_claims(const SutureInputs *inputs, const gchar *release, GError **error)
{
	for (guint i = 0; i < inputs->releases->len; i++) {
		const SutureInputClaim *claim = inputs->releases->pdata[i];

		if (strcmp(claim->said, release) != 0)
			return disagree(error, claim->origin, claim->said,
					inputs->origins[SUTURE_INPUT_IMAGE], release);
	}
	for (guint i = 1; i < inputs->versions->len; i++) {
		const SutureInputClaim *one = inputs->versions->pdata[0], *claim = inputs->versions->pdata[i];

		if (strcmp(one->said, claim->said) != 0)
			return disagree(error, claim->origin, claim->said, one->origin, one->said);
	}
	return TRUE;
}

static gboolean check_headers(const SutureInputs *inputs, const gchar *release, GError **error)
{
	g_autofree gchar *path = suture_inputs_path(inputs, SUTURE_INPUT_HEADERS_RELEASE);
	g_autofree gchar *said = find_in_file(path, "^#define UTS_RELEASE \"([^\"\n]*)\"");

	return !said || strcmp(said, release) == 0 ||
	       disagree(error, inputs->origins[SUTURE_INPUT_HEADERS_RELEASE], said,
			inputs->origins[SUTURE_INPUT_IMAGE], release);
}

/* Packages may not say it of themselves; each folder of modules is of one kernel. */
static gboolean check_module(const SutureFolderEntry *entry, gpointer data, GError **error)
{
	gpointer *state = data;
	const gchar *release = state[0], *image = state[1];
	g_autoptr(GBytes) module = NULL;
	g_autofree gchar *said = NULL;

	if (state[2])
		return TRUE;
	state[2] = state;
	module = suture_module_file_read(entry->full, error);
	said = module ? suture_module_release(module, entry->path, error) : NULL;
	return said && (strcmp(said, release) == 0 || disagree(error, entry->path, said, image, release));
}

static gboolean check_modules(const SutureInputs *inputs, const gchar *release, GError **error)
{
	g_autofree gchar *folder = suture_inputs_path(inputs, SUTURE_INPUT_MODULES);
	gpointer state[] = {(gpointer)release, inputs->origins[SUTURE_INPUT_IMAGE], NULL};

	return suture_folder_walk(folder, check_module, state, error);
}

static gchar *source_version(const gchar *tree)
{
	g_autofree gchar *makefile = g_build_filename(tree, "Makefile", NULL);
	g_autofree gchar *version = find_in_file(makefile, "^VERSION = ([0-9]+)$");
	g_autofree gchar *patchlevel = find_in_file(makefile, "^PATCHLEVEL = ([0-9]+)$");
	g_autofree gchar *sublevel = find_in_file(makefile, "^SUBLEVEL = ([0-9]+)$");

	return version && patchlevel && sublevel ? g_strdup_printf("%s.%s.%s", version, patchlevel, sublevel)
						 : NULL;
}

static gchar *headers_version(const SutureInputs *inputs)
{
	g_autofree gchar *path = suture_inputs_path(inputs, SUTURE_INPUT_HEADERS_VERSION);
	g_autofree gchar *major = find_in_file(path, "^#define LINUX_VERSION_MAJOR ([0-9]+)$");
	g_autofree gchar *patchlevel = find_in_file(path, "^#define LINUX_VERSION_PATCHLEVEL ([0-9]+)$");
	g_autofree gchar *sublevel = find_in_file(path, "^#define LINUX_VERSION_SUBLEVEL ([0-9]+)$");

	return major && patchlevel && sublevel ? g_strdup_printf("%s.%s.%s", major, patchlevel, sublevel)
					       : NULL;
}

/* "linux-5.14.0-427.el9" holds the sources of 5.14.0-427.el9.x86_64; "linux-6.1.170" says no more than the
 * Makefile does. */
static gboolean check_source_name(const SutureInputs *inputs, const gchar *release, GError **error)
{
	const gchar *name = inputs->source_name;
	const gchar *said = name && g_str_has_prefix(name, "linux-") ? name + strlen("linux-") : NULL;

	if (!said || !g_ascii_isdigit(*said) || !strchr(said, '-') || g_str_has_prefix(release, said))
		return TRUE;
	return disagree(error, inputs->origins[SUTURE_INPUT_SOURCE], said,
			inputs->origins[SUTURE_INPUT_IMAGE], release);
}

static gboolean check_source(const SutureInputs *inputs, GError **error)
{
	g_autofree gchar *tree = suture_inputs_path(inputs, SUTURE_INPUT_SOURCE);
	g_autofree gchar *config = suture_inputs_path(inputs, SUTURE_INPUT_CONFIG);
	g_autofree gchar *version = source_version(tree);
	g_autofree gchar *of_config = suture_config_version(config);
	g_autofree gchar *of_headers = headers_version(inputs);
	const gchar *source = inputs->origins[SUTURE_INPUT_SOURCE];

	if (!version) {
		g_set_error(error, SUTURE_PROFILE_ERROR, SUTURE_PROFILE_ERROR_INPUT,
			    "%s: is not the source of a kernel: its Makefile says no version", source);
		return FALSE;
	}
	if (of_config && strcmp(of_config, version) != 0)
		return disagree(error, source, version, inputs->origins[SUTURE_INPUT_CONFIG], of_config);
	if (of_headers && strcmp(of_headers, version) != 0)
		return disagree(error, source, version, inputs->origins[SUTURE_INPUT_HEADERS_VERSION],
				of_headers);
	return TRUE;
}

static gboolean check_configs(const SutureInputs *inputs, GError **error)
{
	g_autofree gchar *path = suture_inputs_path(inputs, SUTURE_INPUT_CONFIG);
	g_autofree gchar *other_path = suture_inputs_path(inputs, SUTURE_INPUT_HEADERS_CONFIG);
	g_autoptr(GHashTable) config = suture_config_read(path, error);
	g_autoptr(GHashTable) other = other_path && config ? suture_config_read(other_path, error) : NULL;
	g_autoptr(GPtrArray) changes = NULL;

	if (!config || (other_path && !other))
		return FALSE;
	changes = other ? suture_config_changes(config, other, FALSE) : g_ptr_array_new();
	if (changes->len == 0)
		return TRUE;
	g_set_error(error, SUTURE_PROFILE_ERROR, SUTURE_PROFILE_ERROR_DISAGREE,
		    "%s and %s have different configurations (%s%s); give inputs of one kernel build",
		    inputs->origins[SUTURE_INPUT_CONFIG], inputs->origins[SUTURE_INPUT_HEADERS_CONFIG],
		    (gchar *)changes->pdata[0], changes->len > 1 ? ", ..." : "");
	return FALSE;
}

gboolean suture_inputs_agree(const SutureInputs *inputs, const SutureImageIdentity *image, GError **error)
{
	return check_claims(inputs, image->release, error) && check_headers(inputs, image->release, error) &&
	       check_modules(inputs, image->release, error) && check_source(inputs, error) &&
	       check_source_name(inputs, image->release, error) && check_configs(inputs, error);
}
