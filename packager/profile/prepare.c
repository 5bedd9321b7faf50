// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/profile/prepare.h"

#include "common/cancel.h"
#include "common/file.h"
#include "common/process.h"
#include "packager/profile/config-file.h"
#include "packager/read/module-file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#define LOG "make.log"
#define LOG_TAIL 4096
#define NEARLY_FULL (1024 * 1024)
#define TOOLS ".suture"                  /* in the tree: what we hand to make */
#define PAHOLE "PAHOLE=./.suture/pahole" /* in TOOLS */

/*
 * The last words that say what is wrong. The compiler's come before make's, which only say that something
 * failed.
 */
static gchar *last_words(const gchar *log)
{
	static const gchar *const marks[] = {"error:", "not found", "ERROR", "***"};
	g_autofree gchar *text = NULL;
	g_autofree gchar *valid = NULL;
	g_auto(GStrv) lines = NULL;
	gsize length = 0;

	if (!g_file_get_contents(log, &text, &length, NULL) || length == 0)
		return g_strdup("it said nothing");
	valid = g_utf8_make_valid(text + (length > LOG_TAIL ? length - LOG_TAIL : 0), -1);
	lines = g_strsplit(g_strchomp(valid), "\n", -1);
	for (gsize mark = 0; mark < G_N_ELEMENTS(marks); mark++)
		for (gchar **line = lines; *line; line++)
			if (strstr(*line, marks[mark]))
				return g_strdup(*line);
	return g_strdup(lines[g_strv_length(lines) - 1]);
}

/* What failed for want of space says so in a hundred ways, or not at all. */
static gboolean disk_is_full(const gchar *folder)
{
	struct statvfs status;

	return statvfs(folder, &status) == 0 && ((guint64)status.f_bavail * status.f_frsize < NEARLY_FULL ||
						 (status.f_files > 0 && status.f_favail == 0));
}

static gboolean make_failed(const SutureKernelTree *tree, const gchar *goals, GError **error)
{
	g_autofree gchar *log = g_build_filename(tree->folder, LOG, NULL);
	g_autofree gchar *words = NULL;

	if (!suture_cancel_check(error))
		return FALSE;
	if (disk_is_full(tree->folder))
		return suture_error_set_errno(error, ENOSPC, "make %s", goals);
	words = last_words(log);
	g_set_error(error, SUTURE_PROFILE_ERROR, SUTURE_PROFILE_ERROR_MAKE, "make %s failed: %s", goals,
		    words);
	return FALSE;
}

gboolean suture_prepare_make(const SutureKernelTree *tree, const gchar *const *arguments, const gchar *output,
			     gboolean expect_failure, GError **error)
{
	const gchar *redirect = "out=$0 log=$1; shift; exec \"$@\" >>\"$out\" 2>>\"$log\"";
	g_autofree gchar *release = g_strconcat("KERNELRELEASE=", tree->release, NULL);
	g_autofree gchar *cc = g_strconcat("CC=", tree->toolchain->cc, NULL);
	g_autofree gchar *log = g_build_filename(tree->folder, LOG, NULL);
	g_autofree gchar *to = g_build_filename(tree->folder, output ? output : LOG, NULL);
	g_autofree gchar *goals = g_strjoinv(" ", (gchar **)arguments);
	const gchar *const first[] = {"sh", "-c", redirect, to, log, "make", release, "ARCH=x86", cc, PAHOLE};
	g_autoptr(GPtrArray) words = g_ptr_array_new();
	g_auto(GStrv) argv = NULL;
	g_autoptr(GError) cause = NULL;

	for (gsize i = 0; i < G_N_ELEMENTS(first); i++)
		g_ptr_array_add(words, (gpointer)first[i]);
	for (; *arguments; arguments++)
		g_ptr_array_add(words, (gpointer)*arguments);
	g_ptr_array_add(words, NULL);
	argv = suture_toolchain_argv(tree->toolchain->root, tree->toolchain->path,
				     (const gchar *const *)words->pdata, tree->folder, NULL, tree->tree);
	if (!suture_process_run((const gchar *const *)argv, NULL, NULL, NULL, NULL, &cause) &&
	    !(expect_failure && g_error_matches(cause, SUTURE_COMMON_ERROR, SUTURE_COMMON_ERROR_PROCESS)))
		return make_failed(tree, goals, error);
	return suture_cancel_check(error) && (!disk_is_full(tree->folder) || make_failed(tree, goals, error));
}

static gboolean write_text(const gchar *tree, const gchar *name, const gchar *text, mode_t mode,
			   GError **error)
{
	g_autoptr(GBytes) bytes = g_bytes_new(text, strlen(text));
	g_autofree gchar *path = g_build_filename(tree, name, NULL);

	return suture_file_write_atomic_path(path, bytes, mode, error);
}

/*
 * The kernel's layouts do not depend on pahole, but Kconfig asks for its version, and another one changes
 * struct module: what stands in for it answers as the one did that the kernel was built with.
 */
