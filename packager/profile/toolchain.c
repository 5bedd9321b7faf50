// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/profile/toolchain.h"

#include "common/process.h"

#include <string.h>

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

void suture_toolchain_free(SutureToolchain *toolchain)
{
	g_free(toolchain->root);
	g_free(toolchain->path);
	g_free(toolchain->cc);
	g_free(toolchain->cc_version);
	g_free(toolchain->as_version);
	g_free(toolchain->ld_version);
	g_free(toolchain);
}

static void add(GPtrArray *words, const gchar *const *more)
{
	for (; *more; more++)
		g_ptr_array_add(words, g_strdup(*more));
}

#define ADD(words, ...) add(words, (const gchar *const[]){__VA_ARGS__, NULL})

/* A merged /usr has symlinks at its top; others have folders there. */
static void add_root_folder(GPtrArray *words, const gchar *root, const gchar *name)
{
	g_autofree gchar *path = g_build_filename(root, name, NULL);
	g_autofree gchar *at = g_strconcat("/", name, NULL);
	g_autofree gchar *target = g_file_read_link(path, NULL);

	if (target)
		ADD(words, "--symlink", target, at);
	else if (g_file_test(path, G_FILE_TEST_IS_DIR))
		ADD(words, "--ro-bind", path, at);
}

/* Not the root itself, so that there is a place to put the folders. */
static void add_sandbox(GPtrArray *words, const gchar *root, const gchar *writable, const gchar *readable)
{
	static const gchar *const folders[] = {"usr",   "bin",    "sbin", "lib", "lib32",
					       "lib64", "libx32", "etc",  "opt"};

	ADD(words, "bwrap", "--unshare-all", "--die-with-parent");
	for (gsize i = 0; i < G_N_ELEMENTS(folders); i++)
		add_root_folder(words, root, folders[i]);
	ADD(words, "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp");
	if (readable)
		ADD(words, "--ro-bind", readable, readable);
	if (writable)
		ADD(words, "--bind", writable, writable);
}

gchar **suture_toolchain_argv(const gchar *root, const gchar *path, const gchar *const *argv,
			      const gchar *writable, const gchar *readable, const gchar *cwd)
{
	g_autoptr(GPtrArray) words = g_ptr_array_new();
	g_autofree gchar *path_is = g_strconcat("PATH=", path, NULL);
	g_autofree gchar *tmp_is = g_strconcat("TMPDIR=", writable ? writable : "/tmp", NULL);

	if (root) {
		add_sandbox(words, root, writable, readable);
		ADD(words, "--chdir", cwd, "env");
	} else {
		ADD(words, "env", "-C", cwd);
	}
	ADD(words, "-i", path_is, tmp_is, "LC_ALL=C");
	add(words, argv);
	g_ptr_array_add(words, NULL);
	return (gchar **)g_ptr_array_free(g_steal_pointer(&words), FALSE);
}

static gchar *first_line(const SutureToolchain *toolchain, const gchar *tool, GError **error)
{
	const gchar *const argv[] = {tool, "--version", NULL};
	g_auto(GStrv) words = suture_toolchain_argv(toolchain->root, toolchain->path, argv, NULL, NULL, "/");
	g_autofree gchar *output = NULL;
	g_autoptr(GError) cause = NULL;

	if (!suture_process_run((const gchar *const *)words, NULL, NULL, NULL, &output, &cause)) {
		g_set_error(error, SUTURE_PROFILE_ERROR, SUTURE_PROFILE_ERROR_TOOLS,
			    "%s%s%s cannot be run: %s", tool, toolchain->root ? " in " : "",
			    toolchain->root ? toolchain->root : "", cause->message);
		return NULL;
	}
	return g_strndup(output, strcspn(output, "\n"));
}

static gboolean check_root(const gchar *root, GError **error)
{
	g_autofree gchar *bwrap = g_find_program_in_path("bwrap");
	g_autofree gchar *usr = g_build_filename(root, "usr", NULL);

	if (!g_file_test(usr, G_FILE_TEST_IS_DIR)) {
		g_set_error(error, SUTURE_PROFILE_ERROR, SUTURE_PROFILE_ERROR_TOOLS,
			    "%s: holds no distribution (no folder usr); give the root that its tools are "
			    "installed in",
			    root);
		return FALSE;
	}
	if (bwrap)
		return TRUE;
	g_set_error_literal(error, SUTURE_PROFILE_ERROR, SUTURE_PROFILE_ERROR_TOOLS,
			    "tools of another distribution are run by bubblewrap, and bwrap is not there: "
			    "install the package bubblewrap");
	return FALSE;
}

