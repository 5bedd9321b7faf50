// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/profile/package.h"

#include "common/file.h"
#include "packager/profile/unpack.h"

#include <fcntl.h>
#include <string.h>

#define CONTROL_BYTES (1024 * 1024)
#define HEADERS "^usr/src/(?:kernels/|linux-headers-)(?<release>[^/]+)/"
#define MODULES "^(?:usr/)?lib/modules/(?<release>[^/]+)/"

typedef struct {
	SutureInputs *inputs;
	gchar *origin; /* name of the package */
	gchar *top;    /* folder at the top of the source, "linux-6.1"; NULL: not come yet */
	int tree;      /* tree/; -1 until the source comes */
} Work;

typedef gboolean (*Take)(Work *work, SutureEntry *entry, SutureInput input, const gchar *name,
			 GError **error);

static gboolean take_file(Work *work, SutureEntry *entry, SutureInput input, const gchar *name,
			  GError **error)
{
	(void)name;
	if (suture_entry_is_link(entry))
		return TRUE;
	return suture_inputs_claim(work->inputs, input, work->origin, error) &&
	       suture_entry_write(entry, work->inputs->dirfd, suture_inputs_file(input), error);
}

/* kernel-core has a compressed copy of what kernel-devel has too. */
static gboolean take_symvers(Work *work, SutureEntry *entry, SutureInput input, const gchar *name,
			     GError **error)
{
	return work->inputs->origins[input] || take_file(work, entry, input, name, error);
}

/* Several packages may bring modules. */
static gboolean take_module(Work *work, SutureEntry *entry, SutureInput input, const gchar *name,
			    GError **error)
{
	g_autofree gchar *to = g_build_filename("modules", name, NULL);

	if (suture_entry_is_link(entry))
		return TRUE;
	work->inputs->n_modules++;
	if (!work->inputs->origins[input])
		work->inputs->origins[input] = g_strdup(work->origin);
	return suture_entry_write(entry, work->inputs->dirfd, to, error);
}

static gboolean open_tree(Work *work, GError **error)
{
	SUTURE_AUTO_FD made = suture_unpack_parent(work->inputs->dirfd, "tree/Makefile", error);

	suture_fd_clear(&work->tree);
	work->tree = suture_fd_steal(&made);
	return work->tree >= 0;
}

static gboolean visit_source(SutureEntry *entry, const gchar *path, gpointer data, GError **error)
{
	Work *work = data;
	const gchar *slash = strchr(path, '/');

	if (!slash)
		return TRUE;
	if (!work->top)
		work->top = g_strndup(path, (gsize)(slash - path));
	if (!g_str_has_prefix(path, work->top) || path + strlen(work->top) != slash) {
		g_set_error(error, SUTURE_PROFILE_ERROR, SUTURE_PROFILE_ERROR_ARCHIVE,
			    "%s: has more than one folder at its top: is no kernel's source", work->origin);
		return FALSE;
	}
	return suture_entry_write(entry, work->tree, slash + 1, error);
}

static gboolean take_source(Work *work, SutureEntry *entry, SutureInput input, const gchar *name,
			    GError **error)
{
	(void)name;
	work->inputs->source_is_package = TRUE;
	return suture_inputs_claim(work->inputs, input, work->origin, error) && open_tree(work, error) &&
	       suture_entry_walk(entry, visit_source, work, error);
}

/* Whether an earlier package has brought files of the same folder: SUSE's kernel-devel and kernel-source
 * share one. */
static gboolean is_begun(const Work *work)
{
	return work->inputs->source_in_parts && g_strcmp0(work->inputs->source_name, work->top) == 0;
}

/* A folder of sources, file by file. */
static gboolean take_source_file(Work *work, SutureEntry *entry, SutureInput input, const gchar *name,
				 GError **error)
{
	if (work->tree < 0 &&
	    ((!is_begun(work) && !suture_inputs_claim(work->inputs, input, work->origin, error)) ||
	     !open_tree(work, error)))
		return FALSE;
	work->inputs->source_is_package = TRUE;
	work->inputs->source_in_parts = TRUE;
	return suture_entry_write(entry, work->tree, name, error);
}

