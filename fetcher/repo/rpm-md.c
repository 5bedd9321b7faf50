// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fetcher/repo/rpm-md.h"

#include "common/file.h"
#include "fetcher/repo/updateinfo.h"

#include <createrepo_c/error.h>
#include <createrepo_c/parsepkg.h>
#include <createrepo_c/repomd.h>
#include <createrepo_c/xml_dump.h>
#include <createrepo_c/xml_file.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_MAX_BYTES (16 * 1024 * 1024)

G_DEFINE_AUTOPTR_CLEANUP_FUNC(cr_Package, cr_package_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(cr_Repomd, cr_repomd_free)

static const gchar *const chunk_files[] = {"primary.xml", "filelists.xml", "other.xml"};

/* What it warns of comes back as an error too; a second line on standard error would only hide ours. */
static void drop_message(const gchar *domain, GLogLevelFlags level, const gchar *message, gpointer data)
{
	(void)domain;
	(void)level;
	(void)message;
	(void)data;
}

static void initialise(void)
{
	static gsize once;

	if (g_once_init_enter(&once)) {
		g_log_set_handler("C_CREATEREPOLIB", G_LOG_LEVEL_MASK & ~G_LOG_LEVEL_ERROR, drop_message,
				  NULL);
		cr_package_parser_init();
		cr_xml_dump_init();
		g_once_init_leave(&once, 1);
	}
}

/* libcreaterepo_c's error domain is not ours: its words are kept, its codes mean nothing to our callers. */
static gboolean fail(GError **error, const gchar *what, GError *cause)
{
	g_set_error(error, SUTURE_REPO_ERROR, SUTURE_REPO_ERROR_RPM_MD, "%s: rpm-md: %s", what,
		    cause ? cause->message : "libcreaterepo_c failed");
	g_clear_error(&cause);
	return FALSE;
}

static gboolean take_names(SutureRepoBundle *bundle, const cr_Package *package, const gchar *what,
			   GError **error)
{
	bundle->rpm_name = g_strdup(package->name);
	bundle->rpm_epoch = g_strdup(package->epoch ? package->epoch : "0");
	bundle->rpm_version = g_strdup(package->version);
	bundle->rpm_release = g_strdup(package->release);
	bundle->rpm_arch = g_strdup(package->arch);
	if (!package->name || !package->version || !package->release || !package->arch)
		return fail(error, what, NULL);
	bundle->file = g_strdup_printf("%s-%s-%s.%s.rpm", package->name, package->version, package->release,
				       package->arch);
	if (!suture_file_name_is_safe(bundle->file)) {
		g_set_error(error, SUTURE_COMMON_ERROR, SUTURE_COMMON_ERROR_PATH,
			    "%s: the package's name \"%s\" is not safe as a file name; rebuild it", what,
			    bundle->file);
		return FALSE;
	}
	return TRUE;
}

static gboolean write_chunk(int folder, const gchar *name, const gchar *chunk, GError **error)
{
	g_autoptr(GBytes) bytes = g_bytes_new(chunk, strlen(chunk));

	return suture_file_write_atomic(folder, name, bytes, 0644, error);
}

static gboolean write_chunks(cr_Package *package, int folder, const gchar *what, GError **error)
{
	GError *cause = NULL;
	struct cr_XmlStruct xml = cr_xml_dump(package, &cause);
	g_autofree gchar *primary = xml.primary, *filelists = xml.filelists, *other = xml.other;

	if (cause || !primary || !filelists || !other)
		return fail(error, what, cause);
	return write_chunk(folder, chunk_files[0], primary, error) &&
	       write_chunk(folder, chunk_files[1], filelists, error) &&
	       write_chunk(folder, chunk_files[2], other, error);
}

gboolean suture_rpm_md_read_package(const gchar *path, SutureRepoBundle *bundle, int folder, GError **error)
{
	g_autoptr(cr_Package) package = NULL;
	g_autofree gchar *href = NULL;
	GError *cause = NULL;

	initialise();
	package = cr_package_from_rpm(path, CR_CHECKSUM_SHA256, NULL, NULL, 0, NULL, CR_HDRR_NONE, &cause);
	if (!package)
		return fail(error, path, cause);
	if (!take_names(bundle, package, path, error))
		return FALSE;
	href = suture_repo_bundle_disk_name(bundle);
	package->location_href = g_string_chunk_insert(package->chunk, href);
	/* The file's own time is that of our copy; equal packages must give equal metadata. */
	package->time_file = package->time_build;
	return write_chunks(package, folder, bundle->file, error);
}

/* One of the XML files while its pieces are added; closing it is what completes the gzip stream. */
static gboolean write_xml(const gchar *path, cr_XmlFileType type, GPtrArray *chunks, GError **error)
{
	GError *cause = NULL;
	cr_XmlFile *file = cr_xmlfile_open(path, type, CR_CW_GZ_COMPRESSION, &cause);
	gboolean ok;

	if (!file)
		return fail(error, path, cause);
	ok = cr_xmlfile_set_num_of_pkgs(file, (long)chunks->len, &cause) == CRE_OK;
	for (guint i = 0; ok && i < chunks->len; i++)
		ok = cr_xmlfile_add_chunk(file, chunks->pdata[i], &cause) == CRE_OK;
	if (!ok) {
		cr_xmlfile_close(file, NULL);
		return fail(error, path, cause);
	}
	return cr_xmlfile_close(file, &cause) == CRE_OK || fail(error, path, cause);
}

static gboolean add_record(cr_Repomd *repomd, const gchar *type, const gchar *path, gint64 time,
			   GError **error)
{
	cr_RepomdRecord *record = cr_repomd_record_new(type, path);
	GError *cause = NULL;

	cr_repomd_set_record(repomd, record);
	if (cr_repomd_record_fill(record, CR_CHECKSUM_SHA256, &cause) != CRE_OK ||
	    cr_repomd_record_rename_file(record, &cause) != CRE_OK)
		return fail(error, path, cause);
	cr_repomd_record_set_timestamp(record, time);
	return TRUE;
}

static gboolean write_part(cr_Repomd *repomd, int folder, const gchar *type, cr_XmlFileType xml_type,
			   GPtrArray *chunks, gint64 time, GError **error)
{
	g_autofree gchar *path = g_strdup_printf("/proc/self/fd/%d/%s.xml.gz", folder, type);

	return write_xml(path, xml_type, chunks, error) && add_record(repomd, type, path, time, error);
}

static GPtrArray *read_chunks(int shelf, GPtrArray *bundles, const gchar *name, GError **error)
{
	g_autoptr(GPtrArray) chunks = g_ptr_array_new_with_free_func(g_free);

	for (guint i = 0; i < bundles->len; i++) {
		SUTURE_AUTO_FD folder = suture_repo_bundle_open(shelf, bundles->pdata[i], error);
		g_autoptr(GBytes) bytes =
			folder < 0 ? NULL : suture_file_read_at(folder, name, CHUNK_MAX_BYTES, error);

		if (!bytes)
			return NULL;
		g_ptr_array_add(chunks, g_strndup(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes)));
	}
	return g_steal_pointer(&chunks);
}

