// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fetcher/client/anchors.h"

#include "common/file.h"
#include "common/staging.h"
#include "fetcher/client/tuf-target.h"
#include "packager/read/bundle.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#define MAX_BYTES (1024 * 1024)

static const struct {
	const gchar *path, *file;
	gboolean needed;
} anchors[] = {
	{"trust/rpm-keyring.asc", "rpm-keyring.asc", TRUE},
	{"trust/cms-ca.pem", "cms-ca.pem", TRUE},
	{"trust/cms-crl.pem", "cms-crl.pem", FALSE},
	{"trust/module.pem", "module.pem", TRUE},
};

/* Of the top-level role alone: nobody that it delegates to decides whom hosts trust. */
static const SutureTufTarget *listed(const SutureTufClient *client, guint i)
{
	return suture_tuf_metadata_target(suture_tuf_client_metadata(client, SUTURE_TUF_TARGETS),
					  anchors[i].path);
}

/* FALSE without an error when the repository lists none at all. */
static gboolean are_listed(const SutureTufClient *client, GError **error)
{
	const gchar *missing = NULL;
	guint count = 0;

	for (guint i = 0; i < G_N_ELEMENTS(anchors); i++)
		if (listed(client, i))
			count++;
		else if (anchors[i].needed)
			missing = anchors[i].path;
	if (count == 0)
		return FALSE;
	if (missing)
		g_set_error(error, SUTURE_TUF_ERROR, SUTURE_TUF_ERROR_ANCHORS,
			    "%s: the repository lists other trust anchors, but not this one; tell the "
			    "publisher",
			    missing);
	return missing == NULL;
}

/* Whether the folder has what is listed. */
static gboolean is_current(const SutureTufClient *client, int folder)
{
	for (guint i = 0; i < G_N_ELEMENTS(anchors); i++) {
		const SutureTufTarget *target = listed(client, i);
		SUTURE_AUTO_FD fd = suture_file_open_beneath(folder, anchors[i].file, O_RDONLY, 0, NULL);

		if (target && (fd < 0 || !suture_tuf_target_check(target, fd, NULL)))
			return FALSE;
	}
	return TRUE;
}

/* A revocation list that the host had and the repository does not list stays in force: nothing that was
 * revoked comes back by being left out. */
static gboolean keep_old(const gchar *root, int folder, const gchar *file, GError **error)
{
	g_autofree gchar *before = suture_trust_folder(root);
	g_autofree gchar *path = g_build_filename(before, file, NULL);
	g_autoptr(GBytes) bytes = NULL;

	if (!g_file_test(path, G_FILE_TEST_EXISTS))
		return TRUE;
	bytes = suture_file_read(path, MAX_BYTES, error);
	return bytes && suture_file_write_atomic(folder, file, bytes, 0644, error);
}

static gboolean download(SutureTufClient *client, const SutureTufTarget *target, const gchar *targets_url,
			 int folder, const gchar *file, GError **error)
{
	SUTURE_AUTO_FD fd = -1;

	if (target->file.length > MAX_BYTES) {
		g_set_error(error, SUTURE_TUF_ERROR, SUTURE_TUF_ERROR_ANCHORS,
			    "%s: larger than a trust anchor may be; tell the publisher", target->name);
		return FALSE;
	}
	fd = suture_file_open_beneath(folder, file, O_RDWR | O_CREAT | O_EXCL, 0644, error);
	return fd >= 0 && suture_tuf_client_download(client, target, targets_url, fd, error) &&
	       (fchmod(fd, 0644) == 0 || suture_error_set_errno(error, errno, "%s", target->name));
}

/* What could not be used would leave the host without any. */
static gboolean try_out(int folder, GError **error)
{
	g_autofree gchar *path = g_strdup_printf("/proc/self/fd/%d", folder);
	g_autoptr(GError) cause = NULL;
	g_autoptr(SutureTrust) trust = suture_trust_load(path, &cause);

	if (!trust)
		g_set_error(error, SUTURE_TUF_ERROR, SUTURE_TUF_ERROR_ANCHORS,
			    "trust anchors of the repository: %s; those of before stay, tell the publisher",
			    cause->message);
	return trust != NULL;
}

static gboolean replace(SutureTufClient *client, const gchar *root, int state, const gchar *name,
			const gchar *targets_url, GError **error)
{
	g_autoptr(SutureStaging) staging = suture_staging_new(state, error);

	if (!staging)
		return FALSE;
	for (guint i = 0; i < G_N_ELEMENTS(anchors); i++) {
		const SutureTufTarget *target = listed(client, i);
		int folder = suture_staging_fd(staging);

		if (!(target ? download(client, target, targets_url, folder, anchors[i].file, error)
			     : keep_old(root, folder, anchors[i].file, error)))
			return FALSE;
	}
	return try_out(suture_staging_fd(staging), error) && suture_staging_commit(staging, name, error);
}

gboolean suture_anchors_adopt(SutureTufClient *client, const gchar *root, const gchar *targets_url,
			      gboolean *ret_changed, GError **error)
{
	g_autofree gchar *path = g_build_filename(root ? root : "/", SUTURE_TRUST_ADOPTED, NULL);
	g_autofree gchar *parent = g_path_get_dirname(path), *name = g_path_get_basename(path);
	g_autoptr(GError) cause = NULL;
	SUTURE_AUTO_FD state = -1, folder = -1;

	*ret_changed = FALSE;
	if (!are_listed(client, &cause)) {
		if (!cause)
			return TRUE;
		g_propagate_error(error, g_steal_pointer(&cause));
		return FALSE;
	}
	state = suture_file_open_folder(parent, TRUE, error);
	if (state < 0 || !suture_staging_sweep(state, error))
		return FALSE;
	folder = suture_file_open_beneath(state, name, O_RDONLY | O_DIRECTORY, 0, NULL);
	if (folder >= 0 && is_current(client, folder))
		return TRUE;
	if (!replace(client, root, state, name, targets_url, error))
		return FALSE;
	*ret_changed = TRUE;
	return TRUE;
}
