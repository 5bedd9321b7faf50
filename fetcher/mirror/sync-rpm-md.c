// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fetcher/mirror/sync-rpm-md.h"

#include "fetcher/mirror/record.h"
#include "fetcher/mirror/rpm-md.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

/* One kernel's, on its way. */
typedef struct {
	const SutureMirrorRole *role;
	GBytes *repomd, *signature;
	gboolean none;   /* the repository has none for it */
	GError *failure; /* why it could not be had */
	SutureMirrorRpmMd *md;
} Kernel;

typedef struct {
	GPtrArray *kernels; /* Kernel* */
	guint next;         /* twice the kernel's index, and one more for the signature */
	const gchar *targets_url;
} Repomds;

static void kernel_free(gpointer data)
{
	Kernel *kernel = data;

	g_clear_pointer(&kernel->repomd, g_bytes_unref);
	g_clear_pointer(&kernel->signature, g_bytes_unref);
	g_clear_pointer(&kernel->md, suture_mirror_rpm_md_free);
	g_clear_error(&kernel->failure);
	g_free(kernel);
}

static gboolean next(SutureHttpFile *ret, gpointer data, GError **error)
{
	Repomds *repomds = data;
	guint index = repomds->next / 2;
	gboolean signature = repomds->next % 2;
	Kernel *kernel = index < repomds->kernels->len ? repomds->kernels->pdata[index] : NULL;
	g_autofree gchar *path = NULL;

	if (!kernel)
		return FALSE;
	ret->fd = memfd_create("repomd", MFD_CLOEXEC);
	if (ret->fd < 0)
		return suture_error_set_errno(error, errno, "repomd.xml");
	path = g_strdup_printf("%s/repodata/repomd.xml%s", kernel->role->name, signature ? ".asc" : "");
	ret->url = suture_http_join(repomds->targets_url, path);
	ret->length = signature ? SUTURE_MIRROR_MAX_REPOMD_ASC_BYTES : SUTURE_MIRROR_MAX_REPOMD_BYTES;
	ret->data = kernel;
	repomds->next++;
	return TRUE;
}

static SutureHttpVerdict done(const SutureHttpFile *file, gboolean resumed, const GError *failure,
			      gpointer data, GError **error)
{
	Kernel *kernel = file->data;
	gboolean signature = g_str_has_suffix(file->url, ".asc");
	GBytes *bytes = failure ? NULL : suture_file_read_fd(file->fd, file->length, file->url, error);

	(void)resumed, (void)data;
	if (!bytes && !failure)
		return SUTURE_HTTP_STOP;
	if (failure && !signature &&
	    g_error_matches(failure, SUTURE_FETCH_ERROR, SUTURE_FETCH_ERROR_NOT_FOUND))
		kernel->none = TRUE;
	else if (failure && !kernel->failure)
		kernel->failure = g_error_copy(failure);
	*(signature ? &kernel->signature : &kernel->repomd) = bytes;
	return SUTURE_HTTP_NEXT;
}

/* Kernels whose rpm-md may be newer than what is served. */
static GPtrArray *choose(const SutureMirrorSession *session)
{
	GPtrArray *kernels = g_ptr_array_new_with_free_func(kernel_free);

	for (guint i = 0; i < session->plan->roles->len; i++) {
		const SutureMirrorRole *role = session->plan->roles->pdata[i];
		Kernel *kernel;

		if (!role->kernel || role->incomplete ||
		    suture_mirror_record_rpm_md(session->folder->record, role->name) == role->version)
			continue;
		kernel = g_new0(Kernel, 1);
		kernel->role = role;
		g_ptr_array_add(kernels, kernel);
	}
	return kernels;
}

static gboolean get_repomds(GPtrArray *kernels, const SutureMirrorDownload *download, GError **error)
{
	Repomds repomds = {.kernels = kernels, .targets_url = download->targets_url};
	const SutureHttpWork work = {.next = next, .done = done, .data = &repomds};

	return suture_http_pool_run(download->pool, &work, error);
}

/* What needs no look at the packages. */
static gboolean judge(SutureMirrorSession *session, Kernel *kernel, const SutureKeyring *keyring, gint64 now,
		      GError **error)
{
	if (kernel->failure) {
		g_propagate_error(error, g_steal_pointer(&kernel->failure));
		return FALSE;
	}
	if (!keyring)
		return suture_mirror_refuse(
			error, SUTURE_MIRROR_ERROR_RPM_MD_SIGNATURE,
			"%s: the repository has rpm-md, but no target %s to verify it by: it is not "
			"mirrored",
			kernel->role->name, SUTURE_MIRROR_KEYRING);
	(void)session;
	kernel->md = suture_mirror_rpm_md_new(kernel->role->name, kernel->repomd, kernel->signature, keyring,
					      now, error);
	return kernel->md != NULL;
}

static gboolean take(SutureMirrorSession *session, const Kernel *kernel, GError **error)
{
	if (!suture_mirror_rpm_md_check(session->folder, kernel->md, session->plan, error) ||
	    !suture_mirror_rpm_md_install(session->folder, kernel->md, error))
		return FALSE;
	session->report->rpm_md++;
	return TRUE;
}

static gboolean bring(SutureMirrorSession *session, const SutureMirrorDownload *download, Kernel *kernel,
		      const SutureKeyring *keyring, gint64 now, GError **error)
{
	SutureMirrorDownload files = *download;
	guint64 count = 0, bytes = 0;

	files.arrivals = NULL;
	files.failed = NULL;
	files.step = "rpm-md";
	return judge(session, kernel, keyring, now, error) &&
	       suture_mirror_download(&files, kernel->md->files, &count, &bytes, error) &&
	       take(session, kernel, error);
}

static gboolean bring_all(SutureMirrorSession *session, const SutureMirrorDownload *download,
			  GPtrArray *kernels, const SutureKeyring *keyring, gint64 now, GError **error)
{
	for (guint i = 0; i < kernels->len; i++) {
		Kernel *kernel = kernels->pdata[i];
		GError *cause = NULL;

		if (!kernel->none && !bring(session, download, kernel, keyring, now, &cause)) {
			if (!suture_mirror_session_note(session, cause, error))
				return FALSE;
			continue;
		}
		suture_mirror_record_set_rpm_md(session->folder->record, kernel->role->name,
						kernel->role->version);
	}
	return TRUE;
}

gboolean suture_mirror_sync_rpm_md(SutureMirrorSession *session, const SutureMirrorDownload *download,
				   gint64 now, GError **error)
{
	g_autoptr(GPtrArray) kernels = choose(session);
	g_autoptr(SutureKeyring) keyring = NULL;
	g_autoptr(GError) cause = NULL;

	if (kernels->len == 0)
		return TRUE;
	keyring = suture_mirror_keyring(session->folder, session->plan, &cause);
	if (cause) {
		g_propagate_error(error, g_steal_pointer(&cause));
		return FALSE;
	}
	return get_repomds(kernels, download, error) &&
	       bring_all(session, download, kernels, keyring, now, error);
}
