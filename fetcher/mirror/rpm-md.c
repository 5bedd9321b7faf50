// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fetcher/mirror/rpm-md.h"

#include "common/mutation.h"
#include "fetcher/mirror/rpm-md-parse.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define MAX_KEYRING_BYTES (1024 * 1024)

void suture_mirror_rpm_md_free(SutureMirrorRpmMd *md)
{
	g_free(md->kernel);
	g_clear_pointer(&md->repomd, g_bytes_unref);
	g_clear_pointer(&md->signature, g_bytes_unref);
	g_clear_pointer(&md->files, g_ptr_array_unref);
	g_free(md);
}

static void file_free(gpointer file)
{
	suture_mirror_file_free(file);
}

static gboolean take_files(SutureMirrorRpmMd *md, const gchar *what, GError **error)
{
	g_autoptr(GPtrArray) listed = suture_mirror_repomd_parse(md->repomd, what, error);

	md->files = g_ptr_array_new_with_free_func(file_free);
	for (guint i = 0; listed && i < listed->len; i++) {
		const SutureMirrorMdFile *one = listed->pdata[i];
		g_autofree gchar *path = g_strconcat(md->kernel, "/", one->href, NULL);
		SutureMirrorFile *file = suture_mirror_file_new(path, one->sha256, one->size);

		g_ptr_array_add(md->files, file);
		if (strcmp(one->type, "primary") == 0)
			md->primary = file;
	}
	return listed != NULL;
}

SutureMirrorRpmMd *suture_mirror_rpm_md_new(const gchar *kernel, GBytes *repomd, GBytes *signature,
					    const SutureKeyring *keyring, gint64 now, GError **error)
{
	g_autoptr(SutureMirrorRpmMd) md = g_new0(SutureMirrorRpmMd, 1);
	g_autofree gchar *what = g_strconcat(kernel, "/repodata/repomd.xml", NULL);
	g_autoptr(GError) cause = NULL;

	md->kernel = g_strdup(kernel);
	md->repomd = g_bytes_ref(repomd);
	md->signature = g_bytes_ref(signature);
	if (!suture_check_skipped("mirror-rpm-md-signature") &&
	    !suture_keyring_verify(keyring, what, repomd, signature, now, &cause)) {
		suture_mirror_refuse(error, SUTURE_MIRROR_ERROR_RPM_MD_SIGNATURE, "%s", cause->message);
		return NULL;
	}
	return take_files(md, what, error) ? g_steal_pointer(&md) : NULL;
}

SutureMirrorRpmMd *suture_mirror_rpm_md_served(const SutureMirrorFolder *folder, const gchar *kernel,
					       const SutureKeyring *keyring, gint64 now, GError **error)
{
	g_autofree gchar *name = g_strconcat(kernel, "/repodata/repomd.xml", NULL);
	g_autofree gchar *signature_name = g_strconcat(name, ".asc", NULL);
	g_autoptr(GBytes) repomd = NULL, signature = NULL;

	if (suture_mirror_size(folder->targets, name) < 0)
		return NULL;
	repomd = suture_file_read_at(folder->targets, name, SUTURE_MIRROR_MAX_REPOMD_BYTES, error);
	signature = repomd ? suture_file_read_at(folder->targets, signature_name,
						 SUTURE_MIRROR_MAX_REPOMD_ASC_BYTES, error)
			   : NULL;
	return signature ? suture_mirror_rpm_md_new(kernel, repomd, signature, keyring, now, error) : NULL;
}

const SutureMirrorFile *suture_mirror_keyring_file(const SutureMirrorPlan *plan)
{
	for (guint i = 0; i < plan->files->len; i++) {
		const SutureMirrorFile *file = plan->files->pdata[i];
		g_autofree gchar *name = g_strdup_printf("trust/%s.rpm-keyring.asc", file->sha256);

		if (strcmp(file->path, name) == 0)
			return file;
	}
	return NULL;
}