static gboolean write_packages(cr_Repomd *repomd, int folder, int shelf, GPtrArray *bundles, gint64 time,
			       GError **error)
{
	static const gchar *const types[] = {"primary", "filelists", "other"};
	static const cr_XmlFileType xml_types[] = {CR_XMLFILE_PRIMARY, CR_XMLFILE_FILELISTS,
						   CR_XMLFILE_OTHER};

	for (guint i = 0; i < G_N_ELEMENTS(types); i++) {
		g_autoptr(GPtrArray) chunks = read_chunks(shelf, bundles, chunk_files[i], error);

		if (!chunks || !write_part(repomd, folder, types[i], xml_types[i], chunks, time, error))
			return FALSE;
	}
	return TRUE;
}

static gboolean write_repomd(cr_Repomd *repomd, int folder, gint64 time, GError **error)
{
	g_autofree gchar *revision = g_strdup_printf("%" G_GINT64_FORMAT, time);
	g_autofree gchar *xml = NULL;
	GError *cause = NULL;

	cr_repomd_set_revision(repomd, revision);
	cr_repomd_sort_records(repomd);
	xml = cr_xml_dump_repomd(repomd, &cause);
	return xml ? write_chunk(folder, "repomd.xml", xml, error) : fail(error, "repomd.xml", cause);
}

gboolean suture_rpm_md_write(int folder, int shelf, GPtrArray *bundles, gint64 time, GError **error)
{
	g_autoptr(cr_Repomd) repomd = cr_repomd_new();
	g_autoptr(GPtrArray) advisories = NULL;

	initialise();
	advisories = suture_updateinfo_records(bundles, error);
	return advisories && write_packages(repomd, folder, shelf, bundles, time, error) &&
	       write_part(repomd, folder, "updateinfo", CR_XMLFILE_UPDATEINFO, advisories, time, error) &&
	       write_repomd(repomd, folder, time, error);
}
