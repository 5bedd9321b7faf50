// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fetcher/mirror/import-rpm-md.h"

#include "fetcher/client/partial.h"
#include "fetcher/mirror/record.h"
#include "fetcher/mirror/rpm-md.h"

#include <errno.h>
#include <string.h>

struct _SutureMirrorImportRpmMd {
	SutureMirrorSession *session;
	SutureMirrorMedia *media;
	gint64 now;
	SutureKeyring *keyring;
	gboolean begun;

	/* of the kernel that is coming */
	const SutureMirrorRole *role;
	GBytes *signature;
	SutureMirrorRpmMd *md;
	gboolean refused;
};

SutureMirrorImportRpmMd *suture_mirror_import_rpm_md_new(SutureMirrorSession *session,
							 SutureMirrorMedia *media, gint64 now)
{
	SutureMirrorImportRpmMd *import = g_new0(SutureMirrorImportRpmMd, 1);

	import->session = session;
	import->media = media;
	import->now = now;
	return import;
}

static void forget_kernel(SutureMirrorImportRpmMd *import)
{
	g_clear_pointer(&import->signature, g_bytes_unref);
	g_clear_pointer(&import->md, suture_mirror_rpm_md_free);
	import->role = NULL;
	import->refused = FALSE;
}

void suture_mirror_import_rpm_md_free(SutureMirrorImportRpmMd *import)
{
	forget_kernel(import);
	g_clear_pointer(&import->keyring, suture_keyring_free);
	g_free(import);
}

int suture_mirror_import_file(const SutureMirrorFolder *folder, SutureMirrorMedia *media,
			      const SutureMirrorFile *file, GError **error)
{
	SUTURE_AUTO_FD fd = suture_partial_open(folder->partial, file->sha256, error);

	if (fd < 0)
		return -1;
	if (ftruncate(fd, 0) < 0) {
		suture_error_set_errno(error, errno, "%s", file->path);
		return -1;
	}
	/* The list, which has the digest of @file, is what the bytes are compared with. */
	return suture_mirror_media_take(media, fd, error) ? suture_fd_steal(&fd) : -1;
}

static gboolean unsigned_entry(const SutureMirrorEntry *entry, GError **error)
{
	return suture_mirror_refuse(error, SUTURE_MIRROR_ERROR_MEDIA_UNSIGNED,
				    "%s: on the media, but nothing signed leads to it; do not use this media",
				    entry->path);
}

/* FALSE with @cause when it is not to be taken. */
static gboolean show(const SutureMirrorImportRpmMd *import, GError **cause)
{
	const SutureMirrorFolder *folder = import->session->folder;
	guint64 bytes;
	g_autoptr(GPtrArray) missing = suture_mirror_missing(folder, import->md->files, &bytes);

	for (guint i = 0; i < missing->len; i++) {
		const SutureMirrorFile *file = missing->pdata[i];

		if (suture_mirror_size(folder->partial, file->sha256) != (gint64)file->length)
			return suture_mirror_refuse(
				cause, SUTURE_MIRROR_ERROR_MEDIA_INCOMPLETE,
				"%s: neither in the mirror nor on the media; make it anew", file->path);
	}
	return suture_mirror_rpm_md_check(folder, import->md, import->session->plan, cause) &&
	       suture_mirror_rpm_md_install(folder, import->md, cause);
}

gboolean suture_mirror_import_rpm_md_finish(SutureMirrorImportRpmMd *import, GError **error)
{
	SutureMirrorSession *session = import->session;
	const SutureMirrorRole *role = import->role;
	GError *cause = NULL;

	if (!role)
		return TRUE;
	if (import->md && !import->refused) {
		if (show(import, &cause)) {
			session->report->rpm_md++;
			suture_mirror_record_set_rpm_md(session->folder->record, role->name, role->version);
		} else if (!suture_mirror_session_note(session, cause, error))
			return FALSE;
	}
	forget_kernel(import);
	return TRUE;
}