SutureKeyring *suture_mirror_keyring(const SutureMirrorFolder *folder, const SutureMirrorPlan *plan,
				     GError **error)
{
	const SutureMirrorFile *file = suture_mirror_keyring_file(plan);
	SUTURE_AUTO_FD fd = -1;
	g_autoptr(GBytes) armored = NULL;

	if (!file)
		return NULL;
	fd = suture_file_open_beneath(folder->targets, file->path, O_RDONLY, 0, error);
	if (fd < 0 || !suture_mirror_file_check(file, fd, error))
		return NULL;
	armored = suture_file_read_fd(fd, MAX_KEYRING_BYTES, file->path, error);
	return armored ? suture_keyring_new(armored, error) : NULL;
}

/* Against which a package is judged. */
typedef struct {
	const gchar *kernel;
	const SutureMirrorPlan *plan;
} Listing;

static gboolean check_package(const gchar *href, const gchar *sha256, gpointer data, GError **error)
{
	const Listing *listing = data;
	g_autofree gchar *path = g_strconcat(listing->kernel, "/", href, NULL);
	const SutureMirrorFile *file = suture_mirror_plan_file(listing->plan, path);

	if (suture_check_skipped("mirror-rpm-md-package") || (file && strcmp(file->sha256, sha256) == 0))
		return TRUE;
	return suture_mirror_refuse(
		error, SUTURE_MIRROR_ERROR_RPM_MD_PACKAGE,
		"rpm-md of %s lists %.200s, which TUF metadata does not list so; try again when "
		"the publisher is done, and tell him if that does not help",
		listing->kernel, href);
}

/* @file in partial/, or else where it is served. */
static int open_arrived(const SutureMirrorFolder *folder, const SutureMirrorFile *file, GError **error)
{
	gboolean waits = suture_mirror_size(folder->partial, file->sha256) == (gint64)file->length;

	return waits ? suture_file_open_beneath(folder->partial, file->sha256, O_RDONLY, 0, error)
		     : suture_file_open_beneath(folder->targets, file->path, O_RDONLY, 0, error);
}

gboolean suture_mirror_rpm_md_check(const SutureMirrorFolder *folder, const SutureMirrorRpmMd *md,
				    const SutureMirrorPlan *plan, GError **error)
{
	Listing listing = {md->kernel, plan};
	SUTURE_AUTO_FD fd = open_arrived(folder, md->primary, error);

	return fd >= 0 && suture_mirror_file_check(md->primary, fd, error) &&
	       suture_mirror_primary_parse(fd, md->primary->path, check_package, &listing, error);
}

/* What lies in partial/ may be left from a run that did not come to check it. */
static gboolean check_arrived(const SutureMirrorFolder *folder, const SutureMirrorFile *file, GError **error)
{
	SUTURE_AUTO_FD fd = suture_file_open_beneath(folder->partial, file->sha256, O_RDONLY, 0, error);

	return fd >= 0 && suture_mirror_file_check(file, fd, error);
}

/* repomd.xml comes last; between its signature and itself lies one rename: dnf then tries again. */
static gboolean write_repomd(int repodata, const SutureMirrorRpmMd *md, GError **error)
{
	return suture_file_write_atomic(repodata, "repomd.xml.asc", md->signature, 0644, error) &&
	       suture_file_write_atomic(repodata, "repomd.xml", md->repomd, 0644, error);
}

gboolean suture_mirror_rpm_md_install(const SutureMirrorFolder *folder, const SutureMirrorRpmMd *md,
				      GError **error)
{
	g_autoptr(SutureMirrorArrivals) arrivals = suture_mirror_arrivals_new(folder);
	g_autoptr(GPtrArray) missing = NULL;
	SUTURE_AUTO_FD repodata = -1;
	guint64 bytes;

	missing = suture_mirror_missing(folder, md->files, &bytes);
	for (guint i = 0; i < missing->len; i++)
		if (!check_arrived(folder, missing->pdata[i], error) ||
		    !suture_mirror_arrivals_add(arrivals, missing->pdata[i], error))
			return FALSE;
	if (!suture_mirror_arrivals_flush(arrivals, error))
		return FALSE;
	repodata = suture_mirror_parent(folder->targets, md->primary->path, TRUE, error);
	return repodata >= 0 && write_repomd(repodata, md, error);
}