SutureToolchain *suture_toolchain_open(const gchar *root, const gchar *cc, GError **error)
{
	g_autoptr(SutureToolchain) toolchain = g_new0(SutureToolchain, 1);
	const gchar *path = g_getenv("PATH");

	if (root && !check_root(root, error))
		return NULL;
	toolchain->root = root ? g_canonicalize_filename(root, NULL) : NULL;
	/* Ours says nothing about the other root. */
	toolchain->path = g_strdup(root || !path ? DEFAULT_PATH : path);
	toolchain->cc = g_strdup(cc);
	toolchain->cc_version = first_line(toolchain, cc, error);
	toolchain->as_version = toolchain->cc_version ? first_line(toolchain, "as", error) : NULL;
	toolchain->ld_version = toolchain->as_version ? first_line(toolchain, "ld", error) : NULL;
	return toolchain->ld_version ? g_steal_pointer(&toolchain) : NULL;
}

gchar *suture_toolchain_compiler_name(GHashTable *config, const gchar *what, GError **error)
{
	const gchar *text = g_hash_table_lookup(config, "CONFIG_CC_VERSION_TEXT");

	if (g_strcmp0(g_hash_table_lookup(config, "CONFIG_CC_IS_GCC"), "y") == 0 && text && *text &&
	    !strchr(text, '/'))
		return g_strndup(text, strcspn(text, " "));
	g_set_error(error, SUTURE_PROFILE_ERROR, SUTURE_PROFILE_ERROR_TOOLS,
		    "%s: the kernel was built with %s; only gcc is supported", what,
		    text && *text ? text : "a compiler that its configuration does not name");
	return NULL;
}

guint64 suture_toolchain_version_number(const gchar *first_line_of)
{
	g_autoptr(GRegex) regex =
		g_regex_new("([0-9]+)\\.([0-9]+)(?:\\.([0-9]+))?[^ ]*$", G_REGEX_RAW, 0, NULL);
	g_autoptr(GMatchInfo) match = NULL;
	guint64 number = 0;

	if (!g_regex_match(regex, first_line_of, 0, &match))
		return 0;
	for (gint i = 1; i <= 3; i++) {
		g_autofree gchar *part = g_match_info_fetch(match, i);
		guint64 value = part ? g_ascii_strtoull(part, NULL, 10) : 0;

		/* Snapshots have a date as third number; the kernel counts that as none. */
		number = number * 100 + (value < 100 ? value : 0);
	}
	return number;
}

static gboolean mismatch(GError **error, const gchar *what, const gchar *wanted, const gchar *have)
{
	g_set_error(error, SUTURE_PROFILE_ERROR, SUTURE_PROFILE_ERROR_TOOLCHAIN,
		    "the kernel was built with the %s %s, here is %s; install that one, name its root with "
		    "--toolchain-root, or take the risk with --allow-toolchain-mismatch",
		    what, wanted, have);
	return FALSE;
}

static gboolean check_number(const gchar *what, GHashTable *config, const gchar *symbol, const gchar *have,
			     GError **error)
{
	const gchar *wanted = g_hash_table_lookup(config, symbol);
	guint64 number = suture_toolchain_version_number(have);

	return !wanted || g_ascii_strtoull(wanted, NULL, 10) == number || mismatch(error, what, wanted, have);
}

/* 5.14 and later say the linker as "GNU ld ... 2.40" in the banner, with the compiler before it. */
static gboolean check_banner(const SutureToolchain *toolchain, const SutureImageIdentity *image,
			     GError **error)
{
	g_autofree gchar *have = g_strdup_printf("%s, %s", toolchain->cc_version, toolchain->ld_version);

	return !image->tools || strcmp(image->tools, have) == 0 ||
	       mismatch(error, "tools", image->tools, have);
}

gboolean suture_toolchain_check(const SutureToolchain *toolchain, GHashTable *config,
				const SutureImageIdentity *image, GError **error)
{
	const gchar *wanted = g_hash_table_lookup(config, "CONFIG_CC_VERSION_TEXT");

	if (wanted && strcmp(wanted, toolchain->cc_version) != 0)
		return mismatch(error, "compiler", wanted, toolchain->cc_version);
	return check_number("assembler", config, "CONFIG_AS_VERSION", toolchain->as_version, error) &&
	       check_number("linker", config, "CONFIG_LD_VERSION", toolchain->ld_version, error) &&
	       check_banner(toolchain, image, error);
}