static const SutureMirrorRole *role_of(const SutureMirrorPlan *plan, const gchar *path,
				       const gchar **ret_name)
{
	static const gchar middle[] = "/repodata/";

	for (guint i = 0; i < plan->roles->len; i++) {
		const SutureMirrorRole *role = plan->roles->pdata[i];
		gsize length = strlen(role->name);

		if (role->kernel && strncmp(path, role->name, length) == 0 &&
		    g_str_has_prefix(path + length, middle)) {
			*ret_name = path + length + strlen(middle);
			return role;
		}
	}
	return NULL;
}

/* The targets are all there: the keyring is one of them. */
static gboolean begin(SutureMirrorImportRpmMd *import, GError **error)
{
	SutureMirrorSession *session = import->session;
	GError *cause = NULL;

	if (import->begun)
		return TRUE;
	import->begun = TRUE;
	if (!suture_mirror_arrivals_flush(session->arrivals, error))
		return FALSE;
	import->keyring = suture_mirror_keyring(session->folder, session->plan, &cause);
	if (cause)
		g_propagate_error(error, cause);
	return cause == NULL;
}

static gboolean refuse(SutureMirrorImportRpmMd *import, GError *cause, GError **error)
{
	import->refused = TRUE;
	return suture_mirror_session_note(import->session, cause, error);
}

static gboolean take_signature(SutureMirrorImportRpmMd *import, GError **error)
{
	import->signature =
		suture_mirror_media_take_bytes(import->media, SUTURE_MIRROR_MAX_REPOMD_ASC_BYTES, error);
	return import->signature != NULL;
}

static gboolean take_repomd(SutureMirrorImportRpmMd *import, const SutureMirrorEntry *entry, GError **error)
{
	g_autoptr(GBytes) repomd =
		suture_mirror_media_take_bytes(import->media, SUTURE_MIRROR_MAX_REPOMD_BYTES, error);
	GError *cause = NULL;

	if (!repomd)
		return FALSE;
	if (!import->signature || !import->keyring)
		return unsigned_entry(entry, error);
	import->md = suture_mirror_rpm_md_new(import->role->name, repomd, import->signature, import->keyring,
					      import->now, &cause);
	return import->md || refuse(import, cause, error);
}

static gboolean take_file(const SutureMirrorImportRpmMd *import, const SutureMirrorEntry *entry,
			  GError **error)
{
	const SutureMirrorFolder *folder = import->session->folder;
	const gchar *path = entry->path + strlen("targets/");

	if (import->refused)
		return TRUE;
	for (guint i = 0; import->md && i < import->md->files->len; i++) {
		const SutureMirrorFile *file = import->md->files->pdata[i];
		SUTURE_AUTO_FD fd = -1;

		if (strcmp(file->path, path) != 0 || strcmp(file->sha256, entry->sha256) != 0 ||
		    file->length != entry->size)
			continue;
		if (suture_mirror_size(folder->targets, path) == (gint64)file->length)
			return TRUE;
		fd = suture_mirror_import_file(folder, import->media, file, error);
		return fd >= 0;
	}
	return unsigned_entry(entry, error);
}

gboolean suture_mirror_import_rpm_md_take(SutureMirrorImportRpmMd *import, const SutureMirrorEntry *entry,
					  GError **error)
{
	const gchar *name = NULL;
	const SutureMirrorRole *role =
		role_of(import->session->plan, entry->path + strlen("targets/"), &name);

	if (!role)
		return unsigned_entry(entry, error);
	if (!begin(import, error))
		return FALSE;
	if (role != import->role && !suture_mirror_import_rpm_md_finish(import, error))
		return FALSE;
	import->role = role;
	if (strcmp(name, "repomd.xml.asc") == 0)
		return take_signature(import, error);
	if (strcmp(name, "repomd.xml") == 0)
		return take_repomd(import, entry, error);
	return take_file(import, entry, error);
}
