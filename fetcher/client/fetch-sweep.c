// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fetcher/client/fetch-sweep.h"

#include "common/file.h"
#include "common/staging.h"
#include "fetcher/client/fetch.h"
#include "fetcher/client/refresh-note.h"
#include "packager/read/recall-store.h"
#include "packager/read/store.h"

#include <errno.h>
#include <fcntl.h>

/* FALSE of @sweep ends it; a folder that is not there has nothing in it. */
static gboolean sweep_folder(const gchar *root, const gchar *absolute,
			     gboolean (*sweep)(int folder, GError **error), GError **error)
{
	g_autofree gchar *path = g_build_filename(root ? root : "/", absolute, NULL);
	SUTURE_AUTO_FD folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (folder < 0)
		return errno == ENOENT || suture_error_set_errno(error, errno, "%s", path);
	return sweep(folder, error);
}

gboolean suture_fetch_sweep(const gchar *root, GError **error)
{
	return sweep_folder(root, SUTURE_FETCH_METADATA, suture_file_sweep, error) &&
	       sweep_folder(root, SUTURE_RECALL_FOLDER, suture_file_sweep, error) &&
	       /* The note of the last refresh, and the trust anchors; the rest there is appended to. */
	       sweep_folder(root, SUTURE_REFRESH_FOLDER, suture_file_sweep, error) &&
	       sweep_folder(root, SUTURE_REFRESH_FOLDER, suture_staging_sweep, error) &&
	       suture_receipt_sweep(root, error) && suture_store_sweep(root, error);
}
