// SPDX-License-Identifier: LGPL-2.1-or-later
#include "packager/build/rpm-build.h"

#include "common/file.h"
#include "common/staging.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <rpm/rpmbuild.h>
#include <rpm/rpmlog.h>
#include <rpm/rpmmacro.h>
#include <rpm/rpmts.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void spec_clear(rpmSpec *spec)
{
	rpmSpecFree(*spec);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(rpmSpec, spec_clear)

static void transaction_clear(rpmts *ts)
{
	rpmtsFree(*ts);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(rpmts, transaction_clear)

/* rpm's own words: its log goes to standard error unless someone takes it. */
static int take_log(rpmlogRec record, rpmlogCallbackData data)
{
	if (rpmlogRecPriority(record) <= RPMLOG_ERR)
		g_string_append(data, rpmlogRecMessage(record));
	return 0;
}

static gboolean set_error(const GString *log, const gchar *what, GError **error)
{
	g_autofree gchar *words = g_strchomp(g_strdup(log->str));

	g_set_error(error, SUTURE_BUILD_ERROR, SUTURE_BUILD_ERROR_RPM, "rpm %s: %s", what,
		    *words ? words : "it said nothing");
	return FALSE;
}

/*
 * What would else come from the host or from the user's ~/.rpmmacros and show in the package. Payload: zstd
 * is read by every rpm since 4.14; on kernel modules it is a fifth smaller than gzip and faster to unpack
 * than gzip and xz.
 */
static const gchar *const macros[] = {
	"_buildhost localhost",
	"_target_platform x86_64-linux",
	"_rpmfilename %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm",
	"_build_name_fmt %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm",
	"_binary_payload w19.zstdio",
	"_binary_filedigest_algorithm 8",
	"_build_id_links none",
	"__os_install_post %{nil}",
	"debug_package %{nil}",
	"_build_pkgcheck %{nil}",
	"_build_pkgcheck_set %{nil}",
	"use_source_date_epoch_as_buildtime 1",
	"clamp_mtime_to_source_date_epoch 1",
	"source_date_epoch_from_changelog 0",
	"_unpackaged_files_terminate_build 1",
	"optflags %{nil}",
};

/* Defined and empty these would still put a tag into the header; nobody but rpmbuild asks for them. */
static const gchar *const tag_macros[] = {"vendor",          "packager",       "distribution",
					  "disturl",         "disttag",        "bugurl",
					  "modularitylabel", "translationurl", "upstreamreleases"};

static gboolean is_defined(const gchar *macro)
{
	g_autofree gchar *question = g_strdup_printf("%%{?%s:1}", macro);
	char *answer = rpmExpand(question, NULL);
	gboolean defined = *answer != '\0';

	free(answer);
	return defined;
}

/* The macros and the date as they were before, so that nothing of this shows in other uses of librpm. */
typedef struct {
	gchar *topdir; /* "_topdir ..." */
	gchar *date;   /* SOURCE_DATE_EPOCH before */
	GString *log;
} Environment;

static void environment_enter(Environment *environment, const gchar *scratch, gint64 date)
{
	static gsize configured;
	g_autofree gchar *epoch = g_strdup_printf("%" G_GINT64_FORMAT, date);

	environment->log = g_string_new(NULL);
	rpmlogSetCallback(take_log, environment->log);
	if (g_once_init_enter(&configured)) {
		rpmReadConfigFiles(NULL, NULL);
		g_once_init_leave(&configured, 1);
	}
	for (gsize i = 0; i < G_N_ELEMENTS(tag_macros); i++)
		while (is_defined(tag_macros[i]))
			rpmPopMacro(NULL, tag_macros[i]);
	environment->topdir = g_strdup_printf("_topdir %s", scratch);
	rpmDefineMacro(NULL, environment->topdir, RMIL_CMDLINE);
	for (gsize i = 0; i < G_N_ELEMENTS(macros); i++)
		rpmDefineMacro(NULL, macros[i], RMIL_CMDLINE);
	environment->date = g_strdup(g_getenv("SOURCE_DATE_EPOCH"));
	g_setenv("SOURCE_DATE_EPOCH", epoch, TRUE);
}

static void environment_clear(Environment *environment)
{
	if (!environment->log) /* never entered */
		return;
	for (gsize i = G_N_ELEMENTS(macros); i > 0; i--) {
		g_autofree gchar *name = g_strndup(macros[i - 1], strcspn(macros[i - 1], " "));

		rpmPopMacro(NULL, name);
	}
	rpmPopMacro(NULL, "_topdir");
	if (environment->date)
		g_setenv("SOURCE_DATE_EPOCH", environment->date, TRUE);
	else
		g_unsetenv("SOURCE_DATE_EPOCH");
	rpmlogSetCallback(NULL, NULL);
	g_free(environment->topdir);
	g_free(environment->date);
	g_string_free(environment->log, TRUE);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Environment, environment_clear)

/* The files go where an %install section would have put them; the shell that would run it is not needed. */
static gboolean fill_buildroot(const SutureRpmContent *content, GError **error)
{
	char *buildroot = rpmExpand("%{buildroot}", NULL);
	g_autofree gchar *path = g_build_filename(buildroot, content->folder, NULL);
	SUTURE_AUTO_FD dirfd = suture_file_open_folder(path, TRUE, error);
	const struct timespec times[] = {{.tv_sec = content->date}, {.tv_sec = content->date}};
	GHashTableIter files;
	gpointer name, bytes;

	free(buildroot);
	if (dirfd < 0)
		return FALSE;
	g_hash_table_iter_init(&files, content->files);
	while (g_hash_table_iter_next(&files, &name, &bytes)) {
		if (!suture_file_write_atomic(dirfd, name, bytes, 0644, error))
			return FALSE;
		if (utimensat(dirfd, name, times, 0) < 0)
			return suture_error_set_errno(error, errno, "%s", (gchar *)name);
	}
	return futimens(dirfd, times) == 0 || suture_error_set_errno(error, errno, "%s", path);
}

static gboolean run_rpmbuild(const SutureRpmContent *content, const gchar *scratch, const GString *log,
			     GError **error)
{
	g_autofree gchar *path = g_build_filename(scratch, "bundle.spec", NULL);
	g_autoptr(GBytes) text = g_bytes_new_static(content->spec, strlen(content->spec));
	g_auto(rpmSpec) spec = NULL;
	g_auto(rpmts) ts = NULL;
	/* There is no %build section to run, but a package without any such step counts as short-circuited.
	 */
	struct rpmBuildArguments_s arguments = {.buildAmount = RPMBUILD_BUILD | RPMBUILD_PACKAGEBINARY};

	if (!suture_file_write_atomic_path(path, text, 0644, error))
		return FALSE;
	spec = rpmSpecParse(path, RPMSPEC_FORCE, NULL);
	if (!spec)
		return set_error(log, "does not read the spec file", error);
	if (!fill_buildroot(content, error))
		return FALSE;
	ts = rpmtsCreate();
	return rpmSpecBuild(ts, spec, &arguments) == 0 || set_error(log, "does not build the package", error);
}

/* The one package in @folder, copied to @output. */
static gchar *hand_over(const gchar *folder, const gchar *output, const GString *log, GError **error)
{
	g_autoptr(GDir) listing = g_dir_open(folder, 0, NULL);
	const gchar *name = listing ? g_dir_read_name(listing) : NULL;
	g_autofree gchar *from = name ? g_build_filename(folder, name, NULL) : NULL;
	g_autofree gchar *to = name ? g_build_filename(output, name, NULL) : NULL;
	g_autoptr(GMappedFile) map = NULL;
	g_autoptr(GBytes) bytes = NULL;
	SUTURE_AUTO_FD dirfd = -1;

	if (!name || g_dir_read_name(listing) || !g_str_has_suffix(name, ".x86_64.rpm")) {
		set_error(log, "made something else than one package for x86_64", error);
		return NULL;
	}
	map = g_mapped_file_new(from, FALSE, error);
	bytes = map ? g_mapped_file_get_bytes(map) : NULL;
	dirfd = bytes ? suture_file_open_folder(output, TRUE, error) : -1;
	if (dirfd < 0 || !suture_file_write_atomic(dirfd, name, bytes, 0644, error))
		return NULL;
	return g_steal_pointer(&to);
}

gchar *suture_rpm_build(const SutureRpmContent *content, const gchar *output, GError **error)
{
	g_autoptr(SutureScratch) scratch = suture_scratch_new(error);
	g_auto(Environment) environment = {0};
	g_autofree gchar *packages = NULL;

	if (!scratch)
		return NULL;
	packages = g_build_filename(suture_scratch_path(scratch), "RPMS", NULL);
	if (g_mkdir(packages, 0700) < 0) {
		suture_error_set_errno(error, errno, "%s", packages);
		return NULL;
	}
	environment_enter(&environment, suture_scratch_path(scratch), content->date);
	if (!run_rpmbuild(content, suture_scratch_path(scratch), environment.log, error))
		return NULL;
	return hand_over(packages, output, environment.log, error);
}