/* What rpmbuild would do with them is written in a spec file; we do not run that. */
static gboolean refuse_patch(Work *work, SutureEntry *entry, SutureInput input, const gchar *name,
			     GError **error)
{
	(void)input;
	if (suture_entry_kind(entry) != SUTURE_PACKAGE_RPM || suture_entry_size(entry) == 0)
		return TRUE;
	g_set_error(error, SUTURE_PROFILE_ERROR, SUTURE_PROFILE_ERROR_INPUT,
		    "%s: its source is changed by %s; unpack it with rpmbuild -bp and give the folder as "
		    "--source",
		    work->origin, name);
	return FALSE;
}

static gboolean take_control(Work *work, SutureEntry *entry, SutureInput input, const gchar *name,
			     GError **error)
{
	g_autoptr(GBytes) bytes = suture_entry_read(entry, CONTROL_BYTES, error);
	g_autofree gchar *text = NULL;
	g_auto(GStrv) lines = NULL;

	(void)input;
	(void)name;
	if (!bytes)
		return FALSE;
	text = g_strndup(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
	lines = g_strsplit(text, "\n", -1);
	for (gchar **line = lines; *line; line++)
		if (g_str_has_prefix(*line, "Version: ")) {
			SutureInputClaim *claim = g_new0(SutureInputClaim, 1);

			claim->origin = g_strdup(work->origin);
			claim->said = g_strstrip(g_strdup(*line + strlen("Version: ")));
			g_ptr_array_add(work->inputs->versions, claim);
			break;
		}
	return TRUE;
}

/* The group "release" is what a path says of the kernel, "name" what the taker gets, "top" the source's
 * folder. */
static const struct {
	const gchar *pattern;
	SutureInput input;
	Take take;
} rules[] = {
	{MODULES "(?<name>(?:kernel|extra|updates)/.+\\.ko(?:\\.xz|\\.zst|\\.gz)?)$", SUTURE_INPUT_MODULES,
	 take_module},
	{"^boot/vmlinuz-(?<release>[^/]+)$", SUTURE_INPUT_IMAGE, take_file},
	{MODULES "vmlinuz$", SUTURE_INPUT_IMAGE, take_file},
	{"^boot/config-(?<release>[^/]+)$", SUTURE_INPUT_CONFIG, take_file},
	{MODULES "config$", SUTURE_INPUT_CONFIG, take_file},
	{HEADERS "Module\\.symvers$", SUTURE_INPUT_SYMVERS, take_symvers},
	{MODULES "symvers\\.(?:gz|xz|zst)$", SUTURE_INPUT_SYMVERS, take_symvers},
	{"^boot/symvers-(?<release>[^/]+)\\.(?:gz|xz|zst)$", SUTURE_INPUT_SYMVERS, take_symvers},
	{HEADERS "\\.config$", SUTURE_INPUT_HEADERS_CONFIG, take_file},
	{HEADERS "include/generated/utsrelease\\.h$", SUTURE_INPUT_HEADERS_RELEASE, take_file},
	{HEADERS "include/generated/uapi/linux/version\\.h$", SUTURE_INPUT_HEADERS_VERSION, take_file},
	{"^usr/lib/debug/boot/vmlinux-(?<release>[^/]+)$", SUTURE_INPUT_VMLINUX, take_file},
	{"^usr/lib/debug/(?:usr/)?lib/modules/(?<release>[^/]+)/vmlinux$", SUTURE_INPUT_VMLINUX, take_file},
	{"^(?:usr/src/linux-source-|linux-)[0-9][^/]*\\.tar\\.[a-z0-9]+$", SUTURE_INPUT_SOURCE, take_source},
	{"^usr/src/(?<top>linux-[0-9][^/]*)(?<!-obj)/(?<name>.+)$", SUTURE_INPUT_SOURCE, take_source_file},
	{"^(?<name>[^/]+\\.patch|patches\\.[^/]+\\.tar\\.[a-z0-9]+)$", SUTURE_INPUT_SOURCE, refuse_patch},
	{"^control$", SUTURE_INPUT_SOURCE, take_control},
};

static GRegex *rule_regex(gsize index)
{
	static GRegex *compiled[G_N_ELEMENTS(rules)];
	static gsize once;

	if (g_once_init_enter(&once)) {
		for (gsize i = 0; i < G_N_ELEMENTS(rules); i++)
			compiled[i] = g_regex_new(rules[i].pattern, G_REGEX_OPTIMIZE | G_REGEX_RAW, 0, NULL);
		g_once_init_leave(&once, 1);
	}
	return compiled[index];
}

static void note_release(Work *work, const gchar *release)
{
	GPtrArray *releases = work->inputs->releases;
	const SutureInputClaim *last = releases->len ? releases->pdata[releases->len - 1] : NULL;
	SutureInputClaim *claim;

	if (!release || !*release ||
	    (last && !strcmp(last->said, release) && !strcmp(last->origin, work->origin)))
		return;
	claim = g_new0(SutureInputClaim, 1);
	claim->origin = g_strdup(work->origin);
	claim->said = g_strdup(release);
	g_ptr_array_add(releases, claim);
}

static void note_top(Work *work, const GMatchInfo *match)
{
	g_autofree gchar *top = g_match_info_fetch_named(match, "top");

	if (top && *top && !work->top)
		work->top = g_steal_pointer(&top);
}

static gboolean visit(SutureEntry *entry, const gchar *path, gpointer data, GError **error)
{
	Work *work = data;

	for (gsize i = 0; i < G_N_ELEMENTS(rules); i++) {
		g_autoptr(GMatchInfo) match = NULL;
		g_autofree gchar *release = NULL;
		g_autofree gchar *name = NULL;

		if (!g_regex_match(rule_regex(i), path, 0, &match))
			continue;
		release = g_match_info_fetch_named(match, "release");
		name = g_match_info_fetch_named(match, "name");
		note_top(work, match);
		note_release(work, release);
		return rules[i].take(work, entry, rules[i].input, name, error);
	}
	return TRUE;
}

static void work_clear(Work *work)
{
	g_free(work->origin);
	g_free(work->top);
	suture_fd_clear(&work->tree);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Work, work_clear)

gboolean suture_package_gather(SutureInputs *inputs, const gchar *path, GError **error)
{
	g_auto(Work) work = {inputs, g_path_get_basename(path), NULL, -1};
	SuturePackageKind kind;

	if (!suture_unpack_walk(path, visit, &work, &kind, error))
		return FALSE;
	if (kind == SUTURE_PACKAGE_TAR) {
		g_set_error(error, SUTURE_PROFILE_ERROR, SUTURE_PROFILE_ERROR_INPUT,
			    "%s: is a tarball, not a package; give a kernel's source as --source", path);
		return FALSE;
	}
	if (work.top && !inputs->source_name)
		inputs->source_name = g_strdup(work.top);
	return TRUE;
}

gboolean suture_package_unpack_source(SutureInputs *inputs, const gchar *path, GError **error)
{
	g_auto(Work) work = {inputs, g_path_get_basename(path), NULL, -1};
	SuturePackageKind kind;

	if (!suture_inputs_claim(inputs, SUTURE_INPUT_SOURCE, path, error) || !open_tree(&work, error))
		return FALSE;
	if (!suture_unpack_walk(path, visit_source, &work, &kind, error))
		return FALSE;
	if (kind == SUTURE_PACKAGE_TAR)
		return TRUE;
	g_set_error(error, SUTURE_PROFILE_ERROR, SUTURE_PROFILE_ERROR_INPUT,
		    "%s: is a package, not a folder or tarball; give it without --source", path);
	return FALSE;
}
