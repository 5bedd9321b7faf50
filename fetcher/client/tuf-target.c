// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fetcher/client/tuf-target.h"

#include "common/file.h"
#include "common/mutation.h"
#include "signer/verify/digest.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define READ_CHUNK (256 * 1024)

/* Both hashes of one pass; an algorithm that is not asked for is NULL. */
typedef struct {
	SutureDigest *sha256;
	GChecksum *sha512;
} Hasher;

static void hasher_clear(Hasher *hasher)
{
	g_clear_pointer(&hasher->sha256, suture_digest_free);
	g_clear_pointer(&hasher->sha512, g_checksum_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Hasher, hasher_clear)

static void hasher_init(Hasher *hasher, const SutureTufFile *file)
{
	if (g_hash_table_contains(file->hashes, "sha256"))
		hasher->sha256 = suture_digest_new();
	if (g_hash_table_contains(file->hashes, "sha512"))
		hasher->sha512 = g_checksum_new(G_CHECKSUM_SHA512);
}

static void hasher_update(Hasher *hasher, gconstpointer data, gsize size)
{
	if (hasher->sha256)
		suture_digest_update(hasher->sha256, data, size);
	if (hasher->sha512)
		g_checksum_update(hasher->sha512, data, (gssize)size);
}

static gboolean hasher_matches(Hasher *hasher, const SutureTufFile *file)
{
	gboolean known = hasher->sha256 || hasher->sha512;
	gboolean matches = TRUE;

	if (hasher->sha256) {
		g_autofree gchar *hex = suture_digest_finish(g_steal_pointer(&hasher->sha256));

		matches &= strcmp(hex, g_hash_table_lookup(file->hashes, "sha256")) == 0;
	}
	if (hasher->sha512)
		matches &= strcmp(g_checksum_get_string(hasher->sha512),
				  g_hash_table_lookup(file->hashes, "sha512")) == 0;
	return known && matches;
}

static gboolean judge(Hasher *hasher, const SutureTufFile *file, const gchar *what, SutureTufError code,
		      GError **error)
{
	if (hasher_matches(hasher, file))
		return TRUE;
	g_set_error(error, SUTURE_TUF_ERROR, (gint)code,
		    "%s: differs from the hash that signed metadata lists; use another server", what);
	return FALSE;
}

gboolean suture_tuf_hashes_check_bytes(const SutureTufFile *file, GBytes *bytes, const gchar *what,
				       SutureTufError code, GError **error)
{
	g_auto(Hasher) hasher = {NULL, NULL};
	gsize size;
	gconstpointer data = g_bytes_get_data(bytes, &size);

	hasher_init(&hasher, file);
	hasher_update(&hasher, data, size);
	return judge(&hasher, file, what, code, error);
}

gboolean suture_tuf_hashes_check_fd(const SutureTufFile *file, int fd, const gchar *what, SutureTufError code,
				    GError **error)
{
	g_autofree guint8 *chunk = g_malloc(READ_CHUNK);
	g_auto(Hasher) hasher = {NULL, NULL};
	off_t offset = 0;

	hasher_init(&hasher, file);
	for (;;) {
		gssize got = TEMP_FAILURE_RETRY(pread(fd, chunk, READ_CHUNK, offset));

		if (got < 0)
			return suture_error_set_errno(error, errno, "%s", what);
		if (got == 0)
			return judge(&hasher, file, what, code, error);
		hasher_update(&hasher, chunk, (gsize)got);
		offset += got;
	}
}

gboolean suture_tuf_target_check(const SutureTufTarget *target, int fd, GError **error)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return suture_error_set_errno(error, errno, "%s", target->name);
	if (!suture_check_skipped("tuf-target-length") && st.st_size != target->file.length) {
		g_set_error(error, SUTURE_TUF_ERROR, SUTURE_TUF_ERROR_TARGET_LENGTH,
			    "%s: %" G_GINT64_FORMAT " bytes, signed metadata says %" G_GINT64_FORMAT
			    "; use another server",
			    target->name, (gint64)st.st_size, target->file.length);
		return FALSE;
	}
	return suture_check_skipped("tuf-target-hash") ||
	       suture_tuf_hashes_check_fd(&target->file, fd, target->name, SUTURE_TUF_ERROR_TARGET_HASH,
					  error);
}

static const gchar *any_hash(const SutureTufFile *file)
{
	const gchar *hash = g_hash_table_lookup(file->hashes, "sha256");

	return hash ? hash : g_hash_table_lookup(file->hashes, "sha512");
}

gchar *suture_tuf_target_path(const SutureTufTarget *target, gboolean consistent_snapshot)
{
	const gchar *slash = strrchr(target->name, '/');
	const gchar *base = slash ? slash + 1 : target->name;
	const gchar *hash = any_hash(&target->file);

	if (!consistent_snapshot || !hash)
		return g_strdup(target->name);
	return g_strdup_printf("%.*s%s.%s", (int)(base - target->name), target->name, hash, base);
}

static gboolean get(const SutureTufTarget *target, SutureHttp *http, const gchar *url, int fd,
		    gboolean *resumed, GError **error)
{
	g_autoptr(GError) cause = NULL;

	if (suture_http_get_file(http, url, fd, (guint64)target->file.length, resumed, &cause))
		return TRUE;
	/* A server that announces more than the signed length has another file. */
	if (g_error_matches(cause, SUTURE_FETCH_ERROR, SUTURE_FETCH_ERROR_TOO_LARGE))
		g_set_error(error, SUTURE_TUF_ERROR, SUTURE_TUF_ERROR_TARGET_LENGTH, "%s: %s", target->name,
			    cause->message);
	else
		g_propagate_prefixed_error(error, g_steal_pointer(&cause), "%s: ", target->name);
	return FALSE;
}

gboolean suture_tuf_target_download(const SutureTufTarget *target, SutureHttp *http, const gchar *url, int fd,
				    GError **error)
{
	g_autoptr(GError) wrong = NULL;
	gboolean resumed = FALSE;

	if (!get(target, http, url, fd, &resumed, error))
		return FALSE;
	if (suture_tuf_target_check(target, fd, &wrong))
		return TRUE;
	if (!resumed || wrong->domain != SUTURE_TUF_ERROR) {
		g_propagate_error(error, g_steal_pointer(&wrong));
		return FALSE;
	}
	/* What was kept from an earlier server may be to blame: once more, from the start. */
	if (ftruncate(fd, 0) < 0)
		return suture_error_set_errno(error, errno, "%s", target->name);
	return get(target, http, url, fd, &resumed, error) && suture_tuf_target_check(target, fd, error);
}