static gboolean write_pahole(const SutureKernelTree *tree, GHashTable *config, GError **error)
{
	const gchar *said = g_hash_table_lookup(config, "CONFIG_PAHOLE_VERSION");
	guint64 version = said ? g_ascii_strtoull(said, NULL, 10) : 0;
	g_autofree gchar *folder = g_build_filename(tree->tree, TOOLS, NULL);
	g_autofree gchar *text =
		version > 0 ? g_strdup_printf("#!/bin/sh\necho v%u.%02u\n", (guint)(version / 100 % 1000),
					      (guint)(version % 100))
			    : g_strdup("#!/bin/sh\nexit 1\n");

	if (g_mkdir_with_parents(folder, 0755) < 0)
		return suture_error_set_errno(error, errno, "%s", folder);
	return write_text(tree->tree, TOOLS "/pahole", text, version > 0 ? 0755 : 0644, error);
}

static gboolean copy_text(const gchar *from, const gchar *tree, const gchar *name, GError **error)
{
	g_autoptr(GBytes) bytes = suture_module_file_read(from, error);
	g_autofree gchar *to = g_build_filename(tree, name, NULL);

	return bytes && suture_file_write_atomic_path(to, bytes, 0644, error);
}

/* Objects of another build would pass for results of this one. */
static gboolean clean(const SutureKernelTree *tree, GError **error)
{
	static const gchar *const goals[] = {"-s", "mrproper", NULL};
	g_autofree gchar *config = g_build_filename(tree->tree, ".config", NULL);
	g_autofree gchar *built = g_build_filename(tree->tree, "include", "config", NULL);

	return (!g_file_test(config, G_FILE_TEST_EXISTS) && !g_file_test(built, G_FILE_TEST_EXISTS)) ||
	       suture_prepare_make(tree, goals, NULL, FALSE, error);
}

gboolean suture_prepare_tree(const SutureKernelTree *tree, const gchar *config, const gchar *symvers,
			     GError **error)
{
	g_autoptr(GHashTable) symbols = suture_config_read(config, error);
	g_autofree gchar *jobs = g_strdup_printf("-j%u", MAX(tree->jobs, 1));
	const gchar *const goals[] = {jobs, "prepare", "modules_prepare", NULL};

	return symbols && clean(tree, error) && write_pahole(tree, symbols, error) &&
	       copy_text(config, tree->tree, ".config", error) &&
	       copy_text(symvers, tree->tree, "Module.symvers", error) &&
	       suture_prepare_make(tree, goals, NULL, FALSE, error);
}

gboolean suture_prepare_check_config(const SutureKernelTree *tree, const gchar *config,
				     GPtrArray **ret_changes, GError **error)
{
	g_autofree gchar *path = g_build_filename(tree->tree, ".config", NULL);
	g_autoptr(GHashTable) before = suture_config_read(config, error);
	g_autoptr(GHashTable) after = before ? suture_config_read(path, error) : NULL;
	g_autoptr(GPtrArray) changes = after ? suture_config_changes(before, after, TRUE) : NULL;

	if (!changes)
		return FALSE;
	if (ret_changes) {
		*ret_changes = g_steal_pointer(&changes);
		return TRUE;
	}
	if (changes->len == 0)
		return TRUE;
	g_set_error(error, SUTURE_PROFILE_ERROR, SUTURE_PROFILE_ERROR_CONFIG,
		    "the source's Kconfig changes %u symbols of the kernel's configuration (%s%s): source, "
		    "configuration or tools are not those of this kernel",
		    changes->len, (gchar *)changes->pdata[0], changes->len > 1 ? ", ..." : "");
	return FALSE;
}

/* Where objtool waits for the link, its words are in the rule of vmlinux.o; that asks for vmlinux.a, and with
 * nothing in it nothing else is gone through again. */
static gboolean dry_run_link(const SutureKernelTree *tree, const gchar *output, GError **error)
{
	static const gchar *const goals[] = {
		"-n", "-k", "V=1", "vmlinux_o", "KBUILD_VMLINUX_OBJS=", "KBUILD_VMLINUX_LIBS=", NULL};
	g_autofree gchar *archive = g_build_filename(tree->tree, "vmlinux.a", NULL);
	gboolean ok = write_text(tree->tree, "vmlinux.a", "", 0644, error) &&
		      suture_prepare_make(tree, goals, output, TRUE, error);

	return (unlink(archive) == 0 || errno == ENOENT) && ok;
}

gboolean suture_prepare_dry_run(const SutureKernelTree *tree, const gchar *output, GError **error)
{
	static const gchar *const goals[] = {"-n", "-k", "V=1", "vmlinux", "modules", NULL};

	/* It ends with a failure: what it would have made is not there. */
	return suture_prepare_make(tree, goals, output, TRUE, error) && dry_run_link(tree, output, error);
}
