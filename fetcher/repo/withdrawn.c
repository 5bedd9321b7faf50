// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fetcher/repo/withdrawn.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define WITHDRAWN_MAX_BYTES (16 * 1024 * 1024)
#define MEMBER "withdrawn"

static gchar *file_of(const gchar *kernel)
{
	return g_strconcat(kernel, ".json", NULL);
}

json_t *suture_repo_withdrawn_load(const SutureRepo *repo, const gchar *kernel, GError **error)
{
	g_autofree gchar *path = file_of(kernel);
	g_autoptr(GBytes) bytes = NULL;
	SUTURE_AUTO_JSON *document = NULL;
	json_t *list;

	if (faccessat(repo->withdrawn, path, F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
		return json_array();
	bytes = suture_file_read_at(repo->withdrawn, path, WITHDRAWN_MAX_BYTES, error);
	document = bytes ? suture_json_parse(bytes, WITHDRAWN_MAX_BYTES, path, error) : NULL;
	list = document ? suture_json_array(document, "", MEMBER, G_MAXSIZE, error) : NULL;
	return json_incref(list);
}

gboolean suture_repo_withdrawn_has(json_t *withdrawn, const gchar *id, const gchar *manifest_sha256)
{
	json_t *entry;
	gsize i;

	json_array_foreach (withdrawn, i, entry)
		if (g_strcmp0(json_string_value(json_object_get(entry, "id")), id) == 0 ||
		    g_strcmp0(json_string_value(json_object_get(entry, "manifest_sha256")),
			      manifest_sha256) == 0)
			return TRUE;
	return FALSE;
}

gboolean suture_repo_withdrawn_add(const SutureRepo *repo, const SutureRepoBundle *bundle,
				   const gchar *reason, gint64 now, GError **error)
{
	g_autofree gchar *name = file_of(bundle->kernel);
	g_autofree gchar *time = suture_repo_time(now);
	SUTURE_AUTO_JSON *list = suture_repo_withdrawn_load(repo, bundle->kernel, error);
	SUTURE_AUTO_JSON *document = NULL;
	g_autoptr(GBytes) bytes = NULL;

	if (!list)
		return FALSE;
	if (suture_repo_withdrawn_has(list, bundle->id, bundle->target->manifest_sha256))
		return TRUE;
	json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s}", "id", bundle->id, "manifest_sha256",
					      bundle->target->manifest_sha256, "reason", reason, "withdrawn",
					      time));
	document = json_pack("{s:O}", MEMBER, list);
	bytes = suture_json_pretty(document);
	return suture_file_write_atomic(repo->withdrawn, name, bytes, 0600, error);
}
