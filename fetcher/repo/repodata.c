// SPDX-License-Identifier: LGPL-2.1-or-later
/* state/rpm-md: the signed repodata of each kernel, written again only when what it says changed. */
#include "fetcher/repo/repodata.h"

#include "common/cancel.h"
#include "common/staging.h"
#include "fetcher/repo/rpm-md.h"
#include "signer/sign/gpg.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define INPUTS_MAX_BYTES (64 * 1024 * 1024)
#define REPOMD_MAX_BYTES (1024 * 1024)

/* All that the content depends on but the time; equal inputs mean that the repodata there is still right. */
static GBytes *inputs_of(const SutureRepo *repo, GPtrArray *bundles)
{
	GString *text = g_string_new("format 1\n");
	gsize size;

	g_string_append_printf(text, "key %s\n", repo->settings->rpm_key);
	for (guint i = 0; i < bundles->len; i++) {
		const SutureRepoBundle *bundle = bundles->pdata[i];

		g_string_append_printf(text, "%s %s\n", bundle->sha256, bundle->id);
	}
	size = text->len;
	return g_bytes_new_take(g_string_free(text, FALSE), size);
}

static gboolean is_current(const SutureRepo *repo, const gchar *kernel, GBytes *inputs)
{
	g_autofree gchar *path = g_build_filename(kernel, SUTURE_REPODATA_INPUTS_FILE, NULL);
	g_autoptr(GBytes) present = suture_file_read_at(repo->rpm_md, path, INPUTS_MAX_BYTES, NULL);

	return present && g_bytes_equal(present, inputs);
}

/* libcreaterepo_c creates with the umask's mode; a web server must be able to read. */
static gboolean make_readable(int folder, GError **error)
{
	g_autoptr(GPtrArray) names = suture_repo_names(folder, FALSE, error);

	for (guint i = 0; names && i < names->len; i++)
		if (fchmodat(folder, names->pdata[i], 0644, 0) < 0)
			return suture_error_set_errno(error, errno, "%s", (const gchar *)names->pdata[i]);
	return names != NULL;
}

static gboolean sign(const SutureRepo *repo, int folder, GError **error)
{
	g_autoptr(GBytes) repomd = suture_file_read_at(folder, "repomd.xml", REPOMD_MAX_BYTES, error);
	g_autoptr(GBytes) signature =
		repomd ? suture_gpg_sign_detached(repo->settings->rpm_key, repomd, error) : NULL;

	return signature && suture_file_write_atomic(folder, "repomd.xml.asc", signature, 0644, error);
}

gboolean suture_repo_repodata_update(SutureRepo *repo, const gchar *kernel, GPtrArray *bundles, gint64 time,
				     GError **error)
{
	g_autoptr(GBytes) inputs = inputs_of(repo, bundles);
	g_autoptr(SutureStaging) staging = NULL;
	int folder;

	if (is_current(repo, kernel, inputs))
		return TRUE;
	staging = suture_cancel_check(error) ? suture_staging_new(repo->rpm_md, error) : NULL;
	if (!staging)
		return FALSE;
	folder = suture_staging_fd(staging);
	if (!suture_rpm_md_write(folder, repo->shelf, bundles, time, error) ||
	    !make_readable(folder, error) || !sign(repo, folder, error) ||
	    !suture_file_write_atomic(folder, SUTURE_REPODATA_INPUTS_FILE, inputs, 0600, error)) {
		g_prefix_error(error, "kernel %s: ", kernel);
		return FALSE;
	}
	return suture_staging_commit(staging, kernel, error);
}
